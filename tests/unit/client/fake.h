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
#include "wire/codec.h"
#include "wire/frame.h"
#include <stdio.h>
#include <stdlib.h>

#define UNUSED __attribute__((unused))

enum { FAKE_LINES = 2048, FAKE_LINE = 256 };

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
    bool saved, forgotten;
    struct token token;
    bool has_saved;
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

static UNUSED void describe_event(const struct earshot_event *e, char *out, size_t size)
{
    const char *user = e->user ? e->user : "";
    int len = 0;
    switch (e->type) {
    case EARSHOT_EVENT_NEED_USER:
        snprintf(out, size, "need_user");
        break;
    case EARSHOT_EVENT_NEED_PASSWORD:
        snprintf(out, size, "need_password");
        break;
    case EARSHOT_EVENT_NEW_ACCOUNT:
        snprintf(out, size, "new_account");
        break;
    case EARSHOT_EVENT_ONLINE:
        snprintf(out, size, "online %s %s", user, e->text);
        break;
    case EARSHOT_EVENT_OK:
        len = snprintf(out, size, "ok %lld", (long long)e->request);
        if (e->id != 0)
            len += snprintf(out + len, size - (size_t)len, " id=%llu", (unsigned long long)e->id);
        if (e->delivered != 0)
            snprintf(out + len, size - (size_t)len, " delivered=%u%s", e->delivered, e->withheld ? " withheld" : "");
        break;
    case EARSHOT_EVENT_USERS:
        len = snprintf(out, size, "users %lld", (long long)e->request);
        for (size_t i = 0; i < e->user_count && (size_t)len < size; i++)
            len += snprintf(out + len, size - (size_t)len, " %s", e->users[i]);
        break;
    case EARSHOT_EVENT_ERROR:
        len = snprintf(out, size, "error %lld %s", (long long)e->request, earshot_error_name(e->error));
        if (e->retry_after != 0)
            snprintf(out + len, size - (size_t)len, " retry_after=%d", e->retry_after);
        break;
    case EARSHOT_EVENT_MESSAGE:
        snprintf(out, size, "message %s %.*s%s", user, (int)e->body_len, e->body, e->stored ? " stored" : "");
        break;
    case EARSHOT_EVENT_SENT:
        snprintf(out, size, "sent %s %.*s", user, (int)e->body_len, e->body);
        break;
    case EARSHOT_EVENT_BROADCAST:
        snprintf(out, size, "broadcast %s %.*s", user, (int)e->body_len, e->body);
        break;
    case EARSHOT_EVENT_PRESENCE:
        snprintf(out, size, "presence %s %s", user, e->online ? "on" : "off");
        break;
    case EARSHOT_EVENT_CAUGHT_UP:
        snprintf(out, size, "caught_up");
        break;
    case EARSHOT_EVENT_DISCONNECTED:
        snprintf(out, size, "disconnected %s%s", earshot_reason_name(e->reason), e->retry_after < 0 ? " for good" : "");
        break;
    case EARSHOT_EVENT_CLOSED:
        snprintf(out, size, "closed %s %s", earshot_error_name(e->error), earshot_reason_name(e->reason));
        break;
    default:
        snprintf(out, size, "event %d", (int)e->type);
    }
}

static UNUSED void fake_event(void *ctx, const struct earshot_event *event)
{
    struct fake *fake = ctx;
    assert_true(fake->events.count < FAKE_LINES);
    describe_event(event, fake->events.text[fake->events.count++], FAKE_LINE);
    if (fake->on_event != NULL)
        fake->on_event(fake, event);
}

static UNUSED bool fake_load(void *ctx, const struct name *user, struct token *token)
{
    struct fake *fake = ctx;
    if (fake->has_saved)
        *token = fake->token;
    return fake->has_saved;
}

