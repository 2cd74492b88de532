/* delivery.c - see delivery.h. Cursors and acknowledgements are in cursor.c. */
#include "delivery.h"

#include "cursor.h"
#include "event.h"
#include "visibility.h"

#include "base/log.h"

#include <stdlib.h>

enum {
    PAGE_ROWS = 256,
    PAGE_BYTES = 256 * 1024,
    PAGE_ARENA = 4 * 1024 * 1024,
    PAGES_MOST = 64,    /* under way at once: a group of the store's reads thousands, and keeps them all until it is answered */
    CURSORS_MAX = 1024, /* then the horizon is moved up by reading, which makes them unnecessary */
    RETRY_MS = 1000,    /* after a failed read */
};

/* A read under way. Made when catching up begins, freed when it is done: an idle participant has none. */
struct catch_up {
    struct store_page page;
    struct participant *participant;
    struct timer retry;
    struct ring waiting; /* in the shard's line */
    uint64_t after;
    bool first;    /* page */
    uint64_t base; /* what the horizon will be: that of the first page */
};

static void read_page(struct catch_up *catching);

static bool congested(struct participant *participant)
{
    return participant->ops->congested(participant->ctx);
}

static struct user *user_of(struct participant *participant, uint64_t id)
{
    if (id == participant->user->id)
        return participant->user;
    if (participant->recent == NULL || participant->recent->id != id)
        participant->recent = directory_by_id(participant->shard->chat->directory, id);
    return participant->recent;
}

/* Passes one message on, or stops the conversation at it. The order was checked. */
static void pass(struct participant *participant, struct cursor *cursor, const struct event *event, struct slice body,
                 bool waited)
{
    struct user *sender = user_of(participant, event->sender), *receiver = user_of(participant, event->receiver);
    if (sender == NULL || receiver == NULL)
        return;
    if (receiver == participant->user && !may_see(sender, receiver, ACT_MESSAGE)) {
        cursor->held = true;
        return;
    }
    cursor_move(cursor, event->id);
    const struct chat_message message = {
        .conversation = event->conversation,
        .id = event->id,
        .from = user_name(sender),
        .to = user_name(receiver),
        .body = body,
        .time_ms = event->time_ms,
        .stored = waited,
    };
    tally_count(&participant->shard->tally.delivered);
    participant->ops->message(participant->ctx, &message);
}

/* ---- catching up ---- */

static void retry_fire(struct timer *timer)
{
    read_page((struct catch_up *)((char *)timer - offsetof(struct catch_up, retry)));
}

static void catch_up_free(struct participant *participant)
{
    struct catch_up *catching = participant->catching;
    participant->catching = NULL;
    timer_stop(participant->shard->world->timers, &catching->retry);
    ring_remove(&catching->waiting);
    arena_free(&catching->page.arena);
    free(catching);
}

static void begin_reading(struct participant *participant)
{
    participant->mode = DELIVERY_CATCHING_UP;
    participant->again = false;
    struct catch_up *catching = participant->catching;
    if (catching == NULL) {
        catching = calloc(1, sizeof *catching);
        if (catching == NULL) {
            participant->mode = DELIVERY_STALLED; /* tried again with the next event */
            return;
        }
        catching->participant = participant;
        catching->retry.fire = retry_fire;
        ring_init(&catching->waiting);
        arena_init(&catching->page.arena, PAGE_ARENA, 0);
        participant->catching = catching;
    }
    participant->pending = participant->fresh || participant->overdue;
    participant->overdue = false;
    catching->after = participant->pending ? 0 : participant->horizon;
    catching->base = participant->horizon;
    catching->first = true;
    read_page(catching);
}

/* All that waited has been passed on. What came meanwhile, perhaps acknowledged by another device already, is read from `base`
 * on. */
static void pending_done(struct participant *participant)
{
    participant->fresh = false;
    participant->horizon = participant->catching->base;
    begin_reading(participant);
}

