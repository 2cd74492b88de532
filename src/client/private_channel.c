/* private_channel.c - one channel: introduction through the server, proof of who is there, frames. See docs/PRIVATE.md. */
#include "private_channel.h"
#include "base/printable.h"
#include <stdio.h>
#include <stdlib.h>

enum { OUR_SIGNAL_MAX = ENVELOPE_SDP + 1024 };

/* ---- lists of bytes ---- */

enum err pieces_add(struct pieces *pieces, struct slice data, size_t most)
{
    struct piece *piece = pieces->count < most ? malloc(sizeof *piece + data.len) : NULL;
    if (piece == NULL)
        return pieces->count < most ? ERR_MEMORY : ERR_CAP;
    piece->next = NULL;
    piece->len = data.len;
    if (data.len > 0)
        memcpy(piece->data, data.data, data.len);
    if (pieces->last != NULL)
        pieces->last->next = piece;
    else
        pieces->first = piece;
    pieces->last = piece;
    pieces->count++;
    return OK;
}

void pieces_clear(struct pieces *pieces)
{
    while (pieces->first != NULL) {
        struct piece *piece = pieces->first;
        pieces->first = piece->next;
        free(piece);
    }
    *pieces = (struct pieces){0};
}

static struct safety_end *our_end(struct channel *channel)
{
    return channel->asker ? &channel->safety.asker : &channel->safety.answerer;
}

static struct safety_end *their_end(struct channel *channel)
{
    return channel->asker ? &channel->safety.answerer : &channel->safety.asker;
}

/* ---- signals out ---- */

static enum err hand_to_server(struct channel *channel, struct slice payload)
{
    struct request what = {.kind = REQUEST(SIGNAL), .user = channel->user, .device = channel->device};
    memcpy(what.channel, channel->safety.channel, sizeof what.channel);
    return channel->privates->is.ops->ask(channel->privates->is.ctx, &what, payload);
}

void channel_signal_failed(struct channel *channel, struct slice payload)
{
    (void)pieces_add(&channel->unsent, payload, PRIVATE_SIGNALS); /* one that is lost costs at most this channel */
    if (channel->retry.place == 0)
        private_start_timer(channel->privates, &channel->retry, PRIVATE_RETRY_MS);
}

void channel_signal(struct channel *channel, struct slice payload)
{
    if (channel->unsent.count > 0 || hand_to_server(channel, payload) != OK)
        channel_signal_failed(channel, payload);
}

static bool pack_signal(struct channel *channel, const Earshot__PeerSignal *signal, struct slice *out)
{
    size_t len = earshot__peer_signal__get_packed_size(signal);
    struct arena *arena = &channel->privates->arena;
    arena_reset(arena);
    uint8_t *space = len <= OUR_SIGNAL_MAX ? arena_alloc(arena, len + 1) : NULL;
    if (space == NULL)
        return false;
    *out = slice_of(space, earshot__peer_signal__pack(signal, space));
    return true;
}

void channel_say_closed(struct channel *channel, const char *reason)
{
    Earshot__PeerSignal signal = EARSHOT__PEER_SIGNAL__INIT;
    struct slice payload;
    signal.body_case = EARSHOT__PEER_SIGNAL__BODY_CLOSED;
    signal.closed = bytes_of_slice(slice_str(reason));
    if (channel->stage >= STAGE_CONNECTING && pack_signal(channel, &signal, &payload))
        (void)hand_to_server(channel, payload);
}

/* The channel cannot go on, whoever is to blame. */
static void give_up(struct channel *channel, const char *pattern)
{
    char text[PRIVATE_SENTENCE];
    if (channel->stage == STAGE_OPEN) {
        channel_end(channel, "broken", true);
        return;
    }
    private_sentence(text, pattern, &channel->user);
    channel_say_closed(channel, "the other side gave up");
    channel_fail(channel, EARSHOT_PRIVATE_FAILED, text);
}

/* ---- frames ---- */

enum err channel_send(struct channel *channel, const Earshot__PeerFrame *frame)
{
    size_t len = earshot__peer_frame__get_packed_size(frame);
    uint8_t *space = channel->tunnel != NULL && len <= PEER_MESSAGE_MAX ? malloc(len + 1) : NULL;
    if (space == NULL)
        return ERR_MEMORY;
    earshot__peer_frame__pack(frame, space);
    enum err err = channel->privates->is.transport->send(channel->tunnel, slice_of(space, len));
    free(space);
    return err;
}

