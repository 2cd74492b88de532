/* test_requests.c - what is asked and answered on one connection, and leaving it. */
#include "fake.h"

static void every_request_and_its_answer(void **unused)
{
    static const char *const names[] = {"bob", "carol"};
    struct fake *fake = online();
    assert_int_equal(ask(fake, REQUEST(MESSAGE), "Bob", "hi"), 1);
    assert_int_equal(ask(fake, REQUEST(BROADCAST), NULL, "all"), 2);
    assert_int_equal(ask(fake, REQUEST(WHOELSE), NULL, NULL), 3);
    assert_int_equal(ask(fake, REQUEST(WHOELSESINCE), NULL, NULL), 4);
    assert_int_equal(ask(fake, REQUEST(BLOCK), "carol", NULL), 5);
    assert_int_equal(ask(fake, REQUEST(UNBLOCK), "carol", NULL), 6);
    assert_int_equal(ask(fake, REQUEST(STARTPRIVATE), "bob", NULL), -EARSHOT_NO_PRIVATE); /* without a transport */
    assert_int_equal(fake->writes, 1); /* nothing is sent, and nobody called, inside a call */
    wants(fake, "message 16 bob hi");
    wants(fake, "broadcast 17 all");
    wants(fake, "whoelse 18");
    wants(fake, "whoelsesince 19 60");
    wants(fake, "block 20 carol");
    wants(fake, "unblock 21 carol");
    assert_int_equal(fake->writes, 2);
    assert_int_equal(core_unanswered(fake->core), 6);
    say_accepted(fake, 16, 7);
    say_announced(fake, 17, 3);
    say_users(fake, 18, names, 2, false);
    say_users(fake, 19, names, 1, true);
    say_done(fake, 20);
    say_users(fake, 19, names + 1, 1, false);
    say_error(fake, 21, EARSHOT__ERROR_CODE__ERROR_RATE_LIMITED, 3);
    sees(fake, "ok 1 id=7");
    sees(fake, "ok 2 delivered=3 withheld");
    sees(fake, "users 3 bob carol");
    sees(fake, "ok 5");
    sees(fake, "users 4 bob carol");
    sees(fake, "error 6 rate_limited retry_after=3");
    assert_int_equal(core_unanswered(fake->core), 0);
    fake_stop(fake);
}

static void numbers_go_on_above_the_servers(void **unused)
{
    struct fake *fake = fake_start(&alice);
    ask(fake, REQUEST(MESSAGE), "bob", "early");
    open_connection(fake);
    wants(fake, "hello 1");
    wants(fake, "login 2 alice wonderland");
    say_welcome(fake, 2, 1, 1000);
    wants(fake, "message 1001 bob early");
    fake_stop(fake);
}

static void events_arrive(void **unused)
{
    struct fake *fake = online();
    say_message(fake, 1, 5, "bob", "alice", "hi");
    say_message(fake, 1, 6, "alice", "bob", "from my other device");
    SAY(fake, 0, EVENT_BROADCAST, event_broadcast, Broadcast, BROADCAST, it->from = text_bytes("bob");
        it->body = text_bytes("all"));
    SAY(fake, 0, EVENT_PRESENCE, event_presence, Presence, PRESENCE, it->user = text_bytes("bob"); it->online = true);
    say_caught_up(fake, 6);
    sees(fake, "message bob hi");
    sees(fake, "sent bob from my other device");
    sees(fake, "broadcast bob all");
    sees(fake, "presence bob on");
    sees(fake, "caught_up");
    fake_stop(fake);
}

static void acknowledgements_are_few(void **unused)
{
    struct fake *fake = online();
    say_message(fake, 1, 5, "bob", "alice", "a");
    wants(fake, "received 1:5"); /* the first at once */
    say_message(fake, 1, 6, "bob", "alice", "b");
    say_message(fake, 1, 7, "bob", "alice", "c");
    say_message(fake, 2, 3, "carol", "alice", "d");
    wants(fake, "(nothing)");
    wait_ms(fake, 99);
    wants(fake, "(nothing)");
    wait_ms(fake, 1);
    wants(fake, "received 1:7 2:3"); /* then together */
    say_message(fake, 2, 4, "carol", "alice", "e");
    ask(fake, REQUEST(WHOELSE), NULL, NULL);
    wants(fake, "received 2:4"); /* or with what goes out anyway */
    wants(fake, "whoelse 16");
    fake_stop(fake);
}

