/* What the other end, or who carries its words, may get wrong; and a path that dies. */
#include "pair.h"

static const char *const good_candidate = "candidate:1 1 udp 2122252543 127.0.0.1 9 typ host";

/* An offer of a real peer, as text. */
static void copy_offer(struct loop *loop, char *out, size_t size)
{
    struct pair pair = {.loop = loop};
    struct peer *peer = NULL;

    pair.asker.mute = true;
    pair.asker.other = &pair.answerer;
    end_new(loop, &pair.asker, &pair.answerer, true);
    peer = pair.asker.peer;
    assert_true(peer->events->len < size);
    memcpy(out, peer->events->bytes, peer->events->len);
    out[peer->events->len] = '\0';
    peer_free(&pair.asker.peer);
}

/* Turns the last hexadecimal digit of the fingerprint into another one. */
static void spoil_fingerprint(char *sdp)
{
    char *line = strstr(sdp, "a=fingerprint:sha-256 ");
    char *digit;

    assert_non_null(line);
    digit = strchr(line, '\r') - 1;
    *digit = *digit == '0' ? '1' : '0';
}

static void end_liar(void *ctx, struct slice sdp)
{
    struct end *end = ctx;
    char text[PEER_DESCRIPTION_MAX];

    snprintf(text, sizeof text, "%.*s", (int)sdp.len, (const char *)sdp.data);
    spoil_fingerprint(text);
    assert_int_equal(peer_describe(end->other->peer, slice_str(text)), OK);
}

static void test_wrong_fingerprint(void **state)
{
    static struct peer_ops liar_ops;

    liar_ops = end_ops;
    liar_ops.description = end_liar;
    for (int i = 0; i < 2; i++) {
        struct pair pair = {0};
        struct end *liar = i ? &pair.asker : &pair.answerer;
        struct peer_config config = {.loopback = true, .ops = &liar_ops, .ctx = liar, .offers = i};

        assert_int_equal(loop_new(&pair.loop), OK);
        config.loop = pair.loop;
        liar->other = i ? &pair.answerer : &pair.asker;
        end_new(pair.loop, liar->other, liar, !i);
        assert_int_equal(peer_new(&config, &liar->peer), OK);
        wait_for(pair.loop, pair.asker.closed && pair.answerer.closed);
        assert_int_equal(pair.asker.how, PEER_UNTRUSTED);
        assert_int_equal(pair.answerer.how, PEER_UNTRUSTED);
        assert_int_equal(pair.asker.opened + pair.answerer.opened, 0);
        pair_free(&pair);
    }
}

static void test_bad_descriptions(void **state)
{
    static const char *const bad[] = {"", "v=0", "v=0\r\n", "hello", "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\n"};
    struct pair pair;
    char offer[PEER_DESCRIPTION_MAX];

    pair_open(&pair);
    copy_offer(pair.loop, offer, sizeof offer);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_int_equal(peer_describe(pair.asker.peer, slice_str(bad[i])), ERR_INVALID);
        assert_int_equal(peer_describe(pair.answerer.peer, slice_str(bad[i])), ERR_INVALID);
    }
    /* Of another channel: another fingerprint. */
    assert_int_equal(peer_describe(pair.answerer.peer, slice_str(offer)), ERR_INVALID);
    /* Nobody asked for an answer. */
    assert_int_equal(peer_describe(pair.asker.peer, slice_str(offer)), ERR_INVALID);
    assert_int_equal(peer_send(pair.asker.peer, slice_str("still here")), OK);
    wait_for(pair.loop, pair.answerer.received == 1);
    pair_free(&pair);
}

static void test_candidates(void **state)
{
    static const char *const useless[] = {
        "candidate:",
        "candidate:1 1 udp 1 1.2.3.4 5 typ",
        "candidate:1 1 udp 1 1.2.3.4 70000 typ host",
        "candidate:1 1 udp 1 1.2.3.4 0 typ host",
        "candidate:1 2 udp 1 1.2.3.4 5 typ host",
        "candidate:1 1 tcp 1 1.2.3.4 9 typ host tcptype active",
        "candidate:1 1 udp 1 3f6a1d2e-0000-4000-8000-000000000000.local 5000 typ host",
        "candidate:1 1 udp 1 not.an.address 5 typ host",
        "candidate:1 1 udp 99999999999 1.2.3.4 5 typ host",
        "\xff\xfe",
    };
    struct pair pair;
    int taken = 0;

    pair_open(&pair);
    for (size_t i = 0; i < sizeof useless / sizeof useless[0]; i++)
        assert_int_equal(peer_candidate(pair.asker.peer, slice_str(useless[i])), ERR_INVALID);
    while (peer_candidate(pair.asker.peer, slice_str(good_candidate)) != ERR_CAP)
        assert_true(++taken <= PEER_CANDIDATES_MAX);
    assert_int_equal(peer_send(pair.asker.peer, slice_str("still here")), OK);
    wait_for(pair.loop, pair.answerer.received == 1);
    pair_free(&pair);
}

