/* Workers: jobs come home, the queue is bounded, the end loses nothing. */
#include "net/loop.h"
#include "net/workers.h"
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>

#include <cmocka.h>

struct squaring {
    struct job job;
    struct loop *loop;
    pthread_t home;
    int number, square;
    int *done, last;
};

static void square(struct job *job)
{
    struct squaring *squaring = (struct squaring *)job;

    assert_false(pthread_equal(pthread_self(), squaring->home));
    squaring->square = squaring->number * squaring->number;
}

static void squared(struct job *job)
{
    struct squaring *squaring = (struct squaring *)job;

    assert_true(pthread_equal(pthread_self(), squaring->home));
    assert_int_equal(squaring->square, squaring->number * squaring->number);
    if (++*squaring->done == squaring->last)
        loop_stop(squaring->loop);
}

static void fill(struct squaring *jobs, int count, struct loop *loop, int *done)
{
    for (int i = 0; i < count; i++)
        jobs[i] = (struct squaring){
            {.home = loop_strand(loop), .work = square, .done = squared}, loop, pthread_self(), i, 0, done, count};
}

static void test_jobs_come_home(void **state)
{
    enum { COUNT = 1000 };
    static struct squaring jobs[COUNT];
    struct workers *workers;
    struct loop *loop;
    int done = 0;

    assert_int_equal(loop_new(&loop), OK);
    assert_int_equal(workers_new(3, COUNT, &workers), OK);
    fill(jobs, COUNT, loop, &done);
    for (int i = 0; i < COUNT; i++)
        assert_int_equal(pool_submit(workers_pool(workers), &jobs[i].job), OK);
    loop_run(loop);
    assert_int_equal(done, COUNT);
    workers_free(&workers);
    loop_free(&loop);
}

/* A job that holds its worker until it is let go. */

struct gate {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    int inside;
    bool open;
};

struct held {
    struct job job;
    struct gate *gate;
    atomic_int *done;
};

static void hold(struct job *job)
{
    struct gate *gate = ((struct held *)job)->gate;

    pthread_mutex_lock(&gate->lock);
    gate->inside++;
    pthread_cond_broadcast(&gate->changed);
    while (!gate->open)
        pthread_cond_wait(&gate->changed, &gate->lock);
    pthread_mutex_unlock(&gate->lock);
}

static void released(struct job *job)
{
    atomic_fetch_add(((struct held *)job)->done, 1);
}

static void wait_inside(struct gate *gate, int count)
{
    pthread_mutex_lock(&gate->lock);
    while (gate->inside < count)
        pthread_cond_wait(&gate->changed, &gate->lock);
    pthread_mutex_unlock(&gate->lock);
}

static void let_go(struct gate *gate)
{
    pthread_mutex_lock(&gate->lock);
    gate->open = true;
    pthread_cond_broadcast(&gate->changed);
    pthread_mutex_unlock(&gate->lock);
}

static void test_queue_is_bounded(void **state)
{
    struct gate gate = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0, false};
    struct held jobs[4];
    struct workers *workers;
    struct loop *loop;
    atomic_int done = 0;

    assert_int_equal(loop_new(&loop), OK);
    assert_int_equal(workers_new(1, 2, &workers), OK);
    for (int i = 0; i < 4; i++)
        jobs[i] = (struct held){{.home = loop_strand(loop), .work = hold, .done = released}, &gate, &done};
    assert_int_equal(pool_submit(workers_pool(workers), &jobs[0].job), OK);
    wait_inside(&gate, 1);
    assert_int_equal(pool_submit(workers_pool(workers), &jobs[1].job), OK);
    assert_int_equal(pool_submit(workers_pool(workers), &jobs[2].job), OK);
    assert_int_equal(pool_submit(workers_pool(workers), &jobs[3].job), ERR_CAP);
    let_go(&gate);
    workers_free(&workers); /* finishes what was queued */
    while (atomic_load(&done) < 3)
        loop_turn(loop);
    loop_turn(loop);
    assert_int_equal(atomic_load(&done), 3);
    loop_free(&loop);
}

/* While it is being freed, jobs are refused. */

static void *free_workers(void *arg)
{
    workers_free(arg);
    return NULL;
}

static void test_stopping_refuses(void **state)
{
    struct gate gate = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0, false};
    enum { TRIES = 4096 };
    static struct held jobs[TRIES];
    struct workers *workers, *freed;
    struct loop *loop;
    atomic_int done = 0;
    pthread_t thread;
    enum err err = OK;
    int accepted = 0;

    assert_int_equal(loop_new(&loop), OK);
    assert_int_equal(workers_new(1, TRIES, &workers), OK);
    for (int i = 0; i < TRIES; i++)
        jobs[i] = (struct held){{.home = loop_strand(loop), .work = hold, .done = released}, &gate, &done};
    assert_int_equal(pool_submit(workers_pool(workers), &jobs[accepted++].job), OK);
    wait_inside(&gate, 1);
    freed = workers;
    pthread_create(&thread, NULL, free_workers, &freed); /* waits for the one that is held */
    while (err == OK && accepted < TRIES) {
        err = pool_submit(workers_pool(workers), &jobs[accepted].job);
        if (err == OK) {
            accepted++;
            sched_yield();
        }
    }
    if (accepted < TRIES)
        assert_int_equal(err, ERR_STOPPED);
    let_go(&gate);
    pthread_join(thread, NULL);
    while (atomic_load(&done) < accepted)
        loop_turn(loop);
    loop_free(&loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_jobs_come_home),
        cmocka_unit_test(test_queue_is_bounded),
        cmocka_unit_test(test_stopping_refuses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
