/*
 * fake.h - a core with a fake clock and a scripted server, for tests that read like transcripts:
 *
 *     online(&fake);                                    alice has logged in
 *     ask_message(&fake, "bob", "hi");
 *     wants(&fake, "message 16 bob hi");                 the next frame that the client sent
 *     say_accepted(&fake, 16, 7);
 *     sees(&fake, "ok 1 id=7");                          the next event
 *     silent(&fake);                                     no more frames, no more events
 *
 * Time moves only in wait_ms().
 */
#ifndef TEST_CLIENT_FAKE_H
#define TEST_CLIENT_FAKE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core.h"
#include "transcript.h"
#include "wire/codec.h"
#include "wire/frame.h"
#include <stdio.h>
#include <stdlib.h>

enum { FAKE_LINES = 2048 };

struct lines {
    char text[FAKE_LINES][FAKE_LINE];
    size_t first, count;
};

struct fake {
    struct clock clock;
    struct random random;
    struct timers timers;
    struct world world;
    int64_t now;
    uint64_t dice;
    struct client_core *core;
    bool connecting, up, full; /* full: the connection takes nothing */
    unsigned connects, hang_ups, writes;
    unsigned retries; /* events that say so are counted, not kept */
    int retry_after;
    bool saved, forgotten;
    struct token token;
    bool has_saved, claimed; /* which token it is turns out when it is loaded */
    struct buf from_client;
    struct lines events;
    void (*on_event)(struct fake *fake, const struct earshot_event *event);
};

static UNUSED int64_t fake_time(struct clock *clock)
{
    return ((struct fake *)(void *)((char *)clock - offsetof(struct fake, clock)))->now;
}

static UNUSED void fake_fill(struct random *random, void *data, size_t len)
{
    struct fake *fake = (struct fake *)(void *)((char *)random - offsetof(struct fake, random));
    for (size_t i = 0; i < len; i++) {
        fake->dice = fake->dice * 6364136223846793005u + 1442695040888963407u;
        ((uint8_t *)data)[i] = (uint8_t)(fake->dice >> 56);
    }
}

static UNUSED enum err fake_connect(void *ctx)
{
    struct fake *fake = ctx;
    assert_false(fake->up);
    fake->connecting = true;
    fake->connects++;
    return OK;
}

static UNUSED enum err fake_write(void *ctx, struct slice bytes)
{
    struct fake *fake = ctx;
    assert_true(fake->up);
    if (fake->full)
        return ERR_CAP;
    fake->writes++;
    assert_int_equal(buf_append(&fake->from_client, bytes.data, bytes.len), OK);
    return OK;
}

static UNUSED void fake_hang_up(void *ctx)
{
    struct fake *fake = ctx;
    assert_true(fake->up || fake->connecting);
    fake->up = fake->connecting = false;
    fake->hang_ups++;
}

static UNUSED void fake_event(void *ctx, const struct earshot_event *event)
{
    struct fake *fake = ctx;
    if (event->type == EARSHOT_EVENT_RETRY) {
        fake->retries++;
        fake->retry_after = event->retry_after;
        return;
    }
    assert_true(fake->events.count < FAKE_LINES);
    describe_event(event, fake->events.text[fake->events.count++], FAKE_LINE);
    if (fake->on_event != NULL)
        fake->on_event(fake, event);
}

static UNUSED bool fake_load(void *ctx, const struct name *user, struct token *token)
{
    struct fake *fake = ctx;
    fake->claimed = true;
    if (fake->has_saved)
        *token = fake->token;
    return fake->has_saved;
}

static UNUSED void fake_save(void *ctx, const struct token *token)
{
    struct fake *fake = ctx;
    if (!fake->claimed)
        return;
    fake->saved = token != NULL;
    fake->forgotten = token == NULL;
    fake->has_saved = token != NULL;
    if (token != NULL)
        fake->token = *token;
}

static UNUSED void wait_ms(struct fake *fake, int64_t ms)
{
    int64_t end = fake->now + ms;
    for (unsigned turns = 0; turns < 100000; turns++) {
        int64_t next = timers_next(&fake->timers);
        if (next < 0 || next > end)
            break;
        fake->now = next > fake->now ? next : fake->now;
        timers_run(&fake->timers, fake->now);
    }
    fake->now = end;
}

