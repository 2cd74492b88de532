/* test_hostile.c - a server that does not mean well, and input in any size. */
#include "fake.h"

static void garbage_ends_the_connection(void **unused)
{
    static const struct slice inputs[] = {
        {(const uint8_t *)"\xff\xff\xff\xff", 4},         /* too long */
        {(const uint8_t *)"\x80\x80\x00", 3},             /* a length not in its shortest form */
        {(const uint8_t *)"\x05\xff\xff\xff\xff\xff", 6}, /* no message */
        {(const uint8_t *)"\x04\x5a\x02\x08\x80", 5},     /* cut inside */
    };
    for (size_t i = 0; i < sizeof inputs / sizeof inputs[0]; i++) {
        struct fake *fake = online();
        core_data(fake->core, inputs[i]);
        sees(fake, "disconnected network");
        assert_false(fake->up);
        fake_stop(fake);
    }
}

static void one_byte_at_a_time(void **unused)
{
    struct fake *fake = online();
    Earshot__ServerFrame frame = EARSHOT__SERVER_FRAME__INIT;
    Earshot__Message message = EARSHOT__MESSAGE__INIT;
    struct buf bytes;
    buf_init(&bytes, WIRE_FRAME_MAX);
    message.conversation = 1;
    message.from = text_bytes("bob");
    message.to = text_bytes("alice");
    message.body = text_bytes("slow");
    frame.body_case = EARSHOT__SERVER_FRAME__BODY_EVENT_MESSAGE;
    frame.event_message = &message;
    for (message.id = 1; message.id <= 3; message.id++)
        assert_int_equal(codec_write_server(&frame, &bytes), OK);
    for (; buf_len(&bytes) > 0; buf_consume(&bytes, 1)) {
        sees(fake, "(nothing)");
        core_data(fake->core, slice_of(buf_data(&bytes), 1));
        if (fake->events.count > fake->events.first)
            sees(fake, "message bob slow");
    }
    assert_int_equal(fake->events.count, 4);
    buf_free(&bytes);
    fake_stop(fake);
}

static void bad_names_are_dropped(void **unused)
{
    static const char *const names[] = {"bob", "\x1b[2J", "", "carol"};
    struct fake *fake = online();
    say_message(fake, 1, 1, "\x1b[2J", "alice", "hi");
    say_message(fake, 1, 2, "bob", "", "hi");
    SAY(fake, 0, EVENT_BROADCAST, event_broadcast, Broadcast, BROADCAST, it->body = text_bytes("all"));
    SAY(fake, 0, EVENT_PRESENCE, event_presence, Presence, PRESENCE, it->user = text_bytes("B O B"));
    ask(fake, REQUEST(WHOELSE), NULL, NULL);
    settle(fake);
    say_users(fake, 16, names, 4, false);
    sees(fake, "users 1 bob carol");
    sees(fake, "(nothing)");
    fake_stop(fake);
}

static void any_body_arrives_as_it_is(void **unused)
{
    struct fake *fake = online();
    say_message(fake, 1, 1, "bob", "alice", "\x1b[2J\xff");
    sees(fake, "message bob \x1b[2J\xff");
    fake_stop(fake);
}

static void wrong_answers_fail_the_request(void **unused)
{
    struct fake *fake = online();
    ask(fake, REQUEST(MESSAGE), "bob", "hi");
    ask(fake, REQUEST(WHOELSE), NULL, NULL);
    settle(fake);
    say_done(fake, 16);
    say_accepted(fake, 17, 1);
    say_accepted(fake, 17, 1);
    say_accepted(fake, 99, 1);
    say_accepted(fake, 0, 1);
    sees(fake, "error 1 unavailable");
    sees(fake, "error 2 unavailable");
    sees(fake, "(nothing)");
    fake_stop(fake);
}

static void a_second_login_is_ignored(void **unused)
{
    struct fake *fake = online();
    say_welcome(fake, 2, 0xbb, 99);
    say_challenge(fake, 2, EARSHOT__CHALLENGE__KIND__KIND_NEW_ACCOUNT);
    sees(fake, "(nothing)");
    assert_int_equal(fake->token.bytes[0], 0xaa);
    ask(fake, REQUEST(MESSAGE), "bob", "hi");
    wants(fake, "message 16 bob hi");
    fake_stop(fake);
}

