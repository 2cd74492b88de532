/*
 * world.h - a server's inside without a machine: fake clock, timers, randomness, strands, pool; a real store in memory, a real
 * bus and a real chat on two shards. Nothing moves by itself and no time passes but in stage_pass(), so a run repeats itself
 * exactly.
 *
 * What is ready runs in stage_settle(), one turn after the other: of a shard (its strand, then `turn_end`, then shard_flush), of
 * the store, of the pool. With `shuffled` the next one is drawn by lot, which finds what depends on their order.
 *
 *     struct stage *stage = stage_new(NULL, 1);
 *     login_with_password(stage->shards[0], &login);
 *     stage_settle(stage);                            done has been called
 *     stage_pass(stage, 60000);                       a minute later
 *     stage_free(&stage);
 *
 * Between the server and the store sits a door (`stage->door`) through which a test can let operations fail, wait, or be lost.
 */
#ifndef TEST_WORLD_H
#define TEST_WORLD_H

#include "base/world.h"
#include "chat/chat.h"

enum { STAGE_SHARDS = 2 };

struct queue {
    struct strand strand; /* first */
    struct task *first, **end;
};

struct stage {
    struct clock clock;
    struct random random;
    struct timers timers;
    int64_t now;      /* mono ms */
    int64_t wall_off; /* by so much the wall clock has been set */
    uint64_t seed;
    bool shuffled;

    struct queue strands[STAGE_SHARDS];
    struct world worlds[STAGE_SHARDS];
    bool awake[STAGE_SHARDS]; /* its turn comes even without a task */

    struct pool pool;
    struct job *first_job, **end_job;
    size_t jobs, jobs_most; /* beyond: ERR_CAP */
    size_t jobs_done;

    struct store door;
    struct store *store;
    const char *path;
    struct task *first_op, **end_op;
    unsigned failing; /* verbs, as bits, that come home with `failure` */
    enum err failure;
    bool shut;                    /* operations wait */
    bool crashed;                 /* operations are lost: they come home with ERR_STOPPED */
    size_t ops[STORE_VERB_COUNT]; /* passed to the store so far */

    struct bus *bus;
    struct chat_settings settings;
    struct chat *chat;
    struct shard *shards[STAGE_SHARDS];

    void (*turn_end)(void *ctx, unsigned shard); /* what the shard's sessions have to do; may be NULL */
    void *ctx;
};

/* `path`: of a database that outlives a crash on its own; NULL: in memory. Serves with registration open and cheap hashes. */
struct stage *stage_new(const char *path, uint64_t seed);
void stage_free(struct stage **stage);

/* The chat ends: whatever it still has under way comes home first (lost, if `crashed` was set), and no participant may be left.
 */
void stage_stop_chat(struct stage *stage);
/* It begins again from what the store remembers. */
void stage_start_chat(struct stage *stage);

void stage_settle(struct stage *stage);
void stage_pass(struct stage *stage, int64_t ms);
/* The time of the next timer, or `most` if that comes first. */
int64_t stage_next(const struct stage *stage, int64_t most);

/* Below `sides`. */
uint64_t stage_dice(struct stage *stage, uint64_t sides);

/* Something may have to be done at the end of the shard's turn. */
static inline void stage_wake(struct stage *stage, unsigned shard)
{
    stage->awake[shard] = true;
}

#endif
