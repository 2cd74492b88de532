/*
 * introduced.h - several clients' private channels, a server that introduces them, and a transport, all fake and deterministic:
 *
 *     struct end *alice = rig_join(rig, "alice"), *bob = rig_join(rig, "bob");
 *     wish(alice, REQUEST_STARTPRIVATE, "bob", NULL);
 *     reads(alice, "ok 1");                              the next event; whatever can happen has happened
 *     quiet(alice);                                      no more
 *
 * Nothing is delivered inside a call: everything waits in one queue, which reads() and quiet() empty. Time moves in later().
 */
#ifndef TEST_CLIENT_INTRODUCED_H
#define TEST_CLIENT_INTRODUCED_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "crypto/password.h"
#include "private.h"
#include "transcript.h"
#include <stdlib.h>

enum { RIG_ENDS = 8, RIG_TUNNELS = 64, RIG_ACTIONS = 65536, RIG_ASKED = 64, RIG_LINES = 4096 };

struct rig;

struct tunnel {
    struct rig *rig;
    struct transport_config config;
    struct tunnel *other;
    unsigned number;
    uint8_t print, their_print;
    bool described, open, dead, full;
};

struct end {
    struct rig *rig;
    struct name name;
    uint64_t device;
    bool online, transport_fails;
    struct privates *privates;
    struct identity identity;
    struct contacts *contacts;
    char lines[RIG_LINES][FAKE_LINE], code[32], why[512];
    size_t read, count, idle;
    int64_t next_id;
};

struct asked {
    struct end *asker;
    struct name user;
    uint8_t channel[16];
};

/* One thing that is going to happen. */
struct action {
    void (*run)(struct rig *rig, struct action *action);
    struct end *end;
    struct tunnel *tunnel;
    struct request *what;
    size_t len;
    uint8_t *data;
    int end_reason;
};

struct rig {
    struct clock clock;
    struct random random;
    struct timers timers;
    struct world world;
    int64_t now;
    uint64_t dice;
    struct end *ends[RIG_ENDS];
    size_t end_count;
    struct tunnel tunnels[RIG_TUNNELS];
    unsigned tunnel_count;
    struct asked asked[RIG_ASKED];
    size_t asked_count;
    struct action actions[RIG_ACTIONS];
    size_t first, last;
    /* A server that meddles: may change the signal on its way. */
    void (*meddle)(struct rig *rig, struct end *from, struct end *to, Earshot__PeerSignal *signal);
    /* ... or what is said on the channel. */
    void (*distort)(struct rig *rig, struct tunnel *from, Earshot__PeerFrame *frame);
    struct identity mallory;
    uint8_t nonce[16]; /* of the newest yes, and the channel of the signal on its way: what a server knows */
    const uint8_t *channel;
    uint8_t signature[IDENTITY_SIGNATURE];
    size_t signals;
};

static UNUSED int64_t rig_time(struct clock *clock)
{
    return ((struct rig *)(void *)((char *)clock - offsetof(struct rig, clock)))->now;
}

static UNUSED void rig_fill(struct random *random, void *data, size_t len)
{
    struct rig *rig = (struct rig *)(void *)((char *)random - offsetof(struct rig, random));
    for (size_t i = 0; i < len; i++) {
        rig->dice = rig->dice * 6364136223846793005u + 1442695040888963407u;
        ((uint8_t *)data)[i] = (uint8_t)(rig->dice >> 56);
    }
}

static UNUSED struct action *rig_soon(struct rig *rig, void (*run)(struct rig *rig, struct action *action))
{
    assert_true(rig->last < RIG_ACTIONS);
    struct action *action = &rig->actions[rig->last++];
    *action = (struct action){.run = run};
    return action;
}

static UNUSED void action_data(struct action *action, const void *data, size_t len)
{
    action->data = malloc(len + 1);
    assert_non_null(action->data);
    if (len > 0)
        memcpy(action->data, data, len);
    action->data[len] = '\0';
    action->len = len;
}

static UNUSED void rig_run(struct rig *rig)
{
    for (;;) {
        timers_run(&rig->timers, rig->now);
        if (rig->first == rig->last) {
            int64_t next = timers_next(&rig->timers);
            if (next >= 0 && next <= rig->now)
                continue;
            rig->first = rig->last = 0;
            return;
        }
        struct action action = rig->actions[rig->first++];
        action.run(rig, &action);
        free(action.data);
        request_free(&action.what);
    }
}

