/* test_patience.c - a peer that does a little, for ever: half frames, readers who do not read, floods that cost nothing. */
#include "harness.h"

enum { FRAME_MS = 30000, READ_MS = 30000, READ_LEAST = 65536, LOOK_MS = 43000, LIGHT_PER_TOKEN = 8 };

static bool said(const struct caller *caller, const char *line)
{
    return caller->count > 0 && strcmp(caller->lines[caller->count - 1], line) == 0;
}

/* ---- half a frame ---- */

static void test_half_a_frame(void **state)
{
    struct desk *desk = *state;
    struct caller *stranger = call(desk), *alice = online(desk, "alice");
    put_bytes(stranger, slice_of("\x20\x08", 2));
    put_bytes(alice, slice_of("\x20\x08", 2));
    stage_pass(desk->stage, FRAME_MS - 1);
    assert_false(stranger->hung_up || alice->hung_up);
    stage_pass(desk->stage, 1);
    sees_goodbye(stranger, EARSHOT__GOODBYE__REASON__REASON_SILENT);
    sees_goodbye(alice, EARSHOT__GOODBYE__REASON__REASON_SILENT);
}

/* A byte now and then keeps nobody. */
static void test_a_frame_by_drops(void **state)
{
    struct desk *desk = *state;
    struct caller *alice = online(desk, "alice");
    int drops = 0;
    put_bytes(alice, slice_of("\xff\x7f", 2));
    for (; drops < 100 && !alice->hung_up; drops++) {
        stage_pass(desk->stage, 1000);
        if (!alice->hung_up)
            put_bytes(alice, slice_of("x", 1));
    }
    assert_int_equal(drops, FRAME_MS / 1000);
    sees_goodbye(alice, EARSHOT__GOODBYE__REASON__REASON_SILENT);
}

/* Frames that end are no offence, though the input never is empty. */
static void test_the_next_frame_has_its_own_time(void **state)
{
    struct desk *desk = *state;
    struct caller *alice = online(desk, "alice");
    put_bytes(alice, slice_of("\x02\x7a", 2)); /* two bytes of three, always: a ping without a number */
    for (int i = 0; i < 20; i++) {
        stage_pass(desk->stage, 20000);
        put_bytes(alice, slice_of("\x00\x02\x7a", 3));
    }
    assert_false(alice->hung_up);
    stage_pass(desk->stage, FRAME_MS);
    assert_true(alice->hung_up);
}

/* ---- readers ---- */

static struct caller *reader_behind(struct desk *desk, size_t bytes)
{
    struct caller *bob = online(desk, "bob");
    bob->slow = true;
    while (buf_len(&bob->out) < bytes)
        ping(bob, 7);
    return bob;
}

/* However alive it is by every other measure. */
static void test_who_only_pings_and_never_reads(void **state)
{
    struct desk *desk = *state;
    struct caller *bob = reader_behind(desk, 1000);
    int64_t began = desk->stage->now;
    while (!bob->hung_up && desk->stage->now < began + 10 * LOOK_MS) {
        stage_pass(desk->stage, 1000);
        if (!bob->hung_up)
            ping(bob, 7);
    }
    assert_true(desk->stage->now <= began + LOOK_MS + READ_MS + 1000);
    read_out(bob);
    assert_true(said(bob, "goodbye 6")); /* too slow */
}

static void read_bytes(struct caller *caller, size_t len)
{
    buf_consume(&caller->out, len < buf_len(&caller->out) ? len : buf_len(&caller->out));
    session_drained(caller->session);
    settle(caller->desk);
}

/* A line that is slow, but a line. */
static void test_a_slow_reader_is_kept(void **state)
{
    struct desk *desk = *state;
    desk->settings.rate = 0;
    configure(desk);
    struct caller *bob = reader_behind(desk, 8 * READ_LEAST);
    for (int i = 0; i < 60 && buf_len(&bob->out) > 0; i++) {
        read_bytes(bob, READ_LEAST / 4);
        stage_pass(desk->stage, READ_MS / 6);
        assert_false(bob->hung_up);
        ping(bob, 0);
    }
    assert_true(buf_len(&bob->out) < READ_LEAST);
}

