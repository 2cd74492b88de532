/*
 * pair.h - for the tests of src/peer: two ends of a channel in one loop over the loopback interface, each carrying the other's
 * descriptions and candidates, and what each saw. As in the tests of src/net the loop is turned from outside.
 */
#ifndef TESTS_PEER_PAIR_H
#define TESTS_PEER_PAIR_H

#include "base/buf.h"
#include "net/loop.h"
#include "peer/peer.h"
#include "peer_internal.h"
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

enum { PATIENCE_MS = 60000 };

struct end {
    struct peer *peer;
    struct end *other;
    int described, refused, candidates, complete, opened, paths, drained, closed;
    uint32_t received; /* messages */
    uint32_t sent;     /* messages */
    size_t bytes;      /* of all messages */
    enum peer_end how;
    char why[128];
    struct slice spoilt; /* sent on in place of the description */
    bool mute;           /* sends nothing on */
    bool numbered;       /* messages begin with their number */
    void (*on_open)(struct end *end);
    void (*on_data)(struct end *end, struct slice message);
    void (*on_drained)(struct end *end);
};

static inline void end_description(void *ctx, struct slice sdp)
{
    struct end *end = ctx;

    end->described++;
    if (end->mute || !end->other->peer)
        return;
    if (peer_describe(end->other->peer, sdp) != OK)
        end->refused++;
}

static inline void end_candidate(void *ctx, struct slice candidate)
{
    struct end *end = ctx;

    if (candidate.len == 0)
        end->complete++;
    else
        end->candidates++;
    if (!end->mute && end->other->peer)
        peer_candidate(end->other->peer, candidate);
}

static inline void end_open(void *ctx, enum peer_path path)
{
    struct end *end = ctx;

    assert_int_equal(path, PEER_DIRECT);
    end->opened++;
    if (end->on_open)
        end->on_open(end);
}

static inline void end_path(void *ctx, enum peer_path path)
{
    struct end *end = ctx;

    end->paths++;
}

static inline void end_data(void *ctx, struct slice message)
{
    struct end *end = ctx;
    uint32_t number;

    assert_true(end->opened);
    assert_false(end->closed);
    if (end->numbered) {
        assert_true(message.len >= sizeof number);
        memcpy(&number, message.data, sizeof number);
        assert_int_equal(number, end->received);
    }
    end->received++;
    end->bytes += message.len;
    if (end->on_data)
        end->on_data(end, message);
}

static inline void end_drained(void *ctx)
{
    struct end *end = ctx;

    end->drained++;
    if (end->on_drained)
        end->on_drained(end);
}

static inline void end_closed(void *ctx, enum peer_end how, const char *why)
{
    struct end *end = ctx;

    assert_false(end->closed);
    end->closed++;
    end->how = how;
    snprintf(end->why, sizeof end->why, "%s", why);
}

static const struct peer_ops end_ops = {end_description, end_candidate, end_open, end_path, end_data, end_drained, end_closed};

/* Less patience than with a real network. */
static inline void hurry(struct peer *peer)
{
    peer->times = (struct peer_times){.look = 100, .path = 600, .lost = 4000, .search = 10000, .grace = 500, .restart = 2000};
    timer_start(peer->world->timers, &peer->watch, world_mono_ms(peer->world));
}

static inline void end_new(struct loop *loop, struct end *end, struct end *other, bool offers)
{
    const struct peer_config config = {.loop = loop, .offers = offers, .loopback = true, .ops = &end_ops, .ctx = end};

    end->other = other;
    assert_int_equal(peer_new(&config, &end->peer), OK);
    assert_int_equal(end->described + end->candidates, 0); /* not inside the call */
}

static inline void turn(struct loop *loop)
{
    struct pollfd ready = {.fd = loop_fd(loop), .events = POLLIN};

    if (poll(&ready, 1, PATIENCE_MS) != 1)
        fail_msg("nothing happened for %d s", PATIENCE_MS / 1000);
    loop_turn(loop);
}

#define wait_for(loop, condition)                                                                                                \
    do {                                                                                                                         \
        int64_t until_ = world_mono_ms(loop_world(loop)) + PATIENCE_MS;                                                          \
        while (!(condition)) {                                                                                                   \
            turn(loop);                                                                                                          \
            if (world_mono_ms(loop_world(loop)) > until_)                                                                        \
                fail_msg("in vain: %s", #condition);                                                                             \
        }                                                                                                                        \
    } while (0)

struct pair {
    struct loop *loop;
    struct end asker, answerer;
};

static inline void pair_init(struct pair *pair)
{
    *pair = (struct pair){0};
    assert_int_equal(loop_new(&pair->loop), OK);
    end_new(pair->loop, &pair->answerer, &pair->asker, false);
    end_new(pair->loop, &pair->asker, &pair->answerer, true);
    hurry(pair->asker.peer);
    hurry(pair->answerer.peer);
}

static inline void pair_open(struct pair *pair)
{
    pair_init(pair);
    wait_for(pair->loop, pair->asker.opened && pair->answerer.opened);
    assert_int_equal(pair->asker.refused + pair->answerer.refused, 0);
}

static inline void pair_free(struct pair *pair)
{
    peer_free(&pair->asker.peer);
    peer_free(&pair->answerer.peer);
    loop_free(&pair->loop);
}

/* As many numbered messages as there is room for, up to `most`. */
static inline void send_numbered(struct end *end, uint32_t most, size_t size)
{
    static uint8_t bytes[PEER_MESSAGE_MAX];

    while (end->sent < most) {
        memcpy(bytes, &end->sent, sizeof end->sent);
        enum err err = peer_send(end->peer, slice_of(bytes, size));
        if (err == ERR_CAP)
            return;
        assert_int_equal(err, OK);
        end->sent++;
    }
}

#endif
