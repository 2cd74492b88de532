/* test_session.c - a connection's life: bytes in any pieces, logins, back pressure, deadlines, replacement, slow readers, the
 * end. */
#include "harness.h"

enum { UNANSWERED_MOST = 1024 };

/* ---- bytes ---- */

static void add_frame(struct buf *all, const Earshot__ClientFrame *frame)
{
    assert_int_equal(codec_write_client(frame, all), OK);
}

/* Hello, register, a message, whoelse, ping: as one stream. */
static struct buf dialogue(const char *user)
{
    Earshot__Hello hello = EARSHOT__HELLO__INIT;
    Earshot__Register wish = EARSHOT__REGISTER__INIT;
    Earshot__SendMessage message = EARSHOT__SEND_MESSAGE__INIT;
    Earshot__WhoElse whoelse = EARSHOT__WHO_ELSE__INIT;
    Earshot__Ping ping = EARSHOT__PING__INIT;
    struct buf all;
    buf_init(&all, 1 << 20);
    hello.version = WIRE_VERSION;
    wish.user = text(user);
    wish.password = text("correct horse");
    message.to = text("bob");
    message.body = text("hi");
    FRAME(first, 1, HELLO, hello, &hello);
    FRAME(second, 2, REGISTER, register_, &wish);
    FRAME(third, 16, MESSAGE, message, &message);
    FRAME(fourth, 17, WHOELSE, whoelse, &whoelse);
    FRAME(fifth, 18, PING, ping, &ping);
    add_frame(&all, &first);
    add_frame(&all, &second);
    add_frame(&all, &third);
    add_frame(&all, &fourth);
    add_frame(&all, &fifth);
    return all;
}

static void sees_line_somewhere(struct caller *caller, const char *line)
{
    for (size_t i = caller->first; i < caller->count; i++)
        if (strcmp(caller->lines[i], line) == 0)
            return;
    fail_msg("there is no: %s", line);
}

static void sees_dialogue(struct caller *caller, const char *user)
{
    char welcome[LINE];
    snprintf(welcome, sizeof welcome, "2 welcome %s", user);
    sees(caller, "1 greeting");
    sees(caller, welcome);
    sees_line_somewhere(caller, "caught up");
    sees_line_somewhere(caller, "16 accepted");
    sees_line_somewhere(caller, "17 users 1");
    sees_line_somewhere(caller, "18 pong");
    assert_int_equal(caller->count - caller->first, 4);
}

static void test_all_at_once(void **state)
{
    struct desk *desk = *state;
    struct caller *bob = online(desk, "bob"), *caller = call(desk);
    struct buf all = dialogue("alice");
    put_bytes(caller, buf_slice(&all));
    sees_dialogue(caller, "alice");
    sees(bob, "alice comes");
    sees(bob, "message alice: hi");
    buf_free(&all);
}

static void test_byte_by_byte(void **state)
{
    struct desk *desk = *state;
    online(desk, "bob");
    struct caller *caller = call(desk);
    struct buf all = dialogue("alice");
    for (size_t i = 0; i < buf_len(&all); i++) {
        session_input(caller->session, slice_of(buf_data(&all) + i, 1));
        if (i % 3 == 0)
            settle(desk);
    }
    settle(desk);
    sees_dialogue(caller, "alice");
    buf_free(&all);
}

static void test_cut_anywhere(void **state)
{
    struct desk *desk = *state;
    online(desk, "bob");
    char user[32];
    struct buf all = dialogue("alice");
    for (size_t cut = 1; cut < buf_len(&all); cut += 3) {
        buf_free(&all);
        snprintf(user, sizeof user, "user%zu", cut);
        all = dialogue(user);
        struct caller *caller = call(desk);
        put_bytes(caller, slice_of(buf_data(&all), cut));
        put_bytes(caller, slice_of(buf_data(&all) + cut, buf_len(&all) - cut));
        sees_dialogue(caller, user);
        hang_up(caller);
        desk->caller_count--;
        buf_free(&caller->out);
        free(caller);
    }
    buf_free(&all);
}

