/* A channel between two ends over loopback: opening, messages, closing, lies. */
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_open),
        cmocka_unit_test(test_10000_each_way),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
