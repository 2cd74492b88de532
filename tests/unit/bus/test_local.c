/* test_local.c - the bus inside one process: order, alignment, what happens at the cap, and two threads at once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bus/bus.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

enum { CAP = 4096, NUMBERS = 20000, LETTER_MOST = 200 };

struct place {
    struct strand strand; /* first */
    struct task *first, **end;
    unsigned wakes, missed, received;
    uint64_t last[8]; /* by sender */
    char log[1024];
};

static void post(struct strand *strand, struct task *first, struct task *last)
{
    struct place *place = (struct place *)strand;
    last->next = NULL;
    *place->end = first;
    place->end = &last->next;
    place->wakes++;
}

static void run(struct place *place)
{
    while (place->first != NULL) {
        struct task *task = place->first;
        place->first = task->next;
        if (place->first == NULL)
            place->end = &place->first;
        task->run(task);
    }
}

static void receive(void *ctx, struct slice message)
{
    struct place *place = ctx;
    size_t len = strlen(place->log);
    assert_int_equal((uintptr_t)message.data % 8, 0);
    place->received++;
    if (message.len < 100)
        snprintf(place->log + len, sizeof place->log - len, "%.*s.", (int)message.len, (const char *)message.data);
}

static void missed(void *ctx)
{
    struct place *place = ctx;
    size_t len = strlen(place->log);
    place->missed++;
    snprintf(place->log + len, sizeof place->log - len, "!");
}

struct town {
    struct bus *bus;
    struct place places[3];
};

static int set_up(void **state)
{
    struct town *town = calloc(1, sizeof *town);
    assert_non_null(town);
    assert_int_equal(bus_local_new(3, CAP, &town->bus), OK);
    for (unsigned i = 0; i < 3; i++) {
        town->places[i].strand.post = post;
        town->places[i].end = &town->places[i].first;
        bus_attach(town->bus, i, &(struct bus_place){&town->places[i], &town->places[i].strand, receive, missed});
    }
    *state = town;
    return 0;
}

static int tear_down(void **state)
{
    struct town *town = *state;
    bus_free(&town->bus);
    assert_null(town->bus);
    bus_free(&town->bus);
    free(town);
    return 0;
}

static void send_text(struct town *town, unsigned from, unsigned to, const char *text)
{
    bus_send(town->bus, from, to, (struct slice[]){slice_str(text)}, 1);
}

static void send_bytes(struct town *town, unsigned from, unsigned to, size_t len)
{
    static const uint8_t bytes[CAP];
    bus_send(town->bus, from, to, (struct slice[]){slice_of(bytes, len)}, 1);
}

static void flush_and_run(struct town *town)
{
    for (unsigned i = 0; i < 3; i++)
        bus_flush(town->bus, i);
    for (unsigned i = 0; i < 3; i++)
        run(&town->places[i]);
}

static void test_order(void **state)
{
    struct town *town = *state;
    send_text(town, 0, 1, "a");
    send_text(town, 0, 1, "bcdefghijk");
    bus_send(town->bus, 0, 1, (struct slice[]){slice_str("l"), slice_of(NULL, 0), slice_str("mno")}, 3);
    send_text(town, 0, 1, "");
    send_text(town, 0, 1, "z");
    run(&town->places[1]);
    assert_string_equal(town->places[1].log, ""); /* not before the flush */
    bus_flush(town->bus, 0);
    assert_string_equal(town->places[1].log, ""); /* nor inside it */
    run(&town->places[1]);
    assert_string_equal(town->places[1].log, "a.bcdefghijk.lmno..z.");
}

static void test_woken_once(void **state)
{
    struct town *town = *state;
    send_text(town, 0, 1, "a");
    bus_flush(town->bus, 0);
    send_text(town, 0, 1, "b");
    bus_flush(town->bus, 0);
    send_text(town, 2, 1, "c");
    bus_flush(town->bus, 2);
    bus_flush(town->bus, 2); /* nothing staged */
    assert_int_equal(town->places[1].wakes, 1);
    run(&town->places[1]);
    assert_string_equal(town->places[1].log, "a.b.c.");
    send_text(town, 0, 1, "d");
    bus_flush(town->bus, 0);
    assert_int_equal(town->places[1].wakes, 2);
    run(&town->places[1]);
    assert_string_equal(town->places[1].log, "a.b.c.d.");
}