static void errors_without_a_question_are_told(void **unused)
{
    struct fake *fake = online();
    say_error(fake, 0, EARSHOT__ERROR_CODE__ERROR_BAD_FRAME, 0);
    say_error(fake, 0, EARSHOT__ERROR_CODE__ERROR_UNSPECIFIED, 0);
    sees(fake, "error 0 unavailable");
    sees(fake, "error 0 unavailable");
    fake_stop(fake);
}

static void answers_have_an_end(void **unused)
{
    static const char *const names[64] = {
        [0 ... 63] = "abcdefghijabcdefghijabcdefghijab",
    };
    struct fake *fake = online();
    ask(fake, REQUEST(WHOELSE), NULL, NULL);
    ask(fake, REQUEST(WHOELSE), NULL, NULL);
    settle(fake);
    size_t frames = 0;
    while (fake->events.first == fake->events.count && ++frames < 100000) {
        say_users(fake, 16, names, 64, true);
        if (fake->events.count > 1)
            break;
    }
    sees(fake, "error 1 unavailable");
    assert_in_range(frames * 64 * 33, OUTBOX_BYTES, OUTBOX_BYTES + 64 * 33);
    say_users(fake, 17, names, 1, false); /* and the memory is there again */
    sees(fake, "users 2 abcdefghijabcdefghijabcdefghijab");
    fake_stop(fake);
}

static void a_mad_heartbeat_does_no_harm(void **unused)
{
    struct fake *fake = online();
    SAY(fake, 0, GREETING, greeting, Greeting, GREETING, it->heartbeat_seconds = 0);
    wait_ms(fake, 100000);
    wants(fake, "(nothing)");
    SAY(fake, 0, GREETING, greeting, Greeting, GREETING, it->heartbeat_seconds = UINT32_MAX);
    wait_ms(fake, 100000);
    fake_stop(fake);
}

static void the_last_number_does_not_overflow(void **unused)
{
    struct fake *fake = fake_start(&alice);
    open_connection(fake);
    wants(fake, "hello 1");
    wants(fake, "login 2 alice wonderland");
    say_welcome(fake, 2, 1, UINT64_MAX);
    ask(fake, REQUEST(MESSAGE), "bob", "hi");
    wants(fake, "message 9223372036854775808 bob hi");
    fake_stop(fake);
}

static void a_token_of_another_size_is_not_kept(void **unused)
{
    struct fake *fake = fake_start(&alice);
    open_connection(fake);
    SAY(fake, 2, WELCOME, welcome, Welcome, WELCOME, it->user = text_bytes("ALICE"); it->token = text_bytes("short"));
    sees(fake, "online alice here:4000");
    assert_false(fake->saved);
    lose_connection(fake);
    come_back(fake, "login 2 alice wonderland");
    fake_stop(fake);
}

static void texts_are_made_printable(struct fake *fake, const struct earshot_event *event)
{
    if (event->type == EARSHOT_EVENT_ERROR)
        assert_string_equal(event->text, "\xef\xbf\xbd[2Jx");
}

static void a_servers_text_reaches_no_terminal(void **unused)
{
    struct fake *fake = online();
    fake->on_event = texts_are_made_printable;
    SAY(fake, 0, ERROR, error, Error, ERROR, it->text = text_bytes("\x1b[2Jx"));
    sees(fake, "error 0 unavailable");
    fake_stop(fake);
}

/* Something is heard all the time, but never the end of it. */
static void a_frame_must_be_ended(void **unused)
{
    struct fake *fake = online();
    core_data(fake->core, slice_of("\x7f\x5a", 2));
    for (int second = 0; second < 29; second++) {
        wait_ms(fake, 1000);
        core_data(fake->core, slice_of("a", 1));
    }
    assert_true(fake->up);
    sees(fake, "(nothing)");
    wait_ms(fake, 1000);
    assert_false(fake->up);
    sees(fake, "disconnected network");
    fake_stop(fake);
}

static void the_end_of_one_frame_and_the_beginning_of_another(struct fake *fake)
{
    struct buf bytes;
    Earshot__ServerFrame frame = EARSHOT__SERVER_FRAME__INIT;
    Earshot__Presence presence = EARSHOT__PRESENCE__INIT;
    presence.user = text_bytes("bob");
    frame.body_case = EARSHOT__SERVER_FRAME__BODY_EVENT_PRESENCE;
    frame.event_presence = &presence;
    buf_init(&bytes, WIRE_FRAME_MAX);
    assert_int_equal(codec_write_server(&frame, &bytes), OK);
    core_data(fake->core, slice_of(buf_data(&bytes) + 1, buf_len(&bytes) - 1));
    core_data(fake->core, slice_of(buf_data(&bytes), 1));
    buf_free(&bytes);
}