static void send_bytes(struct channel *channel, Earshot__PeerFrame__BodyCase which, const uint8_t bytes[DIGEST_SIZE])
{
    Earshot__PeerFrame frame = EARSHOT__PEER_FRAME__INIT;
    ProtobufCBinaryData data = bytes_of_slice(slice_of(bytes, DIGEST_SIZE));
    frame.body_case = which;
    if (which == EARSHOT__PEER_FRAME__BODY_COMMIT)
        frame.commit = data;
    else if (which == EARSHOT__PEER_FRAME__BODY_NONCE)
        frame.nonce = data;
    else
        frame.reveal = data;
    (void)channel_send(channel, &frame); /* the first frames always fit; if not, the deadline ends it */
}

/* ---- proof ---- */

static void become_open(struct channel *channel)
{
    struct privates *privates = channel->privates;
    struct safety *safety = &channel->safety;
    char code[SAFETY_CODE];
    if (!privates->is.transport->fingerprints(channel->tunnel, our_end(channel)->print, their_end(channel)->print)) {
        give_up(channel, "The certificate of $ is not known.");
        return;
    }
    if (channel->contact == CONTACT_NEW &&
        contacts_keep(privates->is.contacts, &channel->user, their_end(channel)->key, false) != OK) {
        give_up(channel, "The key of $ cannot be kept in the state directory.");
        return;
    }
    safety_code(safety, code);
    timer_stop(privates->is.world->timers, &channel->deadline);
    channel->stage = STAGE_OPEN;
    struct earshot_event event = {.type = EARSHOT_EVENT_PRIVATE_OPEN, .request = channel->request, .user = channel->user.text};
    event.text = code;
    event.relayed = channel->relayed;
    event.verified = channel->contact == CONTACT_VERIFIED;
    channel->request = 0;
    private_emit(privates, &event);
}

static void take_commit(struct channel *channel, const Earshot__PeerFrame *frame)
{
    struct random *random = channel->privates->is.world->random;
    if (channel->asker || channel->committed || frame->commit.len != DIGEST_SIZE) {
        give_up(channel, "The client of $ does not keep to the protocol.");
        return;
    }
    memcpy(channel->commit, frame->commit.data, DIGEST_SIZE);
    channel->committed = true;
    random->fill(random, channel->safety.answerer.nonce, SAFETY_NONCE);
    send_bytes(channel, EARSHOT__PEER_FRAME__BODY_NONCE, channel->safety.answerer.nonce);
}

static void take_nonce(struct channel *channel, const Earshot__PeerFrame *frame)
{
    if (!channel->asker || frame->nonce.len != SAFETY_NONCE) {
        give_up(channel, "The client of $ does not keep to the protocol.");
        return;
    }
    memcpy(channel->safety.answerer.nonce, frame->nonce.data, SAFETY_NONCE);
    send_bytes(channel, EARSHOT__PEER_FRAME__BODY_REVEAL, channel->safety.asker.nonce);
    become_open(channel);
}

static void take_reveal(struct channel *channel, const Earshot__PeerFrame *frame)
{
    if (channel->asker || !channel->committed || frame->reveal.len != SAFETY_NONCE ||
        !safety_kept(frame->reveal.data, channel->commit)) {
        give_up(channel, "The end of $ is not what it said it was; somebody may be in between.");
        return;
    }
    memcpy(channel->safety.asker.nonce, frame->reveal.data, SAFETY_NONCE);
    become_open(channel);
}

static void take_text(struct channel *channel, const Earshot__PeerFrame *frame)
{
    if (!texts_take(channel, frame->text))
        give_up(channel, "$");
}

static void take_received(struct channel *channel, const Earshot__PeerFrame *frame)
{
    if (!texts_received(channel, frame->received))
        give_up(channel, "$");
    else if (channel->stop != 0 && channel->first == NULL)
        channel_end(channel, "stopped", true);
}

static void take_stop(struct channel *channel, const Earshot__PeerFrame *frame)
{
    char reason[PRIVATE_REASON] = "", text[PRIVATE_SENTENCE];
    printable_copy(slice_of_bytes(frame->stop), reason, sizeof reason);
    if (channel->stage == STAGE_OPEN) {
        texts_acknowledge(channel);
        channel_end(channel, reason[0] != '\0' ? reason : "stopped", false);
        return;
    }
    snprintf(text, sizeof text, "%s has ended it: %s.", channel->user.text, reason);
    channel_fail(channel, EARSHOT_PRIVATE_FAILED, text);
}

