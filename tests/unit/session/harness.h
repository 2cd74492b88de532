/*
 * harness.h - callers of a server on a stage (../simulation/world.h): bytes go into a real session, and what it writes comes out
 * as lines, so that a test reads like a transcript.
 *
 *     struct caller *alice = call(desk);
 *     ask_hello(alice, 1);
 *     sees(alice, "1 greeting");
 *     send_text(alice, 16, "bob", "hi");
 *     sees(alice, "16 accepted");
 *     silent(alice);
 */
#ifndef TEST_SESSION_HARNESS_H
#define TEST_SESSION_HARNESS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/log.h"
#include "session/session.h"
#include "wire/codec.h"
#include "wire/frame.h"
#include "wire/limits.h"
#include "world.h"

#include <stdio.h>
#include <stdlib.h>

enum { LINES = 4096, LINE = 96, CALLERS = 16, OUT_MOST = 16 << 20 };

struct caller {
    struct desk *desk;
    struct session *session;
    struct buf out; /* written by the session, and not yet read */
    bool slow;      /* it does not read by itself */
    bool paused, hung_up;
    struct token token;
    uint64_t last_number, horizon;
    uint64_t conversation, id; /* of the last message */
    char lines[LINES][LINE];
    size_t first, count;
};

struct desk {
    struct stage *stage;
    struct session_settings settings;
    struct hub *hubs[STAGE_SHARDS];
    struct caller *callers[CALLERS];
    size_t caller_count;
};

/* ---- what the session writes ---- */

#define BYTES(bytes) (int)(bytes).len, (const char *)(bytes).data

static inline void describe(struct caller *caller, const Earshot__ServerFrame *frame, char out[LINE])
{
    int len = frame->answers != 0 ? snprintf(out, LINE, "%llu ", (unsigned long long)frame->answers) : 0;
    size_t room = LINE - (size_t)len;
    out += len;
    switch (frame->body_case) {
    case EARSHOT__SERVER_FRAME__BODY_GREETING:
        snprintf(out, room, "greeting");
        break;
    case EARSHOT__SERVER_FRAME__BODY_CHALLENGE:
        snprintf(out, room, "challenge %d", frame->challenge->kind);
        break;
    case EARSHOT__SERVER_FRAME__BODY_WELCOME:
        assert_int_equal(frame->welcome->token.len, TOKEN_SIZE);
        memcpy(caller->token.bytes, frame->welcome->token.data, TOKEN_SIZE);
        caller->last_number = frame->welcome->last_number;
        snprintf(out, room, "welcome %.*s", BYTES(frame->welcome->user));
        break;
    case EARSHOT__SERVER_FRAME__BODY_DONE:
        snprintf(out, room, "done");
        break;
    case EARSHOT__SERVER_FRAME__BODY_ACCEPTED:
        snprintf(out, room, "accepted");
        break;
    case EARSHOT__SERVER_FRAME__BODY_ANNOUNCED:
        snprintf(out, room, "announced %u%s", frame->announced->delivered, frame->announced->withheld ? " withheld" : "");
        break;
    case EARSHOT__SERVER_FRAME__BODY_USERS:
        snprintf(out, room, "users %zu%s", frame->users->n_users, frame->users->more ? " more" : "");
        break;
    case EARSHOT__SERVER_FRAME__BODY_ERROR:
        len = snprintf(out, room, "error %s", err_name(codec_error(frame->error->code)));
        if (frame->error->retry_after > 0)
            snprintf(out + len, room - (size_t)len, " retry %u", frame->error->retry_after);
        break;
    case EARSHOT__SERVER_FRAME__BODY_PONG:
        snprintf(out, room, "pong");
        break;
    case EARSHOT__SERVER_FRAME__BODY_EVENT_MESSAGE:
        caller->conversation = frame->event_message->conversation;
        caller->id = frame->event_message->id;
        snprintf(out, room, "%s %.*s: %.*s", frame->event_message->stored ? "stored" : "message",
                 BYTES(frame->event_message->from), BYTES(frame->event_message->body));
        break;
    case EARSHOT__SERVER_FRAME__BODY_EVENT_BROADCAST:
        snprintf(out, room, "broadcast %.*s: %.*s", BYTES(frame->event_broadcast->from), BYTES(frame->event_broadcast->body));
        break;
    case EARSHOT__SERVER_FRAME__BODY_EVENT_PRESENCE:
        snprintf(out, room, "%.*s %s", BYTES(frame->event_presence->user), frame->event_presence->online ? "comes" : "goes");
        break;
    case EARSHOT__SERVER_FRAME__BODY_CAUGHT_UP:
        caller->horizon = frame->caught_up->horizon;
        snprintf(out, room, "caught up");
        break;
    case EARSHOT__SERVER_FRAME__BODY_GOODBYE:
        snprintf(out, room, "goodbye %d", frame->goodbye->reason);
        break;
    default:
        snprintf(out, room, "frame %d", frame->body_case);
    }
}

