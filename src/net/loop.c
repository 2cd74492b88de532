/*
 * loop.c - the turn of a loop: clock, timers, posted tasks, hooks, and when connections are flushed.
 *
 * libuv (1.44) runs timers before it polls and I/O callbacks inside the poll, so the end of a turn comes twice in each of its
 * iterations: before the poll (prepare) for what timers did, after it (check) for what I/O and tasks did.
 *
 * A foreign main loop watches loop_fd(): an epoll descriptor that holds libuv's own and a timer. libuv tells the kernel of a new
 * descriptor only when it polls next, so whatever is changed after the last poll sets the timer off at once (loop_touch).
 */
#include "conn_internal.h"
#include "loop_internal.h"
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

enum {
    ROUNDS_MAX = 4,     /* of the end of a turn: what callbacks cause there is served there, but not for ever */
    ITERATIONS_MAX = 4, /* of libuv in one loop_turn */
    AFTER_LOOK_MS = 1,  /* see clock_mono */
};

/* Clock */

static void set_alarm_fd(struct loop *loop, int64_t ms)
{
    struct itimerspec when = {0};

    if (loop->alarm_fd < 0)
        return;
    if (ms >= 0) {
        when.it_value.tv_sec = ms / 1000;
        when.it_value.tv_nsec = ms % 1000 * 1000000 + 1; /* all zero would stop it */
    }
    timerfd_settime(loop->alarm_fd, 0, &when, NULL);
}

void loop_touch(struct loop *loop)
{
    if (!loop->touched && !loop->running)
        set_alarm_fd(loop, 0);
    loop->touched = true;
}

/* Outside a turn libuv's idea of the time is old. And who asks for the time there may be about to start a timer, of which nobody
 * tells us: come by shortly and look. */
static int64_t clock_mono(struct clock *clock)
{
    struct loop *loop = net_container_of(clock, struct loop, clock);

    if (!loop->running) {
        uv_update_time(&loop->uv);
        if (!loop->touched)
            set_alarm_fd(loop, AFTER_LOOK_MS);
    }
    return (int64_t)uv_now(&loop->uv);
}

static int64_t clock_wall(struct clock *clock)
{
    struct loop *loop = net_container_of(clock, struct loop, clock);
    int64_t now = clock_mono(clock);

    if (loop->wall_at != now) {
        struct timespec time;
        clock_gettime(CLOCK_REALTIME, &time);
        loop->wall = (int64_t)time.tv_sec * 1000 + time.tv_nsec / 1000000;
        loop->wall_at = now;
    }
    return loop->wall;
}

static void alarm_fired(uv_timer_t *timer)
{
    struct loop *loop = timer->data;

    loop->armed = -1;
    timers_run(&loop->timers, loop_now(loop));
    uv_update_time(&loop->uv); /* the timers may have worked long */
}

static void arm(struct loop *loop)
{
    int64_t next = timers_next(&loop->timers), now = loop_now(loop);

    if (next == loop->armed)
        return;
    loop->armed = next;
    if (next < 0)
        uv_timer_stop(&loop->alarm);
    else
        uv_timer_start(&loop->alarm, alarm_fired, next > now ? (uint64_t)(next - now) : 0, 0);
}

/* Tasks */

static void post(struct strand *strand, struct task *first, struct task *last)
{
    struct loop *loop = net_container_of(strand, struct loop, strand);
    bool was_empty;

    last->next = NULL;
    pthread_mutex_lock(&loop->lock);
    was_empty = !loop->tasks;
    if (was_empty)
        loop->tasks = first;
    else
        loop->tasks_last->next = first;
    loop->tasks_last = last;
    pthread_mutex_unlock(&loop->lock);
    if (was_empty)
        uv_async_send(&loop->wake);
}

static void woken(uv_async_t *wake)
{
    struct loop *loop = wake->data;
    struct task *task;

    pthread_mutex_lock(&loop->lock);
    task = loop->tasks;
    loop->tasks = loop->tasks_last = NULL;
    pthread_mutex_unlock(&loop->lock);
    while (task) {
        struct task *next = task->next; /* run() may free the task */
        task->run(task);
        task = next;
    }
    if (atomic_exchange(&loop->stopping, false))
        uv_stop(&loop->uv);
}

/* The end of a turn */

static void end_turn(struct loop *loop)
{
    uv_update_time(&loop->uv);
    for (int round = 0; round < ROUNDS_MAX; round++) {
        loop->drained = false;
        conns_tell_ended(loop);
        for (struct loop_hook *hook = loop->hooks; hook; hook = hook->next)
            hook->run(hook);
        conns_flush(loop);
        if (TAILQ_EMPTY(&loop->ended) && TAILQ_EMPTY(&loop->dirty) && !loop->drained)
            return;
    }
    uv_async_send(&loop->wake);
}

static void before_poll(uv_prepare_t *prepare)
{
    struct loop *loop = prepare->data;

    handshakes_turn(loop);
    end_turn(loop);
    arm(loop);
    loop->touched = !TAILQ_EMPTY(&loop->waiting); /* of the rest the poll that follows tells the kernel */
}

static void after_poll(uv_check_t *check)
{
    end_turn(check->data);
}

/* Making and running */

