/*
 * introduced.h - several clients' private channels, a server that introduces them, and a transport, all fake and deterministic:
 *
 *     struct end *alice = rig_join(rig, "alice"), *bob = rig_join(rig, "bob");
 *     wish(alice, REQUEST(STARTPRIVATE), "bob", NULL);
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

#include "../../fuzz/faults.h"
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

/* Zeros. What the rig itself needs is there even when memory fails for the rest. */
static UNUSED void *rig_take(size_t size)
{
    faults_pause();
    void *memory = calloc(1, size);
    faults_resume();
    assert_non_null(memory);
    return memory;
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
    action->data = rig_take(len + 1);
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

#include "introduced_transport.h"

#include "introduced_server.h"

static UNUSED enum err end_ask(void *ctx, const struct request *what, struct slice body)
{
    struct end *end = ctx;
    struct action *action = rig_soon(end->rig, run_server);
    action->end = end;
    action->what = rig_take(sizeof *action->what + body.len);
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
    struct rig *rig = rig_take(sizeof *rig);
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
    struct end *end = rig_take(sizeof *end);
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

static UNUSED int64_t wish(struct end *end, int kind, const char *user, const char *body)
{
    struct request what = {.kind = kind, .id = end->next_id};
    if (user != NULL)
        assert_int_equal(name_parse(slice_str(user), &what.user), OK);
    assert_int_equal(privates_wish(end->privates, &what, slice_str(body ? body : "")), OK);
    return end->next_id++;
}

static UNUSED int64_t answer(struct end *end, const char *user, bool accept)
{
    struct request what = {.kind = REQUEST(ANSWERPRIVATE), .id = end->next_id, .accept = accept};
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
    int64_t n = wish(asker, REQUEST(STARTPRIVATE), answerer->name.text, NULL);
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
