/* A channel between two ends over loopback: opening, messages, closing, lies, and being freed at bad moments. */
#include "pair.h"

static void test_open(void **state)
{
    struct pair pair;
    uint8_t local[PEER_FINGERPRINT], remote[PEER_FINGERPRINT];

    pair_open(&pair);
    assert_int_equal(pair.asker.described, 1);
    assert_int_equal(pair.answerer.described, 1);
    peer_local_fingerprint(pair.asker.peer, local);
    assert_true(peer_remote_fingerprint(pair.answerer.peer, remote));
    assert_memory_equal(local, remote, sizeof local);
    pair_free(&pair);
}

static void test_before_open(void **state)
{
    struct pair pair;
    uint8_t remote[PEER_FINGERPRINT];

    pair_init(&pair);
    assert_int_equal(peer_send(pair.asker.peer, slice_str("early")), ERR_WRONG_STATE);
    assert_false(peer_remote_fingerprint(pair.asker.peer, remote));
    assert_int_equal(peer_candidate(pair.asker.peer, slice_str("")), ERR_INVALID);
    peer_close(pair.asker.peer);
    assert_int_equal(pair.asker.closed, 0);
    wait_for(pair.loop, pair.asker.closed);
    assert_int_equal(pair.asker.how, PEER_CLOSED);
    pair_free(&pair);
}

/* Messages */

static void test_10000_each_way(void **state)
{
    struct pair pair;

    pair_open(&pair);
    pair.asker.numbered = pair.answerer.numbered = true;
    send_numbered(&pair.asker, 10000, 20);
    send_numbered(&pair.answerer, 10000, 20);
    assert_int_equal(pair.asker.received + pair.answerer.received, 0); /* not inside the call */
    wait_for(pair.loop, pair.asker.received == 10000 && pair.answerer.received == 10000);
    wait_for(pair.loop, peer_unsent(pair.asker.peer) == 0 && peer_unsent(pair.answerer.peer) == 0);
    pair_free(&pair);
}

static uint8_t pattern(size_t at)
{
    return (uint8_t)(at * 7 + (at >> 8));
}

static void check_pattern(struct end *end, struct slice message)
{
    for (size_t i = 0; i < message.len; i++) {
        if (message.data[i] != pattern(i))
            fail_msg("byte %zu of %zu is wrong", i, message.len);
    }
}

static void test_sizes(void **state)
{
    static const size_t sizes[] = {0, 1, 2, 1100, 1200, 16384, PEER_MESSAGE_MAX - 1, PEER_MESSAGE_MAX};
    static uint8_t bytes[PEER_MESSAGE_MAX + 1];
    struct pair pair;
    uint32_t count = sizeof sizes / sizeof sizes[0];
    size_t sum = 0;

    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = pattern(i);
    pair_open(&pair);
    pair.asker.on_data = pair.answerer.on_data = check_pattern;
    for (uint32_t i = 0; i < count; i++) {
        assert_int_equal(peer_send(pair.asker.peer, slice_of(bytes, sizes[i])), OK);
        assert_int_equal(peer_send(pair.answerer.peer, slice_of(bytes, sizes[i])), OK);
        sum += sizes[i];
    }
    assert_int_equal(peer_send(pair.asker.peer, slice_of(bytes, sizeof bytes)), ERR_TOO_LONG);
    wait_for(pair.loop, pair.asker.received == count && pair.answerer.received == count);
    assert_int_equal(pair.asker.bytes, sum);
    assert_int_equal(pair.answerer.bytes, sum);
    pair_free(&pair);
}

static void echo(struct end *end, struct slice message)
{
    assert_int_equal(peer_send(end->peer, message), OK);
}

static void test_answers_inside_data(void **state)
{
    struct pair pair;

    pair_open(&pair);
    pair.answerer.on_data = echo;
    pair.asker.numbered = true;
    send_numbered(&pair.asker, 1000, 100);
    wait_for(pair.loop, pair.asker.received == 1000);
    pair_free(&pair);
}

enum { FLOOD = 400 };

static void go_on(struct end *end)
{
    send_numbered(end, FLOOD, PEER_MESSAGE_MAX);
}

static void test_queue_cap(void **state)
{
    struct pair pair;

    pair_open(&pair);
    pair.answerer.numbered = true;
    send_numbered(&pair.asker, FLOOD, PEER_MESSAGE_MAX);
    assert_true(pair.asker.sent < PEER_QUEUE_MAX / PEER_MESSAGE_MAX + 1);
    assert_true(pair.asker.sent > PEER_QUEUE_MAX / PEER_MESSAGE_MAX / 2);
    assert_true(peer_unsent(pair.asker.peer) <= PEER_QUEUE_MAX);
    pair.asker.on_drained = go_on;
    wait_for(pair.loop, pair.answerer.received == FLOOD);
    assert_true(pair.asker.drained >= FLOOD * PEER_MESSAGE_MAX / PEER_QUEUE_MAX - 1);
    pair_free(&pair);
}

/* Closing */