/* Cut off in the middle of a frame, or of a login: nothing is left behind. */
static void test_gone_anywhere(void **state)
{
    struct desk *desk = *state;
    struct chat_counters counters;
    struct buf all = dialogue("alice");
    for (size_t cut = 1; cut < buf_len(&all); cut++) {
        struct caller *caller = call(desk);
        session_input(caller->session, slice_of(buf_data(&all), cut));
        hang_up(caller); /* with whatever it has begun under way */
        desk->caller_count--;
        buf_free(&caller->out);
        free(caller);
        assert_int_equal(hub_sessions(desk->hubs[0]), 0);
    }
    chat_count(desk->stage->chat, &counters);
    assert_int_equal(counters.sessions, 0);
    buf_free(&all);
}

static void test_not_the_protocol(void **state)
{
    static const struct {
        const char *bytes;
        size_t len;
    } bad[] = {
        {"\xff\xff\xff\xff", 4}, /* a length too long */
        {"\x81\x80\x04", 3},     /* 65,537 */
        {"\x80\x00", 2},         /* not the shortest form */
        {"\x03\xff\xff\xff", 4}, /* no message */
        {"GET / HTTP/1.1\r\nHost: chat.example.org\r\nUser-Agent: a browser that lost its way\r\n\r\n", 84},
    };
    struct desk *desk = *state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct caller *caller = call(desk);
        put_bytes(caller, slice_of(bad[i].bytes, bad[i].len));
        sees(caller, "error bad_frame");
        sees_goodbye(caller, EARSHOT__GOODBYE__REASON__REASON_PROTOCOL);
        put_bytes(caller, slice_of("\x02\x7a\x00", 3)); /* what still comes is not heard */
        silent(caller);
    }
}

/* ---- logins ---- */

static void test_wrong_passwords(void **state)
{
    struct desk *desk = *state;
    online(desk, "alice");
    struct caller *caller = call(desk);
    ask_hello(caller, 1);
    sees(caller, "1 greeting");
    for (uint64_t i = 0; i < 3; i++)
        ask_login(caller, 2 + i, "alice", "wrong horse");
    sees(caller, "2 error wrong_password");
    sees(caller, "3 error wrong_password");
    sees(caller, "4 error wrong_password retry 60");
    ask_login(caller, 5, "alice", "correct horse");
    sees(caller, "5 error account_blocked retry 60");
    stage_pass(desk->stage, 30000);
    ping(caller, 0);
    stage_pass(desk->stage, 30000);
    sees(caller, "pong");
    ask_login(caller, 6, "alice", "correct horse");
    sees(caller, "6 welcome alice");
}

static void test_too_many_failed_logins(void **state)
{
    struct caller *caller = call(*state);
    ask_hello(caller, 1);
    for (uint64_t i = 0; i < 10; i++) {
        assert_false(caller->hung_up);
        ask_login(caller, 2 + i, "nobody", "correct horse");
    }
    sees(caller, "1 greeting");
    for (int i = 0; i < 10; i++)
        caller->first++;
    sees_goodbye(caller, EARSHOT__GOODBYE__REASON__REASON_PROTOCOL);
}

static void test_bad_credentials(void **state)
{
    char longest[300];
    memset(longest, 'x', sizeof longest);
    longest[257] = '\0';
    struct caller *caller = call(*state);
    ask_hello(caller, 1);
    sees(caller, "1 greeting");
    ask_register(caller, 2, "not a name", "correct horse");
    sees(caller, "2 error bad_name");
    ask_register(caller, 3, "alice", "short");
    sees(caller, "3 error bad_password");
    ask_login(caller, 4, "alice", longest);
    sees(caller, "4 error bad_password");
    ask_login(caller, 5, "alice", "");
    sees(caller, "5 error bad_password");
    ask_resume(caller, 6, &(struct token){{1, 2, 3}});
    sees(caller, "6 error bad_token");
    ask_register(caller, 7, "ALICE", "correct horse");
    sees(caller, "7 welcome alice");
}

static void test_hashing_is_busy(void **state)
{
    struct desk *desk = *state;
    struct caller *caller = call(desk);
    ask_hello(caller, 1);
    sees(caller, "1 greeting");
    desk->stage->jobs_most = 0;
    for (uint64_t number = 2; number < 22; number++) { /* as often as it takes: that is no fault of the caller's */
        char line[40];
        ask_register(caller, number, "alice", "correct horse");
        snprintf(line, sizeof line, "%u error unavailable retry 1", (unsigned)number);
        sees(caller, line);
    }
    desk->stage->jobs_most = 10;
    ask_register(caller, 22, "alice", "correct horse");
    sees(caller, "22 welcome alice");
}

