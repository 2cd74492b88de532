/* test_reconnect.c - a connection that is lost: what is told, when it comes back, what is asked again. */
#include "fake.h"
#include "reconnect.h"

static void messages_are_sent_again_with_their_numbers(void **unused)
{
    struct fake *fake = online();
    ask(fake, REQUEST(MESSAGE), "bob", "one");
    ask(fake, REQUEST(MESSAGE), "bob", "two");
    ask(fake, REQUEST(MESSAGE), "bob", "three");
    wants(fake, "message 16 bob one");
    wants(fake, "message 17 bob two");
    wants(fake, "message 18 bob three");
    say_accepted(fake, 17, 1);
    sees(fake, "ok 2 id=1");
    lose_connection(fake);
    sees(fake, "disconnected network");
    sees(fake, "error 1 not_accepted");
    sees(fake, "error 3 not_accepted");
    ask(fake, REQUEST(MESSAGE), "bob", "four");
    assert_int_equal(core_unanswered(fake->core), 3);
    come_back(fake, "resume 2 token=aa horizon=0");
    say_welcome(fake, 2, 0xaa, 40); /* the server counted others of this device */
    wants(fake, "message 16 bob one");
    wants(fake, "message 18 bob three");
    wants(fake, "message 41 bob four");
    say_accepted(fake, 16, 2);
    say_accepted(fake, 18, 3);
    say_accepted(fake, 41, 4);
    sees(fake, "online alice here:4000");
    sees(fake, "ok 1 id=2");
    sees(fake, "ok 3 id=3");
    sees(fake, "ok 4 id=4");
    silent(fake);
    fake_stop(fake);
}

static void the_notice_comes_once_a_loss(void **unused)
{
    struct fake *fake = online();
    ask(fake, REQUEST(MESSAGE), "bob", "one");
    wants(fake, "message 16 bob one");
    lose_connection(fake);
    sees(fake, "disconnected network");
    sees(fake, "error 1 not_accepted");
    wait_ms(fake, 31000);
    unsigned retries = fake->retries;
    lose_connection(fake); /* the attempt fails: no news but when the next one comes */
    silent(fake);
    assert_int_equal(fake->retries, retries + 1);
    assert_in_range(fake->retry_after, 0, RECONNECT_MOST_MS / 1000);
    come_back(fake, "resume 2 token=aa horizon=0");
    say_welcome(fake, 2, 0xaa, 16);
    wants(fake, "message 16 bob one");
    sees(fake, "online alice here:4000");
    lose_connection(fake);
    sees(fake, "disconnected network");
    sees(fake, "error 1 not_accepted");
    fake_stop(fake);
}

static void questions_are_asked_again_silently(void **unused)
{
    struct fake *fake = online();
    ask(fake, REQUEST(WHOELSE), NULL, NULL);
    ask(fake, REQUEST(BLOCK), "bob", NULL);
    ask(fake, REQUEST(UNBLOCK), "carol", NULL);
    ask(fake, REQUEST(BROADCAST), NULL, "all");
    static const char *const names[] = {"dave"};
    wants(fake, "whoelse 16");
    say_users(fake, 16, names, 1, true); /* half an answer is none */
    lose_connection(fake);
    sees(fake, "disconnected network");
    sees(fake, "error 4 unavailable");
    come_back(fake, "resume 2 token=aa horizon=0");
    say_welcome(fake, 2, 0xaa, 0);
    wants(fake, "whoelse 16");
    wants(fake, "block 17 bob");
    wants(fake, "unblock 18 carol");
    wants(fake, "(nothing)");
    say_users(fake, 16, names, 1, false);
    say_error(fake, 17, EARSHOT__ERROR_CODE__ERROR_ALREADY_BLOCKED, 0);
    say_error(fake, 18, EARSHOT__ERROR_CODE__ERROR_NOT_BLOCKED, 0);
    sees(fake, "online alice here:4000");
    sees(fake, "users 1 dave");
    sees(fake, "ok 2");
    sees(fake, "ok 3");
    fake_stop(fake);
}