static UNUSED void settle(struct fake *fake)
{
    wait_ms(fake, 0);
}

static UNUSED struct fake *fake_start(const struct core_options *options)
{
    static const struct core_ops ops = {fake_connect, fake_write, fake_hang_up, fake_event, fake_load, fake_save};
    struct fake *fake = calloc(1, sizeof *fake);
    assert_non_null(fake);
    fake->clock = (struct clock){fake_time, fake_time};
    fake->random.fill = fake_fill;
    fake->now = 1000000;
    timers_init(&fake->timers);
    fake->world = (struct world){&fake->clock, &fake->timers, &fake->random, NULL};
    buf_init(&fake->from_client, 64 << 20);
    assert_int_equal(core_new(options, &fake->world, &ops, fake, &fake->core), OK);
    core_start(fake->core);
    return fake;
}

static UNUSED void fake_stop(struct fake *fake)
{
    core_free(&fake->core);
    assert_int_equal(fake->timers.count, 0);
    timers_free(&fake->timers);
    buf_free(&fake->from_client);
    free(fake);
}

/* ---- the network ---- */

static UNUSED void open_connection(struct fake *fake)
{
    settle(fake);
    assert_true(fake->connecting);
    fake->connecting = false;
    fake->up = true;
    buf_clear(&fake->from_client);
    core_opened(fake->core);
}

static UNUSED void lose_connection(struct fake *fake)
{
    assert_true(fake->up || fake->connecting);
    fake->up = fake->connecting = false;
    buf_clear(&fake->from_client);
    core_lost(fake->core, EARSHOT_NO_CONNECTION, "lost");
    settle(fake);
}

/* ---- what the client sent ---- */

/* The next frame as a line; false if there is none. */
static UNUSED bool next_frame(struct fake *fake, char line[FAKE_LINE])
{
    struct slice payload;
    size_t used;
    struct arena arena;
    Earshot__ClientFrame *frame;
    settle(fake);
    if (frame_next(buf_slice(&fake->from_client), &payload, &used) != OK)
        return false;
    arena_init(&arena, WIRE_ARENA_CAP, 0);
    assert_int_equal(codec_read_client(payload, &arena, &frame), OK);
    describe_frame(frame, line, FAKE_LINE);
    arena_free(&arena);
    buf_consume(&fake->from_client, used);
    return true;
}

static UNUSED void wants(struct fake *fake, const char *expected)
{
    char line[FAKE_LINE];
    if (!next_frame(fake, line))
        snprintf(line, sizeof line, "(nothing)");
    assert_string_equal(line, expected);
}

static UNUSED void sees(struct fake *fake, const char *expected)
{
    settle(fake);
    const char *line = fake->events.first < fake->events.count ? fake->events.text[fake->events.first++] : "(nothing)";
    assert_string_equal(line, expected);
}

static UNUSED void silent(struct fake *fake)
{
    wants(fake, "(nothing)");
    sees(fake, "(nothing)");
}

#include "script.h"

/* ---- common beginnings ---- */

static const struct core_options alice UNUSED = {
    .server = "here:4000", .user = "alice", .password = "wonderland", .client = "test 1"};

static UNUSED struct fake *online(void)
{
    struct fake *fake = fake_start(&alice);
    open_connection(fake);
    wants(fake, "hello 1");
    wants(fake, "login 2 alice wonderland");
    say_greeting(fake);
    say_welcome(fake, 2, 0xaa, 0);
    sees(fake, "online alice here:4000");
    silent(fake);
    return fake;
}

static UNUSED int64_t ask(struct fake *fake, int kind, const char *user, const char *body)
{
    struct request what = {.kind = kind, .seconds = 60};
    if (user != NULL)
        assert_int_equal(name_parse(slice_str(user), &what.user), OK);
    return core_ask(fake->core, &what, slice_str(body ? body : ""));
}

/* The connection is back: as far as the resume, with this rest of the line. */
static UNUSED void come_back(struct fake *fake, const char *resume)
{
    wait_ms(fake, 31000);
    open_connection(fake);
    wants(fake, "hello 1");
    wants(fake, resume);
    say_greeting(fake);
}

#endif