/* The store hangs while somebody logs in, until the time to log in is over. */
static void test_login_outlived(void **state)
{
    struct desk *desk = *state;
    struct chat_counters counters;
    desk->settings.silence_ms = desk->settings.login_ms * 2;
    configure(desk);
    struct caller *caller = call(desk);
    ask_hello(caller, 1);
    sees(caller, "1 greeting");
    desk->stage->shut = true;
    ask_register(caller, 2, "alice", "correct horse");
    assert_true(caller->paused);
    stage_pass(desk->stage, desk->settings.login_ms);
    sees_goodbye(caller, EARSHOT__GOODBYE__REASON__REASON_TIMEOUT);
    desk->stage->shut = false;
    settle(desk);
    silent(caller);
    chat_count(desk->stage->chat, &counters);
    assert_int_equal(counters.sessions, 0);
}

static void test_gone_during_login(void **state)
{
    struct desk *desk = *state;
    struct chat_counters counters;
    struct caller *caller = call(desk);
    ask_hello(caller, 1);
    desk->stage->shut = true;
    ask_register(caller, 2, "alice", "correct horse");
    hang_up(caller);
    assert_int_equal(hub_sessions(desk->hubs[0]), 1); /* until the answer has come home */
    desk->stage->shut = false;
    settle(desk);
    assert_int_equal(hub_sessions(desk->hubs[0]), 0);
    chat_count(desk->stage->chat, &counters);
    assert_int_equal(counters.sessions, 0);
}

static void test_logout_ends_the_token(void **state)
{
    struct desk *desk = *state;
    struct caller *alice = online(desk, "alice");
    Earshot__Logout logout = EARSHOT__LOGOUT__INIT;
    FRAME(frame, 7, LOGOUT, logout, &logout);
    put_frame(alice, &frame);
    sees(alice, "7 done");
    sees_goodbye(alice, EARSHOT__GOODBYE__REASON__REASON_LOGOUT);
    struct caller *again = call(desk);
    ask_hello(again, 1);
    ask_resume(again, 2, &alice->token);
    sees(again, "1 greeting");
    sees(again, "2 error bad_token");
}

static void test_replaced_device(void **state)
{
    struct desk *desk = *state;
    for (unsigned shard = 0; shard < STAGE_SHARDS; shard++) {
        struct caller *alice = online(desk, "alice");
        struct caller *again = call_at(desk, shard);
        ask_hello(again, 1);
        ask_resume(again, 2, &alice->token);
        sees_goodbye(alice, EARSHOT__GOODBYE__REASON__REASON_REPLACED);
        sees(again, "1 greeting");
        sees(again, "2 welcome alice");
        sees(again, "caught up");
        silent(again);
        hang_up(again);
    }
}

static void test_resume_goes_on_with_numbers(void **state)
{
    struct desk *desk = *state;
    online(desk, "bob");
    struct caller *alice = online(desk, "alice");
    send_text(alice, 30, "bob", "hi");
    sees(alice, "30 accepted");
    hang_up(alice);
    struct caller *again = call(desk);
    ask_hello(again, 1);
    ask_resume(again, 2, &alice->token);
    assert_int_equal(again->last_number, 30);
}

/* ---- back pressure ---- */

static void test_many_unanswered(void **state)
{
    struct desk *desk = *state;
    struct caller *bob = online(desk, "bob"), *alice = online(desk, "alice");
    struct buf all;
    buf_init(&all, 1 << 20);
    Earshot__SendMessage message = EARSHOT__SEND_MESSAGE__INIT;
    message.to = text("bob");
    message.body = text("hi");
    for (uint64_t i = 0; i < UNANSWERED_MOST + 100; i++) {
        FRAME(frame, 16 + i, MESSAGE, message, &message);
        add_frame(&all, &frame);
    }
    desk->stage->shut = true;
    put_bytes(alice, buf_slice(&all));
    assert_true(alice->paused);
    silent(alice);
    size_t before = desk->stage->ops[STORE_APPEND];
    desk->stage->shut = false;
    stage_settle(desk->stage);
    assert_false(alice->paused);
    assert_int_equal(desk->stage->ops[STORE_APPEND] - before, UNANSWERED_MOST + 100);
    for (int i = 0; i < UNANSWERED_MOST + 100; i++) {
        char line[LINE];
        snprintf(line, sizeof line, "%d accepted", 16 + i);
        sees(alice, line);
    }
    forget_lines(bob);
    buf_free(&all);
}