static void too_fast_again_is_no_failure(void **unused)
{
    struct fake *fake = online();
    ask(fake, REQUEST(MESSAGE), "bob", "one");
    wants(fake, "message 16 bob one");
    lose_connection(fake);
    come_back(fake, "resume 2 token=aa horizon=0");
    say_welcome(fake, 2, 0xaa, 0);
    wants(fake, "message 16 bob one");
    say_error(fake, 16, EARSHOT__ERROR_CODE__ERROR_RATE_LIMITED, 2);
    ask(fake, REQUEST(MESSAGE), "bob", "two");
    wants(fake, "(nothing)");
    wait_ms(fake, 1999);
    wants(fake, "(nothing)");
    wait_ms(fake, 1);
    wants(fake, "message 16 bob one");
    wants(fake, "message 17 bob two");
    fake_stop(fake);
}

static void resume_says_what_was_received(void **unused)
{
    struct fake *fake = online();
    say_message(fake, 1, 5, "bob", "alice", "a");
    say_caught_up(fake, 5);
    say_message(fake, 2, 6, "carol", "alice", "b");
    say_message(fake, 3, 7, "dave", "alice", "c");
    lose_connection(fake);
    come_back(fake, "resume 2 token=aa continues horizon=5 3:7 2:6");
    say_welcome(fake, 2, 0xaa, 0);
    say_message(fake, 3, 7, "dave", "alice", "c");
    say_message(fake, 3, 8, "dave", "alice", "d");
    sees(fake, "message bob a");
    sees(fake, "caught_up");
    sees(fake, "message carol b");
    sees(fake, "message dave c");
    sees(fake, "disconnected network");
    sees(fake, "online alice here:4000");
    sees(fake, "message dave d");
    sees(fake, "(nothing)");
    fake_stop(fake);
}

static void lost_token_means_another_device(void **unused)
{
    struct fake *fake = online();
    ask(fake, REQUEST(MESSAGE), "bob", "sent");
    wants(fake, "message 16 bob sent");
    lose_connection(fake);
    ask(fake, REQUEST(MESSAGE), "bob", "waiting");
    come_back(fake, "resume 2 token=aa horizon=0");
    say_error(fake, 2, EARSHOT__ERROR_CODE__ERROR_BAD_TOKEN, 0);
    wants(fake, "login 3 alice wonderland");
    say_welcome(fake, 3, 0xbb, 0);
    sees(fake, "disconnected network");
    sees(fake, "error 1 not_accepted");
    sees(fake, "online alice here:4000");
    sees(fake, "error 1 unavailable"); /* the server could not tell a second one from the first */
    wants(fake, "message 17 bob waiting");
    fake_stop(fake);
}

static void a_busy_server_is_asked_again(void **unused)
{
    struct fake *fake = online();
    lose_connection(fake);
    come_back(fake, "resume 2 token=aa horizon=0");
    say_error(fake, 2, EARSHOT__ERROR_CODE__ERROR_UNAVAILABLE, 100);
    unsigned before = fake->connects;
    wait_ms(fake, 99999);
    assert_int_equal(fake->connects, before);
    wait_ms(fake, 1002);
    assert_int_equal(fake->connects, before + 1);
    sees(fake, "disconnected network");
    sees(fake, "(nothing)");
    open_connection(fake);
    say_error(fake, 2, EARSHOT__ERROR_CODE__ERROR_BAD_TOKEN, 0);
    say_error(fake, 3, EARSHOT__ERROR_CODE__ERROR_WRONG_PASSWORD, 0);
    sees(fake, "closed wrong_password none");
    fake_stop(fake);
}

static void farewells_that_mean_come_back(void **unused)
{
    static const Earshot__Goodbye__Reason rows[] = {
        EARSHOT__GOODBYE__REASON__REASON_TOO_SLOW, EARSHOT__GOODBYE__REASON__REASON_SILENT, EARSHOT__GOODBYE__REASON__REASON_FULL,
        EARSHOT__GOODBYE__REASON__REASON_PROTOCOL, 99};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct fake *fake = online();
        say_goodbye(fake, rows[i], 7);
        sees(fake, "disconnected network");
        wait_ms(fake, 6999);
        assert_int_equal(fake->connects, 1);
        wait_ms(fake, 1002);
        assert_int_equal(fake->connects, 2);
        fake_stop(fake);
    }
}