static void caught_up(struct participant *participant, uint64_t horizon)
{
    participant->fresh = participant->pending = false;
    participant->horizon = horizon;
    cursor_forget(participant, horizon);
    if (participant->again) {
        begin_reading(participant);
        return;
    }
    catch_up_free(participant);
    participant->mode = DELIVERY_LIVE;
    participant->ops->caught_up(participant->ctx, horizon);
}

/* The client named a horizon or positions that this store never reached (an older copy was restored): start afresh. */
static bool from_elsewhere(struct participant *participant, uint64_t horizon)
{
    if (!participant->unchecked)
        return false;
    participant->unchecked = false;
    if (participant->horizon <= horizon && !cursor_beyond(participant, horizon))
        return false;
    log_event(LOG_WARN, "resume_from_elsewhere", log_slice("user", user_name(participant->user)));
    cursor_drop_all(participant);
    participant->fresh = true;
    return true;
}

static void pass_row(struct participant *participant, const struct store_message *row)
{
    struct cursor *cursor = cursor_get(participant, row->conversation);
    if (cursor == NULL || cursor->held || row->id <= cursor->sent)
        return;
    const struct event event = {
        .sender = row->sender,
        .receiver = row->receiver,
        .conversation = row->conversation,
        .id = row->id,
        .time_ms = row->time,
    };
    pass(participant, cursor, &event, row->body, row->time <= participant->joined_ms);
}

/*
 * What waits is read without the copies of what the user's other devices sent, which stand between it. So it is passed on only up
 * to where the reading of everything begins: a cursor that had moved beyond would leave out the copies before it.
 */
static bool left_to_since(const struct participant *participant, uint64_t id)
{
    return participant->pending && id > participant->catching->base;
}

/* The page, as far as the output has room for it. */
static void pass_page(struct participant *participant, struct catch_up *catching)
{
    const struct store_page *page = &catching->page;
    if (catching->first && participant->fresh)
        catching->base = page->horizon;
    for (size_t i = 0; i < page->count; i++) {
        if (congested(participant)) {
            participant->mode = DELIVERY_STALLED;
            catching->first = false;
            arena_reset(&catching->page.arena); /* a reader who takes long keeps no page meanwhile */
            return;
        }
        if (!left_to_since(participant, page->rows[i].id))
            pass_row(participant, &page->rows[i]);
        catching->after = page->rows[i].id;
    }
    bool alone = catching->first; /* one page held everything */
    catching->first = false;
    if (page->more)
        read_page(catching);
    else if (participant->pending && !(participant->fresh && alone))
        pending_done(participant);
    else
        caught_up(participant, page->horizon);
}

static void read_waiting(struct shard *shard);

static void page_read(struct store_op *op)
{
    struct catch_up *catching = (struct catch_up *)op;
    struct participant *participant = catching->participant;
    struct shard *shard = participant->shard;
    shard_came_home(shard);
    shard->pages_under_way--;
    if (participant->ops == NULL) {
        /* it has left */
    } else if (op->err != OK) {
        log_event(LOG_WARN, "read_failed", log_slice("user", user_name(participant->user)), log_str("error", err_name(op->err)));
        if (shard->stopped || timer_start(shard->world->timers, &catching->retry, world_mono_ms(shard->world) + RETRY_MS) != OK)
            participant->mode = DELIVERY_STALLED;
    } else if (from_elsewhere(participant, catching->page.horizon)) {
        begin_reading(participant);
    } else {
        pass_page(participant, catching);
    }
    read_waiting(shard);
    participant_release(participant);
}

static void submit_page(struct catch_up *catching)
{
    struct participant *participant = catching->participant;
    struct store_page *page = &catching->page;
    page->op = (struct store_op){.verb = participant->pending ? STORE_PENDING : STORE_SINCE, .done = page_read};
    page->account = participant->user->id;
    page->device = participant->device;
    page->after = catching->after;
    page->limit = PAGE_ROWS;
    page->limit_bytes = PAGE_BYTES;
    page->rows = NULL;
    page->count = 0;
    participant_hold(participant);
    participant->shard->pages_under_way++;
    shard_submit(participant->shard, &page->op);
}