static const struct {
    bool proving, open; /* in which stages it is heard */
    void (*take)(struct channel *channel, const Earshot__PeerFrame *frame);
} frames[] = {
    [EARSHOT__PEER_FRAME__BODY_COMMIT] = {true, false, take_commit},
    [EARSHOT__PEER_FRAME__BODY_NONCE] = {true, false, take_nonce},
    [EARSHOT__PEER_FRAME__BODY_REVEAL] = {true, false, take_reveal},
    [EARSHOT__PEER_FRAME__BODY_TEXT] = {false, true, take_text},
    [EARSHOT__PEER_FRAME__BODY_RECEIVED] = {false, true, take_received},
    [EARSHOT__PEER_FRAME__BODY_STOP] = {true, true, take_stop},
};

static void on_data(void *ctx, struct slice message)
{
    struct channel *channel = ctx;
    Earshot__PeerFrame *frame;
    arena_reset(&channel->privates->arena);
    if (channel->stage < STAGE_PROVING || codec_read_peer_frame(message, &channel->privates->arena, &frame) != OK) {
        give_up(channel, "The client of $ does not keep to the protocol.");
        return;
    }
    size_t which = (size_t)frame->body_case;
    if (which >= sizeof frames / sizeof frames[0] || frames[which].take == NULL)
        return; /* of a later version */
    if (channel->stage == STAGE_OPEN ? frames[which].open : frames[which].proving)
        frames[which].take(channel, frame);
    else
        give_up(channel, "The client of $ does not keep to the protocol.");
}

/* ---- what the transport says ---- */

static void on_description(void *ctx, struct slice sdp)
{
    struct channel *channel = ctx;
    const struct envelope envelope = {channel->safety.channel, channel->safety.nonce, channel->privates->is.self, &channel->user};
    Earshot__PeerDescription description = EARSHOT__PEER_DESCRIPTION__INIT;
    Earshot__PeerSignal signal = EARSHOT__PEER_SIGNAL__INIT;
    uint8_t signature[IDENTITY_SIGNATURE];
    struct slice payload;
    description.generation = ++channel->our_generation;
    if (envelope_sign(&envelope, channel->privates->is.identity, sdp, signature, &description) != OK)
        return;
    signal.body_case = EARSHOT__PEER_SIGNAL__BODY_DESCRIPTION;
    signal.description = &description;
    if (pack_signal(channel, &signal, &payload))
        channel_signal(channel, payload);
}

static void on_candidate(void *ctx, struct slice candidate)
{
    struct channel *channel = ctx;
    Earshot__PeerSignal signal = EARSHOT__PEER_SIGNAL__INIT;
    struct slice payload;
    signal.body_case = EARSHOT__PEER_SIGNAL__BODY_CANDIDATE;
    signal.candidate = bytes_of_slice(candidate);
    if (pack_signal(channel, &signal, &payload))
        channel_signal(channel, payload);
}

static void on_open(void *ctx, enum peer_path path)
{
    struct channel *channel = ctx;
    uint8_t commit[DIGEST_SIZE];
    if (channel->stage != STAGE_CONNECTING)
        return;
    channel->stage = STAGE_PROVING;
    channel->relayed = path == PEER_RELAYED;
    if (!channel->asker)
        return;
    channel->privates->is.world->random->fill(channel->privates->is.world->random, channel->safety.asker.nonce, SAFETY_NONCE);
    safety_commit(channel->safety.asker.nonce, commit);
    send_bytes(channel, EARSHOT__PEER_FRAME__BODY_COMMIT, commit);
}

static void on_path(void *ctx, enum peer_path path)
{
    struct channel *channel = ctx;
    channel->relayed = path == PEER_RELAYED;
    if (channel->stage == STAGE_OPEN)
        private_emit(
            channel->privates,
            &(struct earshot_event){.type = EARSHOT_EVENT_PRIVATE_PATH, .user = channel->user.text, .relayed = channel->relayed});
}

static void on_drained(void *ctx)
{
    private_soon(((struct channel *)ctx)->privates);
}