static void a_changed_certificate_ends_it(void **unused)
{
    struct fake *fake = online();
    lose_connection(fake);
    wait_ms(fake, 31000);
    fake->connecting = false;
    core_lost(fake->core, EARSHOT_NOT_TRUSTED, "changed");
    sees(fake, "disconnected network");
    sees(fake, "closed not_trusted none");
    wait_ms(fake, 100000);
    assert_int_equal(fake->connects, 2);
    fake_stop(fake);
}

static void logout_while_away(void **unused)
{
    struct fake *fake = online();
    lose_connection(fake);
    sees(fake, "disconnected network");
    core_logout(fake->core);
    sees(fake, "ok 1");
    sees(fake, "closed ok logout"); /* nothing waits: at once */
    fake_stop(fake);

    fake = online();
    lose_connection(fake);
    ask(fake, REQUEST(MESSAGE), "bob", "hi");
    core_logout(fake->core);
    for (int i = 0; i < 29; i++) {
        wait_ms(fake, 1000);
        if (fake->connecting)
            lose_connection(fake);
    }
    sees(fake, "disconnected network");
    sees(fake, "(nothing)");
    wait_ms(fake, 1000);
    sees(fake, "error 1 unavailable");
    sees(fake, "error 2 no_connection");
    sees(fake, "closed no_connection none");
    fake_stop(fake);
}

static void logout_while_away_forgets_the_token(void **unused)
{
    for (int hurry = 0; hurry < 2; hurry++) {
        struct fake *fake = online();
        lose_connection(fake);
        ask(fake, REQUEST(MESSAGE), "bob", "hi");
        assert_true(fake->has_saved);
        core_logout(fake->core);
        if (hurry) {
            core_free(&fake->core); /* before anything could come of it */
        } else {
            while (fake->connecting || !fake->forgotten) {
                wait_ms(fake, 1000);
                assert_in_range(fake->now, 0, 1000000 + 40000);
                if (fake->connecting)
                    lose_connection(fake);
            }
            sees(fake, "disconnected network");
            sees(fake, "error 1 unavailable");
            sees(fake, "error 2 no_connection");
            sees(fake, "closed no_connection none");
        }
        assert_false(fake->has_saved);
        fake_stop(fake);
    }

    struct fake *fake = online();
    lose_connection(fake);
    core_logout(fake->core);
    settle(fake);
    assert_false(fake->has_saved);
    fake_stop(fake);

    fake = online();
    lose_connection(fake);
    wait_ms(fake, 5000);
    core_free(&fake->core); /* nobody has logged out */
    assert_true(fake->has_saved);
    fake_stop(fake);
}

/* From a run before this one; the server is out of reach, or does not say a word. */
static void logout_before_the_first_login_forgets_the_token(void **unused)
{
    for (int opened = 0; opened < 2; opened++) {
        struct fake *fake = fake_start(&alice);
        fake->has_saved = true;
        settle(fake);
        core_logout(fake->core);
        if (opened)
            open_connection(fake);
        else
            lose_connection(fake);
        wait_ms(fake, 60000);
        core_free(&fake->core);
        assert_false(fake->has_saved);
        fake_stop(fake);
    }
    struct fake *fake = fake_start(&alice);
    fake->has_saved = true;
    settle(fake);
    core_free(&fake->core); /* nobody has logged out */
    assert_true(fake->has_saved);
    fake_stop(fake);
}

