/* lane.c - see lane.h. */
#include "server/lane.h"
#include "base/log.h"
#include "server/links.h"
#include "server/trim.h"
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { DRAIN_MS = 5000, FINISH_MS = 5000, LINK_BYTES = 15000 /* that a connection takes beside its buffers, about */ };

struct lane {
    struct lane_parts parts;
    struct loop *loop;
    struct shard *shard;
    struct hub *hub;
    struct links links;
    struct tls_context *tls;
    struct loop_hook turn_end;
    struct task drain, finish, hurry, weigh;
    atomic_bool weighing; /* `weigh` is on its way */
    size_t held;          /* in the buffers of its connections, as the memory counts it */
    struct timer deadline;
    struct trim trim;
    bool draining, told, finishing, incomplete;
    pthread_t thread;
    bool has_thread;
};

#define LANE_OF(pointer, member) ((struct lane *)((char *)(pointer)-offsetof(struct lane, member)))

/* ---- connections ---- */

/* An accepted connection on its way here. */
struct arrival {
    struct task task;
    struct lane *lane;
    int fd;
    struct conn_peer peer;
};

static void begin(struct lane *lane, int fd, const struct conn_peer *peer)
{
    if (lane->draining)
        links_refuse(&lane->links, fd, peer);
    else
        links_accept(&lane->links, tls_ref(lane->tls), fd, peer);
}

static void arrive(struct task *task)
{
    struct arrival *arrival = (struct arrival *)task;
    begin(arrival->lane, arrival->fd, &arrival->peer);
    free(arrival);
}

void lane_take(struct lane *lane, int fd, const struct conn_peer *peer)
{
    links_expect(&lane->links);
    if (pthread_equal(pthread_self(), lane->thread)) {
        begin(lane, fd, peer);
        return;
    }
    struct arrival *arrival = malloc(sizeof *arrival);
    if (arrival == NULL) {
        links_refuse(&lane->links, fd, peer);
        return;
    }
    *arrival = (struct arrival){{.run = arrive}, lane, fd, *peer};
    strand_post(loop_strand(lane->loop), &arrival->task);
}

size_t lane_connections(const struct lane *lane)
{
    return lane->links.count;
}

size_t lane_entering(const struct lane *lane)
{
    return lane->links.entering;
}

int64_t lane_cpu_ns(const struct lane *lane)
{
    struct timespec used = {0};
    clockid_t clock;
    if (pthread_getcpuclockid(lane->thread, &clock) == 0)
        (void)clock_gettime(clock, &used);
    return (int64_t)used.tv_sec * 1000000000 + used.tv_nsec;
}

/* ---- the end of it ---- */

static void deadline_passed(struct timer *timer)
{
    struct lane *lane = LANE_OF(timer, deadline);
    if (lane->finishing) {
        log_event(LOG_ERROR, "shutdown_incomplete", log_int("operations", (int64_t)shard_in_flight(lane->shard)));
        lane->incomplete = true;
        loop_stop(lane->loop);
        return;
    }
    log_event(LOG_WARN, "connections_cut_off", log_int("connections", (int64_t)lane->links.count));
    links_abort(&lane->links, true);
}

static void start_deadline(struct lane *lane, int64_t ms)
{
    const struct world *world = loop_world(lane->loop);
    timer_stop(world->timers, &lane->deadline);
    if (timer_start(world->timers, &lane->deadline, world_mono_ms(world) + ms) != OK)
        deadline_passed(&lane->deadline);
}

static void run_drain(struct task *task)
{
    struct lane *lane = LANE_OF(task, drain);
    lane->draining = true;
    hub_shutdown(lane->hub);
    links_abort(&lane->links, false);
    start_deadline(lane, DRAIN_MS);
}

static void run_hurry(struct task *task)
{
    struct lane *lane = LANE_OF(task, hurry);
    links_abort(&lane->links, true);
}

static void run_finish(struct task *task)
{
    struct lane *lane = LANE_OF(task, finish);
    lane->finishing = true;
    shard_stop(lane->shard);
    start_deadline(lane, FINISH_MS);
}

static void run_weigh(struct task *task)
{
    struct lane *lane = LANE_OF(task, weigh);
    lane->weighing = false; /* the end of the turn does the rest */
}

/* Each connection has its caps; this one is for all of them, on all lanes together. Whoever holds more than a lane's share ends
 * the fullest of its own; if that is another one, it may be asleep. */
static void keep_within_memory(struct lane *lane)
{
    struct lane_memory *memory = lane->parts.memory;
    size_t held = loop_held(lane->loop) + hub_held(lane->hub) + shard_held(lane->shard), change = held - lane->held;
    lane->held = held;
    trim_note(&lane->trim, held + lane->links.count * LINK_BYTES);
    size_t all = change != 0 ? atomic_fetch_add(&memory->held, change) + change : atomic_load(&memory->held);
    if (all <= memory->most)
        return;
    if (held > memory->share)
        links_shed(&lane->links, all - memory->most < held - memory->share ? all - memory->most : held - memory->share);
    else
        memory->press(memory->ctx);
}

