/* cursor.c - see cursor.h; and acknowledgements: noted in the cursors, stored for many at once. */
#include "cursor.h"

#include "delivery.h"

#include <stdlib.h>

enum {
    FLUSH_MS = 250,
    RETRY_MS = 2000, /* after a failed write */
};

void cursor_begin(struct participant *participant)
{
    map_init(&participant->cursors, participant->shard->chat->directory->seed);
}

/* After cursors have come or gone. */
static void account(struct participant *participant)
{
    enum { EACH = sizeof(struct cursor) + 16 }; /* and what malloc adds */
    size_t held = map_count(&participant->cursors) * EACH + map_held(&participant->cursors);
    participant->shard->held += held - participant->held; /* wraps to a difference */
    participant->held = held;
}

size_t participant_held(const struct participant *participant)
{
    return participant->held;
}

void cursor_drop_all(struct participant *participant)
{
    struct cursor *cursor;
    for (size_t i = 0; (cursor = map_next(&participant->cursors, &i)) != NULL;) {
        map_iter_remove(&participant->cursors, &i);
        free(cursor);
    }
    map_free(&participant->cursors);
    account(participant);
}

struct cursor *cursor_get(struct participant *participant, uint64_t conversation)
{
    struct cursor *cursor = map_get_u64(&participant->cursors, conversation);
    if (cursor != NULL)
        return cursor;
    cursor = calloc(1, sizeof *cursor);
    if (cursor == NULL)
        return NULL;
    cursor->conversation = conversation;
    cursor->sent = participant->fresh || participant->pending ? 0 : participant->horizon;
    if (map_put_u64(&participant->cursors, conversation, cursor) != OK) {
        free(cursor);
        return NULL;
    }
    account(participant);
    return cursor;
}

void cursor_move(struct cursor *cursor, uint64_t id)
{
    cursor->sent = cursor->passed = id;
    if (cursor->own > id && cursor->own_previous <= id)
        cursor->sent = cursor->own;
}

/*
 * An own message needs no sending, but it stands in the conversation's order: a later message names it as its predecessor. If the
 * one before it has not come by yet, it waits for that.
 */
void cursor_own(struct cursor *cursor, uint64_t id, uint64_t previous)
{
    if (previous <= cursor->sent && id > cursor->sent && !cursor->held) {
        cursor->sent = id;
    } else if (cursor->own > cursor->sent && previous == cursor->own) {
        cursor->own = id;
    } else if (cursor->own <= cursor->sent) {
        cursor->own = id;
        cursor->own_previous = previous;
    }
}

static bool finished(const struct cursor *cursor, uint64_t horizon)
{
    return !cursor->held && cursor->sent <= horizon && cursor->stored >= cursor->received && cursor->received >= cursor->passed;
}

void cursor_forget(struct participant *participant, uint64_t horizon)
{
    struct cursor *cursor;
    for (size_t i = 0; (cursor = map_next(&participant->cursors, &i)) != NULL;) {
        if (!finished(cursor, horizon)) {
            if (!cursor->held && cursor->sent < horizon)
                cursor->sent = horizon;
            continue;
        }
        map_iter_remove(&participant->cursors, &i);
        free(cursor);
    }
    if (map_count(&participant->cursors) == 0)
        map_free(&participant->cursors);
    account(participant);
}

bool cursor_beyond(const struct participant *participant, uint64_t horizon)
{
    struct cursor *cursor;
    for (size_t i = 0; (cursor = map_next(&participant->cursors, &i)) != NULL;)
        if (cursor->sent > horizon)
            return true;
    return false;
}

bool cursor_release(struct participant *participant)
{
    struct cursor *cursor;
    bool any = false;
    for (size_t i = 0; (cursor = map_next(&participant->cursors, &i)) != NULL;) {
        any |= cursor->held;
        cursor->held = false;
    }
    return any;
}

/* ---- acknowledgements ---- */

struct advance {
    struct store_advance store;
    struct participant *participant;
    struct store_position positions[];
};

static void flush_fire(struct timer *timer)
{
    delivery_flush((struct shard *)((char *)timer - offsetof(struct shard, flush_timer)));
}

