/* The loop: posting, timers, hooks, clock, and life inside a foreign main loop. */
#include "pair.h"
#include <pthread.h>
#include <time.h>

/* Posting */

enum { THREADS = 4, PER_THREAD = 25000 };

struct numbered {
    struct task task;
    struct tally *tally;
    int thread, number;
};

struct tally {
    struct loop *loop;
    int next[THREADS];
    int count;
};

struct poster {
    pthread_t thread;
    struct strand *strand;
    struct numbered *tasks;
};

static void count_task(struct task *task)
{
    struct numbered *numbered = (struct numbered *)task;
    struct tally *tally = numbered->tally;

    assert_int_equal(numbered->number, tally->next[numbered->thread]);
    tally->next[numbered->thread]++;
    if (++tally->count == THREADS * PER_THREAD)
        loop_stop(tally->loop);
}

static void *post_all(void *arg)
{
    struct poster *poster = arg;

    for (int i = 0; i < PER_THREAD; i++) {
        if (i % 100 == 0 && i + 1 < PER_THREAD) { /* a chain of two */
            poster->tasks[i].task.next = &poster->tasks[i + 1].task;
            poster->strand->post(poster->strand, &poster->tasks[i].task, &poster->tasks[i + 1].task);
            i++;
        } else {
            strand_post(poster->strand, &poster->tasks[i].task);
        }
    }
    return NULL;
}

static void test_post_from_threads(void **state)
{
    struct tally tally = {0};
    struct poster posters[THREADS];

    assert_int_equal(loop_new(&tally.loop), OK);
    for (int t = 0; t < THREADS; t++) {
        posters[t].strand = loop_strand(tally.loop);
        posters[t].tasks = calloc(PER_THREAD, sizeof posters[t].tasks[0]);
        for (int i = 0; i < PER_THREAD; i++)
            posters[t].tasks[i] = (struct numbered){{NULL, count_task}, &tally, t, i};
        pthread_create(&posters[t].thread, NULL, post_all, &posters[t]);
    }
    loop_run(tally.loop);
    assert_int_equal(tally.count, THREADS * PER_THREAD);
    for (int t = 0; t < THREADS; t++) {
        pthread_join(posters[t].thread, NULL);
        free(posters[t].tasks);
    }
    loop_free(&tally.loop);
}

struct again {
    struct task task;
    struct loop *loop;
    int left, hooks, hooks_at_last;
};

static void post_again(struct task *task)
{
    struct again *again = (struct again *)task;

    assert_true(again->hooks > again->hooks_at_last || again->hooks_at_last == 0); /* a turn lies between */
    again->hooks_at_last = again->hooks;
    if (--again->left > 0)
        strand_post(loop_strand(again->loop), task);
    else
        loop_stop(again->loop);
}

struct counting_hook {
    struct loop_hook hook;
    int *count;
};

static void count_hook(struct loop_hook *hook)
{
    ++*((struct counting_hook *)hook)->count;
}

static void test_task_posts_itself(void **state)
{
    struct again again = {.task.run = post_again, .left = 5};
    struct counting_hook hook = {{.run = count_hook}, &again.hooks};

    assert_int_equal(loop_new(&again.loop), OK);
    loop_at_turn_end(again.loop, &hook.hook);
    strand_post(loop_strand(again.loop), &again.task);
    assert_int_equal(again.left, 5);
    loop_run(again.loop);
    assert_int_equal(again.left, 0);
    loop_free(&again.loop);
}

/* Timers and hooks */

struct ringing {
    struct timer timer;
    struct loop *loop;
    int64_t rang;
    int *order, place;
    bool hooked;
};

static void ring(struct timer *timer)
{
    struct ringing *ringing = (struct ringing *)timer;
    const struct world *world = loop_world(ringing->loop);

    ringing->rang = world_mono_ms(world);
    ringing->place = ++*ringing->order;
}

static void test_timers(void **state)
{
    const int delays[] = {30, 0, 10, 20};
    struct ringing timers[4];
    struct loop *loop;
    int order = 0;
    const int expected[] = {4, 1, 2, 3};

    assert_int_equal(loop_new(&loop), OK);
    loop_fd(loop);
    loop_turn(loop);
    for (int i = 0; i < 4; i++) {
        timers[i] = (struct ringing){.timer.fire = ring, .loop = loop, .order = &order};
        assert_int_equal(timer_start(loop_world(loop)->timers, &timers[i].timer, world_mono_ms(loop_world(loop)) + delays[i]),
                         OK);
    }
    wait_for(loop, order == 4);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(timers[i].place, expected[i]);
        assert_true(timers[i].rang >= timers[i].timer.due);
    }
    loop_free(&loop);
}