static void test_a_drop_now_and_then_is_no_reading(void **state)
{
    struct desk *desk = *state;
    desk->settings.rate = 0;
    configure(desk);
    struct caller *bob = reader_behind(desk, 4 * READ_LEAST);
    int64_t began = desk->stage->now;
    while (!bob->hung_up && desk->stage->now < began + 10 * LOOK_MS) {
        read_bytes(bob, 100);
        stage_pass(desk->stage, 1000);
    }
    assert_true(desk->stage->now <= began + LOOK_MS + READ_MS + 1000);
}

/* ---- what costs nothing ---- */

static struct buf many_pings(unsigned count)
{
    struct buf all;
    buf_init(&all, 1 << 20);
    for (unsigned i = 0; i < count; i++)
        assert_int_equal(buf_append(&all, "\x02\x7a\x00", 3), OK);
    return all;
}

/* Neither what is free nor what is refused may be sent without end: the session is not read for a while. */
static void check_flood(struct desk *desk, struct caller *caller, struct slice piece, size_t each)
{
    size_t sent = 0;
    for (; sent < 100 && !caller->paused; sent++) {
        put_bytes(caller, piece);
        caller->first = caller->count = 0;
    }
    assert_true(sent * each <= 2 * desk->settings.burst + each);
    stage_pass(desk->stage, 400); /* it leaks 800 in a second: half of 800, and a little */
    assert_true(caller->paused);
    stage_pass(desk->stage, 200);
    assert_false(caller->paused);
    assert_false(caller->hung_up);
}

static void test_free_floods(void **state)
{
    struct desk *desk = *state;
    desk->settings.rate = 100;
    desk->settings.burst = 400;
    configure(desk);
    struct caller *alice = online(desk, "alice"), *stranger = call(desk), *bob = online(desk, "bob");
    struct buf pings = many_pings(100);
    check_flood(desk, alice, buf_slice(&pings), 100);
    check_flood(desk, stranger, buf_slice(&pings), 100); /* before hello: refused */
    ping(alice, 8);
    assert_true(said(alice, "8 pong"));
    forget_lines(bob);
    ping(bob, 9); /* others notice nothing */
    sees(bob, "9 pong");
    desk->settings.rate = 0; /* no limit */
    configure(desk);
    for (int i = 0; i < 100; i++) {
        put_bytes(alice, buf_slice(&pings));
        alice->first = alice->count = 0;
    }
    assert_false(alice->paused);
    buf_free(&pings);
}

/* An account stays for ever: an address gets so many a minute. */
static void test_a_flood_of_new_accounts(void **state)
{
    enum { MOST = 5 };
    struct desk *desk = *state;
    struct caller *caller = NULL;
    char user[16], welcome[LINE];
    desk->stage->settings.failures_a_minute = MOST;
    assert_int_equal(chat_configure(desk->stage->chat, &desk->stage->settings), OK);
    for (int i = 0; i <= MOST; i++) {
        snprintf(user, sizeof user, "user%d", i);
        snprintf(welcome, sizeof welcome, "2 welcome %s", user);
        caller = call(desk);
        ask_hello(caller, 1);
        ask_register(caller, 2, user, "correct horse");
        assert_string_equal(caller->lines[0], "1 greeting");
        if (i < MOST)
            assert_string_equal(caller->lines[1], welcome);
    }
    assert_string_equal(caller->lines[1], "2 error rate_limited retry 13");
    stage_pass(desk->stage, 13000);
    ask_register(caller, 3, user, "correct horse");
    assert_string_equal(caller->lines[2], "3 welcome user5");
}

/* ---- logout ---- */