/* The ends know of no address of each other. */
static void candidate_nowhere(void *ctx, struct slice candidate)
{
    struct end *end = ctx;

    if (candidate.len == 0)
        peer_candidate(end->other->peer, candidate);
}

static void test_no_path(void **state)
{
    static struct peer_ops ops;
    struct pair pair = {0};
    struct end *ends[] = {&pair.answerer, &pair.asker};

    ops = end_ops;
    ops.candidate = candidate_nowhere;
    assert_int_equal(loop_new(&pair.loop), OK);
    for (int i = 0; i < 2; i++) {
        struct peer_config config = {.loop = pair.loop, .loopback = true, .ops = &ops, .ctx = ends[i], .offers = i};
        ends[i]->other = ends[!i];
        assert_int_equal(peer_new(&config, &ends[i]->peer), OK);
        hurry(ends[i]->peer);
        ends[i]->peer->times.search = 1500;
    }
    wait_for(pair.loop, pair.asker.closed && pair.answerer.closed);
    assert_int_equal(pair.asker.how, PEER_NO_PATH);
    assert_int_equal(pair.answerer.how, PEER_NO_PATH);
    pair_free(&pair);
}

/* A path dies in the midst of messages both ways; another takes over, and each message arrives once. */
static void test_restart(void **state)
{
    struct pair pair;
    struct dtls *dtls;

    pair_open(&pair);
    dtls = pair.asker.peer->dtls;
    pair.asker.numbered = pair.answerer.numbered = true;
    send_numbered(&pair.asker, 500, 1000);
    send_numbered(&pair.answerer, 500, 1000);
    wait_for(pair.loop, pair.answerer.received > 50);
    peer_cut_path(pair.asker.peer);
    send_numbered(&pair.asker, 2000, 1000);
    send_numbered(&pair.answerer, 2000, 1000);
    wait_for(pair.loop, pair.asker.received == 2000 && pair.answerer.received == 2000);
    assert_true(pair.asker.described >= 2);
    assert_true(pair.answerer.described >= 2);
    assert_int_equal(pair.asker.opened, 1);
    assert_ptr_equal(dtls, pair.asker.peer->dtls);
    peer_close(pair.answerer.peer);
    wait_for(pair.loop, pair.asker.closed && pair.answerer.closed);
    pair_free(&pair);
}

/* Only what the answering end sends is lost: the asking end hears nothing. */
static void test_restart_when_other_is_mute(void **state)
{
    struct pair pair;

    pair_open(&pair);
    peer_cut_path(pair.answerer.peer);
    pair.asker.numbered = true;
    send_numbered(&pair.answerer, 10, 100);
    wait_for(pair.loop, pair.asker.received == 10);
    assert_true(pair.asker.described >= 2);
    pair_free(&pair);
}

/* The path dies and nobody carries descriptions any more. */
static void test_lost(void **state)
{
    struct pair pair;
    int64_t began, took;

    pair_open(&pair);
    began = world_mono_ms(loop_world(pair.loop));
    pair.asker.peer->times.lost = pair.answerer.peer->times.lost = 2000;
    pair.asker.mute = pair.answerer.mute = true;
    peer_cut_path(pair.asker.peer);
    peer_cut_path(pair.answerer.peer);
    wait_for(pair.loop, pair.asker.closed && pair.answerer.closed);
    took = world_mono_ms(loop_world(pair.loop)) - began;
    assert_true(took >= 500); /* by what was heard last */
    assert_int_equal(pair.asker.how, PEER_LOST);
    assert_int_equal(pair.answerer.how, PEER_LOST);
    pair_free(&pair);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_wrong_fingerprint),
        cmocka_unit_test(test_bad_descriptions),
        cmocka_unit_test(test_candidates),
        cmocka_unit_test(test_no_path),
        cmocka_unit_test(test_restart),
        cmocka_unit_test(test_restart_when_other_is_mute),
        cmocka_unit_test(test_lost),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