static UNUSED void later(struct rig *rig, int64_t ms)
{
    int64_t end = rig->now + ms;
    rig_run(rig);
    for (int64_t next; (next = timers_next(&rig->timers)) >= 0 && next <= end;) {
        rig->now = next > rig->now ? next : rig->now;
        rig_run(rig);
    }
    rig->now = end;
}

/* ---- the transport ---- */

static UNUSED void run_description(struct rig *rig, struct action *action)
{
    char sdp[64];
    struct tunnel *tunnel = action->tunnel;
    int len = snprintf(sdp, sizeof sdp, "tunnel %u print %u", tunnel->number, tunnel->print);
    if (!tunnel->dead)
        tunnel->config.ops->description(tunnel->config.ctx, slice_of(sdp, (size_t)len));
    if (!tunnel->dead)
        tunnel->config.ops->candidate(tunnel->config.ctx, slice_str("candidate:1"));
}

static UNUSED void run_open(struct rig *rig, struct action *action)
{
    if (!action->tunnel->dead)
        action->tunnel->config.ops->open(action->tunnel->config.ctx, PEER_DIRECT);
}

static UNUSED void run_data(struct rig *rig, struct action *action)
{
    if (!action->tunnel->dead)
        action->tunnel->config.ops->data(action->tunnel->config.ctx, slice_of(action->data, action->len));
}

static UNUSED void run_drained(struct rig *rig, struct action *action)
{
    if (!action->tunnel->dead)
        action->tunnel->config.ops->drained(action->tunnel->config.ctx);
}

static UNUSED void run_closed(struct rig *rig, struct action *action)
{
    struct tunnel *tunnel = action->tunnel;
    if (!tunnel->dead)
        tunnel->config.ops->closed(tunnel->config.ctx, (enum peer_end)action->end_reason, "of the test");
}

static UNUSED void tunnel_soon(struct tunnel *tunnel, void (*run)(struct rig *rig, struct action *action))
{
    rig_soon(tunnel->rig, run)->tunnel = tunnel;
}

static UNUSED enum err fake_open(void *ctx, const struct transport_config *config, struct tunnel **out)
{
    struct end *end = ctx;
    struct rig *rig = end->rig;
    if (end->transport_fails)
        return ERR_SYSTEM;
    assert_true(rig->tunnel_count < RIG_TUNNELS);
    struct tunnel *tunnel = &rig->tunnels[rig->tunnel_count];
    *tunnel = (struct tunnel){.rig = rig, .config = *config, .number = rig->tunnel_count};
    tunnel->print = (uint8_t)(++rig->tunnel_count);
    if (config->offers)
        tunnel_soon(tunnel, run_description);
    *out = tunnel;
    return OK;
}

static UNUSED void fake_drop(struct tunnel **tunnel)
{
    if (*tunnel != NULL)
        (*tunnel)->dead = true;
    *tunnel = NULL;
}

static UNUSED void fake_finish(struct tunnel **tunnel)
{
    struct tunnel *other = *tunnel != NULL ? (*tunnel)->other : NULL;
    fake_drop(tunnel);
    if (other != NULL) {
        struct action *action = rig_soon(other->rig, run_closed);
        action->tunnel = other;
        action->end_reason = PEER_CLOSED;
    }
}

static UNUSED enum err fake_describe(struct tunnel *tunnel, struct slice sdp)
{
    char text[64];
    unsigned number, print;
    snprintf(text, sizeof text, "%.*s", (int)sdp.len, (const char *)sdp.data);
    if (sscanf(text, "tunnel %u print %u", &number, &print) != 2 || number >= tunnel->rig->tunnel_count)
        return ERR_INVALID;
    bool first = !tunnel->described;
    tunnel->other = &tunnel->rig->tunnels[number];
    tunnel->their_print = (uint8_t)print;
    tunnel->described = true;
    if (!tunnel->config.offers)
        tunnel_soon(tunnel, run_description);
    if (first && tunnel->other->described) {
        tunnel->open = tunnel->other->open = true;
        tunnel_soon(tunnel, run_open);
        tunnel_soon(tunnel->other, run_open);
    }
    return OK;
}

static UNUSED enum err fake_candidate(struct tunnel *tunnel, struct slice candidate)
{
    assert_true(tunnel->described);
    return OK;
}

static UNUSED void tunnel_say(struct tunnel *tunnel, struct slice message)
{
    struct action *action = rig_soon(tunnel->rig, run_data);
    action->tunnel = tunnel->other;
    action_data(action, message.data, message.len);
}