/* What was asked before is answered, though the disk takes its time; what comes after is not. */
static void test_logout_answers_first(void **state)
{
    struct desk *desk = *state;
    struct caller *alice = online(desk, "alice"), *bob = online(desk, "bob");
    forget_lines(alice);
    desk->stage->shut = true;
    send_text(alice, 16, "bob", "hi");
    Earshot__Logout logout = EARSHOT__LOGOUT__INIT;
    FRAME(frame, 17, LOGOUT, logout, &logout);
    put_frame(alice, &frame);
    send_text(alice, 18, "bob", "too late");
    silent(alice);
    assert_false(alice->hung_up);
    desk->stage->shut = false;
    settle(desk);
    sees(alice, "16 accepted");
    sees(alice, "17 done");
    sees_goodbye(alice, EARSHOT__GOODBYE__REASON__REASON_LOGOUT);
    sees(bob, "message alice: hi");
    sees(bob, "alice goes");
    silent(bob);
    struct caller *again = call(desk);
    ask_hello(again, 1);
    ask_resume(again, 2, &alice->token);
    sees(again, "1 greeting");
    sees(again, "2 error bad_token");
}

/* Gone before it was answered: it had asked to be logged out. */
static void test_gone_while_logging_out(void **state)
{
    struct desk *desk = *state;
    struct caller *alice = online(desk, "alice"), *bob = online(desk, "bob");
    desk->stage->shut = true;
    send_text(alice, 16, "bob", "hi");
    Earshot__Logout logout = EARSHOT__LOGOUT__INIT;
    FRAME(frame, 17, LOGOUT, logout, &logout);
    put_frame(alice, &frame);
    hang_up(alice);
    desk->stage->shut = false;
    settle(desk);
    sees(bob, "alice goes");
    sees(bob, "message alice: hi");
    struct caller *again = call(desk);
    ask_hello(again, 1);
    ask_resume(again, 2, &alice->token);
    sees(again, "1 greeting");
    sees(again, "2 error bad_token");
}

/* A shorter timeout counts from the last command, also for those who are in. */
static void test_a_new_timeout_is_for_all(void **state)
{
    struct desk *desk = *state;
    struct caller *idle = online(desk, "alice"), *busy = online(desk, "bob");
    stage_pass(desk->stage, 5000);
    send_text(busy, 16, "bob", "to myself");
    desk->settings.timeout_ms = 8000;
    configure(desk);
    settle(desk);
    idle->first = idle->count - 1;
    sees(idle, "greeting");
    configure(desk);
    settle(desk);
    assert_int_equal(idle->first, idle->count); /* nothing new */
    stage_pass(desk->stage, 2900);
    assert_false(idle->hung_up);
    stage_pass(desk->stage, 200);
    assert_true(idle->hung_up);
    idle->first = idle->count - 1;
    sees_goodbye(idle, EARSHOT__GOODBYE__REASON__REASON_TIMEOUT);
    assert_false(busy->hung_up);
    stage_pass(desk->stage, 5000);
    assert_true(busy->hung_up);
}

/* Private texts pass the server by, and nobody has told the clients to speak of them: they can do so now. */
static void test_a_new_timeout_can_be_answered(void **state)
{
    struct desk *desk = *state;
    struct caller *idle = online(desk, "alice"), *busy = online(desk, "bob");
    stage_pass(desk->stage, 20000);
    desk->settings.timeout_ms = 8000;
    configure(desk);
    stage_pass(desk->stage, 1000);
    Earshot__Ping there = EARSHOT__PING__INIT;
    there.active = true;
    FRAME(frame, 0, PING, ping, &there);
    put_frame(busy, &frame);
    stage_pass(desk->stage, 900);
    assert_false(idle->hung_up);
    stage_pass(desk->stage, 200);
    assert_true(idle->hung_up);
    stage_pass(desk->stage, 6700);
    assert_false(busy->hung_up);
    stage_pass(desk->stage, 300);
    assert_true(busy->hung_up);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        DESK_TEST(test_half_a_frame),
        DESK_TEST(test_a_frame_by_drops),
        DESK_TEST(test_the_next_frame_has_its_own_time),
        DESK_TEST(test_who_only_pings_and_never_reads),
        DESK_TEST(test_a_slow_reader_is_kept),
        DESK_TEST(test_a_drop_now_and_then_is_no_reading),
        DESK_TEST(test_free_floods),
        DESK_TEST(test_a_flood_of_new_accounts),
        DESK_TEST(test_logout_answers_first),
        DESK_TEST(test_gone_while_logging_out),
        DESK_TEST(test_a_new_timeout_is_for_all),
        DESK_TEST(test_a_new_timeout_can_be_answered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
