/* world.c - see world.h. */
#include "world.h"

#include "store/sqlite.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

enum { BUS_CAP = 1 << 20, STORE_QUEUE = 64 << 20, JOBS_MOST = 1000 };

static const int64_t wall_start = 1767607200000; /* 2026-01-05T10:00:00Z */

#define STAGE_OF(pointer, member) ((struct stage *)(void *)((char *)(pointer)-offsetof(struct stage, member)))

/* ---- time and chance ---- */

static int64_t mono_ms(struct clock *clock)
{
    return STAGE_OF(clock, clock)->now;
}

static int64_t wall_ms(struct clock *clock)
{
    return wall_start + STAGE_OF(clock, clock)->now + STAGE_OF(clock, clock)->wall_off;
}

/* SplitMix64, after Steele, Lea and Flood. */
static uint64_t next_number(struct stage *stage)
{
    uint64_t z = stage->seed += 0x9e3779b97f4a7c15;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
}

uint64_t stage_dice(struct stage *stage, uint64_t sides)
{
    return next_number(stage) % sides;
}

static void fill(struct random *random, void *data, size_t len)
{
    for (size_t i = 0; i < len; i++)
        ((uint8_t *)data)[i] = (uint8_t)(next_number(STAGE_OF(random, random)) >> 32);
}

/* ---- strands and the pool ---- */

static void queue_post(struct strand *strand, struct task *first, struct task *last)
{
    struct queue *queue = (struct queue *)strand;
    last->next = NULL;
    *queue->end = first;
    queue->end = &last->next;
}

static void job_home(struct task *task)
{
    struct job *job = (struct job *)(void *)((char *)task - offsetof(struct job, task));
    job->done(job);
}

static enum err pool_take(struct pool *pool, struct job *job)
{
    struct stage *stage = STAGE_OF(pool, pool);
    if (stage->jobs >= stage->jobs_most)
        return ERR_CAP;
    stage->jobs++;
    job->next = NULL;
    *stage->end_job = job;
    stage->end_job = &job->next;
    return OK;
}

static bool pool_turn(struct stage *stage)
{
    struct job *job = stage->first_job;
    if (job == NULL)
        return false;
    stage->first_job = job->next;
    if (stage->first_job == NULL)
        stage->end_job = &stage->first_job;
    stage->jobs--;
    stage->jobs_done++;
    job->work(job);
    job->task.run = job_home;
    strand_post(job->home, &job->task);
    return true;
}

/* ---- the door to the store ---- */

static struct store_op *op_of(struct task *task)
{
    return (struct store_op *)(void *)((char *)task - offsetof(struct store_op, task));
}

static void op_home(struct task *task)
{
    op_of(task)->done(op_of(task));
}

static enum err door_load(struct store *door, const struct store_reader *reader)
{
    return store_load(STAGE_OF(door, door)->store, reader);
}

static void door_submit(struct store *door, struct store_op *first, struct store_op *last)
{
    struct stage *stage = STAGE_OF(door, door);
    last->task.next = NULL;
    *stage->end_op = &first->task;
    stage->end_op = &last->task.next;
}

static void door_stop(struct store **door)
{
}

static const struct store_ops door_ops = {door_load, door_submit, door_stop};

static void pass_door(struct stage *stage, struct store_op *op)
{
    enum err err = stage->crashed ? ERR_STOPPED : stage->failing >> op->verb & 1 ? stage->failure : OK;
    if (err == OK) {
        stage->ops[op->verb]++;
        store_submit(stage->store, op);
        return;
    }
    op->err = err;
    op->task.run = op_home;
    strand_post(op->home, &op->task);
}

/* One group: whatever waits, or by lot a part of it. */
static bool store_turn(struct stage *stage)
{
    if (stage->first_op == NULL || stage->shut)
        return false;
    uint64_t most = stage->shuffled ? 1 + stage_dice(stage, 64) : UINT64_MAX;
    for (uint64_t i = 0; i < most && stage->first_op != NULL; i++) {
        struct store_op *op = op_of(stage->first_op);
        stage->first_op = op->task.next;
        if (stage->first_op == NULL)
            stage->end_op = &stage->first_op;
        pass_door(stage, op);
    }
    store_sqlite_turn(stage->store);
    return true;
}

/* ---- turns ---- */

static bool shard_turn(struct stage *stage, unsigned index)
{
    struct queue *queue = &stage->strands[index];
    struct task *task = queue->first;
    if (task == NULL && !stage->awake[index])
        return false;
    stage->awake[index] = false;
    queue->first = NULL;
    queue->end = &queue->first;
    while (task != NULL) {
        struct task *next = task->next;
        task->run(task);
        task = next;
    }
    if (stage->turn_end != NULL)
        stage->turn_end(stage->ctx, index);
    if (stage->shards[index] != NULL)
        shard_flush(stage->shards[index]);
    return true;
}