static void test_publish(void **state)
{
    struct town *town = *state;
    bus_publish(town->bus, 1, (struct slice[]){slice_str("all")}, 1);
    flush_and_run(town);
    for (unsigned i = 0; i < 3; i++)
        assert_string_equal(town->places[i].log, "all.");
}

/* One turn sends more than fits: what fits arrives, and the place is told first. */
static void test_too_much_in_a_turn(void **state)
{
    struct town *town = *state;
    for (int i = 0; i < 20; i++)
        send_bytes(town, 0, 1, 1000);
    flush_and_run(town);
    assert_int_equal(town->places[1].received, 4); /* of 1,008 bytes with its length */
    assert_int_equal(town->places[1].missed, 1);
    send_text(town, 0, 1, "again");
    flush_and_run(town);
    assert_string_equal(town->places[1].log, "!again.");
}

/* The place does not keep up: its inbox ends, and no more is kept anywhere. */
static void test_place_that_sleeps(void **state)
{
    struct town *town = *state;
    send_text(town, 0, 1, "first");
    bus_flush(town->bus, 0);
    for (int i = 0; i < 100; i++) {
        send_bytes(town, 0, 1, 1000);
        bus_flush(town->bus, 0);
    }
    send_text(town, 2, 1, "small");
    bus_flush(town->bus, 2);
    assert_int_equal(town->places[1].wakes, 1);
    run(&town->places[1]);
    assert_int_equal(town->places[1].missed, 1);
    assert_true(town->places[1].received <= 2 + CAP / 1000);
    assert_string_equal(town->places[1].log, "!first.small.");
    send_text(town, 0, 1, "awake");
    flush_and_run(town);
    assert_int_equal(town->places[1].missed, 1);
}

/* A message that can never fit is a miss, not a block. */
static void test_message_beyond_the_cap(void **state)
{
    struct town *town = *state;
    send_bytes(town, 0, 1, CAP);
    flush_and_run(town);
    assert_string_equal(town->places[1].log, "!");
    assert_int_equal(town->places[1].received, 0);
    send_bytes(town, 0, 1, CAP - 8);
    flush_and_run(town);
    assert_int_equal(town->places[1].received, 1);
}

struct echo {
    struct town *town;
    unsigned left;
};

static void echo(void *ctx, struct slice message)
{
    struct echo *echo = ctx;
    if (echo->left-- > 0)
        bus_send(echo->town->bus, 2, 2, &message, 1);
}

/* Sending from within `receive`, also to oneself, comes in a later turn. */
static void test_sending_while_receiving(void **state)
{
    struct town *town = *state;
    struct echo ctx = {town, 3};
    bus_attach(town->bus, 2, &(struct bus_place){&ctx, &town->places[2].strand, echo, missed});
    send_text(town, 0, 2, "hello");
    flush_and_run(town);
    assert_int_equal(ctx.left, 2);
    flush_and_run(town);
    assert_int_equal(ctx.left, 1);
}

/* ---- two threads ---- */

struct thread {
    struct strand strand; /* first */
    pthread_mutex_t lock;
    struct task *first, **end;
    struct bus *bus;
    unsigned here;
    uint64_t next, expected;
    unsigned misses, wrong;
    atomic_uint *finished; /* how many have got the last number */
};

static void thread_post(struct strand *strand, struct task *first, struct task *last)
{
    struct thread *thread = (struct thread *)strand;
    pthread_mutex_lock(&thread->lock);
    last->next = NULL;
    *thread->end = first;
    thread->end = &last->next;
    pthread_mutex_unlock(&thread->lock);
}

