/*
 * channel.c - DTLS, SCTP and the data channel over whatever path there is.
 *
 * The DTLS client speaks once there is a path; the server listens as soon as it knows whom to expect. The asking end opens the
 * channel, on stream 0 or 1 by its part in DTLS (RFC 8832).
 */
#include "peer_internal.h"

enum { LENGTH = sizeof(uint32_t) };

static void start_dtls(struct peer *peer)
{
    if (dtls_started(peer->dtls))
        return;
    if (dtls_start(peer->dtls, peer->dtls_client, peer->remote.fingerprint) != OK)
        peer_end_with(peer, PEER_BROKEN, "out of memory");
}

enum err channel_described(struct peer *peer)
{
    if (!peer->dtls_client || peer->connected)
        start_dtls(peer);
    return OK;
}

void channel_connected(struct peer *peer)
{
    if (peer->described)
        start_dtls(peer);
}

/* Messages out */

static enum err hand_over(struct peer *peer, struct slice message)
{
    static const uint8_t zero;
    struct sctp_message out = {peer->stream, DCEP_BINARY, message};

    if (message.len == 0)
        out = (struct sctp_message){peer->stream, DCEP_EMPTY_BINARY, slice_of(&zero, 1)};
    return sctp_send(peer->sctp, &out);
}

static void pump_outbox(struct peer *peer)
{
    while (buf_len(&peer->outbox) > 0) {
        uint32_t len;
        enum err err;
        memcpy(&len, buf_data(&peer->outbox), LENGTH);
        err = hand_over(peer, slice_of(buf_data(&peer->outbox) + LENGTH, len));
        if (err == ERR_SYSTEM)
            peer_end_with(peer, PEER_BROKEN, "the channel refused a message");
        if (err)
            return;
        buf_consume(&peer->outbox, LENGTH + len);
    }
    buf_shrink(&peer->outbox);
}

void channel_pump(struct peer *peer)
{
    if (!peer->sctp || (peer->stage != PEER_STAGE_OPEN && peer->stage != PEER_STAGE_CLOSING))
        return;
    pump_outbox(peer);
    if (peer->full && peer_unsent(peer) <= PEER_QUEUE_MAX / 4) {
        peer->full = false;
        peer->tell_drained = true;
        event_soon(peer);
    }
    if (peer->stage == PEER_STAGE_CLOSING && buf_len(&peer->outbox) == 0 && !peer->shut_down) {
        peer->shut_down = true;
        sctp_shutdown(peer->sctp);
    }
}

enum err peer_send(struct peer *peer, struct slice message)
{
    uint32_t len = (uint32_t)message.len;
    enum err err;

    if (peer->stage != PEER_STAGE_OPEN)
        return ERR_WRONG_STATE;
    if (message.len > PEER_MESSAGE_MAX || (peer->remote.max_message && message.len > peer->remote.max_message))
        return ERR_TOO_LONG;
    if (peer_unsent(peer) + LENGTH + message.len > PEER_QUEUE_MAX) {
        peer->full = true;
        return ERR_CAP;
    }
    if (buf_len(&peer->outbox) == 0) {
        err = hand_over(peer, message);
        if (err != ERR_AGAIN) {
            glib_source_wake(peer->source);
            return err == ERR_SYSTEM ? ERR_WRONG_STATE : err;
        }
    }
    err = buf_append(&peer->outbox, &len, LENGTH);
    if (!err && message.len) {
        err = buf_append(&peer->outbox, message.data, message.len);
        if (err)
            peer->outbox.end -= LENGTH;
    }
    return err;
}

size_t peer_unsent(const struct peer *peer)
{
    return buf_len(&peer->outbox) + (peer->sctp ? sctp_unsent(peer->sctp) : 0);
}

/* DCEP */

static void send_control(struct peer *peer, int kind)
{
    struct dcep message = {.kind = kind, .label = slice_str("earshot")};
    uint8_t bytes[DCEP_SIZE_MAX];
    struct sctp_message out = {peer->stream, DCEP_CONTROL, slice_of(bytes, dcep_write(&message, bytes))};

    if (sctp_send(peer->sctp, &out) != OK)
        peer_end_with(peer, PEER_BROKEN, "the channel refused a message");
}

static void set_open(struct peer *peer)
{
    if (peer->stage != PEER_STAGE_SEARCH)
        return;
    peer->stage = PEER_STAGE_OPEN;
    peer->relayed = ice_relayed(peer->ice);
    peer->tell_open = true;
    event_soon(peer);
}

