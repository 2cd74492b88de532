/* block.c - blocking and unblocking somebody: stored first, then in force. */
#include "message.h"
#include "request.h"

#include <stdlib.h>

struct block {
    struct store_block store;
    struct participant *from;
    struct user *other;
    uint64_t number;
};

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
    /* Also when the store had it already: two devices that block and unblock at once may come home in the other order. */
    bool in_force = err == OK || err == ERR_ALREADY_BLOCKED || err == ERR_NOT_BLOCKED;
    enum err set = in_force ? user_set_blocked(from->user, block->other->id, block->store.on) : OK;
    if (err == OK)
        err = set;
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
    request_begin(participant);
    shard_submit(shard, &block->store.op);
}