struct writing_hook {
    struct loop_hook hook;
    struct side *side;
    const bool *now;
    bool written;
};

static void write_in_hook(struct loop_hook *hook)
{
    struct writing_hook *writing = (struct writing_hook *)hook;

    if (*writing->now && !writing->written) {
        writing->written = true;
        assert_int_equal(conn_write(writing->side->conn, slice_str("from the hook")), OK);
    }
}

struct flag_timer {
    struct timer timer;
    bool rang;
};

static void raise_flag(struct timer *timer)
{
    ((struct flag_timer *)timer)->rang = true;
}

/* A timer's work is not left lying until something else wakes the loop. */
static void test_hook_writes_after_timer(void **state)
{
    struct place place;
    struct side client;
    struct flag_timer timer = {.timer.fire = raise_flag};
    struct writing_hook hook = {{.run = write_in_hook}, &client, &timer.rang, false};
    const struct world *world;

    pair_open(&place, &client);
    world = loop_world(place.loop);
    loop_at_turn_end(place.loop, &hook.hook);
    assert_int_equal(timer_start(world->timers, &timer.timer, world_mono_ms(world) + 5), OK);
    wait_for(place.loop, buf_len(&place.sides[0].got) == 13);
    pair_free(&place, &client);
}

/* The same where the loop blocks by itself: there is nothing else to wake it but a guard, which must not be needed. */

struct stopper {
    struct timer timer;
    struct loop *loop;
    bool needed;
};

static void stop_late(struct timer *timer)
{
    struct stopper *stopper = (struct stopper *)timer;

    stopper->needed = true;
    loop_stop(stopper->loop);
}

static void stop_on_data(struct side *side, struct slice bytes)
{
    loop_stop(((struct place *)((char *)side - offsetof(struct place, sides)))->loop);
}

static void test_hook_writes_in_running_loop(void **state)
{
    struct place place;
    struct side client;
    struct flag_timer timer = {.timer.fire = raise_flag};
    struct writing_hook hook = {{.run = write_in_hook}, &client, &timer.rang, false};
    struct stopper guard = {.timer.fire = stop_late};
    const struct world *world;

    pair_open(&place, &client);
    world = loop_world(place.loop);
    guard.loop = place.loop;
    place.sides[0].on_data = stop_on_data;
    loop_at_turn_end(place.loop, &hook.hook);
    assert_int_equal(timer_start(world->timers, &timer.timer, world_mono_ms(world) + 5), OK);
    assert_int_equal(timer_start(world->timers, &guard.timer, world_mono_ms(world) + 8000), OK);
    loop_run(place.loop);
    assert_false(guard.needed);
    timer_stop(world->timers, &guard.timer);
    pair_free(&place, &client);
}

/* What an owner stages for the end of the turn when it hears, before the poll, that its output has drained. The peer does not
 * read: nothing comes that would wake the loop. */

enum { SMALL_CAP = 16 * 1024, MOST_OF_IT = 12 * 1024 };

struct filling_timer {
    struct timer timer;
    struct side *side;
};

static void write_most(struct timer *timer)
{
    static const uint8_t bytes[MOST_OF_IT];

    assert_int_equal(conn_write(((struct filling_timer *)timer)->side->conn, slice_of(bytes, sizeof bytes)), OK);
}

struct stopping_hook {
    struct loop_hook hook;
    struct loop *loop;
    const int *drained;
};

static void stop_when_drained(struct loop_hook *hook)
{
    struct stopping_hook *stopping = (struct stopping_hook *)hook;

    if (*stopping->drained)
        loop_stop(stopping->loop);
}

static void test_hook_after_drained_in_running_loop(void **state)
{
    struct place place;
    struct side client;
    struct filling_timer timer = {{.fire = write_most}, &client};
    struct stopper guard = {.timer.fire = stop_late};
    struct stopping_hook hook = {{.run = stop_when_drained}, NULL, &client.drained};
    const struct world *world;

    place_init(&place);
    place_listen(&place);
    side_init(&client);
    connect_side(&place, &client, SMALL_CAP);
    wait_for(place.loop, client.opened && place.sides[0].opened);
    conn_pause(place.sides[0].conn);
    world = loop_world(place.loop);
    hook.loop = guard.loop = place.loop;
    loop_at_turn_end(place.loop, &hook.hook);
    assert_int_equal(timer_start(world->timers, &timer.timer, world_mono_ms(world) + 5), OK);
    assert_int_equal(timer_start(world->timers, &guard.timer, world_mono_ms(world) + 8000), OK);
    loop_run(place.loop);
    assert_int_equal(client.drained, 1);
    assert_false(guard.needed);
    timer_stop(world->timers, &guard.timer);
    pair_free(&place, &client);
}

