/*
 * block.c - blocking and unblocking somebody: stored first, then in force.
 *
 * Devices of one user sit on different loops, and results come home to each in its own time. So that what is stored last is in
 * force last, a change waits until an earlier one of the same user about the same other has come home.
 */
#include "message.h"
#include "request.h"

#include <stdlib.h>

struct block {
    struct store_block store;
    struct participant *from;
    struct user *other;
    uint64_t number;
    struct task turn;
    struct block *next; /* in the user's `changes`, under the lock of its stripe */
};

/* At the end of the line. True if nothing in it is about the same two. */
static bool join_line(struct block *block)
{
    struct user *user = block->from->user;
    bool first = true;
    pthread_mutex_lock(&user->stripe->lock);
    struct block **end = &user->changes;
    for (; *end != NULL; end = &(*end)->next)
        first &= (*end)->other != block->other;
    *end = block;
    pthread_mutex_unlock(&user->stripe->lock);
    return first;
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
    struct block *next = block->next;
    while (next != NULL && next->other != block->other)
        next = next->next;
    pthread_mutex_unlock(&user->stripe->lock);
    if (next != NULL)
        strand_post(next->from->shard->world->strand, &next->turn);
}

static void turn_came(struct task *task)
{
    struct block *block = (struct block *)((char *)task - offsetof(struct block, turn));
    shard_came_home(block->from->shard);
    shard_submit(block->from->shard, &block->store.op);
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
    request_begin(participant);
    if (join_line(block))
        shard_submit(shard, &block->store.op);
    else
        shard->in_flight++; /* until its turn comes */
}