/* No more than so many are let in at once. */
static void test_unanswered_stay_within_the_limit(void **state)
{
    struct desk *desk = *state;
    hang_up(online(desk, "bob"));
    struct caller *alice = online(desk, "alice");
    desk->stage->shut = true;
    uint64_t number = 16;
    while (!alice->paused && number < 2 * UNANSWERED_MOST)
        send_text(alice, number++, "bob", "hi");
    assert_int_equal(number, 16 + UNANSWERED_MOST);
    stage_pass(desk->stage, 2 * desk->settings.silence_ms); /* it is not silent: nobody listens */
    assert_false(alice->hung_up);
    desk->stage->shut = false;
    settle(desk);
    assert_false(alice->paused);
    assert_int_equal(alice->count - alice->first, UNANSWERED_MOST);
}

/* ---- deadlines ---- */

static void test_silence(void **state)
{
    struct desk *desk = *state;
    struct caller *alice = online(desk, "alice"), *bob = online(desk, "bob");
    sees(alice, "bob comes");
    for (uint64_t i = 0; i < 10; i++) {
        stage_pass(desk->stage, desk->settings.heartbeat_ms);
        if (bob->hung_up)
            break;
        ping(alice, 7);
        sees(alice, "7 pong");
    }
    sees_goodbye(bob, EARSHOT__GOODBYE__REASON__REASON_SILENT);
    sees(alice, "bob goes");
    assert_false(alice->hung_up);
}

/* The promise, with the server's own settings: another is told within 45 seconds, of which a second is for telling many. */
static void test_silence_shows_within_45_seconds(void **state)
{
    struct desk *desk = *state;
    struct caller *alice = online(desk, "alice"), *bob = online(desk, "bob");
    sees(alice, "bob comes");
    ping(bob, 1);
    for (int64_t left = 44000, step = 11000; left > 0; left -= step) {
        stage_pass(desk->stage, step);
        ping(alice, 0);
        if (bob->hung_up)
            sees(alice, "bob goes");
        sees(alice, "pong");
    }
    assert_true(bob->hung_up);
}

static void test_silence_to_the_tenth_of_a_second(void **state)
{
    struct desk *desk = *state;
    struct caller *alice = online(desk, "alice");
    stage_pass(desk->stage, desk->settings.silence_ms - 1);
    assert_false(alice->hung_up);
    ping(alice, 0);
    stage_pass(desk->stage, desk->settings.silence_ms - 1);
    assert_false(alice->hung_up);
    stage_pass(desk->stage, 1 + 100);
    assert_true(alice->hung_up);
}

/* They came at moments of their own, and are missed in one turn. */
static void test_deadlines_come_together(void **state)
{
    struct desk *desk = *state;
    struct caller *callers[3];
    stage_pass(desk->stage, 100 - desk->stage->now % 100);
    for (int i = 0; i < 3; i++) {
        stage_pass(desk->stage, 7);
        callers[i] = call(desk);
    }
    while (!callers[0]->hung_up && desk->stage->now < 1000000)
        stage_pass(desk->stage, 1);
    assert_true(callers[1]->hung_up && callers[2]->hung_up);
}

static void test_nobody_logs_in(void **state)
{
    struct desk *desk = *state;
    struct caller *caller = call(desk);
    ask_hello(caller, 1);
    sees(caller, "1 greeting");
    while (!caller->hung_up && desk->stage->now < 1000000) {
        stage_pass(desk->stage, 10000);
        if (!caller->hung_up)
            ping(caller, 0);
    }
    assert_true(desk->stage->now <= 1000 + desk->settings.login_ms + 10000);
    while (strcmp(caller->lines[caller->first], "pong") == 0)
        caller->first++;
    sees_goodbye(caller, EARSHOT__GOODBYE__REASON__REASON_TIMEOUT);
}

