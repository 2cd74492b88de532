/* housekeeping.c - see housekeeping.h. */
#include "housekeeping.h"

#include "guard.h"
#include "in_use.h"

#include "base/log.h"

#include <stdlib.h>

enum {
    ALIVE_MS = 10 * 1000,     /* a login cut short by a crash is dated to within this */
    TIDY_MS = 10 * 60 * 1000, /* between rounds */
    TIDY_STEP_MS = 1000,      /* between steps of a round: commits of others go between */
    TIDY_ROWS = 500,
};

static const int64_t LOGINS_MS = 366LL * 24 * 3600 * 1000; /* so long it is known when somebody was online last */

static struct shard *shard_of_alive(struct timer *timer)
{
    return (struct shard *)((char *)timer - offsetof(struct shard, alive_timer));
}

static struct shard *shard_of_tidy(struct timer *timer)
{
    return (struct shard *)((char *)timer - offsetof(struct shard, tidy_timer));
}

static void again(struct shard *shard, struct timer *timer, int64_t ms)
{
    if (!shard->stopped && timer_start(shard->world->timers, timer, world_mono_ms(shard->world) + ms) != OK)
        log_event(LOG_ERROR, "housekeeping_stopped");
}

/* A result finds its shard through the pointer behind the operation. */
struct alive_op {
    struct store_alive alive;
    struct shard *shard;
};

struct tidy_op {
    struct store_tidy tidy;
    struct shard *shard;
    int64_t noted_ms; /* wall: the store was told which devices are in use */
};

struct failures_op {
    struct store_failures failures;
    struct shard *shard;
    bool under_way;
    char name[UINT8_MAX];
};

static void failures_done(struct store_op *op);

/* Wrong passwords that could not be stored when they were counted: one after the other, until one cannot be stored again. */
static void store_failures(struct shard *shard)
{
    struct failures_op *again = (struct failures_op *)shard->failures;
    again->failures = (struct store_failures){
        .op = {.done = failures_done, .home = shard->world->strand},
        .time = world_wall_ms(shard->world),
    };
    again->under_way = guard_store_again(shard->chat->guard, world_mono_ms(shard->world), &again->failures, again->name);
    shard->in_flight += again->under_way;
}

static void failures_done(struct store_op *op)
{
    struct failures_op *again = (struct failures_op *)op;
    shard_came_home(again->shard);
    again->under_way = false;
    struct chat *chat = again->shard->chat;
    if (op->err != OK)
        guard_not_stored(chat->guard, again->failures.name, directory_find(chat->directory, again->failures.name) != NULL);
    else if (!again->shard->stopped)
        store_failures(again->shard);
}

static void alive_done(struct store_op *op)
{
    struct shard *shard = ((struct alive_op *)op)->shard;
    shard_came_home(shard);
    if (op->err == OK && !((struct failures_op *)shard->failures)->under_way)
        store_failures(shard);
    again(shard, &shard->alive_timer, ALIVE_MS);
}

static void alive_fire(struct timer *timer)
{
    struct shard *shard = shard_of_alive(timer);
    shard->alive->op = (struct store_op){.verb = STORE_ALIVE, .done = alive_done};
    shard->alive->time = world_wall_ms(shard->world);
    shard_submit(shard, &shard->alive->op);
}

static void tidy_done(struct store_op *op)
{
    struct tidy_op *done = (struct tidy_op *)op;
    shard_came_home(done->shard);
    if (op->err == OK && done->tidy.deleted > 0)
        log_event(LOG_DEBUG, "tidied", log_int("rows", (int64_t)done->tidy.deleted));
    again(done->shard, &done->shard->tidy_timer, op->err == OK && done->tidy.more ? TIDY_STEP_MS : TIDY_MS);
}

/* Often enough that none looks unused, seldom enough to cost nothing. By the clock that says what is unused: it may be set. */
static void note_in_use(struct tidy_op *tidy, int64_t device_ms)
{
    int64_t now = world_wall_ms(tidy->shard->world);
    if (device_ms == 0 || (now >= tidy->noted_ms && now - tidy->noted_ms < device_ms / 4))
        return;
    tidy->noted_ms = now;
    in_use_note_all(tidy->shard);
}

static void tidy_fire(struct timer *timer)
{
    struct shard *shard = shard_of_tidy(timer);
    const struct chat_settings *settings = shard_settings(shard);
    int64_t now = world_wall_ms(shard->world);
    struct store_tidy *tidy = shard->tidy;
    note_in_use((struct tidy_op *)tidy, settings->device_ms);
    tidy->op = (struct store_op){.verb = STORE_TIDY, .done = tidy_done};
    tidy->messages_before = settings->retention_ms > 0 ? now - settings->retention_ms : 0;
    tidy->devices_before = settings->device_ms > 0 ? now - settings->device_ms : 0;
    tidy->logins_before = now - LOGINS_MS;
    tidy->failures_before = now - GUARD_MEMORY_MS;
    tidy->limit = TIDY_ROWS;
    shard_submit(shard, &tidy->op);
}

enum err housekeeping_start(struct shard *shard)
{
    struct alive_op *alive = calloc(1, sizeof *alive);
    struct tidy_op *tidy = calloc(1, sizeof *tidy);
    struct failures_op *again = calloc(1, sizeof *again);
    shard->alive_timer.fire = alive_fire;
    shard->tidy_timer.fire = tidy_fire;
    int64_t now = world_mono_ms(shard->world);
    if (alive == NULL || tidy == NULL || again == NULL || timer_start(shard->world->timers, &shard->alive_timer, now) != OK ||
        timer_start(shard->world->timers, &shard->tidy_timer, now + TIDY_STEP_MS) != OK) {
        free(alive);
        free(tidy);
        free(again);
        return ERR_MEMORY;
    }
    alive->shard = tidy->shard = again->shard = shard;
    tidy->noted_ms = world_wall_ms(shard->world);
    shard->alive = &alive->alive;
    shard->tidy = &tidy->tidy;
    shard->failures = &again->failures;
    return OK;
}

void housekeeping_stop(struct shard *shard)
{
    timer_stop(shard->world->timers, &shard->alive_timer);
    timer_stop(shard->world->timers, &shard->tidy_timer);
}

void housekeeping_free(struct shard *shard)
{
    free(shard->alive);
    free(shard->tidy);
    free(shard->failures);
}