/* Reads what has been written so far. */
static inline void read_out(struct caller *caller)
{
    struct slice payload;
    size_t used;
    while (frame_next(buf_slice(&caller->out), &payload, &used) == OK) {
        struct arena arena;
        Earshot__ServerFrame *frame;
        arena_init(&arena, WIRE_ARENA_CAP, 0);
        assert_int_equal(codec_read_server(payload, &arena, &frame), OK);
        assert_true(caller->count < LINES);
        describe(caller, frame, caller->lines[caller->count++]);
        arena_free(&arena);
        buf_consume(&caller->out, used);
    }
    assert_int_equal(buf_len(&caller->out), 0); /* frames are written whole */
}

static inline enum err link_write(void *link, struct slice bytes)
{
    struct caller *caller = link;
    assert_false(caller->hung_up);
    if (buf_len(&caller->out) + bytes.len > caller->desk->settings.output_cap)
        return ERR_CAP;
    enum err err = buf_append(&caller->out, bytes.data, bytes.len);
    if (!caller->slow)
        read_out(caller);
    return err;
}

static inline size_t link_pending(void *link)
{
    return buf_len(&((struct caller *)link)->out);
}

static inline void link_hold(void *ctx)
{
}

static inline void link_pause(void *link, bool paused)
{
    struct caller *caller = link;
    assert_true(caller->paused != paused);
    caller->paused = paused;
}

static inline void link_close(void *link)
{
    struct caller *caller = link;
    assert_false(caller->hung_up); /* asked once */
    caller->hung_up = true;
}

static const struct session_link caller_link = {link_write, link_pending, link_hold, link_pause, link_close};

/* ---- what a test expects ---- */

static inline void sees(struct caller *caller, const char *line)
{
    if (caller->first == caller->count)
        fail_msg("nothing comes instead of: %s", line);
    assert_string_equal(caller->lines[caller->first++], line);
}

static inline void silent(struct caller *caller)
{
    if (caller->first < caller->count)
        fail_msg("there is: %s", caller->lines[caller->first]);
}

static inline void forget_lines(struct caller *caller)
{
    caller->first = caller->count;
}

static inline void sees_goodbye(struct caller *caller, Earshot__Goodbye__Reason reason)
{
    char line[LINE];
    snprintf(line, sizeof line, "goodbye %d", reason);
    sees(caller, line);
    silent(caller);
    assert_true(caller->hung_up);
}

/* ---- what a caller sends ---- */

static inline void settle(struct desk *desk)
{
    stage_wake(desk->stage, 0);
    stage_wake(desk->stage, 1);
    stage_settle(desk->stage);
}

static inline void put_bytes(struct caller *caller, struct slice bytes)
{
    session_input(caller->session, bytes);
    settle(caller->desk);
}

static inline struct buf frame_bytes(const Earshot__ClientFrame *frame)
{
    struct buf bytes;
    buf_init(&bytes, WIRE_FRAME_MAX + WIRE_PREFIX_MAX);
    assert_int_equal(codec_write_client(frame, &bytes), OK);
    return bytes;
}

static inline void put_frame(struct caller *caller, const Earshot__ClientFrame *frame)
{
    struct buf bytes = frame_bytes(frame);
    put_bytes(caller, buf_slice(&bytes));
    buf_free(&bytes);
}

#define FRAME(variable, request, BODY, member, pointer)                                                                          \
    Earshot__ClientFrame variable = EARSHOT__CLIENT_FRAME__INIT;                                                                 \
    variable.number = request;                                                                                                   \
    variable.body_case = EARSHOT__CLIENT_FRAME__BODY_##BODY;                                                                     \
    variable.member = pointer

static inline ProtobufCBinaryData text(const char *text)
{
    return bytes_of_slice(slice_str(text));
}

static inline void ask_hello(struct caller *caller, uint64_t number)
{
    Earshot__Hello hello = EARSHOT__HELLO__INIT;
    hello.version = WIRE_VERSION;
    FRAME(frame, number, HELLO, hello, &hello);
    put_frame(caller, &frame);
}

static inline void ask_login(struct caller *caller, uint64_t number, const char *user, const char *password)
{
    Earshot__Login login = EARSHOT__LOGIN__INIT;
    login.user = text(user);
    login.password = text(password);
    FRAME(frame, number, LOGIN, login, &login);
    put_frame(caller, &frame);
}

static inline void ask_register(struct caller *caller, uint64_t number, const char *user, const char *password)
{
    Earshot__Register wish = EARSHOT__REGISTER__INIT;
    wish.user = text(user);
    wish.password = text(password);
    FRAME(frame, number, REGISTER, register_, &wish);
    put_frame(caller, &frame);
}