static void end_turn(struct loop_hook *hook)
{
    struct lane *lane = LANE_OF(hook, turn_end);
    hub_flush(lane->hub);
    shard_flush(lane->shard);
    keep_within_memory(lane);
    if (lane->draining && !lane->told && lane->links.count == 0) {
        lane->told = true;
        timer_stop(loop_world(lane->loop)->timers, &lane->deadline);
        lane->parts.empty(lane->parts.ctx);
    }
    if (lane->finishing && shard_in_flight(lane->shard) == 0)
        loop_stop(lane->loop);
}

/* ---- a change of settings ---- */

struct change {
    struct task task;
    struct lane *lane;
    struct session_settings sessions;
    struct tls_context *tls;
};

static void run_change(struct task *task)
{
    struct change *change = (struct change *)task;
    struct lane *lane = change->lane;
    hub_configure(lane->hub, &change->sessions);
    tls_unref(&lane->tls);
    lane->tls = change->tls;
    free(change);
}

enum err lane_configure(struct lane *lane, const struct session_settings *sessions, struct tls_context *tls)
{
    struct change *change = malloc(sizeof *change);
    if (change == NULL)
        return ERR_MEMORY;
    *change = (struct change){{.run = run_change}, lane, *sessions, tls_ref(tls)};
    strand_post(loop_strand(lane->loop), &change->task);
    return OK;
}

/* ---- life ---- */

enum err lane_new(struct lane **out)
{
    struct lane *lane = calloc(1, sizeof *lane);
    if (lane == NULL)
        return ERR_MEMORY;
    lane->drain.run = run_drain;
    lane->hurry.run = run_hurry;
    lane->weigh.run = run_weigh;
    lane->finish.run = run_finish;
    lane->deadline.fire = deadline_passed;
    lane->turn_end.run = end_turn;
    enum err err = loop_new(&lane->loop);
    if (err != OK)
        free(lane);
    else
        *out = lane;
    return err;
}

enum err lane_equip(struct lane *lane, const struct lane_parts *parts, const struct session_settings *sessions,
                    struct tls_context *tls)
{
    const struct world *world = loop_world(lane->loop);
    lane->parts = *parts;
    trim_init(&lane->trim, parts->pool, world);
    enum err err = shard_new(parts->chat, parts->index, world, &lane->shard);
    if (err == OK)
        err = hub_new(world, lane->shard, sessions, &lane->hub);
    if (err != OK)
        return err;
    lane->tls = tls_ref(tls);
    lane->links =
        (struct links){.loop = lane->loop, .hub = lane->hub, .caps = parts->caps, .output_buffer = parts->output_buffer};
    loop_at_turn_end(lane->loop, &lane->turn_end);
    return OK;
}

void lane_free_sessions(struct lane *lane)
{
    if (lane != NULL)
        hub_free(&lane->hub);
}

void lane_free(struct lane **lane)
{
    if (*lane == NULL)
        return;
    loop_free(&(*lane)->loop);
    tls_unref(&(*lane)->tls);
    free(*lane);
    *lane = NULL;
}

struct loop *lane_loop(struct lane *lane)
{
    return lane->loop;
}

struct shard *lane_shard(struct lane *lane)
{
    return lane->shard;
}

struct hub *lane_hub(struct lane *lane)
{
    return lane->hub;
}

void lane_run(struct lane *lane)
{
    lane->thread = pthread_self();
    loop_run(lane->loop);
}

static void *run_thread(void *ctx)
{
    const struct lane *lane = ctx;
    char name[16];
    snprintf(name, sizeof name, "lane-%u", lane->parts.index);
    pthread_setname_np(pthread_self(), name); /* its own: another thread's is set by writing to /proc */
    loop_run(lane->loop);
    return NULL;
}

enum err lane_start(struct lane *lane)
{
    if (pthread_create(&lane->thread, NULL, run_thread, lane) != 0)
        return ERR_SYSTEM;
    lane->has_thread = true;
    return OK;
}

bool lane_join(struct lane *lane)
{
    if (lane->has_thread)
        pthread_join(lane->thread, NULL);
    lane->has_thread = false;
    return !lane->incomplete;
}

void lane_drain(struct lane *lane)
{
    strand_post(loop_strand(lane->loop), &lane->drain);
}

void lane_finish(struct lane *lane)
{
    strand_post(loop_strand(lane->loop), &lane->finish);
}

void lane_hurry(struct lane *lane)
{
    strand_post(loop_strand(lane->loop), &lane->hurry);
}

void lane_weigh(struct lane *lane)
{
    if (!atomic_exchange(&lane->weighing, true))
        strand_post(loop_strand(lane->loop), &lane->weigh);
}