/* Whoever needs another page goes to the end of the line. */
static void read_waiting(struct shard *shard)
{
    while (shard->pages_under_way < PAGES_MOST && !ring_is_alone(&shard->waiting_pages)) {
        struct ring *first = shard->waiting_pages.next;
        ring_remove(first);
        submit_page((struct catch_up *)((char *)first - offsetof(struct catch_up, waiting)));
    }
}

static void read_page(struct catch_up *catching)
{
    struct shard *shard = catching->participant->shard;
    arena_reset(&catching->page.arena);
    ring_add(&shard->waiting_pages, &catching->waiting);
    read_waiting(shard);
}

void delivery_reread(struct participant *participant)
{
    participant->overdue |= cursor_release(participant); /* that a block ended may be what was missed */
    if (participant->mode == DELIVERY_LIVE)
        begin_reading(participant);
    else
        participant->again = true;
}

void participant_drained(struct participant *participant)
{
    if (participant->mode != DELIVERY_STALLED)
        return;
    if (participant->catching == NULL) {
        begin_reading(participant);
        return;
    }
    participant->mode = DELIVERY_CATCHING_UP;
    read_page(participant->catching);
}

/* ---- live ---- */

void delivery_on_message(struct shard *shard, const struct event *event, struct slice body)
{
    struct participant *participant = shard_at(shard, event->slot, event->generation);
    if (participant == NULL)
        return;
    if (participant->mode != DELIVERY_LIVE) {
        participant->again = true;
        if (participant->catching == NULL)
            participant_drained(participant);
        return;
    }
    struct cursor *cursor = cursor_get(participant, event->conversation);
    if (cursor == NULL || cursor->held || event->id <= cursor->sent)
        return;
    if (event->previous > cursor->sent || congested(participant) || map_count(&participant->cursors) > CURSORS_MAX) {
        begin_reading(participant);
        return;
    }
    pass(participant, cursor, event, body, false);
}

void delivery_on_release(struct shard *shard, const struct event *event, struct slice body)
{
    struct participant *participant = shard_at(shard, event->slot, event->generation);
    if (participant == NULL || !cursor_release(participant))
        return;
    participant->overdue = true; /* what was withheld may lie below the horizon */
    if (participant->mode == DELIVERY_LIVE)
        begin_reading(participant);
    else
        participant->again = true; /* and the next reading takes `overdue` up */
}

void delivery_sent(struct participant *participant, uint64_t conversation, uint64_t id, uint64_t previous)
{
    struct cursor *cursor = participant->ops ? cursor_get(participant, conversation) : NULL;
    if (cursor != NULL)
        cursor_own(cursor, id, previous);
}

/* ---- beginning and end ---- */

void delivery_begin(struct participant *participant, const struct resume *resume)
{
    cursor_begin(participant);
    participant->fresh = !resume->continues;
    participant->unchecked = participant->overdue = resume->continues;
    participant->horizon = resume->continues ? resume->horizon : 0;
    if (participant->horizon > INT64_MAX) /* no store gets there; from_elsewhere() will say so */
        participant->horizon = INT64_MAX;
    for (size_t i = 0; resume->continues && i < resume->count; i++)
        cursor_restore(participant, &resume->positions[i]);
    begin_reading(participant);
}

void delivery_end(struct participant *participant)
{
    if (participant->catching != NULL) {
        timer_stop(participant->shard->world->timers, &participant->catching->retry);
        ring_remove(&participant->catching->waiting);
    }
    cursor_end(participant);
}

void delivery_free(struct participant *participant)
{
    if (participant->catching != NULL)
        catch_up_free(participant);
}
