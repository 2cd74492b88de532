/* test_timer.c - the timer heap: order, and every change a timer may make while timers fire. */
#include "base/timer.h"
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct timers timers;
static char fired[64];

/* A timer that notes its letter when it fires and then does something to itself or another. */
struct lettered {
    struct timer timer;
    char letter;
    struct lettered *stops, *starts;
    int64_t due;
};

static void note(struct timer *timer)
{
    struct lettered *self = (struct lettered *)timer;
    size_t len = strlen(fired);
    assert_true(len + 1 < sizeof fired);
    fired[len] = self->letter;
    fired[len + 1] = 0;
    if (self->stops != NULL)
        timer_stop(&timers, &self->stops->timer);
    if (self->starts != NULL)
        assert_int_equal(timer_start(&timers, &self->starts->timer, self->due), OK);
}

static struct lettered lettered(char letter)
{
    return (struct lettered){.timer = {.fire = note}, .letter = letter};
}

static int setup(void **state)
{
    timers_init(&timers);
    fired[0] = 0;
    return 0;
}

static int teardown(void **state)
{
    timers_free(&timers);
    return 0;
}

static void start(struct lettered *which, int64_t due)
{
    assert_int_equal(timer_start(&timers, &which->timer, due), OK);
}

static void they_fire_by_due_time_and_then_by_age(void **state)
{
    struct lettered a = lettered('a'), b = lettered('b'), c = lettered('c'), d = lettered('d');
    assert_int_equal(timers_next(&timers), -1);
    start(&a, 20);
    start(&b, 10);
    start(&c, 10);
    start(&d, 30);
    assert_int_equal(timers_next(&timers), 10);
    timers_run(&timers, 9);
    assert_string_equal(fired, "");
    timers_run(&timers, 20);
    assert_string_equal(fired, "bca");
    assert_int_equal(timers_next(&timers), 30);
    timers_run(&timers, 1000);
    timers_run(&timers, 2000);
    assert_string_equal(fired, "bcad");
}

static void a_restart_counts_as_new(void **state)
{
    struct lettered a = lettered('a'), b = lettered('b');
    start(&a, 10);
    start(&b, 10);
    start(&a, 10);
    timers_run(&timers, 10);
    assert_string_equal(fired, "ba");
}

static void a_stopped_timer_does_not_fire(void **state)
{
    struct lettered a = lettered('a'), b = lettered('b');
    timer_stop(&timers, &a.timer);
    start(&a, 10);
    start(&b, 10);
    timer_stop(&timers, &a.timer);
    timer_stop(&timers, &a.timer);
    timers_run(&timers, 10);
    assert_string_equal(fired, "b");
}

static void one_that_fires_may_stop_one_that_is_due(void **state)
{
    struct lettered a = lettered('a'), b = lettered('b'), c = lettered('c');
    a.stops = &b;
    start(&a, 1);
    start(&b, 2);
    start(&c, 3);
    timers_run(&timers, 10);
    assert_string_equal(fired, "ac");
}

static void one_started_inside_waits_for_the_next_call(void **state)
{
    struct lettered a = lettered('a'), b = lettered('b'), c = lettered('c');
    a.starts = &a;
    a.due = 0; /* earlier than all that wait, and yet not before them */
    b.starts = &c;
    b.due = 5;
    start(&a, 1);
    start(&b, 2);
    timers_run(&timers, 10);
    assert_string_equal(fired, "ab");
    assert_int_equal(timers_next(&timers), 0);
    a.starts = NULL;
    timers_run(&timers, 10);
    assert_string_equal(fired, "abac");
}

static void one_that_is_due_may_be_put_off(void **state)
{
    struct lettered a = lettered('a'), b = lettered('b');
    a.starts = &b;
    a.due = 50;
    start(&a, 1);
    start(&b, 2);
    timers_run(&timers, 10);
    assert_string_equal(fired, "a");
    assert_int_equal(timers_next(&timers), 50);
    timers_run(&timers, 50);
    assert_string_equal(fired, "ab");
}

static void free_self(struct timer *timer)
{
    note(timer);
    free(timer);
}

static void one_may_be_freed_as_it_fires(void **state)
{
    for (int letter = 'a'; letter < 'd'; letter++) {
        struct lettered *each = malloc(sizeof *each);
        *each = lettered((char)letter);
        each->timer.fire = free_self;
        start(each, 1);
    }
    timers_run(&timers, 1);
    assert_string_equal(fired, "abc");
}

static void forgotten_timers_may_still_be_stopped(void **state)
{
    struct lettered a = lettered('a');
    start(&a, 1);
    timers_free(&timers);
    timer_stop(&timers, &a.timer);
    assert_int_equal(timers_next(&timers), -1);
    start(&a, INT64_MAX);
    assert_true(timers_next(&timers) == INT64_MAX);
}

enum { MANY = 300 };

static struct {
    struct timer timer;
    int64_t due; /* -1: not running */
} many[MANY];
static int64_t latest;

static void check_order(struct timer *timer)
{
    size_t i = (size_t)((char *)timer - (char *)many) / sizeof many[0];
    assert_true(many[i].due >= 0 && many[i].due == timer->due && timer->due >= latest);
    latest = timer->due;
    many[i].due = -1;
}

/* Thousands of starts, restarts, stops and runs: whatever fires is due, in order, and nothing due is left. */
static void many_timers_behave_as_few(void **state)
{
    int64_t now = 0;
    srand(3);
    for (size_t i = 0; i < MANY; i++) {
        many[i].timer = (struct timer){.fire = check_order};
        many[i].due = -1;
    }
    for (int turn = 0; turn < 20000; turn++) {
        size_t i = (size_t)rand() % MANY;
        if (rand() % 3 != 0) {
            many[i].due = now + rand() % 500;
            assert_int_equal(timer_start(&timers, &many[i].timer, many[i].due), OK);
        } else {
            timer_stop(&timers, &many[i].timer);
            many[i].due = -1;
        }
        if (turn % 50 != 0)
            continue;
        now += rand() % 100;
        latest = INT64_MIN;
        timers_run(&timers, now);
        for (i = 0; i < MANY; i++)
            assert_true(many[i].due == -1 || many[i].due > now);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(they_fire_by_due_time_and_then_by_age, setup, teardown),
        cmocka_unit_test_setup_teardown(a_restart_counts_as_new, setup, teardown),
        cmocka_unit_test_setup_teardown(a_stopped_timer_does_not_fire, setup, teardown),
        cmocka_unit_test_setup_teardown(one_that_fires_may_stop_one_that_is_due, setup, teardown),
        cmocka_unit_test_setup_teardown(one_started_inside_waits_for_the_next_call, setup, teardown),
        cmocka_unit_test_setup_teardown(one_that_is_due_may_be_put_off, setup, teardown),
        cmocka_unit_test_setup_teardown(one_may_be_freed_as_it_fires, setup, teardown),
        cmocka_unit_test_setup_teardown(forgotten_timers_may_still_be_stopped, setup, teardown),
        cmocka_unit_test_setup_teardown(many_timers_behave_as_few, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