static UNUSED enum err fake_send(struct tunnel *tunnel, struct slice message)
{
    if (!tunnel->open)
        return ERR_WRONG_STATE;
    if (tunnel->full)
        return ERR_CAP;
    Earshot__PeerFrame *frame = earshot__peer_frame__unpack(NULL, message.len, message.data);
    assert_non_null(frame);
    if (tunnel->rig->distort != NULL)
        tunnel->rig->distort(tunnel->rig, tunnel, frame);
    uint8_t *changed = malloc(earshot__peer_frame__get_packed_size(frame) + 1);
    assert_non_null(changed);
    tunnel_say(tunnel, slice_of(changed, earshot__peer_frame__pack(frame, changed)));
    free(changed);
    earshot__peer_frame__free_unpacked(frame, NULL);
    return OK;
}

static UNUSED bool fake_fingerprints(struct tunnel *tunnel, uint8_t ours[PEER_FINGERPRINT], uint8_t theirs[PEER_FINGERPRINT])
{
    memset(ours, tunnel->print, PEER_FINGERPRINT);
    memset(theirs, tunnel->their_print, PEER_FINGERPRINT);
    return tunnel->described;
}

static const struct transport fake_transport UNUSED = {
    .open = fake_open,
    .drop = fake_drop,
    .finish = fake_finish,
    .describe = fake_describe,
    .candidate = fake_candidate,
    .send = fake_send,
    .fingerprints = fake_fingerprints,
};

/* ---- the server ---- */

static UNUSED ProtobufCBinaryData name_bytes(const struct name *name)
{
    return bytes_of_slice(name_slice(name));
}

static UNUSED ProtobufCBinaryData id_bytes(const uint8_t id[16])
{
    return bytes_of_slice(slice_of(id, 16));
}

static UNUSED bool is_named(const struct end *end, const struct name *name)
{
    return slice_equal(name_slice(&end->name), name_slice(name));
}

static UNUSED void settle_at(struct end *end, const struct name *with, const uint8_t channel[16], int outcome, uint64_t device,
                             const uint8_t *nonce)
{
    Earshot__PrivateSettled settled = EARSHOT__PRIVATE_SETTLED__INIT;
    settled.with = name_bytes(with);
    settled.channel = id_bytes(channel);
    settled.outcome = (Earshot__PrivateSettled__Outcome)outcome;
    settled.device = device;
    if (nonce != NULL)
        settled.nonce = id_bytes(nonce);
    if (end->online)
        privates_settled(end->privates, &settled);
}

static UNUSED struct asked *asked_find(struct rig *rig, const uint8_t channel[16])
{
    for (size_t i = 0; i < rig->asked_count; i++)
        if (memcmp(rig->asked[i].channel, channel, 16) == 0)
            return &rig->asked[i];
    return NULL;
}

static UNUSED void asked_remove(struct rig *rig, struct asked *asked)
{
    *asked = rig->asked[--rig->asked_count];
}

/* `by`: the end that accepted, or NULL. */
static UNUSED void rig_settle(struct rig *rig, struct asked *asked, int outcome, struct end *by, const uint8_t *nonce)
{
    struct asked over = *asked;
    if (nonce != NULL)
        memcpy(rig->nonce, nonce, sizeof rig->nonce);
    asked_remove(rig, asked);
    for (size_t i = 0; i < rig->end_count; i++) {
        struct end *end = rig->ends[i];
        if (is_named(end, &over.user))
            settle_at(end, &over.asker->name, over.channel, outcome, end == by ? over.asker->device : 0,
                      end == by ? nonce : NULL);
    }
    settle_at(over.asker, &over.user, over.channel, outcome, by ? by->device : 0, by ? nonce : NULL);
}

static UNUSED enum earshot_error serve_start(struct rig *rig, struct end *from, const struct request *what)
{
    Earshot__PrivateRequest request = EARSHOT__PRIVATE_REQUEST__INIT;
    unsigned told = 0;
    if (is_named(from, &what->user))
        return EARSHOT_SELF;
    request.from = name_bytes(&from->name);
    request.channel = id_bytes(what->channel);
    request.device = from->device;
    for (size_t i = 0; i < rig->end_count; i++) {
        if (is_named(rig->ends[i], &what->user) && rig->ends[i]->online) {
            privates_request(rig->ends[i]->privates, &request);
            told++;
        }
    }
    if (told == 0)
        return EARSHOT_OFFLINE;
    struct asked *asked = &rig->asked[rig->asked_count++];
    *asked = (struct asked){.asker = from, .user = what->user};
    memcpy(asked->channel, what->channel, 16);
    return EARSHOT_OK;
}

