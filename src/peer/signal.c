/*
 * signal.c - descriptions and candidates, out and in, and the paths that come of them.
 *
 * The asking end offers; the other answers. When nothing of what we send has been answered for PEER_PATH_SECONDS, the asking end
 * makes a new `struct ice` and offers again; both ends move over to it when it has a path. A new offer is not made while the
 * last is unanswered: an answer does not say to which offer it belongs.
 */
#include "peer_internal.h"
#include <openssl/crypto.h>

enum { OFFERS_APART_MS = 500 }; /* restarts by the other end, each of which costs us sockets */

static enum err new_ice(struct peer *peer, struct ice **out)
{
    enum err err = ice_new(peer->source, &peer->config, &signal_ice_ops, peer, out);

    if (!err)
        ice_credentials(*out, peer->local.ufrag, peer->local.password);
    return err;
}

static enum err send_description(struct peer *peer)
{
    struct buf text;
    enum err err;

    peer->local.version++;
    buf_init(&text, PEER_DESCRIPTION_MAX);
    err = sdp_write(&peer->local, &text);
    if (!err)
        event_add(peer, EVENT_DESCRIPTION, buf_slice(&text));
    buf_free(&text);
    return err;
}

enum err signal_offer(struct peer *peer)
{
    struct ice *ice = NULL;
    enum err err = new_ice(peer, &ice);

    if (err)
        return err;
    if (peer->ice)
        peer->next = ice;
    else
        peer->ice = ice;
    peer->local.setup = SDP_ACTPASS;
    peer->answer_due = true;
    err = send_description(peer);
    if (!err)
        err = ice_gather(ice);
    return err;
}

/* The other end's description */

static bool same_channel(const struct peer *peer, const struct sdp *sdp)
{
    return CRYPTO_memcmp(peer->remote.fingerprint, sdp->fingerprint, PEER_FINGERPRINT) == 0 &&
           peer->remote.sctp_port == sdp->sctp_port && strcmp(peer->remote.ufrag, sdp->ufrag) != 0;
}

static bool acceptable(const struct peer *peer, const struct sdp *sdp)
{
    if (peer->stage == PEER_STAGE_ENDED || peer->stage == PEER_STAGE_CLOSING)
        return false;
    if (peer->config.offers)
        return peer->answer_due && sdp->setup != SDP_ACTPASS && (!peer->described || same_channel(peer, sdp));
    if (peer->offered_at && world_mono_ms(peer->world) - peer->offered_at < OFFERS_APART_MS)
        return false;
    return !peer->described || (peer->stage == PEER_STAGE_OPEN && same_channel(peer, sdp));
}

/* The candidates that stand in the description itself. */
static void take_candidates(struct peer *peer, const struct sdp *sdp)
{
    peer->remote_candidates = sdp->candidate_count;
    for (size_t i = 0; i < sdp->candidate_count; i++)
        ice_remote_candidate(peer->talking, &sdp->candidates[i]);
    if (sdp->complete)
        ice_remote_complete(peer->talking);
}

static enum err take_answer(struct peer *peer, const struct sdp *sdp)
{
    struct ice *ice = peer->next ? peer->next : peer->ice;
    enum err err = ice_remote(ice, sdp->ufrag, sdp->password);

    if (err)
        return err;
    peer->answer_due = false;
    peer->talking = ice;
    if (peer->next)
        peer->restart_until = world_mono_ms(peer->world) + peer->times.restart;
    else
        peer->dtls_client = sdp->setup == SDP_PASSIVE;
    return OK;
}

static enum err take_offer(struct peer *peer, const struct sdp *sdp)
{
    struct ice *ice = NULL;
    enum err err = new_ice(peer, &ice);

    if (err)
        return err;
    err = ice_remote(ice, sdp->ufrag, sdp->password);
    if (err) {
        ice_free(&ice);
        return err;
    }
    if (peer->ice) {
        peer->offered_at = world_mono_ms(peer->world);
        ice_free(&peer->next);
        peer->next = ice;
    } else {
        peer->ice = ice;
        peer->dtls_client = sdp->setup != SDP_ACTIVE;
    }
    peer->talking = ice;
    peer->local.setup = peer->dtls_client ? SDP_ACTIVE : SDP_PASSIVE;
    memcpy(peer->local.mid, sdp->mid, sizeof peer->local.mid);
    err = send_description(peer);
    if (!err)
        err = ice_gather(ice);
    return err;
}

enum err peer_describe(struct peer *peer, struct slice text)
{
    struct sdp sdp;
    bool first = !peer->described;
    enum err err = sdp_parse(text, &sdp);

