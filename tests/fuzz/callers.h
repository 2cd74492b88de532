/*
 * callers.h - a server on a stage (tests/unit/simulation/world.h) and those who call it, for the fuzzers of sessions.
 *
 * Everything that a session writes has to be whole frames. The stage is a new one every INPUTS_PER_STAGE inputs, so that an input
 * that fails only in company is found again by running those before it.
 */
#ifndef FUZZ_CALLERS_H
#define FUZZ_CALLERS_H

#include "../unit/simulation/world.c" /* NOLINT(bugprone-suspicious-include): a fuzzer is one file, and what it includes */

#include "base/log.h"
#include "faults.h"
#include "session/session.h"
#include "wire/codec.h"
#include "wire/frame.h"
#include "wire/limits.h"

enum { OUT_CAP = 256 * 1024, INPUTS_PER_STAGE = 100 };

struct caller {
    struct session *session;
    struct buf out;
    bool hung_up;
    void (*heard)(struct caller *caller, const Earshot__ServerFrame *frame); /* may be NULL */
    void *ctx;
};

/* Opening a store takes longer than most inputs, so that a stage serves many of them; each gets a user of its own. */
static struct stage *stage;
static unsigned served;

static struct hub *hubs[STAGE_SHARDS];

static enum err link_write(void *link, struct slice bytes)
{
    struct caller *caller = link;
    assert(!caller->hung_up);
    faults_pause();
    enum err err = buf_append(&caller->out, bytes.data, bytes.len);
    faults_resume();
    return err;
}

static size_t link_pending(void *link)
{
    return buf_len(&((struct caller *)link)->out);
}

static void link_hold(void *ctx)
{
}

static void link_pause(void *link, bool paused)
{
}

static void link_close(void *link)
{
    struct caller *caller = link;
    assert(!caller->hung_up);
    caller->hung_up = true;
}

static const struct session_link caller_link = {link_write, link_pending, link_hold, link_pause, link_close};

static void turn_end(void *ctx, unsigned shard)
{
    hub_flush(hubs[shard]);
}

static void settle(void)
{
    for (unsigned i = 0; i < STAGE_SHARDS; i++)
        stage_wake(stage, i);
    stage_settle(stage);
}

/* Everything written so far is whole frames of the protocol. */
static void read_out(struct caller *caller)
{
    struct arena arena;
    struct slice payload;
    size_t used;
    faults_pause();
    arena_init(&arena, WIRE_ARENA_CAP, WIRE_ARENA_KEEP);
    while (frame_next(buf_slice(&caller->out), &payload, &used) == OK) {
        Earshot__ServerFrame *frame;
        arena_reset(&arena);
        if (codec_read_server(payload, &arena, &frame) != OK || frame->body_case == EARSHOT__SERVER_FRAME__BODY__NOT_SET)
            abort();
        if (caller->heard != NULL)
            caller->heard(caller, frame);
        buf_consume(&caller->out, used);
    }
    arena_free(&arena);
    faults_resume();
    if (buf_len(&caller->out) > 0)
        abort();
    if (!caller->hung_up)
        session_drained(caller->session);
    settle();
}

static void call_in(struct caller *caller, unsigned shard)
{
    *caller = (struct caller){.heard = caller->heard, .ctx = caller->ctx};
    buf_init(&caller->out, OUT_CAP);
    if (session_open(hubs[shard], &caller_link, caller, "192.0.2.1", &caller->session) == OK)
        return;
    assert(faults_happened());
    caller->hung_up = true;
}

/* Hello, and then a login, or a registration if it is new; without a user only hello. */
static void log_in(struct caller *caller, const char *user, bool is_new)
{
    struct buf bytes;
    Earshot__Hello hello = EARSHOT__HELLO__INIT;
    Earshot__Register wish = EARSHOT__REGISTER__INIT;
    Earshot__Login login = EARSHOT__LOGIN__INIT;
    Earshot__ClientFrame frame = EARSHOT__CLIENT_FRAME__INIT;
    uint32_t capabilities[] = {EARSHOT__CAPABILITY__CAPABILITY_PRIVATE};
    faults_pause();
    buf_init(&bytes, 4096);
    hello.version = WIRE_VERSION;
    hello.n_capabilities = 1;
    hello.capabilities = capabilities;
    frame.number = 1;
    frame.body_case = EARSHOT__CLIENT_FRAME__BODY_HELLO;
    frame.hello = &hello;
    (void)codec_write_client(&frame, &bytes);
    wish.user = login.user = bytes_of_slice(slice_str(user != NULL ? user : ""));
    wish.password = login.password = bytes_of_slice(slice_str("correct horse"));
    frame.body_case = is_new ? EARSHOT__CLIENT_FRAME__BODY_REGISTER : EARSHOT__CLIENT_FRAME__BODY_LOGIN;
    if (is_new)
        frame.register_ = &wish;
    else
        frame.login = &login;
    if (user != NULL)
        (void)codec_write_client(&frame, &bytes);
    faults_resume();
    if (!caller->hung_up)
        session_input(caller->session, buf_slice(&bytes));
    buf_free(&bytes);
    settle();
    read_out(caller);
}

static void hang_up(struct caller *caller)
{
    if (caller->session != NULL)
        session_closed(caller->session);
    caller->session = NULL;
    settle();
    buf_free(&caller->out);
}

static void close_stage(void)
{
    for (unsigned i = 0; i < STAGE_SHARDS && stage != NULL; i++)
        hub_free(&hubs[i]);
    if (stage != NULL)
        stage->turn_end = NULL;
    stage_free(&stage);
}

static void open_stage(void)
{
    faults_pause();
    if (stage == NULL)
        atexit(close_stage);
    close_stage();
    log_setup(-1, LOG_TEXT, LOG_ERROR);
    stage = stage_new(NULL, 1);
    for (unsigned i = 0; i < STAGE_SHARDS; i++)
        if (hub_new(&stage->worlds[i], stage->shards[i], &session_settings_default, &hubs[i]) != OK)
            abort();
    stage->turn_end = turn_end;
    faults_resume();
}

/* A new input, perhaps on a new stage. "alice" has an account there. */
static void begin_input(void)
{
    struct caller alice = {0};
    if (served++ % INPUTS_PER_STAGE != 0)
        return;
    faults_pause();
    open_stage();
    call_in(&alice, 0);
    log_in(&alice, "alice", true);
    hang_up(&alice);
    faults_resume();
}

/* All have hung up: nothing is left of them. */
static void end_input(void)
{
    for (unsigned i = 0; i < STAGE_SHARDS; i++)
        assert(hub_sessions(hubs[i]) == 0);
}

#endif
