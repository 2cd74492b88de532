/*
 * harness.h - guests of a chat on a stage (../simulation/world.h): participants who write down what they are told, so that a test
 * reads like a transcript. What happened comes out in its order; silent() says that there was no more.
 *
 *     struct guest *bob = arrive(party, "bob", 1);       on shard 1, a new device
 *     struct stored one = put(party, "alice", "bob", "one");    in the store, and nobody has been told
 *     announce(bob, &one);                               the event for it
 *     sees(bob, "message alice: one");
 */
#ifndef TEST_CHAT_HARNESS_H
#define TEST_CHAT_HARNESS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/log.h"
#include "chat/participant.h"
#include "directory.h"
#include "event.h"
#include "seated.h"
#include "world.h"

#include <stdio.h>
#include <stdlib.h>

enum { LINES = 2048, LINE = 128, GUESTS = 128 };

struct guest {
    struct party *party;
    struct participant *participant;
    struct login login;
    char name[33];
    bool congested;
    unsigned room; /* messages until it is congested; 0: never */
    uint64_t horizon;
    char lines[LINES][LINE];
    size_t first, count;
};

struct party {
    struct stage *stage;
    struct guest *guests[GUESTS];
    size_t guest_count;
};

struct stored {
    uint64_t sender, receiver, id, conversation, previous;
    int64_t time;
    char body[32];
};

/* ---- what a guest is told ---- */

static inline void write_line(struct guest *guest, const char *format, ...) __attribute__((format(printf, 2, 3)));
static inline void write_line(struct guest *guest, const char *format, ...)
{
    va_list args;
    assert_true(guest->count < LINES);
    va_start(args, format);
    vsnprintf(guest->lines[guest->count++], LINE, format, args);
    va_end(args);
}

#define NAME(slice) (int)(slice).len, (const char *)(slice).data

static inline void told_answer(void *ctx, uint64_t number, const struct chat_answer *answer)
{
    write_line(ctx, "%llu %s", (unsigned long long)number, answer->err == OK ? "ok" : err_name(answer->err));
}

static inline void told_message(void *ctx, const struct chat_message *message)
{
    struct guest *guest = ctx;
    if (slice_equal(message->from, slice_str(guest->name)))
        write_line(guest, "sent %.*s: %.*s", NAME(message->to), NAME(message->body));
    else
        write_line(guest, "%s %.*s: %.*s", message->stored ? "stored" : "message", NAME(message->from), NAME(message->body));
    if (guest->room > 0 && --guest->room == 0)
        guest->congested = true;
}

static inline void told_broadcast(void *ctx, const struct chat_message *broadcast, struct buf *memo)
{
    write_line(ctx, "broadcast %.*s: %.*s", NAME(broadcast->from), NAME(broadcast->body));
}

static inline void told_presence(void *ctx, struct slice name, bool online, struct buf *memo)
{
    write_line(ctx, "%.*s %s", NAME(name), online ? "comes" : "goes");
}

static inline void told_caught_up(void *ctx, uint64_t horizon)
{
    struct guest *guest = ctx;
    guest->horizon = horizon;
    write_line(guest, "caught up");
}

static inline void told_farewell(void *ctx, enum farewell why)
{
    write_line(ctx, "farewell %s", why == FAREWELL_REPLACED ? "replaced" : "revoked");
}

static inline bool is_congested(void *ctx)
{
    return ((struct guest *)ctx)->congested;
}

static const struct participant_ops guest_ops = {
    .answer = told_answer,
    .message = told_message,
    .broadcast = told_broadcast,
    .presence = told_presence,
    .caught_up = told_caught_up,
    .farewell = told_farewell,
    .congested = is_congested,
};

/* ---- what a test expects ---- */

static inline void sees(struct guest *guest, const char *line)
{
    if (guest->first == guest->count)
        fail_msg("%s sees nothing instead of: %s", guest->name, line);
    assert_string_equal(guest->lines[guest->first++], line);
}

static inline void silent(struct guest *guest)
{
    if (guest->first < guest->count)
        fail_msg("%s sees: %s", guest->name, guest->lines[guest->first]);
}

static inline void forget_lines(struct guest *guest)
{
    guest->first = guest->count;
}

/* ---- coming and going ---- */

static inline void login_done(struct login *login)
{
    login->address = NULL; /* a mark */
}

static inline enum err log_in(struct party *party, struct login *login, void (*how)(struct shard *, struct login *))
{
    login->done = login_done;
    login->address = "192.0.2.1";
    how(party->stage->shards[0], login);
    assert_non_null(login->address); /* never inside */
    stage_settle(party->stage);
    assert_null(login->address);
    return login->err;
}

static inline struct user *user_of(struct party *party, const char *name)
{
    return directory_find(party->stage->shards[0]->chat->directory, slice_str(name));
}