    if (!err && !acceptable(peer, &sdp))
        err = ERR_INVALID;
    if (!err)
        err = peer->config.offers ? take_answer(peer, &sdp) : take_offer(peer, &sdp);
    if (err)
        return err;
    peer->remote = sdp;
    peer->described = true;
    if (first) {
        peer->stage = PEER_STAGE_SEARCH;
        peer->search_until = world_mono_ms(peer->world) + peer->times.search;
        err = channel_described(peer);
    }
    if (!err)
        take_candidates(peer, &sdp);
    else
        peer_end_with(peer, PEER_BROKEN, "out of memory");
    return OK;
}

enum err peer_candidate(struct peer *peer, struct slice text)
{
    struct sdp_candidate candidate;
    enum err err;

    if (!peer->talking || peer->stage == PEER_STAGE_ENDED)
        return ERR_INVALID;
    if (text.len == 0) {
        ice_remote_complete(peer->talking);
        return OK;
    }
    if (++peer->remote_candidates > PEER_CANDIDATES_MAX)
        return ERR_CAP;
    err = sdp_parse_candidate(text, &candidate);
    return err ? err : ice_remote_candidate(peer->talking, &candidate);
}

/* From ICE */

static void on_candidate(void *ctx, struct ice *ice, const struct sdp_candidate *candidate)
{
    struct peer *peer = ctx;
    struct buf text;

    if (ice != (peer->next ? peer->next : peer->ice))
        return; /* it would be taken for one of the new search */
    if (!candidate) {
        event_add(peer, EVENT_CANDIDATE, slice_of(NULL, 0));
        return;
    }
    buf_init(&text, SDP_CANDIDATE_MAX);
    if (sdp_write_candidate(candidate, &text) == OK)
        event_add(peer, EVENT_CANDIDATE, buf_slice(&text));
    buf_free(&text);
}

static void see_path(struct peer *peer)
{
    bool relayed = ice_relayed(peer->ice);

    if (relayed == peer->relayed)
        return;
    peer->relayed = relayed;
    if (peer->told_open)
        event_soon(peer);
}

static void move_over(struct peer *peer)
{
    ice_free(&peer->ice);
    peer->ice = peer->next;
    peer->next = NULL;
    if (peer->sctp)
        sctp_ask(peer->sctp);
}

static void on_state(void *ctx, struct ice *ice, enum ice_state state)
{
    struct peer *peer = ctx;

    if (peer->stage == PEER_STAGE_ENDED)
        return;
    if (ice == peer->next && state == ICE_CONNECTED)
        move_over(peer);
    if (ice != peer->ice)
        return;
    if (state != ICE_FAILED)
        peer->failed_since = 0;
    else if (!peer->failed_since)
        peer->failed_since = world_mono_ms(peer->world);
    if (state == ICE_CONNECTED) {
        peer->connected = true;
        see_path(peer);
        channel_connected(peer);
    }
}

static void on_packet(void *ctx, struct ice *ice, struct slice packet)
{
    struct peer *peer = ctx;

    if (peer->stage == PEER_STAGE_ENDED)
        return;
    dtls_input(peer->dtls, packet);
    event_tell(peer);
}

const struct ice_ops signal_ice_ops = {on_candidate, on_state, on_packet};

void signal_packet_out(struct peer *peer, struct slice packet)
{
    if (peer->ice)
        ice_send(peer->ice, packet);
}

/* Watching over the path */

static void watch_search(struct peer *peer, int64_t now)
{
    if (now >= peer->search_until)
        peer_end_with(peer, PEER_NO_PATH, "no path to the other end was found in time");
    else if (peer->failed_since && now - peer->failed_since >= peer->times.grace && !peer->connected)
        peer_end_with(peer, PEER_NO_PATH, "no pair of addresses of the two ends could reach each other");
}

static void watch_open(struct peer *peer, int64_t now)
{
    int64_t silent = now - sctp_answered_at(peer->sctp);

    see_path(peer);
    if (silent >= peer->times.lost) {
        peer_end_with(peer, PEER_LOST, "the other end is not heard any more");
        return;
    }
    if (!peer->config.offers || silent < peer->times.path || peer->answer_due)
        return;
    if (peer->next && now < peer->restart_until)
        return;
    ice_free(&peer->next);
    peer->talking = peer->ice;
    if (signal_offer(peer) != OK) { /* no address at the moment: asked again at the next look */
        ice_free(&peer->next);
        peer->answer_due = false;
    }
}

void signal_watch(struct peer *peer, int64_t now)
{
    if (peer->stage == PEER_STAGE_SEARCH)
        watch_search(peer, now);
    else if (peer->stage == PEER_STAGE_OPEN)
        watch_open(peer, now);
}