static void flush_in(struct participant *participant, int64_t ms)
{
    struct shard *shard = participant->shard;
    if (participant->in_unflushed)
        return;
    participant->in_unflushed = true;
    participant->next_unflushed = shard->unflushed;
    shard->unflushed = participant;
    shard->flush_timer.fire = flush_fire;
    if (shard->flush_timer.place == 0 && !shard->stopped)
        (void)timer_start(shard->world->timers, &shard->flush_timer, world_mono_ms(shard->world) + ms);
}

static void flush_later(struct participant *participant)
{
    flush_in(participant, FLUSH_MS);
}

void cursor_restore(struct participant *participant, const struct store_position *position)
{
    struct cursor *cursor = cursor_get(participant, position->conversation);
    if (cursor == NULL || position->id <= cursor->sent)
        return;
    cursor->sent = cursor->passed = cursor->received = position->id;
    flush_later(participant); /* its acknowledgement may have been lost with the connection */
}

void participant_received(struct participant *participant, uint64_t conversation, uint64_t id)
{
    struct cursor *cursor = map_get_u64(&participant->cursors, conversation);
    if (cursor == NULL || id <= cursor->received || id > cursor->passed)
        return;
    cursor->received = id;
    flush_later(participant);
}

/* The store does not know it after all. Its cursor may have gone meanwhile. */
static void take_back(struct participant *participant, const struct store_position *position)
{
    struct cursor *cursor = map_get_u64(&participant->cursors, position->conversation);
    if (cursor == NULL && position->id <= participant->horizon) {
        cursor = cursor_get(participant, position->conversation);
        if (cursor == NULL)
            return;
        cursor->passed = cursor->received = position->id;
        if (cursor->sent < position->id)
            cursor->sent = position->id;
    }
    if (cursor != NULL && cursor->stored <= position->id)
        cursor->stored = 0;
}

bool participant_unacknowledged(const struct participant *participant)
{
    struct cursor *cursor;
    for (size_t i = 0; (cursor = map_next(&participant->cursors, &i)) != NULL;)
        if (cursor->passed > cursor->received)
            return true;
    return false;
}

static void advanced(struct store_op *op)
{
    struct advance *advance = (struct advance *)op;
    struct participant *participant = advance->participant;
    shard_came_home(participant->shard);
    if (participant->ops == NULL) {
        /* it has left: what was not stored is sent again at the next login */
    } else if (op->err != OK) {
        for (size_t i = 0; i < advance->store.count; i++)
            take_back(participant, &advance->positions[i]);
        flush_in(participant, RETRY_MS);
    } else if (participant->mode == DELIVERY_LIVE) {
        cursor_forget(participant, participant->horizon); /* a resume may have brought thousands */
    }
    participant_release(participant);
    free(advance);
}

static size_t unstored(struct participant *participant, struct store_position *positions)
{
    size_t count = 0;
    struct cursor *cursor;
    for (size_t i = 0; (cursor = map_next(&participant->cursors, &i)) != NULL;) {
        if (cursor->received <= cursor->stored)
            continue;
        if (positions != NULL) {
            positions[count] = (struct store_position){cursor->conversation, cursor->received};
            cursor->stored = cursor->received;
        }
        count++;
    }
    return count;
}

static void store_received(struct participant *participant)
{
    size_t count = unstored(participant, NULL);
    struct advance *advance = count > 0 ? calloc(1, sizeof *advance + count * sizeof advance->positions[0]) : NULL;
    if (advance == NULL)
        return;
    unstored(participant, advance->positions);
    advance->participant = participant;
    advance->store = (struct store_advance){
        .op = {.verb = STORE_ADVANCE, .done = advanced},
        .account = participant->user->id,
        .positions = advance->positions,
        .count = count,
    };
    participant_hold(participant);
    shard_submit(participant->shard, &advance->store.op);
}

void delivery_flush(struct shard *shard)
{
    while (shard->unflushed != NULL) {
        struct participant *participant = shard->unflushed;
        shard->unflushed = participant->next_unflushed;
        participant->in_unflushed = false;
        store_received(participant);
    }
}

void cursor_end(struct participant *participant)
{
    struct participant **link = &participant->shard->unflushed;
    while (*link != NULL && *link != participant)
        link = &(*link)->next_unflushed;
    if (*link != NULL)
        *link = participant->next_unflushed;
    participant->in_unflushed = false;
    store_received(participant);
    cursor_drop_all(participant);
}