static void nothing_is_delivered_twice(void **unused)
{
    struct fake *fake = online();
    say_message(fake, 1, 5, "bob", "alice", "a");
    say_message(fake, 1, 5, "bob", "alice", "a");
    say_message(fake, 1, 4, "bob", "alice", "older");
    say_caught_up(fake, 9);
    say_message(fake, 1, 9, "bob", "alice", "b");
    say_message(fake, 2, 8, "carol", "alice", "withheld by a block until now");
    say_message(fake, 2, 8, "carol", "alice", "withheld by a block until now");
    sees(fake, "message bob a");
    sees(fake, "caught_up");
    sees(fake, "message bob b");
    sees(fake, "message carol withheld by a block until now");
    sees(fake, "(nothing)");
    fake_stop(fake);
}

static int64_t ask_password(struct fake *fake)
{
    static const char both[] = "wonderland\0looking glass";
    return core_ask(fake->core, &(struct request){.kind = REQUEST(PASSWORD)}, slice_of(both, sizeof both - 1));
}

static void another_password(void **unused)
{
    struct fake *fake = online();
    assert_int_equal(ask_password(fake), 1);
    wants(fake, "password 16 wonderland looking glass");
    say_error(fake, 16, EARSHOT__ERROR_CODE__ERROR_WRONG_PASSWORD, 60);
    sees(fake, "error 1 wrong_password retry_after=60");
    assert_int_equal(ask_password(fake), 2);
    wants(fake, "password 17 wonderland looking glass");
    say_done(fake, 17);
    sees(fake, "ok 2");
    lose_connection(fake);
    sees(fake, "disconnected network");
    come_back(fake, "resume 2 token=aa horizon=0");
    say_error(fake, 2, EARSHOT__ERROR_CODE__ERROR_BAD_TOKEN, 0);
    wants(fake, "login 3 alice looking glass"); /* the one that holds now */
    fake_stop(fake);
}

/* Nothing is written behind it that might make the buffer move and leave a copy; the rest follows in the next write. */
static void secrets_go_out_by_themselves(void **unused)
{
    struct fake *fake = online();
    unsigned writes = fake->writes;
    ask(fake, REQUEST(WHOELSE), NULL, NULL);
    ask_password(fake);
    ask(fake, REQUEST(WHOELSE), NULL, NULL);
    wants(fake, "whoelse 16");
    wants(fake, "password 17 wonderland looking glass");
    wants(fake, "whoelse 18");
    assert_int_equal(fake->writes, writes + 2);
    fake->full = true;
    ask_password(fake);
    ask(fake, REQUEST(WHOELSE), NULL, NULL);
    wants(fake, "(nothing)");
    fake->full = false;
    core_drained(fake->core);
    wants(fake, "password 19 wonderland looking glass");
    wants(fake, "whoelse 20");
    fake_stop(fake);
}

static const char *last_text;

static void note_text(struct fake *fake, const struct earshot_event *event)
{
    static char text[256];
    if (event->request > 0)
        last_text = memcpy(text, event->text, strlen(event->text) + 1);
}

static void an_old_server(void **unused)
{
    struct fake *fake = online();
    fake->on_event = note_text;
    ask_password(fake);
    wants(fake, "password 16 wonderland looking glass");
    say_error(fake, 16, EARSHOT__ERROR_CODE__ERROR_UNKNOWN_COMMAND, 0);
    sees(fake, "error 1 unknown_command");
    assert_non_null(strstr(last_text, "older"));
    fake_stop(fake);
}