/* Clock */

static void test_clock(void **state)
{
    struct loop *loop;
    struct clock *clock;
    int64_t before, real;

    assert_int_equal(loop_new(&loop), OK);
    clock = loop_world(loop)->clock;
    before = clock->mono_ms(clock);
    while (system_clock.mono_ms(&system_clock) < before + 5)
        ;
    assert_true(clock->mono_ms(clock) >= before + 5); /* outside of turns nothing is cached */
    real = system_clock.wall_ms(&system_clock);
    assert_true(llabs(clock->wall_ms(clock) - real) < 1000);
    loop_free(&loop);
}

struct long_work {
    struct task task;
    struct loop *loop;
    struct flag_timer timer;
    int64_t began;
};

static void work_long(struct task *task)
{
    struct long_work *work = (struct long_work *)task;

    work->began = system_clock.mono_ms(&system_clock);
    while (system_clock.mono_ms(&system_clock) < work->began + 20)
        ;
}

struct reading_hook {
    struct loop_hook hook;
    struct long_work *work;
    int64_t read;
};

static void read_clock(struct loop_hook *hook)
{
    struct reading_hook *reading = (struct reading_hook *)hook;

    if (reading->work->began && !reading->read)
        reading->read = world_mono_ms(loop_world(reading->work->loop));
}

static void test_clock_after_long_work(void **state)
{
    struct long_work work = {.task.run = work_long};
    struct reading_hook hook = {{.run = read_clock}, &work, 0};

    assert_int_equal(loop_new(&work.loop), OK);
    loop_at_turn_end(work.loop, &hook.hook);
    strand_post(loop_strand(work.loop), &work.task);
    wait_for(work.loop, hook.read);
    assert_true(hook.read >= work.began + 19);
    loop_free(&work.loop);
}

/* A foreign main loop */

static int readable_within(struct loop *loop, int ms)
{
    struct pollfd ready = {.fd = loop_fd(loop), .events = POLLIN};

    return poll(&ready, 1, ms);
}

static void settle(struct loop *loop)
{
    while (readable_within(loop, 20))
        loop_turn(loop);
}

static void nothing(struct task *task)
{
}

static void test_descriptor_wakes(void **state)
{
    struct place place;
    struct side client;
    struct task task = {.run = nothing};
    struct flag_timer timer = {.timer.fire = raise_flag};
    const struct world *world;

    pair_open(&place, &client);
    world = loop_world(place.loop);
    settle(place.loop);
    assert_int_equal(readable_within(place.loop, 0), 0); /* idle: no busy loop */
    strand_post(world->strand, &task);
    assert_int_equal(readable_within(place.loop, PATIENCE_MS), 1);
    settle(place.loop);
    assert_int_equal(conn_write(client.conn, slice_str("x")), OK);
    assert_int_equal(readable_within(place.loop, PATIENCE_MS), 1);
    wait_for(place.loop, buf_len(&place.sides[0].got) == 1);
    settle(place.loop);
    assert_int_equal(timer_start(world->timers, &timer.timer, world_mono_ms(world) + 10), OK);
    wait_for(place.loop, timer.rang);
    settle(place.loop);
    conn_pause(client.conn);
    settle(place.loop);
    assert_int_equal(conn_write(place.sides[0].conn, slice_str("y")), OK);
    settle(place.loop);
    assert_int_equal(buf_len(&client.got), 0);
    conn_unpause(client.conn);
    assert_int_equal(readable_within(place.loop, PATIENCE_MS), 1);
    wait_for(place.loop, buf_len(&client.got) == 1);
    settle(place.loop);
    conn_abort(client.conn);
    assert_int_equal(readable_within(place.loop, PATIENCE_MS), 1);
    wait_for(place.loop, client.closed);
    pair_free(&place, &client);
}

static void test_stop_before_run(void **state)
{
    struct loop *loop;

    assert_int_equal(loop_new(&loop), OK);
    loop_stop(loop);
    loop_run(loop);
    loop_free(&loop);
    loop_free(&loop); /* NULL by now */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_post_from_threads),
        cmocka_unit_test(test_task_posts_itself),
        cmocka_unit_test(test_timers),
        cmocka_unit_test(test_hook_writes_after_timer),
        cmocka_unit_test(test_hook_writes_in_running_loop),
        cmocka_unit_test(test_hook_after_drained_in_running_loop),
        cmocka_unit_test(test_clock),
        cmocka_unit_test(test_clock_after_long_work),
        cmocka_unit_test(test_descriptor_wakes),
        cmocka_unit_test(test_stop_before_run),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