static void test_close(void **state)
{
    for (int i = 0; i < 2; i++) {
        struct pair pair;
        struct end *closer = i ? &pair.asker : &pair.answerer;

        pair_open(&pair);
        closer->other->numbered = true;
        send_numbered(closer, 2000, 500); /* what waits is sent first */
        peer_close(closer->peer);
        assert_int_equal(peer_send(closer->peer, slice_str("late")), ERR_WRONG_STATE);
        assert_int_equal(closer->closed, 0);
        wait_for(pair.loop, pair.asker.closed && pair.answerer.closed);
        assert_int_equal(closer->other->received, 2000);
        assert_int_equal(pair.asker.how, PEER_CLOSED);
        assert_int_equal(pair.answerer.how, PEER_CLOSED);
        pair_free(&pair);
    }
}

static void test_both_close(void **state)
{
    struct pair pair;

    pair_open(&pair);
    peer_close(pair.asker.peer);
    peer_close(pair.answerer.peer);
    wait_for(pair.loop, pair.asker.closed && pair.answerer.closed);
    assert_int_equal(pair.asker.how, PEER_CLOSED);
    assert_int_equal(pair.answerer.how, PEER_CLOSED);
    pair_free(&pair);
}

static void test_free_tells_the_other(void **state)
{
    struct pair pair;

    pair_open(&pair);
    peer_free(&pair.asker.peer);
    wait_for(pair.loop, pair.answerer.closed);
    assert_int_equal(pair.answerer.how, PEER_CLOSED);
    assert_int_equal(pair.asker.closed, 0);
    pair_free(&pair);
}

static void free_self(struct end *end)
{
    peer_free(&end->peer);
}

static void free_both(struct end *end, struct slice message)
{
    peer_free(&end->peer);
    peer_free(&end->other->peer);
}

static void free_other(struct end *end)
{
    peer_free(&end->other->peer);
}

static void close_self(struct end *end)
{
    peer_close(end->peer);
}

static void test_end_inside_open(void **state)
{
    void (*const ways[])(struct end *) = {free_self, free_other, close_self};

    for (int i = 0; i < 6; i++) {
        struct pair pair;
        struct end *end = i & 1 ? &pair.asker : &pair.answerer;

        pair_init(&pair);
        end->on_open = ways[i / 2];
        wait_for(pair.loop, end->opened && (!end->peer || end->closed || !end->other->peer));
        wait_for(pair.loop, (!pair.asker.peer || pair.asker.closed) && (!pair.answerer.peer || pair.answerer.closed));
        pair_free(&pair);
    }
}

static void test_free_inside_data(void **state)
{
    struct pair pair;

    pair_open(&pair);
    pair.answerer.on_data = free_both;
    send_numbered(&pair.asker, 100, 100);
    wait_for(pair.loop, !pair.answerer.peer);
    assert_int_equal(pair.answerer.received, 1);
    for (int i = 0; i < 20; i++)
        loop_turn(pair.loop);
    pair_free(&pair);
}

static void test_free_at_any_turn(void **state)
{
    for (int turns = 0; turns < 25; turns++) {
        struct pair pair;

        pair_init(&pair);
        for (int i = 0; i < turns; i++)
            turn(pair.loop); /* it is at work: there is always something to come */
        peer_free(turns & 1 ? &pair.asker.peer : &pair.answerer.peer);
        for (int i = 0; i < 3; i++)
            loop_turn(pair.loop);
        pair_free(&pair);
    }
}

static void test_many(void **state)
{
    enum { COUNT = 6 };
    struct pair pairs[COUNT];
    struct loop *loop;

    assert_int_equal(loop_new(&loop), OK);
    for (int i = 0; i < COUNT; i++) {
        pairs[i] = (struct pair){.loop = loop};
        end_new(loop, &pairs[i].answerer, &pairs[i].asker, false);
        end_new(loop, &pairs[i].asker, &pairs[i].answerer, true);
    }
    for (int i = 0; i < COUNT; i++) {
        wait_for(loop, pairs[i].asker.opened && pairs[i].answerer.opened);
        pairs[i].answerer.numbered = true;
        send_numbered(&pairs[i].asker, 200, 1000 + (size_t)i);
    }
    for (int i = 0; i < COUNT; i++) {
        wait_for(loop, pairs[i].answerer.received == 200);
        assert_int_equal(pairs[i].answerer.bytes, 200 * (1000 + i));
        peer_free(&pairs[i].asker.peer);
        wait_for(loop, pairs[i].answerer.closed);
        peer_free(&pairs[i].answerer.peer);
    }
    loop_free(&loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_open),
        cmocka_unit_test(test_before_open),
        cmocka_unit_test(test_10000_each_way),
        cmocka_unit_test(test_sizes),
        cmocka_unit_test(test_answers_inside_data),
        cmocka_unit_test(test_queue_cap),
        cmocka_unit_test(test_close),
        cmocka_unit_test(test_both_close),
        cmocka_unit_test(test_free_tells_the_other),
        cmocka_unit_test(test_end_inside_open),
        cmocka_unit_test(test_free_inside_data),
        cmocka_unit_test(test_free_at_any_turn),
        cmocka_unit_test(test_many),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