/* Sent and not answered: nobody knows. Not sent: it is as before. */
static void whether_it_is_known(void **unused)
{
    struct fake *fake = online();
    fake->on_event = note_text;
    ask_password(fake);
    wants(fake, "password 16 wonderland looking glass");
    lose_connection(fake);
    sees(fake, "disconnected network");
    sees(fake, "error 1 unavailable");
    assert_non_null(strstr(last_text, "may or may not"));
    ask_password(fake); /* waits */
    come_back(fake, "resume 2 token=aa horizon=0");
    say_welcome(fake, 2, 0xaa, 0);
    sees(fake, "online alice here:4000");
    wants(fake, "password 17 wonderland looking glass"); /* once, and the first one never again */
    say_goodbye(fake, EARSHOT__GOODBYE__REASON__REASON_REVOKED, 0);
    sees(fake, "disconnected revoked for good");
    sees(fake, "error 2 unavailable");
    assert_non_null(strstr(last_text, "may or may not"));
    fake_stop(fake);

    fake = online();
    fake->on_event = note_text;
    lose_connection(fake);
    ask_password(fake);
    core_logout(fake->core);
    sees(fake, "disconnected network");
    sees(fake, "error 1 unavailable");
    assert_null(strstr(last_text, "may or may not"));
    fake_stop(fake);
}

static void logout_waits_for_answers(void **unused)
{
    struct fake *fake = online();
    ask(fake, REQUEST(MESSAGE), "bob", "hi");
    assert_int_equal(core_logout(fake->core), 2);
    assert_int_equal(core_logout(fake->core), -EARSHOT_UNAVAILABLE);
    assert_int_equal(ask(fake, REQUEST(WHOELSE), NULL, NULL), -EARSHOT_UNAVAILABLE);
    wants(fake, "message 16 bob hi");
    silent(fake);
    say_message(fake, 1, 5, "bob", "alice", "a");
    say_message(fake, 1, 6, "bob", "alice", "b");
    wants(fake, "received 1:5");
    say_accepted(fake, 16, 7);
    wants(fake, "received 1:6");
    wants(fake, "logout 17");
    assert_true(fake->forgotten); /* with the device's token */
    say_message(fake, 1, 8, "bob", "alice", "too late: it comes with the next login");
    say_goodbye(fake, EARSHOT__GOODBYE__REASON__REASON_LOGOUT, 0);
    sees(fake, "message bob a");
    sees(fake, "message bob b");
    sees(fake, "ok 1 id=7");
    sees(fake, "ok 2");
    sees(fake, "closed ok logout");
    silent(fake);
    assert_false(fake->up);
    fake_stop(fake);
}

static void logout_ends_without_a_goodbye(void **unused)
{
    struct fake *fake = online();
    core_logout(fake->core);
    wants(fake, "logout 16");
    wait_ms(fake, 4999);
    sees(fake, "(nothing)");
    wait_ms(fake, 1);
    sees(fake, "ok 1");
    sees(fake, "closed ok logout");
    fake_stop(fake);

    fake = online();
    core_logout(fake->core);
    wants(fake, "logout 16");
    lose_connection(fake);
    sees(fake, "ok 1");
    sees(fake, "closed ok logout");
    fake_stop(fake);
}

static void logout_before_login_logs_in_first(void **unused)
{
    struct fake *fake = fake_start(&alice);
    ask(fake, REQUEST(MESSAGE), "bob", "hi");
    core_logout(fake->core);
    open_connection(fake);
    wants(fake, "hello 1");
    wants(fake, "login 2 alice wonderland");
    say_welcome(fake, 2, 1, 0);
    wants(fake, "message 16 bob hi");
    say_accepted(fake, 16, 1);
    wants(fake, "logout 17");
    fake_stop(fake);
}