static UNUSED void fake_save(void *ctx, const struct token *token)
{
    struct fake *fake = ctx;
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

#define TEXT(bytes) (int)(bytes).len, (const char *)(bytes).data

static UNUSED void describe_positions(Earshot__Position *const *positions, size_t count, char *out, size_t size)
{
    int len = 0;
    out[0] = '\0';
    for (size_t i = 0; i < count && (size_t)len < size; i++)
        len += snprintf(out + len, size - (size_t)len, " %llu:%llu", (unsigned long long)positions[i]->conversation,
                        (unsigned long long)positions[i]->id);
}

static UNUSED void describe_frame(const Earshot__ClientFrame *f, char *out, size_t size)
{
    unsigned long long n = f->number;
    char list[FAKE_LINE];
    switch (f->body_case) {
    case EARSHOT__CLIENT_FRAME__BODY_HELLO:
        snprintf(out, size, "hello %u", f->hello->version);
        break;
    case EARSHOT__CLIENT_FRAME__BODY_IDENTIFY:
        snprintf(out, size, "identify %llu %.*s", n, TEXT(f->identify->user));
        break;
    case EARSHOT__CLIENT_FRAME__BODY_LOGIN:
        snprintf(out, size, "login %llu %.*s %.*s%s", n, TEXT(f->login->user), TEXT(f->login->password),
                 f->login->token.len > 0 ? " token" : "");
        break;
    case EARSHOT__CLIENT_FRAME__BODY_REGISTER:
        snprintf(out, size, "register %llu %.*s %.*s", n, TEXT(f->register_->user), TEXT(f->register_->password));
        break;
    case EARSHOT__CLIENT_FRAME__BODY_RESUME:
        describe_positions(f->resume->positions, f->resume->n_positions, list, sizeof list);
        snprintf(out, size, "resume %llu token=%02x%s horizon=%llu%.150s", n, f->resume->token.data[0],
                 f->resume->continues ? " continues" : "", (unsigned long long)f->resume->horizon, list);
        break;
    case EARSHOT__CLIENT_FRAME__BODY_MESSAGE:
        snprintf(out, size, "message %llu %.*s %.*s", n, TEXT(f->message->to), TEXT(f->message->body));
        break;
    case EARSHOT__CLIENT_FRAME__BODY_BROADCAST:
        snprintf(out, size, "broadcast %llu %.*s", n, TEXT(f->broadcast->body));
        break;
    case EARSHOT__CLIENT_FRAME__BODY_WHOELSE:
        snprintf(out, size, "whoelse %llu", n);
        break;
    case EARSHOT__CLIENT_FRAME__BODY_WHOELSESINCE:
        snprintf(out, size, "whoelsesince %llu %llu", n, (unsigned long long)f->whoelsesince->seconds);
        break;
    case EARSHOT__CLIENT_FRAME__BODY_BLOCK:
        snprintf(out, size, "block %llu %.*s", n, TEXT(f->block->user));
        break;
    case EARSHOT__CLIENT_FRAME__BODY_UNBLOCK:
        snprintf(out, size, "unblock %llu %.*s", n, TEXT(f->unblock->user));
        break;
    case EARSHOT__CLIENT_FRAME__BODY_LOGOUT:
        snprintf(out, size, "logout %llu", n);
        break;
    case EARSHOT__CLIENT_FRAME__BODY_RECEIVED:
        describe_positions(f->received->positions, f->received->n_positions, list, sizeof list);
        snprintf(out, size, "received%.200s", list);
        break;
    case EARSHOT__CLIENT_FRAME__BODY_PING:
        snprintf(out, size, "ping %llu", n);
        break;
    case EARSHOT__CLIENT_FRAME__BODY_STARTPRIVATE:
        snprintf(out, size, "startprivate %llu %.*s", n, TEXT(f->startprivate->user));
        break;
    case EARSHOT__CLIENT_FRAME__BODY_STOPPRIVATE:
        snprintf(out, size, "stopprivate %llu %.*s", n, TEXT(f->stopprivate->user));
        break;
    default:
        snprintf(out, size, "frame %d", (int)f->body_case);
    }
}

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

/* ---- what the server says ---- */

static UNUSED ProtobufCBinaryData text_bytes(const char *text)
{
    return bytes_of_slice(slice_str(text));
}

static UNUSED void say(struct fake *fake, const Earshot__ServerFrame *frame)
{
    struct buf bytes;
    buf_init(&bytes, 2 * WIRE_FRAME_MAX);
    assert_int_equal(codec_write_server(frame, &bytes), OK);
    core_data(fake->core, buf_slice(&bytes));
    buf_free(&bytes);
}

#define SAY(fake, number, CASE, field, Type, TYPE, ...)                                                                          \
    do {                                                                                                                         \
        Earshot__ServerFrame frame_ = EARSHOT__SERVER_FRAME__INIT;                                                               \
        Earshot__##Type body_ = EARSHOT__##TYPE##__INIT;                                                                         \
        Earshot__##Type *it = &body_;                                                                                            \
        (void)it;                                                                                                                \
        __VA_ARGS__;                                                                                                             \
        frame_.answers = number;                                                                                                 \
        frame_.body_case = EARSHOT__SERVER_FRAME__BODY_##CASE;                                                                   \
        frame_.field = &body_;                                                                                                   \
        say(fake, &frame_);                                                                                                      \
    } while (0)

static UNUSED void say_greeting(struct fake *fake)
{
    SAY(fake, 0, GREETING, greeting, Greeting, GREETING, it->version = 1; it->heartbeat_seconds = 15);
}

static UNUSED void say_challenge(struct fake *fake, uint64_t number, Earshot__Challenge__Kind kind)
{
    SAY(fake, number, CHALLENGE, challenge, Challenge, CHALLENGE, it->kind = kind);
}

static UNUSED void say_welcome(struct fake *fake, uint64_t number, uint8_t token, uint64_t last)
{
    uint8_t bytes[TOKEN_SIZE];
    memset(bytes, token, sizeof bytes);
    SAY(fake, number, WELCOME, welcome, Welcome, WELCOME, it->user = text_bytes("alice");
        it->token = bytes_of_slice(slice_of(bytes, sizeof bytes)); it->last_number = last);
}

static UNUSED void say_done(struct fake *fake, uint64_t number)
{
    SAY(fake, number, DONE, done, Done, DONE, (void)0);
}

static UNUSED void say_accepted(struct fake *fake, uint64_t number, uint64_t id_)
{
    SAY(fake, number, ACCEPTED, accepted, Accepted, ACCEPTED, it->id = id_);
}

static UNUSED void say_announced(struct fake *fake, uint64_t number, uint32_t count)
{
    SAY(fake, number, ANNOUNCED, announced, Announced, ANNOUNCED, it->delivered = count; it->withheld = true);
}

static UNUSED void say_users(struct fake *fake, uint64_t number, const char *const names[], size_t count, bool more_)
{
    ProtobufCBinaryData list[64];
    assert_true(count <= 64);
    for (size_t i = 0; i < count; i++)
        list[i] = text_bytes(names[i]);
    SAY(fake, number, USERS, users, Users, USERS, it->users = list; it->n_users = count; it->more = more_);
}

static UNUSED void say_error(struct fake *fake, uint64_t number, uint32_t code_, uint32_t retry)
{
    SAY(fake, number, ERROR, error, Error, ERROR, it->code = code_; it->text = text_bytes("no"); it->retry_after = retry);
}

static UNUSED void say_message(struct fake *fake, uint64_t conversation_, uint64_t id_, const char *from_, const char *to_,
                               const char *body)
{
    SAY(fake, 0, EVENT_MESSAGE, event_message, Message, MESSAGE, it->conversation = conversation_; it->id = id_;
        it->from = text_bytes(from_); it->to = text_bytes(to_); it->body = text_bytes(body));
}

static UNUSED void say_caught_up(struct fake *fake, uint64_t horizon_)
{
    SAY(fake, 0, CAUGHT_UP, caught_up, CaughtUp, CAUGHT_UP, it->horizon = horizon_);
}

static UNUSED void say_goodbye(struct fake *fake, Earshot__Goodbye__Reason why, uint32_t retry)
{
    SAY(fake, 0, GOODBYE, goodbye, Goodbye, GOODBYE, it->reason = why; it->retry_after = retry);
}

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

static UNUSED int64_t ask(struct fake *fake, enum request_kind kind, const char *user, const char *body)
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