/* Numbers rise, without a gap unless something was missed. A message is its number many times over. */
static void thread_receive(void *ctx, struct slice message)
{
    struct thread *thread = ctx;
    uint64_t number, copy;
    memcpy(&number, message.data, sizeof number);
    for (size_t at = 0; at < message.len; at += sizeof copy) {
        memcpy(&copy, message.data + at, sizeof copy);
        thread->wrong += copy != number;
    }
    if (thread->expected > NUMBERS)
        return; /* the last one is repeated until it has come */
    thread->wrong += number < thread->expected || (number > thread->expected && thread->misses == 0);
    thread->expected = number + 1;
    if (number == NUMBERS)
        atomic_fetch_add(thread->finished, 1);
}

static void thread_missed(void *ctx)
{
    ((struct thread *)ctx)->misses++;
}

static void send_number(struct thread *thread, uint64_t number)
{
    uint64_t words[LETTER_MOST / 8];
    size_t count = 1 + (size_t)(number * 7 % (LETTER_MOST / 8));
    for (size_t i = 0; i < count; i++)
        words[i] = number;
    bus_send(thread->bus, thread->here, 1 - thread->here, (struct slice[]){slice_of(words, count * sizeof words[0])}, 1);
}

static void run_posted(struct thread *thread)
{
    pthread_mutex_lock(&thread->lock);
    struct task *task = thread->first;
    thread->first = NULL;
    thread->end = &thread->first;
    pthread_mutex_unlock(&thread->lock);
    while (task != NULL) {
        struct task *next = task->next;
        task->run(task);
        task = next;
    }
}

static void *thread_run(void *ctx)
{
    struct thread *thread = ctx;
    while (atomic_load(thread->finished) < 2) {
        for (int i = 0; i < 50 && thread->next < NUMBERS; i++)
            send_number(thread, thread->next++);
        if (thread->next == NUMBERS)
            send_number(thread, NUMBERS);
        bus_flush(thread->bus, thread->here);
        run_posted(thread);
        if (thread->next == NUMBERS)
            sched_yield();
    }
    return NULL;
}

static void run_threads(size_t cap, struct thread threads[2])
{
    struct bus *bus;
    pthread_t ids[2];
    atomic_uint finished = 0;
    assert_int_equal(bus_local_new(2, cap, &bus), OK);
    for (unsigned i = 0; i < 2; i++) {
        threads[i] = (struct thread){.strand = {thread_post}, .bus = bus, .here = i, .finished = &finished};
        threads[i].end = &threads[i].first;
        pthread_mutex_init(&threads[i].lock, NULL);
        bus_attach(bus, i, &(struct bus_place){&threads[i], &threads[i].strand, thread_receive, thread_missed});
    }
    for (unsigned i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&ids[i], NULL, thread_run, &threads[i]), 0);
    for (unsigned i = 0; i < 2; i++)
        pthread_join(ids[i], NULL);
    bus_free(&bus);
    for (unsigned i = 0; i < 2; i++) {
        assert_int_equal(threads[i].wrong, 0);
        assert_int_equal(threads[i].expected, NUMBERS + 1);
        pthread_mutex_destroy(&threads[i].lock);
    }
}

/* Room for everything: nothing is missed. */
static void test_two_threads(void **state)
{
    struct thread threads[2];
    run_threads(64 << 20, threads);
    assert_int_equal(threads[0].misses + threads[1].misses, 0);
}

/* Hardly any room: what arrives is in order, and gaps are announced. */
static void test_two_threads_and_little_room(void **state)
{
    struct thread threads[2];
    run_threads(2 * LETTER_MOST, threads);
}

int main(void)
{
#define TOWN_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TOWN_TEST(test_order),
        TOWN_TEST(test_woken_once),
        TOWN_TEST(test_publish),
        TOWN_TEST(test_too_much_in_a_turn),
        TOWN_TEST(test_place_that_sleeps),
        TOWN_TEST(test_message_beyond_the_cap),
        TOWN_TEST(test_sending_while_receiving),
        cmocka_unit_test(test_two_threads),
        cmocka_unit_test(test_two_threads_and_little_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