static void farewells_close(void **unused)
{
    static const struct {
        Earshot__Goodbye__Reason why;
        const char *disconnected, *closed;
    } rows[] = {
        {EARSHOT__GOODBYE__REASON__REASON_TIMEOUT, "disconnected timeout for good", "closed unavailable timeout"},
        {EARSHOT__GOODBYE__REASON__REASON_SHUTDOWN, "disconnected shutdown for good", "closed unavailable shutdown"},
        {EARSHOT__GOODBYE__REASON__REASON_REPLACED, "disconnected replaced for good", "closed unavailable replaced"},
        {EARSHOT__GOODBYE__REASON__REASON_REVOKED, "disconnected revoked for good", "closed unavailable revoked"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct fake *fake = online();
        ask(fake, REQUEST(MESSAGE), "bob", "hi");
        wants(fake, "message 16 bob hi");
        say_goodbye(fake, rows[i].why, 0);
        sees(fake, rows[i].disconnected);
        sees(fake, "error 1 unavailable");
        sees(fake, rows[i].closed);
        wait_ms(fake, 100000);
        silent(fake);
        assert_int_equal(fake->connects, 1);
        fake_stop(fake);
    }
}

static void the_outbox_has_an_end(void **unused)
{
    static char long_text[16385];
    struct fake *fake = online();
    fake->full = true;
    memset(long_text, 'x', sizeof long_text - 1);
    for (int i = 0; i < OUTBOX_REQUESTS; i++)
        assert_true(ask(fake, REQUEST(WHOELSE), NULL, NULL) > 0);
    assert_int_equal(ask(fake, REQUEST(WHOELSE), NULL, NULL), -EARSHOT_UNAVAILABLE);
    fake_stop(fake);

    fake = online();
    fake->full = true;
    int sent = 0;
    while (ask(fake, REQUEST(MESSAGE), "bob", long_text) > 0)
        sent++;
    assert_in_range(sent, 1000, 1024);
    settle(fake);
    fake->full = false;
    core_drained(fake->core);
    for (unsigned n = 0; n < (unsigned)sent; n++) {
        char line[FAKE_LINE];
        assert_true(next_frame(fake, line));
        say_accepted(fake, 16 + n, n + 1);
    }
    assert_int_equal(core_unanswered(fake->core), 0);
    fake_stop(fake);
}

static void only_so_many_are_in_flight(void **unused)
{
    struct fake *fake = online();
    char line[FAKE_LINE];
    unsigned frames = 0;
    for (int i = 0; i < 600; i++)
        ask(fake, REQUEST(WHOELSE), NULL, NULL);
    while (next_frame(fake, line))
        frames++;
    assert_int_equal(frames, 512);
    say_users(fake, 16, NULL, 0, false);
    wants(fake, "whoelse 528");
    wants(fake, "(nothing)");
    fake_stop(fake);
}

static void answer_inside_the_callback(struct fake *fake, const struct earshot_event *event)
{
    if (event->type == EARSHOT_EVENT_MESSAGE)
        assert_true(ask(fake, REQUEST(MESSAGE), event->user, event->body) > 0);
}

static void callbacks_may_ask(void **unused)
{
    struct fake *fake = online();
    fake->on_event = answer_inside_the_callback;
    say_message(fake, 1, 5, "bob", "alice", "echo");
    wants(fake, "received 1:5");
    wants(fake, "message 16 bob echo");
    fake_stop(fake);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_request_and_its_answer),
        cmocka_unit_test(numbers_go_on_above_the_servers),
        cmocka_unit_test(events_arrive),
        cmocka_unit_test(acknowledgements_are_few),
        cmocka_unit_test(nothing_is_delivered_twice),
        cmocka_unit_test(another_password),
        cmocka_unit_test(secrets_go_out_by_themselves),
        cmocka_unit_test(an_old_server),
        cmocka_unit_test(whether_it_is_known),
        cmocka_unit_test(logout_waits_for_answers),
        cmocka_unit_test(logout_ends_without_a_goodbye),
        cmocka_unit_test(logout_before_login_logs_in_first),
        cmocka_unit_test(farewells_close),
        cmocka_unit_test(the_outbox_has_an_end),
        cmocka_unit_test(only_so_many_are_in_flight),
        cmocka_unit_test(callbacks_may_ask),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