static void logout_comes_back_for_what_waits(void **unused)
{
    struct fake *fake = online();
    lose_connection(fake);
    ask(fake, REQUEST(MESSAGE), "bob", "hi");
    core_logout(fake->core);
    wait_ms(fake, 1000);
    open_connection(fake);
    wants(fake, "hello 1");
    wants(fake, "resume 2 token=aa horizon=0");
    say_welcome(fake, 2, 0xaa, 0);
    wants(fake, "message 16 bob hi");
    wait_ms(fake, 60000); /* the connection is there: now it may take its time */
    say_accepted(fake, 16, 1);
    fake_stop(fake);
}

static void silence_is_noticed(void **unused)
{
    struct fake *fake = online();
    wait_ms(fake, 14999);
    wants(fake, "(nothing)");
    wait_ms(fake, 1);
    wants(fake, "ping 16");
    SAY(fake, 16, PONG, pong, Pong, PONG, (void)0);
    wait_ms(fake, 15000);
    wants(fake, "ping 17");
    wait_ms(fake, 15000);
    wants(fake, "ping 18"); /* our own silence must not end it either */
    wait_ms(fake, 9999);
    sees(fake, "(nothing)");
    wait_ms(fake, 1); /* heartbeat + 10 s after the ping that nobody answered */
    sees(fake, "disconnected network");
    assert_int_equal(fake->hang_ups, 1);
    fake_stop(fake);
}

static void a_dead_server_is_noticed_by_a_busy_client(void **unused)
{
    struct fake *fake = online();
    int64_t started = fake->now;
    while (fake->up && fake->now - started < 100000) {
        ask(fake, REQUEST(WHOELSE), NULL, NULL);
        wait_ms(fake, 1000);
    }
    assert_in_range(fake->now - started, 30000, 45000);
    fake_stop(fake);
}

static void pauses_grow_and_are_jittered(void **unused)
{
    struct fake *fake = online();
    struct reconnect reconnect;
    reconnect_init(&reconnect);
    int64_t ceiling = RECONNECT_FIRST_MS, most = 0;
    for (int i = 0; i < 12; i++) {
        int64_t pause = reconnect_pause(&reconnect, &fake->world, 0);
        assert_in_range(pause, 0, ceiling);
        most = pause > most ? pause : most;
        ceiling = ceiling * 2 < RECONNECT_MOST_MS ? ceiling * 2 : RECONNECT_MOST_MS;
    }
    assert_int_equal(reconnect.ceiling_ms, RECONNECT_MOST_MS);
    assert_true(most > 1000);
    assert_in_range(reconnect_pause(&reconnect, &fake->world, 9), 9000, 10000);
    assert_in_range(reconnect_pause(&reconnect, &fake->world, UINT32_MAX), 3600000, 3601000);
    reconnect_online(&reconnect, &fake->world);
    fake->now += 500;
    reconnect_pause(&reconnect, &fake->world, 0);
    assert_int_equal(reconnect.ceiling_ms, RECONNECT_MOST_MS); /* that was no connection to speak of */
    reconnect_online(&reconnect, &fake->world);
    fake->now += RECONNECT_LASTED_MS;
    assert_in_range(reconnect_pause(&reconnect, &fake->world, 0), 0, RECONNECT_FIRST_MS);
    fake_stop(fake);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(messages_are_sent_again_with_their_numbers),
        cmocka_unit_test(the_notice_comes_once_a_loss),
        cmocka_unit_test(questions_are_asked_again_silently),
        cmocka_unit_test(too_fast_again_is_no_failure),
        cmocka_unit_test(resume_says_what_was_received),
        cmocka_unit_test(lost_token_means_another_device),
        cmocka_unit_test(a_busy_server_is_asked_again),
        cmocka_unit_test(farewells_that_mean_come_back),
        cmocka_unit_test(a_changed_certificate_ends_it),
        cmocka_unit_test(logout_while_away),
        cmocka_unit_test(logout_while_away_forgets_the_token),
        cmocka_unit_test(logout_before_the_first_login_forgets_the_token),
        cmocka_unit_test(logout_comes_back_for_what_waits),
        cmocka_unit_test(silence_is_noticed),
        cmocka_unit_test(a_dead_server_is_noticed_by_a_busy_client),
        cmocka_unit_test(pauses_grow_and_are_jittered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
