/*
 * shard.h - what the files of src/chat share: the chat, and the part of it that one event loop owns.
 *
 * A shard's fields belong to its loop's thread. `in_flight` counts what will still come home to it (store operations, hashing).
 */
#ifndef CHAT_SHARD_H
#define CHAT_SHARD_H

#include "base/buf.h"
#include "base/ring.h"
#include "chat/chat.h"
#include "directory.h"
#include "ended.h"
#include "surplus.h"

#include <stdatomic.h>

struct guard;
struct participant;
struct send;
struct event;
struct announcements;

struct chat {
    struct chat_parts parts;
    _Atomic(struct chat_settings *) settings;
    struct chat_settings **retired; /* replaced, perhaps still being read; freed with the chat */
    size_t retired_count;
    pthread_mutex_t configuring;
    struct directory *directory;
    struct guard *guard;
    struct surplus surplus;
    struct ended ended;
    struct shard **shards;
    _Atomic uint64_t revocations; /* presence_revoke() */
};

struct slot {
    struct participant *participant; /* NULL: free */
    uint32_t generation;
    uint32_t next_free; /* while free: the next free one's index + 1 */
};

/* Written by the shard's thread, read by any. */
struct tally {
    _Atomic uint64_t accepted, delivered, hashed;
};

struct shard {
    struct chat *chat;
    unsigned index;
    const struct world *world;
    struct slot *slots;
    uint32_t slot_count, slot_room, first_free; /* first_free: index + 1 */
    atomic_bool inhabited;                      /* somebody has sat here; read by any thread */
    size_t in_flight;
    size_t submitted;
    struct store_op *first_submitted, *last_submitted; /* for the store, at the end of the turn */
    bool awaited;                                      /* by somebody, one of them at least */
    struct timer later_timer;                          /* while none is */
    struct send *free_sends;                           /* message.c */
    size_t free_send_bytes;
    size_t held;                   /* cursor.c: memory of all participants' cursors */
    struct participant *unflushed; /* delivery.c: with acknowledgements not yet stored */
    struct ring waiting_pages;     /* delivery.c: to be read when others have been */
    size_t pages_under_way;
    struct timer flush_timer;
    struct timer alive_timer, tidy_timer; /* housekeeping.c: shard 0 only */
    struct store_alive *alive;
    struct store_tidy *tidy;
    struct store_failures *failures;
    bool stopped;
    struct tally tally;
    struct announcements *announcements; /* announcement.c; NULL before the first */
    struct buf memo;
    struct user_list users;
    struct seat_list seats;
};

static inline const struct chat_settings *shard_settings(const struct shard *shard)
{
    return atomic_load(&shard->chat->settings);
}

/* One writer, so no locked instruction is needed. */
static inline void tally_count(_Atomic uint64_t *counter)
{
    atomic_store_explicit(counter, atomic_load_explicit(counter, memory_order_relaxed) + 1, memory_order_relaxed);
}

/* Submits an operation, at the end of the turn; its `done` begins with shard_came_home(). */
void shard_submit(struct shard *shard, struct store_op *op);
/* The same for one that nobody waits for: it goes with the next that somebody does, or after a moment. */
void shard_submit_later(struct shard *shard, struct store_op *op);

static inline void shard_came_home(struct shard *shard)
{
    shard->in_flight--;
}

/* A seat in the shard. ERR_MEMORY. */
enum err shard_seat(struct shard *shard, struct participant *participant, uint32_t *slot, uint32_t *generation);
void shard_unseat(struct shard *shard, uint32_t slot);
/* Who sits there, or NULL if they have gone. */
struct participant *shard_at(struct shard *shard, uint32_t slot, uint32_t generation);

/* An event for one shard, or for all on which anybody has ever sat: handled at once if it is this one, otherwise through the
 * bus. */
void shard_send(struct shard *shard, unsigned to, const struct event *event, struct slice body);
void shard_publish(struct shard *shard, const struct event *event, struct slice body);

#endif
