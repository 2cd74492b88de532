/* shard.c - a loop's part of the chat: seats, events in and out, operations under way. */
#include "shard.h"

#include "announcement.h"
#include "delivery.h"
#include "event.h"
#include "housekeeping.h"
#include "message.h"
#include "presence.h"

#include <stdlib.h>

enum {
    CHAIN_MOST = 256, /* operations kept back in a long turn: the store is idle meanwhile, and its queue is short */
    LATER_MS = 100,   /* for what nobody waits for: waking the store for it alone would be half of its cost */
};

/* clang-format off */
static void (*const handlers[EVENT_KIND_COUNT])(struct shard *, const struct event *, struct slice) = {
    [EVENT_MESSAGE]         = delivery_on_message,
    [EVENT_BROADCAST]       = broadcast_on_event,
    [EVENT_PRESENCE]        = presence_on_event,
    [EVENT_FAREWELL]        = participant_on_farewell,
    [EVENT_RELEASE]         = delivery_on_release,
    [EVENT_PRIVATE_REQUEST] = introduction_on_request,
    [EVENT_PRIVATE_ANSWER]  = introduction_on_answer,
    [EVENT_PRIVATE_SETTLED] = introduction_on_settled,
    [EVENT_SIGNAL]          = introduction_on_signal,
};
/* clang-format on */

static void shard_receive(void *ctx, struct slice message)
{
    struct event event;
    if (message.len < sizeof event)
        return;
    memcpy(&event, message.data, sizeof event);
    if (event.kind < EVENT_KIND_COUNT)
        handlers[event.kind](ctx, &event, slice_of(message.data + sizeof event, message.len - sizeof event));
}

/* Events were lost on the way: whatever they announced is read from the store, or from the directory, instead. */
static void shard_missed(void *ctx)
{
    struct shard *shard = ctx;
    for (uint32_t i = 0; i < shard->slot_count; i++) {
        struct participant *participant = shard->slots[i].participant;
        if (participant == NULL)
            continue;
        enum farewell why = FAREWELL_REVOKED;
        if (presence_condemned(participant, &why) || presence_revoked(participant->user, participant->begun, participant->device))
            participant->ops->farewell(participant->ctx, why);
        delivery_reread(participant);
    }
    announcements_missed(shard);
}

static void later_fired(struct timer *timer)
{
    struct shard *shard = (struct shard *)((char *)timer - offsetof(struct shard, later_timer));
    shard->awaited = true;
}

enum err shard_new(struct chat *chat, unsigned index, const struct world *world, struct shard **out)
{
    struct shard *shard = calloc(1, sizeof *shard);
    if (shard == NULL)
        return ERR_MEMORY;
    shard->chat = chat;
    shard->index = index;
    shard->world = world;
    shard->later_timer.fire = later_fired;
    buf_init(&shard->memo, 1 << 20);
    ring_init(&shard->waiting_pages);
    enum err err = index == 0 ? housekeeping_start(shard) : OK;
    if (err != OK) {
        free(shard);
        return err;
    }
    chat->shards[index] = shard;
    bus_attach(chat->parts.bus, index, &(struct bus_place){shard, world->strand, shard_receive, shard_missed});
    *out = shard;
    return OK;
}

void shard_stop(struct shard *shard)
{
    shard->stopped = true;
    timer_stop(shard->world->timers, &shard->flush_timer);
    timer_stop(shard->world->timers, &shard->later_timer);
    announcements_stop(shard);
    housekeeping_stop(shard);
    delivery_flush(shard);
}

static void flush_submitted(struct shard *shard)
{
    struct store_op *first = shard->first_submitted, *last = shard->last_submitted;
    shard->first_submitted = shard->last_submitted = NULL;
    shard->submitted = 0;
    shard->awaited = false;
    timer_stop(shard->world->timers, &shard->later_timer);
    if (first != NULL)
        store_submit_chain(shard->chat->parts.store, first, last);
}

void shard_flush(struct shard *shard)
{
    if (shard->awaited || shard->stopped)
        flush_submitted(shard);
    bus_flush(shard->chat->parts.bus, shard->index);
}

size_t shard_in_flight(const struct shard *shard)
{
    return shard->in_flight;
}

size_t shard_held(const struct shard *shard)
{
    return shard->held;
}

static void add_submitted(struct shard *shard, struct store_op *op)
{
    op->home = shard->world->strand;
    shard->in_flight++;
    op->task.next = NULL;
    if (shard->first_submitted == NULL)
        shard->first_submitted = op;
    else
        shard->last_submitted->task.next = &op->task;
    shard->last_submitted = op;
    if (++shard->submitted == CHAIN_MOST)
        flush_submitted(shard);
}

void shard_submit(struct shard *shard, struct store_op *op)
{
    shard->awaited = true;
    add_submitted(shard, op);
}

void shard_submit_later(struct shard *shard, struct store_op *op)
{
    const struct world *world = shard->world;
    add_submitted(shard, op);
    if (!shard->awaited && shard->later_timer.place == 0 &&
        timer_start(world->timers, &shard->later_timer, world_mono_ms(world) + LATER_MS) != OK)
        shard->awaited = true;
}

static bool more_slots(struct shard *shard)
{
    uint32_t room = shard->slot_room ? shard->slot_room * 2 : 64;
    struct slot *slots = realloc(shard->slots, room * sizeof *slots);
    if (slots == NULL)
        return false;
    shard->slots = slots;
    shard->slot_room = room;
    return true;
}

enum err shard_seat(struct shard *shard, struct participant *participant, uint32_t *slot, uint32_t *generation)
{
    uint32_t index;
    if (!shard->inhabited) {
        shard->inhabited = true; /* before the directory is read: who changes it from here on sends it here */
        announcements_begin(shard);
    }
    if (shard->first_free != 0) {
        index = shard->first_free - 1;
        shard->first_free = shard->slots[index].next_free;
    } else {
        if (shard->slot_count == shard->slot_room && !more_slots(shard))
            return ERR_MEMORY;
        index = shard->slot_count++;
        shard->slots[index].generation = 0;
    }
    shard->slots[index].participant = participant;
    *generation = ++shard->slots[index].generation;
    *slot = index;
    return OK;
}

void shard_unseat(struct shard *shard, uint32_t slot)
{
    shard->slots[slot].participant = NULL;
    shard->slots[slot].next_free = shard->first_free;
    shard->first_free = slot + 1;
}

struct participant *shard_at(struct shard *shard, uint32_t slot, uint32_t generation)
{
    if (slot >= shard->slot_count || shard->slots[slot].generation != generation)
        return NULL;
    return shard->slots[slot].participant;
}

void shard_send(struct shard *shard, unsigned to, const struct event *event, struct slice body)
{
    if (to == shard->index) {
        handlers[event->kind](shard, event, body);
        return;
    }
    bus_send(shard->chat->parts.bus, shard->index, to, (struct slice[]){slice_of(event, sizeof *event), body}, 2);
}

void shard_publish(struct shard *shard, const struct event *event, struct slice body)
{
    for (unsigned to = 0; to < shard->chat->parts.shards; to++)
        if (shard->chat->shards[to]->inhabited)
            shard_send(shard, to, event, body);
}