static UNUSED enum earshot_error serve_stop(struct rig *rig, const struct request *what)
{
    struct asked *asked = asked_find(rig, what->channel);
    if (asked == NULL)
        return EARSHOT_NO_PRIVATE;
    struct end *asker = asked->asker;
    bool online = asker->online;
    asker->online = false; /* is not told what it has asked for */
    rig_settle(rig, asked, EARSHOT__PRIVATE_SETTLED__OUTCOME__OUTCOME_CANCELLED, NULL, NULL);
    asker->online = online;
    return EARSHOT_OK;
}

static UNUSED enum earshot_error serve_signal(struct rig *rig, struct end *from, const struct request *what)
{
    Earshot__Signal signal = EARSHOT__SIGNAL__INIT;
    rig->signals++;
    rig->channel = what->channel;
    for (size_t i = 0; i < rig->end_count; i++) {
        struct end *to = rig->ends[i];
        if (!is_named(to, &what->user) || to->device != what->device || !to->online)
            continue;
        Earshot__PeerSignal *said = earshot__peer_signal__unpack(NULL, what->body_len, what->body);
        assert_non_null(said);
        ProtobufCBinaryData sdp = {0}, key = {0}, signature = {0}; /* what is to be freed, whatever a meddler puts there */
        Earshot__PeerDescription *d = said->body_case == EARSHOT__PEER_SIGNAL__BODY_DESCRIPTION ? said->description : NULL;
        if (d != NULL)
            sdp = d->sdp, key = d->key, signature = d->signature; // NOLINT
        if (rig->meddle != NULL)
            rig->meddle(rig, from, to, said);
        uint8_t *bytes = malloc(earshot__peer_signal__get_packed_size(said) + 1);
        assert_non_null(bytes);
        signal.from = name_bytes(&from->name);
        signal.device = from->device;
        signal.channel = id_bytes(what->channel);
        signal.payload = bytes_of_slice(slice_of(bytes, earshot__peer_signal__pack(said, bytes)));
        privates_signal(to->privates, &signal);
        free(bytes);
        if (d != NULL)
            d->sdp = sdp, d->key = key, d->signature = signature;
        earshot__peer_signal__free_unpacked(said, NULL);
        return EARSHOT_OK;
    }
    return EARSHOT_OFFLINE;
}

static UNUSED void run_server(struct rig *rig, struct action *action)
{
    const struct request *what = action->what;
    struct end *from = action->end;
    enum earshot_error error = EARSHOT_OK;
    struct asked *asked = asked_find(rig, what->channel);
    if (!from->online)
        error = EARSHOT_UNAVAILABLE;
    else if (what->kind == REQUEST_STARTPRIVATE)
        error = serve_start(rig, from, what);
    else if (what->kind == REQUEST_STOPPRIVATE)
        error = serve_stop(rig, what);
    else if (what->kind == REQUEST_SIGNAL)
        error = serve_signal(rig, from, what);
    privates_answered(from->privates, what, error, "of the server");
    if (error != EARSHOT_OK || what->kind != REQUEST_ANSWERPRIVATE)
        return;
    if (asked == NULL)
        settle_at(from, &what->user, what->channel, EARSHOT__PRIVATE_SETTLED__OUTCOME__OUTCOME_EXPIRED, 0, NULL);
    else if (what->accept)
        rig_settle(rig, asked, EARSHOT__PRIVATE_SETTLED__OUTCOME__OUTCOME_ACCEPTED, from, what->body);
    else
        rig_settle(rig, asked, EARSHOT__PRIVATE_SETTLED__OUTCOME__OUTCOME_DECLINED, NULL, NULL);
}

static UNUSED enum err end_ask(void *ctx, const struct request *what, struct slice body)
{
    struct end *end = ctx;
    struct action *action = rig_soon(end->rig, run_server);
    action->end = end;
    action->what = calloc(1, sizeof *action->what + body.len);
    assert_non_null(action->what);
    *action->what = *what;
    action->what->body_len = body.len;
    if (body.len > 0)
        memcpy(action->what->body, body.data, body.len);
    return OK;
}

static UNUSED void end_event(void *ctx, const struct earshot_event *event)
{
    struct end *end = ctx;
    assert_true(end->count < RIG_LINES);
    describe_event(event, end->lines[end->count++], FAKE_LINE);
    if (event->type == EARSHOT_EVENT_PRIVATE_OPEN)
        snprintf(end->code, sizeof end->code, "%s", event->text);
    if (event->type == EARSHOT_EVENT_ERROR)
        snprintf(end->why, sizeof end->why, "%s", event->text ? event->text : "");
}

static UNUSED void end_idle(void *ctx)
{
    ((struct end *)ctx)->idle++;
}

/* ---- tests use these ---- */