/* Makes the account if there is none; either way the login of a new device. */
static inline struct login new_device(struct party *party, const char *name)
{
    struct login login = {.name = slice_str(name), .password = slice_str("correct horse")};
    assert_int_equal(log_in(party, &login, user_of(party, name) ? login_with_password : login_register), OK);
    return login;
}

static inline void join(struct guest *guest, unsigned shard, const struct resume *resume)
{
    struct stage *stage = guest->party->stage;
    assert_int_equal(participant_join(stage->shards[shard], &guest->login, resume, &guest_ops, guest, &guest->participant), OK);
}

static inline struct guest *guest_new(struct party *party, const char *name)
{
    struct guest *guest = calloc(1, sizeof *guest);
    assert_non_null(guest);
    assert_true(party->guest_count < GUESTS);
    party->guests[party->guest_count++] = guest;
    guest->party = party;
    snprintf(guest->name, sizeof guest->name, "%s", name);
    guest->login = new_device(party, name);
    return guest;
}

static inline struct guest *arrive(struct party *party, const char *name, unsigned shard)
{
    struct guest *guest = guest_new(party, name);
    join(guest, shard, &(struct resume){0});
    stage_settle(party->stage);
    sees(guest, "caught up");
    silent(guest);
    return guest;
}

static inline void leave(struct guest *guest)
{
    participant_leave(&guest->participant, false);
    stage_wake(guest->party->stage, 0);
    stage_wake(guest->party->stage, 1);
    stage_settle(guest->party->stage);
}

/* The same device again, with what it has. */
static inline void come_back(struct guest *guest, unsigned shard, uint64_t horizon, const struct store_position *positions,
                             size_t count)
{
    join(guest, shard, &(struct resume){.continues = true, .horizon = horizon, .positions = positions, .count = count});
    stage_wake(guest->party->stage, shard);
    stage_settle(guest->party->stage);
}

/* ---- what guests do ---- */

static inline void settle(struct party *party)
{
    stage_wake(party->stage, 0);
    stage_wake(party->stage, 1);
    stage_settle(party->stage);
}

static inline void say(struct guest *guest, uint64_t number, const char *to, const char *body)
{
    participant_message(guest->participant, number, slice_str(to), slice_str(body));
    settle(guest->party);
}

static inline void set_block(struct guest *guest, const char *name, bool on)
{
    participant_block(guest->participant, 1, slice_str(name), on);
    settle(guest->party);
    sees(guest, "1 ok");
}

static inline void acknowledge(struct guest *guest, const struct stored *stored)
{
    participant_received(guest->participant, stored->conversation, stored->id);
    stage_pass(guest->party->stage, 300);
}

/* ---- behind the chat's back ---- */

static inline void put_done(struct store_op *op)
{
    op->home = NULL;
}

static inline void run_op(struct party *party, struct store_op *op, enum store_verb verb)
{
    *op = (struct store_op){.verb = verb, .done = put_done, .home = party->stage->worlds[0].strand};
    store_submit(&party->stage->door, op);
    stage_settle(party->stage);
    assert_null(op->home);
    assert_int_equal(op->err, OK);
}

static inline struct stored put(struct party *party, const char *from, const char *to, const char *body)
{
    struct store_append append = {
        .sender = user_of(party, from)->id, .receiver = user_of(party, to)->id, .body = slice_str(body)};
    stage_pass(party->stage, 1); /* what is stored in the millisecond of a login counts as having waited for it */
    append.time = world_wall_ms(&party->stage->worlds[0]);
    run_op(party, &append.op, STORE_APPEND);
    struct stored stored = {append.sender, append.receiver, append.id, append.conversation, append.previous, append.time, ""};
    snprintf(stored.body, sizeof stored.body, "%s", body);
    return stored;
}

/* The event of a stored message reaches the guest's shard. */
static inline void announce(struct guest *guest, const struct stored *stored)
{
    const struct event event = {
        .kind = EVENT_MESSAGE,
        .slot = guest->participant->slot,
        .generation = guest->participant->generation,
        .sender = stored->sender,
        .receiver = stored->receiver,
        .conversation = stored->conversation,
        .id = stored->id,
        .previous = stored->previous,
        .time_ms = stored->time,
    };
    delivery_on_message(guest->participant->shard, &event, slice_str(stored->body));
    settle(guest->party);
}

/* ---- fixtures ---- */

static inline int set_up(void **state)
{
    struct party *party = calloc(1, sizeof *party);
    assert_non_null(party);
    log_setup(2, LOG_TEXT, LOG_ERROR);
    party->stage = stage_new(NULL, 1);
    *state = party;
    return 0;
}

static inline int tear_down(void **state)
{
    struct party *party = *state;
    for (size_t i = 0; i < party->guest_count; i++) {
        participant_leave(&party->guests[i]->participant, false);
        settle(party);
        free(party->guests[i]);
    }
    stage_free(&party->stage);
    free(party);
    return 0;
}

#define PARTY_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

#endif
