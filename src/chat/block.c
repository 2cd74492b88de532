/*
 * block.c - blocking and unblocking somebody: stored first, then in force.
 *
 * Devices of one user sit on different loops, and results come home to each in its own time. So that what is stored last is in
 * force last, a change waits until an earlier one of the same user about the same other has come home, if that is on another
 * loop: on the same one the order is kept anyway.
 */
#include "message.h"
#include "request.h"

#include <stdlib.h>

enum { LINE_MOST = 1024 }; /* changes of one user under way */

struct block {
    struct store_block store;
    struct participant *from;
    struct user *other;
    uint64_t number;
    struct task turn;
    /* under the lock of the user's stripe */
    struct block *next; /* in its `changes` */
    bool waits;         /* it is not with the store yet */
    bool called;        /* its turn has been posted */
};

/* Under the lock. The first about `other` that waits and need not any more: what is before it came from its own loop and is with
 * the store. NULL: none. */
static struct block *next_ready(const struct user *user, const struct user *other)
{
    const struct shard *before = NULL;
    for (struct block *block = user->changes; block != NULL; block = block->next) {
        if (block->other != other)
            continue;
        if (before != NULL && before != block->from->shard)
            return NULL;
        if (block->waits)
            return block->called ? NULL : block;
        before = block->from->shard;
    }
    return NULL;
}

/* At the end of the line. ERR_UNAVAILABLE: it is too long. */
static enum err join_line(struct block *block, bool *waits)
{
    struct user *user = block->from->user;
    size_t count = 0;
    block->waits = true;
    pthread_mutex_lock(&user->stripe->lock);
    struct block **end = &user->changes;
    for (; *end != NULL; end = &(*end)->next)
        count++;
    if (count < LINE_MOST) {
        *end = block;
        block->waits = next_ready(user, block->other) != block;
    }
    *waits = block->waits;
    pthread_mutex_unlock(&user->stripe->lock);
    return count < LINE_MOST ? OK : ERR_UNAVAILABLE;
}

/* The next about the same two goes. */
static void leave_line(struct block *block)
{
    struct user *user = block->from->user;
    pthread_mutex_lock(&user->stripe->lock);
    struct block **place = &user->changes;
    while (*place != block)
        place = &(*place)->next;
    *place = block->next;
    struct block *next = next_ready(user, block->other);
    if (next != NULL)
        next->called = true;
    pthread_mutex_unlock(&user->stripe->lock);
    if (next != NULL)
        strand_post(next->from->shard->world->strand, &next->turn);
}

/* Its participant has left: what nobody waits for any more is not done after all. */
static void give_up(struct block *block)
{
    leave_line(block);
    request_answer(block->from, block->number, &(struct chat_answer){.err = ERR_UNAVAILABLE});
    request_end(block->from);
    free(block);
}

/* With those behind it that need not wait any more. */
static void turn_came(struct task *task)
{
    struct block *block = (struct block *)((char *)task - offsetof(struct block, turn));
    struct shard *shard = block->from->shard;
    struct user *user = block->from->user, *other = block->other;
    while (block != NULL) {
        shard_came_home(shard);
        if (block->from->ops == NULL) {
            give_up(block);
            return;
        }
        pthread_mutex_lock(&user->stripe->lock);
        block->waits = false;
        struct block *next = next_ready(user, other);
        if (next != NULL)
            next->called = true;
        pthread_mutex_unlock(&user->stripe->lock);
        shard_submit(shard, &block->store.op);
        block = next;
    }
}

/* What was withheld from the user's devices may come now. */
static void release_withheld(struct participant *participant, struct user *other)
{
    struct event event = {.kind = EVENT_RELEASE, .sender = other->id};
    message_pass_on(participant->shard, participant->user, &event, slice_of(NULL, 0), 0);
}

static void block_done(struct store_op *op)
{
    struct block *block = (struct block *)op;
    struct participant *from = block->from;
    shard_came_home(from->shard);
    enum err err = op->err == ERR_CAP ? ERR_UNAVAILABLE : op->err;
    bool in_force = err == OK || err == ERR_ALREADY_BLOCKED || err == ERR_NOT_BLOCKED;
    enum err set = in_force ? user_set_blocked(from->user, block->other->id, block->store.on) : OK;
    if (err == OK)
        err = set;
    leave_line(block);
    request_answer(from, block->number, &(struct chat_answer){.err = err});
    if (in_force && !block->store.on)
        release_withheld(from, block->other);
    request_end(from);
    free(block);
}

void participant_block(struct participant *participant, uint64_t number, struct slice name, bool on)
{
    struct shard *shard = participant->shard;
    struct user *other = directory_find(shard->chat->directory, name);
    enum err err = other == NULL ? ERR_UNKNOWN_USER : other == participant->user ? ERR_SELF : OK;
    struct block *block = err == OK ? calloc(1, sizeof *block) : NULL;
    if (block == NULL) {
        request_refuse(participant, number, err != OK ? err : ERR_UNAVAILABLE);
        return;
    }
    block->from = participant;
    block->other = other;
    block->number = number;
    block->store = (struct store_block){
        .op = {.verb = STORE_BLOCK, .done = block_done},
        .account = participant->user->id,
        .other = other->id,
        .on = on,
        .time = world_wall_ms(shard->world),
    };
    block->turn.run = turn_came;
    bool waits;
    err = join_line(block, &waits);
    if (err != OK) {
        free(block);
        request_refuse(participant, number, err);
        return;
    }
    request_begin(participant);
    if (waits)
        shard->in_flight++; /* until its turn comes */
    else
        shard_submit(shard, &block->store.op);
}