static UNUSED struct rig *rig_new(void)
{
    struct rig *rig = calloc(1, sizeof *rig);
    assert_non_null(rig);
    assert_int_equal(crypto_init(), OK);
    rig->clock = (struct clock){rig_time, rig_time};
    rig->random.fill = rig_fill;
    rig->now = 1000000;
    timers_init(&rig->timers);
    rig->world = (struct world){&rig->clock, &rig->timers, &rig->random, NULL};
    identity_make(&rig->random, &rig->mallory);
    return rig;
}

static UNUSED void end_begin(struct end *end)
{
    static const struct private_ops ops = {end_event, end_ask, end_idle};
    const struct private_options options = {
        .world = &end->rig->world,
        .ops = &ops,
        .ctx = end,
        .transport = &fake_transport,
        .transport_ctx = end,
        .identity = &end->identity,
        .contacts = end->contacts,
        .self = &end->name,
    };
    assert_int_equal(privates_new(&options, &end->privates), OK);
}

static UNUSED struct end *rig_join(struct rig *rig, const char *name)
{
    struct end *end = calloc(1, sizeof *end);
    assert_non_null(end);
    end->rig = rig;
    end->device = 100 + rig->end_count;
    end->online = true;
    end->next_id = 1;
    assert_int_equal(name_parse(slice_str(name), &end->name), OK);
    identity_make(&rig->random, &end->identity);
    assert_int_equal(contacts_new(-1, "here:4000", &end->contacts), OK);
    end_begin(end);
    rig->ends[rig->end_count++] = end;
    return end;
}

static UNUSED void rig_free(struct rig *rig)
{
    for (size_t i = 0; i < rig->end_count; i++) {
        privates_free(&rig->ends[i]->privates);
        contacts_free(&rig->ends[i]->contacts);
        free(rig->ends[i]);
    }
    for (; rig->first < rig->last; rig->first++) {
        free(rig->actions[rig->first].data);
        request_free(&rig->actions[rig->first].what);
    }
    assert_int_equal(rig->timers.count, 0);
    timers_free(&rig->timers);
    free(rig);
}

static UNUSED int64_t wish(struct end *end, enum request_kind kind, const char *user, const char *body)
{
    struct request what = {.kind = kind, .id = end->next_id};
    if (user != NULL)
        assert_int_equal(name_parse(slice_str(user), &what.user), OK);
    assert_int_equal(privates_wish(end->privates, &what, slice_str(body ? body : "")), OK);
    return end->next_id++;
}

static UNUSED int64_t answer(struct end *end, const char *user, bool accept)
{
    struct request what = {.kind = REQUEST_ANSWERPRIVATE, .id = end->next_id, .accept = accept};
    if (user != NULL)
        assert_int_equal(name_parse(slice_str(user), &what.user), OK);
    assert_int_equal(privates_wish(end->privates, &what, slice_str("")), OK);
    return end->next_id++;
}

static UNUSED void reads(struct end *end, const char *expected)
{
    rig_run(end->rig);
    assert_string_equal(end->read < end->count ? end->lines[end->read++] : "(nothing)", expected);
}

static UNUSED void quiet(struct end *end)
{
    reads(end, "(nothing)");
}

/* The transport's newest ends, asker's first. */
static UNUSED struct tunnel *last_tunnel(struct rig *rig, bool offers)
{
    for (unsigned i = rig->tunnel_count; i-- > 0;)
        if (rig->tunnels[i].config.offers == offers)
            return &rig->tunnels[i];
    return NULL;
}

static UNUSED void end_tunnel(struct tunnel *tunnel, enum peer_end why)
{
    struct action *action = rig_soon(tunnel->rig, run_closed);
    action->tunnel = tunnel;
    action->end_reason = (int)why;
}

/* Asks, says yes, and both are told; the asker's answers end here as well. */
static UNUSED void open_between(struct end *asker, struct end *answerer)
{
    char line[FAKE_LINE];
    int64_t n = wish(asker, REQUEST_STARTPRIVATE, answerer->name.text, NULL);
    snprintf(line, sizeof line, "ok %lld", (long long)n);
    reads(asker, line);
    snprintf(line, sizeof line, "%s asks", asker->name.text);
    reads(answerer, line);
    snprintf(line, sizeof line, "ok %lld", (long long)answer(answerer, NULL, true));
    reads(answerer, line);
    snprintf(line, sizeof line, "open %s direct", asker->name.text);
    reads(answerer, line);
    snprintf(line, sizeof line, "open %s direct", answerer->name.text);
    reads(asker, line);
}

#endif