static inline void ask_resume(struct caller *caller, uint64_t number, const struct token *token)
{
    Earshot__Resume resume = EARSHOT__RESUME__INIT;
    resume.token = bytes_of_slice(slice_of(token->bytes, TOKEN_SIZE));
    FRAME(frame, number, RESUME, resume, &resume);
    put_frame(caller, &frame);
}

static inline void send_text(struct caller *caller, uint64_t number, const char *to, const char *body)
{
    Earshot__SendMessage message = EARSHOT__SEND_MESSAGE__INIT;
    message.to = text(to);
    message.body = text(body);
    FRAME(frame, number, MESSAGE, message, &message);
    put_frame(caller, &frame);
}

static inline void send_broadcast(struct caller *caller, uint64_t number, const char *body)
{
    Earshot__SendBroadcast broadcast = EARSHOT__SEND_BROADCAST__INIT;
    broadcast.body = text(body);
    FRAME(frame, number, BROADCAST, broadcast, &broadcast);
    put_frame(caller, &frame);
}

static inline void ping(struct caller *caller, uint64_t number)
{
    Earshot__Ping ping = EARSHOT__PING__INIT;
    FRAME(frame, number, PING, ping, &ping);
    put_frame(caller, &frame);
}

/* ---- coming and going ---- */

static inline struct caller *call_at(struct desk *desk, unsigned shard)
{
    struct caller *caller = calloc(1, sizeof *caller);
    assert_non_null(caller);
    assert_true(desk->caller_count < CALLERS);
    desk->callers[desk->caller_count++] = caller;
    caller->desk = desk;
    buf_init(&caller->out, OUT_MOST);
    assert_int_equal(session_open(desk->hubs[shard], &caller_link, caller, "192.0.2.1", &caller->session), OK);
    return caller;
}

static inline struct caller *call(struct desk *desk)
{
    return call_at(desk, 0);
}

static inline void hang_up(struct caller *caller)
{
    struct session *session = caller->session;
    caller->session = NULL;
    if (session != NULL)
        session_closed(session);
    settle(caller->desk);
}

/* A new account, or a new device of one. */
static inline struct caller *online_at(struct desk *desk, const char *user, unsigned shard)
{
    char line[LINE];
    struct caller *caller = call_at(desk, shard);
    ask_hello(caller, 1);
    sees(caller, "1 greeting");
    ask_register(caller, 2, user, "correct horse");
    if (strcmp(caller->lines[caller->first], "2 error name_taken") == 0) {
        caller->first++;
        ask_login(caller, 2, user, "correct horse");
    }
    snprintf(line, sizeof line, "2 welcome %s", user);
    sees(caller, line);
    while (caller->first < caller->count && strcmp(caller->lines[caller->first], "caught up") != 0)
        caller->first++;
    sees(caller, "caught up");
    silent(caller);
    return caller;
}

static inline struct caller *online(struct desk *desk, const char *user)
{
    return online_at(desk, user, 0);
}

/* ---- fixtures ---- */

static inline void desk_turn_end(void *ctx, unsigned shard)
{
    hub_flush(((struct desk *)ctx)->hubs[shard]);
}

static inline void configure(struct desk *desk)
{
    for (unsigned i = 0; i < STAGE_SHARDS; i++)
        hub_configure(desk->hubs[i], &desk->settings);
}

static inline int set_up(void **state)
{
    struct desk *desk = calloc(1, sizeof *desk);
    assert_non_null(desk);
    log_setup(2, LOG_TEXT, LOG_ERROR);
    desk->stage = stage_new(NULL, 1);
    desk->settings = session_settings_default;
    for (unsigned i = 0; i < STAGE_SHARDS; i++)
        assert_int_equal(hub_new(&desk->stage->worlds[i], desk->stage->shards[i], &desk->settings, &desk->hubs[i]), OK);
    desk->stage->turn_end = desk_turn_end;
    desk->stage->ctx = desk;
    *state = desk;
    return 0;
}

static inline int tear_down(void **state)
{
    struct desk *desk = *state;
    desk->stage->shut = false;
    for (size_t i = 0; i < desk->caller_count; i++)
        hang_up(desk->callers[i]);
    for (unsigned i = 0; i < STAGE_SHARDS; i++) {
        assert_int_equal(hub_sessions(desk->hubs[i]), 0);
        assert_int_equal(hub_held(desk->hubs[i]), 0);
        hub_free(&desk->hubs[i]);
    }
    desk->stage->turn_end = NULL;
    stage_free(&desk->stage);
    for (size_t i = 0; i < desk->caller_count; i++) {
        buf_free(&desk->callers[i]->out);
        free(desk->callers[i]);
    }
    free(desk);
    return 0;
}

#define DESK_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

#endif