/* Commands put the inactivity timeout off, and pings that speak of some; heartbeats and acknowledgements do not. */
static void test_inactivity(void **state)
{
    struct desk *desk = *state;
    desk->settings.timeout_ms = 100 * 1000;
    configure(desk);
    struct caller *alice = online(desk, "alice");
    for (int i = 0; i < 4; i++) {
        stage_pass(desk->stage, 30000);
        send_text(alice, 0, "alice", "to myself"); /* refused, and yet a command */
        assert_false(alice->hung_up);
    }
    for (int i = 0; i < 3; i++) {
        stage_pass(desk->stage, 30000);
        Earshot__Received received = EARSHOT__RECEIVED__INIT;
        FRAME(frame, 0, RECEIVED, received, &received);
        put_frame(alice, &frame);
        ping(alice, 0);
    }
    assert_false(alice->hung_up);
    stage_pass(desk->stage, 9999);
    Earshot__Ping there = EARSHOT__PING__INIT;
    there.active = true;
    FRAME(frame, 0, PING, ping, &there);
    put_frame(alice, &frame);
    stage_pass(desk->stage, 40000);
    ping(alice, 0);
    stage_pass(desk->stage, 40000);
    ping(alice, 0);
    stage_pass(desk->stage, 19900);
    assert_false(alice->hung_up);
    stage_pass(desk->stage, 200);
    assert_true(alice->hung_up);
    alice->first = alice->count - 1;
    sees_goodbye(alice, EARSHOT__GOODBYE__REASON__REASON_TIMEOUT);
}

/* ---- the server stops ---- */

static void test_shutdown_answers_first(void **state)
{
    struct desk *desk = *state;
    struct caller *bob = online(desk, "bob"), *alice = online(desk, "alice"), *newcomer = call(desk);
    ask_hello(newcomer, 1);
    sees(newcomer, "1 greeting");
    forget_lines(bob);
    desk->stage->shut = true;
    send_text(alice, 16, "bob", "hi");
    ask_register(newcomer, 2, "carol", "correct horse");
    hub_shutdown(desk->hubs[0]);
    settle(desk);
    sees(alice, "bob goes");
    silent(alice);
    silent(newcomer);
    sees_goodbye(bob, EARSHOT__GOODBYE__REASON__REASON_SHUTDOWN);
    session_input(alice->session, slice_of("\x02\x7a\x00", 3)); /* too late to be heard */
    desk->stage->shut = false;
    settle(desk);
    sees(alice, "16 accepted");
    sees_line_somewhere(newcomer, "2 welcome carol");
    forget_lines(newcomer);
    newcomer->first--;
    alice->first = alice->count - 1;
    sees_goodbye(alice, EARSHOT__GOODBYE__REASON__REASON_SHUTDOWN);
    sees_goodbye(newcomer, EARSHOT__GOODBYE__REASON__REASON_SHUTDOWN);
}

static void test_shutdown_with_a_login_that_is_gone(void **state)
{
    struct desk *desk = *state;
    struct caller *caller = call(desk);
    ask_hello(caller, 1);
    desk->stage->shut = true;
    ask_register(caller, 2, "alice", "correct horse");
    hub_shutdown(desk->hubs[0]);
    settle(desk);
    hang_up(caller);
    desk->stage->shut = false;
    settle(desk);
    assert_int_equal(hub_sessions(desk->hubs[0]), 0);
}

/* ---- slow readers ---- */

static void test_slow_reader_is_cut(void **state)
{
    struct desk *desk = *state;
    desk->settings.output_cap = 8192;
    desk->settings.output_high = 6000;
    configure(desk);
    struct caller *alice = online(desk, "alice"), *bob = online_at(desk, "bob", 1), *carol = online(desk, "carol");
    forget_lines(carol);
    bob->slow = true;
    for (int i = 0; i < 200 && !bob->hung_up; i++)
        send_broadcast(alice, 0, "a text that is not very long, and yet it adds up");
    assert_true(bob->hung_up);
    assert_true(buf_len(&bob->out) <= desk->settings.output_cap);
    sees(carol, "broadcast alice: a text that is not very long, and yet it adds up");
    read_out(bob); /* whole frames to the end */
    hang_up(bob);
    forget_lines(carol);
    carol->first--;
    sees(carol, "bob goes");
}