static void slow_frames_are_no_offence(void **unused)
{
    struct fake *fake = online();
    core_data(fake->core, slice_of("\x07", 1));
    for (int frames = 0; frames < 10; frames++) {
        wait_ms(fake, 20000);
        the_end_of_one_frame_and_the_beginning_of_another(fake);
        sees(fake, "presence bob off");
    }
    assert_true(fake->up);
    fake_stop(fake);
}

/* A server that says everything but the answer. */
static void nothing_but_pongs(struct fake *fake, int64_t seconds)
{
    for (int64_t at = 0; at < seconds && fake->up; at++) {
        SAY(fake, 0, PONG, pong, Pong, PONG, (void)0);
        SAY(fake, 0, EVENT_PRESENCE, event_presence, Presence, PRESENCE, it->user = text_bytes("?"));
        say_users(fake, 16, NULL, 0, true); /* not the end of it */
        wait_ms(fake, 1000);
    }
}

static void a_logout_does_not_wait_for_ever(void **unused)
{
    struct fake *fake = online();
    ask(fake, REQUEST(WHOELSE), NULL, NULL);
    ask(fake, REQUEST(MESSAGE), "bob", "hi");
    nothing_but_pongs(fake, 600);
    assert_true(fake->up); /* nobody is in a hurry */
    assert_true(core_logout(fake->core) > 0);
    nothing_but_pongs(fake, 89);
    assert_true(fake->up);
    nothing_but_pongs(fake, 1);
    sees(fake, "disconnected network");
    sees(fake, "error 2 not_accepted");
    while (!fake->connecting)
        wait_ms(fake, 100);
    open_connection(fake);
    say_welcome(fake, 2, 0xaa, 0);
    sees(fake, "online alice here:4000");
    nothing_but_pongs(fake, 89);
    assert_true(fake->up);
    nothing_but_pongs(fake, 1);
    assert_false(fake->up);
    sees(fake, "error 1 unavailable");
    sees(fake, "error 2 unavailable");
    sees(fake, "error 3 unavailable");
    sees(fake, "closed unavailable none");
    sees(fake, "(nothing)");
    fake_stop(fake);
}

static void a_logout_waits_while_answers_come(void **unused)
{
    struct fake *fake = online();
    ask(fake, REQUEST(WHOELSE), NULL, NULL);
    for (int i = 0; i < 9; i++)
        ask(fake, REQUEST(MESSAGE), "bob", "hi");
    assert_true(core_logout(fake->core) > 0);
    for (uint64_t number = 17; number < 26; number++) {
        nothing_but_pongs(fake, 80);
        say_accepted(fake, number, number);
        fake->events.first++;
    }
    say_users(fake, 16, NULL, 0, false);
    sees(fake, "users 1");
    say_goodbye(fake, EARSHOT__GOODBYE__REASON__REASON_LOGOUT, 0);
    sees(fake, "ok 11");
    sees(fake, "closed ok logout");
    fake_stop(fake);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(garbage_ends_the_connection),
        cmocka_unit_test(one_byte_at_a_time),
        cmocka_unit_test(bad_names_are_dropped),
        cmocka_unit_test(any_body_arrives_as_it_is),
        cmocka_unit_test(wrong_answers_fail_the_request),
        cmocka_unit_test(a_second_login_is_ignored),
        cmocka_unit_test(errors_without_a_question_are_told),
        cmocka_unit_test(answers_have_an_end),
        cmocka_unit_test(a_mad_heartbeat_does_no_harm),
        cmocka_unit_test(the_last_number_does_not_overflow),
        cmocka_unit_test(a_token_of_another_size_is_not_kept),
        cmocka_unit_test(a_servers_text_reaches_no_terminal),
        cmocka_unit_test(a_frame_must_be_ended),
        cmocka_unit_test(slow_frames_are_no_offence),
        cmocka_unit_test(a_logout_does_not_wait_for_ever),
        cmocka_unit_test(a_logout_waits_while_answers_come),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