static enum err start_handles(struct loop *loop)
{
    if (uv_async_init(&loop->uv, &loop->wake, woken) || uv_timer_init(&loop->uv, &loop->alarm) ||
        uv_prepare_init(&loop->uv, &loop->prepare) || uv_check_init(&loop->uv, &loop->check) ||
        uv_prepare_start(&loop->prepare, before_poll) || uv_check_start(&loop->check, after_poll))
        return ERR_SYSTEM;
    loop->wake.data = loop->alarm.data = loop->prepare.data = loop->check.data = loop;
    return OK;
}

static void set_up(struct loop *loop)
{
    pthread_mutex_init(&loop->lock, NULL);
    timers_init(&loop->timers);
    buf_init(&loop->staged, LOOP_STAGED_CAP);
    TAILQ_INIT(&loop->conns);
    TAILQ_INIT(&loop->dirty);
    TAILQ_INIT(&loop->ended);
    TAILQ_INIT(&loop->waiting);
    atomic_init(&loop->stopping, false);
    loop->hooks_end = &loop->hooks;
    loop->armed = loop->wall_at = -1;
    loop->poll_fd = loop->alarm_fd = -1;
    loop->clock = (struct clock){.wall_ms = clock_wall, .mono_ms = clock_mono};
    loop->strand = (struct strand){.post = post};
    loop->world = (struct world){&loop->clock, &loop->timers, &system_random, &loop->strand};
}

enum err loop_new(struct loop **out)
{
    struct loop *loop = calloc(1, sizeof *loop);
    enum err err;

    if (!loop)
        return ERR_MEMORY;
    if (uv_loop_init(&loop->uv)) {
        free(loop);
        return ERR_SYSTEM;
    }
    set_up(loop);
    loop->receive = malloc(LOOP_RECEIVE_SIZE);
    loop->plain = malloc(LOOP_PLAIN_SIZE);
    err = loop->receive && loop->plain ? start_handles(loop) : ERR_MEMORY;
    if (err) {
        loop_free(&loop);
        return err;
    }
    *out = loop;
    return OK;
}

static void close_handle(uv_handle_t *handle, void *unused)
{
    if (!uv_is_closing(handle))
        uv_close(handle, NULL);
}

void loop_free(struct loop **pointer)
{
    struct loop *loop = *pointer;
    int left;

    *pointer = NULL;
    if (!loop)
        return;
    loop->hooks = NULL;
    conns_end_all(loop);
    uv_walk(&loop->uv, close_handle, NULL);
    uv_run(&loop->uv, UV_RUN_DEFAULT); /* waits for a name being resolved */
    left = uv_loop_close(&loop->uv);
    assert(left == 0);
    (void)left;
    if (loop->poll_fd >= 0)
        close(loop->poll_fd);
    if (loop->alarm_fd >= 0)
        close(loop->alarm_fd);
    timers_free(&loop->timers);
    buf_free(&loop->staged);
    free(loop->receive);
    free(loop->plain);
    pthread_mutex_destroy(&loop->lock);
    free(loop);
}

void loop_run(struct loop *loop)
{
    loop->running = true;
    uv_update_time(&loop->uv);
    uv_run(&loop->uv, UV_RUN_DEFAULT);
    loop->running = false;
}

void loop_stop(struct loop *loop)
{
    atomic_store(&loop->stopping, true);
    uv_async_send(&loop->wake);
}

void loop_turn(struct loop *loop)
{
    loop->running = true;
    uv_update_time(&loop->uv);
    for (int i = 0; i < ITERATIONS_MAX; i++) {
        uv_run(&loop->uv, UV_RUN_NOWAIT);
        if (!loop->touched && uv_backend_timeout(&loop->uv) != 0)
            break;
    }
    arm(loop);
    set_alarm_fd(loop, loop->touched ? 0 : uv_backend_timeout(&loop->uv));
    loop->running = false;
}

static int make_poll_fd(struct loop *loop)
{
    struct epoll_event readable = {.events = EPOLLIN};
    int poll_fd = epoll_create1(EPOLL_CLOEXEC), alarm_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);

    if (poll_fd < 0 || alarm_fd < 0 || epoll_ctl(poll_fd, EPOLL_CTL_ADD, uv_backend_fd(&loop->uv), &readable) ||
        epoll_ctl(poll_fd, EPOLL_CTL_ADD, alarm_fd, &readable)) {
        if (poll_fd >= 0)
            close(poll_fd);
        if (alarm_fd >= 0)
            close(alarm_fd);
        return -1;
    }
    loop->alarm_fd = alarm_fd;
    set_alarm_fd(loop, 0);
    return poll_fd;
}

int loop_fd(struct loop *loop)
{
    if (loop->poll_fd < 0)
        loop->poll_fd = make_poll_fd(loop);
    return loop->poll_fd;
}

const struct world *loop_world(struct loop *loop)
{
    return &loop->world;
}

struct strand *loop_strand(struct loop *loop)
{
    return &loop->strand;
}

size_t loop_held(const struct loop *loop)
{
    return loop->held;
}

void loop_at_turn_end(struct loop *loop, struct loop_hook *hook)
{
    hook->next = NULL;
    *loop->hooks_end = hook;
    loop->hooks_end = &hook->next;
}

struct uv_loop_s *loop_uv(struct loop *loop)
{
    return &loop->uv;
}