static void put_waiting(struct desk *desk, struct caller *from, const char *to, unsigned count)
{
    char body[513];
    memset(body, 'x', sizeof body - 1);
    body[sizeof body - 1] = '\0';
    for (unsigned i = 0; i < count; i++)
        send_text(from, 100 + i, to, body);
    stage_pass(desk->stage, 1);
}

/* What waits in the store is not poured over somebody who does not read; and it goes on when they do. */
static void test_stored_messages_wait_for_the_reader(void **state)
{
    struct desk *desk = *state;
    struct caller *alice = online(desk, "alice");
    hang_up(online(desk, "bob"));
    put_waiting(desk, alice, "bob", 50);
    desk->settings.output_cap = 16384;
    desk->settings.output_high = 8192;
    configure(desk);
    struct caller *bob = call(desk);
    bob->slow = true;
    ask_hello(bob, 1);
    ask_login(bob, 2, "bob", "correct horse");
    size_t stages = 0;
    while (buf_len(&bob->out) > 0) {
        assert_true(buf_len(&bob->out) <= desk->settings.output_cap);
        read_out(bob);
        session_drained(bob->session);
        settle(desk);
        stages++;
    }
    assert_true(stages > 2);
    assert_false(bob->hung_up);
    assert_int_equal(bob->count, 53); /* greeting, welcome, the messages, caught up */
    assert_string_equal(bob->lines[52], "caught up");
}

static void test_reader_who_never_reads(void **state)
{
    struct desk *desk = *state;
    struct caller *alice = online(desk, "alice");
    hang_up(online(desk, "bob"));
    put_waiting(desk, alice, "bob", 50);
    desk->settings.output_cap = 16384;
    desk->settings.output_high = 8192;
    configure(desk);
    struct caller *bob = call(desk);
    bob->slow = true;
    ask_hello(bob, 1);
    ask_login(bob, 2, "bob", "correct horse");
    for (int i = 0; i < 12 && !bob->hung_up; i++) {
        stage_pass(desk->stage, 10000);
        if (!bob->hung_up)
            ping(bob, 0); /* alive, but not reading */
    }
    assert_true(bob->hung_up);
    read_out(bob);
    assert_string_equal(bob->lines[bob->count - 1], "goodbye 6"); /* too slow */
    hang_up(bob);
    struct caller *again = call(desk); /* nothing of what waited is lost */
    desk->settings.output_cap = 1 << 20;
    desk->settings.output_high = 1 << 19;
    configure(desk);
    ask_hello(again, 1);
    ask_login(again, 2, "bob", "correct horse");
    assert_int_equal(again->count, 53);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        DESK_TEST(test_all_at_once),
        DESK_TEST(test_byte_by_byte),
        DESK_TEST(test_cut_anywhere),
        DESK_TEST(test_gone_anywhere),
        DESK_TEST(test_not_the_protocol),
        DESK_TEST(test_wrong_passwords),
        DESK_TEST(test_too_many_failed_logins),
        DESK_TEST(test_bad_credentials),
        DESK_TEST(test_hashing_is_busy),
        DESK_TEST(test_login_outlived),
        DESK_TEST(test_gone_during_login),
        DESK_TEST(test_logout_ends_the_token),
        DESK_TEST(test_replaced_device),
        DESK_TEST(test_resume_goes_on_with_numbers),
        DESK_TEST(test_many_unanswered),
        DESK_TEST(test_unanswered_stay_within_the_limit),
        DESK_TEST(test_silence),
        DESK_TEST(test_silence_shows_within_45_seconds),
        DESK_TEST(test_silence_to_the_tenth_of_a_second),
        DESK_TEST(test_deadlines_come_together),
        DESK_TEST(test_nobody_logs_in),
        DESK_TEST(test_inactivity),
        DESK_TEST(test_shutdown_answers_first),
        DESK_TEST(test_shutdown_with_a_login_that_is_gone),
        DESK_TEST(test_slow_reader_is_cut),
        DESK_TEST(test_stored_messages_wait_for_the_reader),
        DESK_TEST(test_reader_who_never_reads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