static void on_closed(void *ctx, enum peer_end end, const char *why)
{
    static const char *const reasons[] = {[PEER_CLOSED] = "closed",
                                          [PEER_LOST] = "lost",
                                          [PEER_NO_PATH] = "lost",
                                          [PEER_UNTRUSTED] = "broken",
                                          [PEER_BROKEN] = "broken"};
    struct channel *channel = ctx;
    char text[PRIVATE_SENTENCE];
    const char *user = channel->user.text;
    size_t which = (size_t)end;
    if (channel->stage == STAGE_OPEN) {
        channel_end(channel, which < sizeof reasons / sizeof reasons[0] ? reasons[which] : "broken", false);
        return;
    }
    if (end == PEER_NO_PATH)
        snprintf(text, sizeof text, "No way to the machine of %s was found.%s", user,
                 channel->had_relays ? "" : " A TURN server would help: whoever runs the server can add one.");
    else if (end == PEER_UNTRUSTED)
        snprintf(text, sizeof text, "The other end is not the one that %s described; somebody may be in between.", user);
    else
        snprintf(text, sizeof text, "The channel to %s did not come to be: %.160s", user, why != NULL ? why : "");
    channel_say_closed(channel, end == PEER_NO_PATH ? "no way was found" : "it did not work");
    channel_fail(channel, EARSHOT_PRIVATE_FAILED, text);
}

static const struct peer_ops peer_ops = {
    .description = on_description,
    .candidate = on_candidate,
    .open = on_open,
    .path = on_path,
    .data = on_data,
    .drained = on_drained,
    .closed = on_closed,
};

void channel_connect(struct channel *channel, const Earshot__PrivateSettled *settled)
{
    struct privates *privates = channel->privates;
    struct transport_relay relays[PRIVATE_RELAYS];
    struct transport_config config = {.offers = channel->asker, .relays = relays, .ops = &peer_ops, .ctx = channel};
    channel->stage = STAGE_CONNECTING;
    memcpy(our_end(channel)->key, privates->is.identity->key, IDENTITY_KEY);
    if (channel->stop != 0) {
        channel_end(channel, "stopped", true);
        return;
    }
    for (size_t i = 0; i < settled->n_relays && config.relay_count < PRIVATE_RELAYS; i++) {
        const Earshot__Relay *relay = settled->relays[i];
        relays[config.relay_count++] =
            (struct transport_relay){slice_of_bytes(relay->url), slice_of_bytes(relay->user), slice_of_bytes(relay->password)};
    }
    channel->had_relays = config.relay_count > 0;
    private_start_timer(privates, &channel->deadline, PRIVATE_SETUP_MS);
    enum err err = privates->is.transport->open(privates->is.transport_ctx, &config, &channel->tunnel);
    if (err == ERR_NOT_FOUND)
        give_up(channel, "Your address is to be hidden, and there is no relay that would stand between you and $.");
    else if (err != OK)
        give_up(channel, "The channel to $ cannot be made on this machine.");
}

/* ---- signals in ---- */

/* What one end says to the other, which then shows its own key: so that two people can compare it. */
static const char unknown_key[] = "the other side does not know this key";

void private_fingerprint(const uint8_t key[IDENTITY_KEY], char out[FINGERPRINT_SIZE])
{
    cert_fingerprint_der(slice_of(key, IDENTITY_KEY), out);
}

static void explain_change(const struct channel *channel, const uint8_t key[IDENTITY_KEY], char text[PRIVATE_EXPLANATION])
{
    char now[FINGERPRINT_SIZE], before[FINGERPRINT_SIZE] = "unreadable";
    uint8_t last[IDENTITY_KEY];
    private_fingerprint(key, now);
    if (contacts_last(channel->privates->is.contacts, &channel->user, last) == OK)
        private_fingerprint(last, before);
    snprintf(text, PRIVATE_EXPLANATION,
             "The key of %s has changed. The last one that was known is\n  %s\nand this one is\n  %s\n"
             "This may be a new device, or somebody in between: ask by another way. "
             "If it is right, say trust %s and try again.",
             channel->user.text, before, now, channel->user.text);
}

/* False if they must not be trusted; the user has been told then, and the channel is gone. */
static bool judge(struct channel *channel, const uint8_t key[IDENTITY_KEY])
{
    struct privates *privates = channel->privates;
    char text[PRIVATE_EXPLANATION];
    if (contacts_judge(privates->is.contacts, &channel->user, key, &channel->contact) != OK) {
        give_up(channel, "The keys of contacts in the state directory cannot be read, so $ is not trusted.");
        return false;
    }
    if (channel->contact != CONTACT_CHANGED)
        return true;
    private_offer(privates, &channel->user, key);
    explain_change(channel, key, text);
    channel_say_closed(channel, unknown_key);
    channel_fail(channel, EARSHOT_PRIVATE_FAILED, text);
    return false;
}

static void use_held(struct channel *channel)
{
    for (struct piece *piece = channel->held.first; piece != NULL; piece = piece->next)
        (void)channel->privates->is.transport->candidate(channel->tunnel, slice_of(piece->data, piece->len));
    pieces_clear(&channel->held);
}