static void on_control(struct peer *peer, const struct sctp_message *message)
{
    struct dcep control;
    bool theirs_by_parity = (message->stream & 1) == (peer->dtls_client ? 1 : 0);

    if (dcep_parse(message->bytes, &control) != OK) {
        peer_end_with(peer, PEER_BROKEN, "the other end sent a control message that is none");
    } else if (control.kind == DCEP_ACK) {
        if (peer->config.offers && message->stream == peer->stream)
            set_open(peer);
    } else if (peer->config.offers || peer->open_known || !control.reliable || !theirs_by_parity) {
        peer_end_with(peer, PEER_BROKEN, "the other end opened a channel that was not agreed on");
    } else {
        peer->open_known = true;
        peer->stream = message->stream;
        send_control(peer, DCEP_ACK);
        set_open(peer);
    }
}

/* From SCTP */

static void on_sctp_up(void *ctx)
{
    struct peer *peer = ctx;

    if (!peer->config.offers)
        return;
    peer->stream = peer->dtls_client ? 0 : 1;
    peer->open_known = true;
    send_control(peer, DCEP_OPEN);
}

static void on_message(void *ctx, const struct sctp_message *message)
{
    struct peer *peer = ctx;
    struct slice bytes = message->bytes;

    if (message->payload == DCEP_CONTROL) {
        on_control(peer, message);
        return;
    }
    if (!peer->open_known || message->stream != peer->stream) {
        peer_end_with(peer, PEER_BROKEN, "the other end sent on a channel that is not open");
        return;
    }
    if (message->payload == DCEP_EMPTY_TEXT || message->payload == DCEP_EMPTY_BINARY) {
        bytes.len = 0;
    } else if (message->payload != DCEP_TEXT && message->payload != DCEP_BINARY) {
        peer_end_with(peer, PEER_BROKEN, "the other end sent something of an unknown kind");
        return;
    }
    set_open(peer); /* it has our opening: its acknowledgement would say no more */
    event_add(peer, EVENT_DATA, bytes);
}

static void on_room(void *ctx)
{
    channel_pump(ctx);
}

static void on_reset(void *ctx, uint16_t stream)
{
    struct peer *peer = ctx;

    if (peer->open_known && stream == peer->stream)
        peer_end_with(peer, PEER_CLOSED, "the other end closed the channel");
}

static void on_sctp_ended(void *ctx, enum sctp_end end)
{
    struct peer *peer = ctx;

    if (peer->stage == PEER_STAGE_CLOSING)
        peer_end_with(peer, PEER_CLOSED, "closed");
    else if (end == SCTP_END_FAILED)
        peer_end_with(peer, PEER_BROKEN, "the other end broke the protocol of the channel");
    else
        peer_end_with(peer, PEER_CLOSED, "the other end closed the channel");
}

static void sctp_packet_out(void *ctx, struct slice packet)
{
    struct peer *peer = ctx;

    dtls_send(peer->dtls, packet);
}

static const struct sctp_ops sctp_ops = {sctp_packet_out, on_sctp_up, on_message, on_room, on_reset, on_sctp_ended};

/* From DTLS */

static void dtls_packet_out(void *ctx, struct slice packet)
{
    signal_packet_out(ctx, packet);
}

static void on_dtls_up(void *ctx)
{
    struct peer *peer = ctx;
    enum err err = sctp_new(peer->world, PEER_MESSAGE_MAX, &sctp_ops, peer, &peer->sctp);

    if (!err)
        err = sctp_connect(peer->sctp, SDP_SCTP_PORT, peer->remote.sctp_port);
    if (err)
        peer_end_with(peer, PEER_BROKEN, "the channel could not be set up");
}

static void on_dtls_data(void *ctx, struct slice bytes)
{
    struct peer *peer = ctx;

    if (peer->sctp && peer->stage != PEER_STAGE_ENDED)
        sctp_input(peer->sctp, bytes);
}

static void on_dtls_ended(void *ctx, enum dtls_end end)
{
    struct peer *peer = ctx;

    if (end == DTLS_UNTRUSTED)
        peer_end_with(peer, PEER_UNTRUSTED, "the other end's certificate is not the one that was described");
    else if (end == DTLS_REFUSED)
        peer_end_with(peer, PEER_UNTRUSTED, "the other end refused our certificate: it is not the one it was told of");
    else if (end == DTLS_CLOSED)
        peer_end_with(peer, PEER_CLOSED, "the other end closed the channel");
    else
        peer_end_with(peer, PEER_BROKEN, "the encryption failed");
}

const struct dtls_ops channel_dtls_ops = {dtls_packet_out, on_dtls_up, on_dtls_data, on_dtls_ended};