static bool turn(struct stage *stage, unsigned who)
{
    if (who < STAGE_SHARDS)
        return shard_turn(stage, who);
    return who == STAGE_SHARDS ? store_turn(stage) : pool_turn(stage);
}

void stage_settle(struct stage *stage)
{
    const unsigned all = STAGE_SHARDS + 2;
    bool any = true;
    for (unsigned i = 0; i < STAGE_SHARDS; i++)
        stage_wake(stage, i); /* whatever was called until now was called in somebody's turn, which ends */
    while (any) {
        unsigned first = stage->shuffled ? (unsigned)stage_dice(stage, all) : 0;
        any = false;
        for (unsigned i = 0; i < all && !any; i++)
            any = turn(stage, (first + i) % all);
    }
}

int64_t stage_next(const struct stage *stage, int64_t most)
{
    int64_t next = timers_next(&stage->timers);
    return next < 0 || next > most ? most : next < stage->now ? stage->now : next;
}

void stage_pass(struct stage *stage, int64_t ms)
{
    int64_t end = stage->now + ms;
    stage_settle(stage);
    while (stage_next(stage, INT64_MAX) <= end) {
        stage->now = stage_next(stage, end);
        timers_run(&stage->timers, stage->now);
        stage_settle(stage);
    }
    stage->now = end;
}

/* ---- beginning and end ---- */

static void open_store(struct stage *stage)
{
    const char *why = "";
    const struct store_sqlite_config config = {stage->path ? stage->path : ":memory:", STORE_QUEUE, true, NULL};
    if (store_sqlite_open(&config, &stage->store, &why) != OK) {
        fprintf(stderr, "cannot open the store: %s\n", why);
        abort();
    }
}

static void must(enum err err)
{
    if (err == OK)
        return;
    fprintf(stderr, "the stage cannot be built: %s\n", err_name(err));
    abort();
}

void stage_start_chat(struct stage *stage)
{
    stage->crashed = false;
    if (stage->store == NULL)
        open_store(stage);
    must(bus_local_new(STAGE_SHARDS, BUS_CAP, &stage->bus));
    const struct chat_parts parts = {STAGE_SHARDS, &stage->door, stage->bus, &stage->pool, &stage->random, &stage->clock};
    must(chat_new(&parts, &stage->settings, &stage->chat));
    for (unsigned i = 0; i < STAGE_SHARDS; i++)
        must(shard_new(stage->chat, i, &stage->worlds[i], &stage->shards[i]));
}

void stage_stop_chat(struct stage *stage)
{
    for (unsigned i = 0; i < STAGE_SHARDS; i++)
        shard_stop(stage->shards[i]);
    stage->shut = false;
    stage_settle(stage);
    for (unsigned i = 0; i < STAGE_SHARDS; i++) {
        assert(shard_in_flight(stage->shards[i]) == 0);
        stage->shards[i] = NULL;
    }
    chat_free(&stage->chat);
    bus_free(&stage->bus);
    if (stage->path != NULL)
        store_stop(&stage->store);
}

struct stage *stage_new(const char *path, uint64_t seed)
{
    struct stage *stage = calloc(1, sizeof *stage);
    must(stage != NULL ? OK : ERR_MEMORY);
    must(crypto_init());
    stage->clock = (struct clock){wall_ms, mono_ms};
    stage->random.fill = fill;
    stage->seed = seed;
    stage->now = 1000;
    stage->path = path;
    timers_init(&stage->timers);
    for (unsigned i = 0; i < STAGE_SHARDS; i++) {
        stage->strands[i].strand.post = queue_post;
        stage->strands[i].end = &stage->strands[i].first;
        stage->worlds[i] = (struct world){&stage->clock, &stage->timers, &stage->random, &stage->strands[i].strand};
    }
    stage->pool.submit = pool_take;
    stage->end_job = &stage->first_job;
    stage->jobs_most = JOBS_MOST;
    stage->door.ops = &door_ops;
    stage->end_op = &stage->first_op;
    stage->settings = chat_settings_default;
    stage->settings.cost = password_cost_least;
    stage_start_chat(stage);
    return stage;
}

void stage_free(struct stage **out)
{
    struct stage *stage = *out;
    if (stage == NULL)
        return;
    *out = NULL;
    stage_stop_chat(stage);
    store_stop(&stage->store);
    timers_free(&stage->timers);
    free(stage);
}