static void first_description(struct channel *channel, const Earshot__PeerDescription *description, bool genuine)
{
    if (!genuine) {
        give_up(channel, "What came as from $ is not signed for this channel; somebody may be in between.");
        return;
    }
    if (!judge(channel, description->key.data))
        return;
    memcpy(their_end(channel)->key, description->key.data, IDENTITY_KEY);
    channel->their_generation = description->generation;
    if (channel->privates->is.transport->describe(channel->tunnel, slice_of_bytes(description->sdp)) != OK) {
        give_up(channel, "What $ says of the way there cannot be used.");
        return;
    }
    channel->described = true;
    use_held(channel);
}

/* A restart. What does not belong here is ignored: the server must not be able to end a channel. */
static void next_description(struct channel *channel, const Earshot__PeerDescription *description)
{
    uint8_t ours[SAFETY_PRINT], theirs[SAFETY_PRINT];
    if (memcmp(description->key.data, their_end(channel)->key, IDENTITY_KEY) != 0)
        return;
    channel->their_generation = description->generation;
    if (channel->privates->is.transport->describe(channel->tunnel, slice_of_bytes(description->sdp)) != OK)
        return;
    if (channel->stage == STAGE_OPEN && (!channel->privates->is.transport->fingerprints(channel->tunnel, ours, theirs) ||
                                         memcmp(theirs, their_end(channel)->print, SAFETY_PRINT) != 0))
        give_up(channel, "$");
}

static void take_description(struct channel *channel, const Earshot__PeerDescription *description)
{
    const struct envelope envelope = {channel->safety.channel, channel->safety.nonce, &channel->user, channel->privates->is.self};
    bool genuine = envelope_verify(&envelope, description) == OK;
    if (description->generation <= channel->their_generation)
        return;
    if (!channel->described)
        first_description(channel, description, genuine);
    else if (genuine)
        next_description(channel, description);
}

static void take_candidate(struct channel *channel, struct slice candidate)
{
    if (candidate.len > PRIVATE_CANDIDATE)
        return;
    if (channel->described)
        (void)channel->privates->is.transport->candidate(channel->tunnel, candidate);
    else
        (void)pieces_add(&channel->held, candidate, PRIVATE_HELD);
}

static void take_closed(struct channel *channel, struct slice given)
{
    char reason[PRIVATE_REASON] = "", text[PRIVATE_EXPLANATION], ours[FINGERPRINT_SIZE];
    if (channel->stage == STAGE_OPEN)
        return; /* anybody on the way could say so; the channel itself would */
    printable_copy(given, reason, sizeof reason);
    private_fingerprint(channel->privates->is.identity->key, ours);
    bool about_key = strcmp(reason, unknown_key) == 0;
    snprintf(text, sizeof text, "%s has ended it: %s.%s%s", channel->user.text, reason,
             about_key ? " The key of this device is\n  " : "", about_key ? ours : "");
    channel_fail(channel, EARSHOT_PRIVATE_FAILED, text);
}

static struct channel *channel_of(struct privates *privates, const Earshot__Signal *signal)
{
    struct name user;
    if (name_parse(slice_of_bytes(signal->from), &user) != OK || signal->channel.len != SAFETY_ID)
        return NULL;
    for (struct channel *channel = privates->channels; channel != NULL; channel = channel->next) {
        if (channel->stage >= STAGE_CONNECTING && channel->device == signal->device &&
            slice_equal(name_slice(&channel->user), name_slice(&user)) &&
            memcmp(channel->safety.channel, signal->channel.data, SAFETY_ID) == 0)
            return channel;
    }
    return NULL;
}

void privates_signal(struct privates *privates, const Earshot__Signal *signal)
{
    struct channel *channel = channel_of(privates, signal);
    Earshot__PeerSignal *said;
    arena_reset(&privates->arena);
    if (channel == NULL || codec_read_peer_signal(slice_of_bytes(signal->payload), &privates->arena, &said) != OK)
        return;
    if (said->body_case == EARSHOT__PEER_SIGNAL__BODY_DESCRIPTION)
        take_description(channel, said->description);
    else if (said->body_case == EARSHOT__PEER_SIGNAL__BODY_CANDIDATE)
        take_candidate(channel, slice_of_bytes(said->candidate));
    else if (said->body_case == EARSHOT__PEER_SIGNAL__BODY_CLOSED)
        take_closed(channel, slice_of_bytes(said->closed));
}
