/* Lines and events through the middle of the client, with the library and the clock played by the test. */
#include "dialog.h"
#include "fake_library.h"
#include "stream.h"
#include "text.h"
#include "unit.h"

extern const struct face_type json_face;

struct stage {
    struct clock clock;
    int64_t now;
    struct earshot_client fake;
    struct face_type type; /* the json face, so that what it shows can be read */
    struct face *face;
    struct dialog dialog;
};

static int64_t stage_now(struct clock *clock)
{
    return ((struct stage *)clock)->now;
}

static bool never(void *ctx)
{
    return false;
}

static struct stage *stage;

static int set_up(void **state)
{
    stage = test_calloc(1, sizeof *stage);
    stage->clock = (struct clock){stage_now, stage_now};
    buf_init(&stage->fake.seen, TEXT_CAP);
    stage->type = json_face;
    struct face_host host = {.ready = never, .in = -1, .out = -1};
    json_face.create(&host, &stage->face);
    stage->face->type = &stage->type;
    dialog_init(&stage->dialog, &stage->clock, false);
    dialog_begin(&stage->dialog, &stage->fake, stage->face);
    return 0;
}

static int tear_down(void **state)
{
    dialog_free(&stage->dialog);
    json_face.free(&stage->face);
    buf_free(&stage->fake.seen);
    test_free(stage);
    return 0;
}

#define event(...) dialog_event(&stage->dialog, &(struct earshot_event){__VA_ARGS__})

static void type_line(const char *line)
{
    dialog_line(&stage->dialog, slice_str(line), EARSHOT_OK);
}

static void online(void)
{
    event(.type = EARSHOT_EVENT_ONLINE, .user = "alice", .text = "h:1");
}

/* What was asked of the library since the last time. */
static void asked(const char *expected)
{
    assert_text(&stage->fake.seen, expected);
    buf_clear(&stage->fake.seen);
}

/* What was shown since the last time. */
static void shown(const char *expected)
{
    assert_text(&stream_of(stage->face)->output.buf, expected);
    buf_clear(&stream_of(stage->face)->output.buf);
}

static void begin_online(void)
{
    online();
    shown("{\"event\":\"online\",\"user\":\"alice\",\"server\":\"h:1\"}\n");
}

static void every_command_makes_its_request(void **state)
{
    begin_online();
    type_line("message bob hi there");
    type_line("broadcast hello all");
    type_line("whoelse");
    type_line("whoelsesince 60");
    type_line("block bob");
    type_line("unblock bob");
    type_line("startprivate bob");
    type_line("private bob psst");
    type_line("stopprivate bob");
    type_line("yes bob");
    type_line("no");
    type_line("verify bob");
    type_line("trust bob");
    type_line("logout");
    asked("[1]message bob hi there\n[2]broadcast hello all\n[3]whoelse\n[4]whoelsesince 60\n[5]block bob\n[6]unblock bob\n"
          "[7]startprivate bob\n[8]private bob psst\n[9]stopprivate bob\n[10]yes bob\n[11]no\n[12]verify bob\n[13]trust "
          "bob\n[14]logout\n");
    shown("");
}

/* They are brought from elsewhere; until then no line is taken. */
static void passwords_are_in_no_line(void **state)
{
    begin_online();
    type_line("password");
    asked("");
    assert_int_equal(stage->dialog.passwords_n, 1);
    assert_string_equal(stage->dialog.passwords_file, "");
    assert_false(dialog_ready(&stage->dialog));
    dialog_passwords(&stage->dialog, "the old one", "the new one");
    asked("[1]password the old one the new one\n");
    assert_true(dialog_ready(&stage->dialog));
    event(.type = EARSHOT_EVENT_OK, .request = 1);
    shown("{\"event\":\"ok\",\"n\":1,\"command\":\"password\"}\n");
    type_line("password a file");
    assert_string_equal(stage->dialog.passwords_file, "a file");
    dialog_no_passwords(&stage->dialog, EARSHOT_USAGE, "No.");
    shown("{\"event\":\"error\",\"n\":2,\"code\":\"usage\",\"text\":\"No.\",\"command\":\"password\"}\n");
    stage->fake.refuse = EARSHOT_BAD_PASSWORD;
    type_line("password a file");
    dialog_passwords(&stage->dialog, "", "");
    shown("{\"event\":\"error\",\"n\":3,\"code\":\"bad_password\",\"text\":\"A password is 8 to 256 bytes of UTF-8.\","
          "\"command\":\"password\"}\n");
    type_line("password");
    dialog_end_of_input(&stage->dialog);
    dialog_turn(&stage->dialog);
    assert_false(stage->dialog.leaving);
    event(.type = EARSHOT_EVENT_CLOSED, .error = EARSHOT_UNAVAILABLE, .text = "Gone.");
    shown("{\"event\":\"error\",\"n\":4,\"code\":\"unavailable\",\"text\":\"The connection ended before it could be "
          "sent.\",\"command\":\"password\"}\n{\"event\":\"error\",\"code\":\"unavailable\",\"text\":\"Gone.\"}\n");
}

static void answers_find_their_line(void **state)
{
    begin_online();
    type_line("whoelse");
    type_line("");
    type_line("message zoe hi");
    static const char *const users[] = {"bob"};
    event(.type = EARSHOT_EVENT_ERROR, .request = 2, .error = EARSHOT_UNKNOWN_USER, .text = "No.");
    event(.type = EARSHOT_EVENT_USERS, .request = 1, .users = users, .user_count = 1);
    shown("{\"event\":\"error\",\"n\":3,\"code\":\"unknown_user\",\"text\":\"No.\",\"command\":\"message\"}\n"
          "{\"event\":\"users\",\"n\":1,\"command\":\"whoelse\",\"users\":[\"bob\"]}\n");
}

static void wrong_lines_are_answered_here_and_counted(void **state)
{
    begin_online();
    type_line("hello");
    type_line("  ");
    type_line("message bob");
    dialog_line(&stage->dialog, slice_of(NULL, 0), EARSHOT_TOO_LONG);
    type_line("message bob \xff");
    asked("");
    shown("{\"event\":\"error\",\"n\":1,\"code\":\"unknown_command\",\"text\":\"There is no command \\\"hello\\\"; help lists "
          "them.\"}\n"
          "{\"event\":\"error\",\"n\":3,\"code\":\"usage\",\"text\":\"Usage: message USER TEXT\",\"command\":\"message\"}\n"
          "{\"event\":\"error\",\"n\":4,\"code\":\"too_long\",\"text\":\"A line has 65,536 bytes at most.\"}\n"
          "{\"event\":\"error\",\"n\":5,\"code\":\"bad_text\",\"text\":\"The line is not UTF-8 text.\"}\n");
}

static void what_the_library_refuses_is_an_error_of_the_line(void **state)
{
    begin_online();
    stage->fake.refuse = EARSHOT_BAD_NAME;
    type_line("block B!");
    asked("");
    assert_int_equal(map_count(&stage->dialog.asked), 0);
    struct slice out = buf_slice(&stream_of(stage->face)->output.buf);
    assert_non_null(memmem(out.data, out.len, "\"n\":1,\"code\":\"bad_name\"", 23));
    buf_clear(&stream_of(stage->face)->output.buf);
}

static void a_line_the_outbox_has_no_room_for_waits(void **state)
{
    begin_online();
    stage->fake.refuse = EARSHOT_UNAVAILABLE;
    type_line("message bob one");
    assert_false(dialog_ready(&stage->dialog));
    dialog_turn(&stage->dialog);
    assert_false(dialog_ready(&stage->dialog));
    stage->fake.refuse = EARSHOT_OK;
    dialog_turn(&stage->dialog);
    assert_true(dialog_ready(&stage->dialog));
    asked("[1]message bob one\n");
    event(.type = EARSHOT_EVENT_OK, .request = 1, .id = 5);
    shown("{\"event\":\"ok\",\"n\":1,\"command\":\"message\",\"id\":5,\"time\":\"1970-01-01T00:00:00.000Z\"}\n");
}

static void it_does_not_run_ahead_of_the_answers(void **state)
{
    begin_online();
    for (int i = 0; i < DIALOG_UNANSWERED_MAX; i++) {
        assert_true(dialog_ready(&stage->dialog));
        type_line("whoelse");
    }
    assert_false(dialog_ready(&stage->dialog));
    event(.type = EARSHOT_EVENT_OK, .request = 500);
    assert_true(dialog_ready(&stage->dialog));
    buf_clear(&stream_of(stage->face)->output.buf);
}

static void no_line_is_wanted_before_it_is_online(void **state)
{
    assert_false(dialog_ready(&stage->dialog));
    begin_online();
    assert_true(dialog_ready(&stage->dialog));
    event(.type = EARSHOT_EVENT_DISCONNECTED, .reason = EARSHOT_REASON_NETWORK, .retry_after = 1);
    assert_true(dialog_ready(&stage->dialog)); /* they wait in the library */
    shown("{\"event\":\"disconnected\",\"reason\":\"network\",\"retry_after\":1}\n");
}

static void not_accepted_is_a_notice_and_the_answer_still_comes(void **state)
{
    begin_online();
    type_line("message bob hi");
    event(.type = EARSHOT_EVENT_ERROR, .request = 1, .error = EARSHOT_NOT_ACCEPTED, .text = "Later.");
    event(.type = EARSHOT_EVENT_OK, .request = 1, .id = 1);
    event(.type = EARSHOT_EVENT_OK, .request = 1, .id = 1);
    shown("{\"event\":\"error\",\"n\":1,\"code\":\"not_accepted\",\"text\":\"Later.\",\"command\":\"message\"}\n"
          "{\"event\":\"ok\",\"n\":1,\"command\":\"message\",\"id\":1,\"time\":\"1970-01-01T00:00:00.000Z\"}\n");
}

static void what_became_of_a_private_channel_finds_its_line(void **state)
{
    begin_online();
    type_line("startprivate bob");
    type_line("startprivate carol");
    type_line("yes dave");
    event(.type = EARSHOT_EVENT_OK, .request = 1);
    event(.type = EARSHOT_EVENT_OK, .request = 2);
    event(.type = EARSHOT_EVENT_OK, .request = 3);
    event(.type = EARSHOT_EVENT_ERROR, .request = 1, .error = EARSHOT_DECLINED, .text = "No.", .user = "bob");
    event(.type = EARSHOT_EVENT_PRIVATE_OPEN, .request = 2, .user = "carol", .text = "1 2 3");
    shown("{\"event\":\"ok\",\"n\":1,\"command\":\"startprivate\"}\n"
          "{\"event\":\"ok\",\"n\":2,\"command\":\"startprivate\"}\n"
          "{\"event\":\"ok\",\"n\":3,\"command\":\"yes\"}\n"
          "{\"event\":\"error\",\"n\":1,\"code\":\"declined\",\"text\":\"No.\",\"command\":\"startprivate\"}\n"
          "{\"event\":\"private_open\",\"with\":\"carol\",\"path\":\"direct\",\"safety\":\"1 2 3\",\"verified\":false}\n");
    assert_int_equal(map_count(&stage->dialog.asked), 1);
    event(.type = EARSHOT_EVENT_CLOSED); /* line 3 has had its answer */
    shown("{\"event\":\"goodbye\"}\n");
}

static void at_the_end_of_input_it_catches_up_and_logs_out(void **state)
{
    begin_online();
    type_line("message bob hi");
    dialog_end_of_input(&stage->dialog);
    assert_false(dialog_ready(&stage->dialog));
    dialog_turn(&stage->dialog);
    asked("[1]message bob hi\n");
    assert_int_equal(dialog_pause(&stage->dialog), DIALOG_CATCH_UP_MS);
    event(.type = EARSHOT_EVENT_CAUGHT_UP);
    dialog_turn(&stage->dialog);
    asked("[2]logout\n");
    event(.type = EARSHOT_EVENT_OK, .request = 1, .id = 1);
    event(.type = EARSHOT_EVENT_OK, .request = 2);
    event(.type = EARSHOT_EVENT_CLOSED);
    assert_true(stage->dialog.over);
    assert_int_equal(stage->dialog.exit_code, 0);
    shown("{\"event\":\"caught_up\"}\n"
          "{\"event\":\"ok\",\"n\":1,\"command\":\"message\",\"id\":1,\"time\":\"1970-01-01T00:00:00.000Z\"}\n{\"event\":"
          "\"goodbye\"}\n");
}

static void catching_up_is_not_waited_for_for_ever(void **state)
{
    begin_online();
    dialog_end_of_input(&stage->dialog);
    stage->now += DIALOG_CATCH_UP_MS - 1;
    dialog_turn(&stage->dialog);
    asked("");
    stage->now++;
    dialog_turn(&stage->dialog);
    asked("[1]logout\n");
}

static void a_line_that_says_logout_is_answered(void **state)
{
    begin_online();
    type_line("logout");
    assert_false(dialog_ready(&stage->dialog));
    event(.type = EARSHOT_EVENT_CLOSED, .reason = EARSHOT_REASON_LOGOUT);
    shown("{\"event\":\"ok\",\"n\":1,\"command\":\"logout\"}\n{\"event\":\"goodbye\"}\n");
    assert_int_equal(stage->dialog.exit_code, 0);
}

static void a_refused_login_says_why_and_exits_4(void **state)
{
    event(.type = EARSHOT_EVENT_CLOSED, .error = EARSHOT_ACCOUNT_BLOCKED, .text = "Wait.", .retry_after = 60);
    shown("{\"event\":\"error\",\"code\":\"account_blocked\",\"text\":\"Wait.\",\"retry_after\":60}\n");
    assert_true(stage->dialog.over);
    assert_int_equal(stage->dialog.exit_code, 4);
}

static void each_end_has_its_exit_code(void **state)
{
    static const struct {
        enum earshot_error error;
        enum earshot_reason reason;
        int exit_code;
    } ends[] = {
        {EARSHOT_OK, EARSHOT_REASON_NONE, 0},
        {EARSHOT_OK, EARSHOT_REASON_LOGOUT, 0},
        {EARSHOT_OK, EARSHOT_REASON_TIMEOUT, 5},
        {EARSHOT_OK, EARSHOT_REASON_SHUTDOWN, 5},
        {EARSHOT_OK, EARSHOT_REASON_REPLACED, 5},
        {EARSHOT_NO_CONNECTION, 0, 2},
        {EARSHOT_UNAVAILABLE, 0, 2},
        {EARSHOT_NO_STATE, 0, 2},
        {EARSHOT_NOT_TRUSTED, 0, 3},
        {EARSHOT_WRONG_PASSWORD, 0, 4},
        {EARSHOT_UNKNOWN_USER, 0, 4},
        {EARSHOT_REGISTRATION_CLOSED, 0, 4},
        {EARSHOT_BAD_NAME, 0, 4},
        {EARSHOT_BAD_PASSWORD, 0, 4},
        {EARSHOT_RATE_LIMITED, 0, 4},
        {EARSHOT_BAD_OPTION, 0, 1},
    };
    for (size_t i = 0; i < count_of(ends); i++) {
        stage->dialog.over = false;
        event(.type = EARSHOT_EVENT_CLOSED, .error = ends[i].error, .reason = ends[i].reason);
        assert_true(stage->dialog.over);
        assert_int_equal(stage->dialog.exit_code, ends[i].exit_code);
    }
    buf_clear(&stream_of(stage->face)->output.buf);
}

static void logged_out_by_the_server_is_told_once(void **state)
{
    begin_online();
    event(.type = EARSHOT_EVENT_DISCONNECTED, .reason = EARSHOT_REASON_TIMEOUT, .retry_after = -1);
    event(.type = EARSHOT_EVENT_CLOSED, .reason = EARSHOT_REASON_TIMEOUT);
    shown("{\"event\":\"disconnected\",\"reason\":\"timeout\"}\n{\"event\":\"goodbye\"}\n");
    assert_int_equal(stage->dialog.exit_code, 5);
}

static void logged_out_by_the_server_without_notice_is_told_too(void **state)
{
    begin_online();
    event(.type = EARSHOT_EVENT_DISCONNECTED, .reason = EARSHOT_REASON_NETWORK, .retry_after = 1);
    online();
    event(.type = EARSHOT_EVENT_CLOSED, .reason = EARSHOT_REASON_SHUTDOWN);
    shown("{\"event\":\"disconnected\",\"reason\":\"network\",\"retry_after\":1}\n"
          "{\"event\":\"online\",\"user\":\"alice\",\"server\":\"h:1\"}\n"
          "{\"event\":\"disconnected\",\"reason\":\"shutdown\"}\n{\"event\":\"goodbye\"}\n");
}

static void no_line_is_left_without_an_answer(void **state)
{
    begin_online();
    type_line("message bob one");
    type_line("whoelse");
    event(.type = EARSHOT_EVENT_CLOSED, .error = EARSHOT_NO_CONNECTION, .text = "Gone.");
    shown("{\"event\":\"error\",\"n\":1,\"code\":\"unavailable\",\"text\":\"The connection ended before the "
          "answer.\",\"command\":\"message\"}\n"
          "{\"event\":\"error\",\"n\":2,\"code\":\"unavailable\",\"text\":\"The connection ended before the "
          "answer.\",\"command\":\"whoelse\"}\n"
          "{\"event\":\"error\",\"code\":\"unavailable\",\"text\":\"Gone.\"}\n");
    assert_int_equal(stage->dialog.exit_code, 2);
}

static void a_signal_logs_out_and_a_second_one_ends(void **state)
{
    begin_online();
    dialog_quit(&stage->dialog, 130);
    asked("[1]logout\n");
    assert_false(stage->dialog.over);
    dialog_quit(&stage->dialog, 130);
    assert_true(stage->dialog.over);
    assert_int_equal(stage->dialog.exit_code, 130);
}

static void a_signal_before_the_login_ends_at_once(void **state)
{
    dialog_quit(&stage->dialog, 143);
    assert_true(stage->dialog.over);
    assert_int_equal(stage->dialog.exit_code, 143);
    asked("");
}

static char remarked[256];

static void note_remark(struct face *face, const char *text)
{
    snprintf(remarked, sizeof remarked, "%s", text);
}

static void leaving_while_offline_says_what_it_waits_for(void **state)
{
    static const char *const ways[] = {"signal", "logout"};
    for (size_t i = 0; i < count_of(ways); i++) {
        stage->type.remark = note_remark;
        remarked[0] = '\0';
        online();
        type_line("message bob one");
        type_line("whoelse");
        type_line("broadcast two");
        event(.type = EARSHOT_EVENT_DISCONNECTED, .reason = EARSHOT_REASON_NETWORK, .retry_after = 1);
        assert_string_equal(remarked, "");
        if (i == 0)
            dialog_quit(&stage->dialog, 130);
        else
            type_line("logout");
        assert_string_equal(remarked, "Logging out once 2 messages are sent, 30 s at most; Ctrl-C gives up.");
        buf_clear(&stream_of(stage->face)->output.buf);
        dialog_quit(&stage->dialog, 130);
        assert_true(stage->dialog.over);
        struct slice out = buf_slice(&stream_of(stage->face)->output.buf);
        assert_non_null(memmem(out.data, out.len, "\"command\":\"broadcast\"", 21)); /* what is lost is said */
        tear_down(state);
        set_up(state);
    }
}

static void losing_the_link_while_leaving_is_explained(void **state)
{
    stage->type.remark = note_remark;
    remarked[0] = '\0';
    begin_online();
    type_line("message bob one");
    dialog_quit(&stage->dialog, 130);
    assert_string_equal(remarked, "");
    event(.type = EARSHOT_EVENT_DISCONNECTED, .reason = EARSHOT_REASON_NETWORK, .retry_after = 1);
    assert_string_equal(remarked, "Logging out once 1 message is sent, 30 s at most; Ctrl-C gives up.");
}

static void names_are_learnt_silently(void **state)
{
    static const char *const users[] = {"carol", "dave"};
    stage->type.wants_names = true;
    begin_online();
    asked("[1]whoelse\n");
    event(.type = EARSHOT_EVENT_USERS, .request = 1, .users = users, .user_count = 2);
    shown("");
    event(.type = EARSHOT_EVENT_PRESENCE, .user = "bob", .online = true);
    shown("{\"event\":\"presence\",\"user\":\"bob\",\"online\":true}\n");
    assert_int_equal(stage->dialog.names.count, 3);
    assert_string_equal(stage->dialog.names.all[0], "bob");
    event(.type = EARSHOT_EVENT_DISCONNECTED, .reason = EARSHOT_REASON_NETWORK, .retry_after = 1);
    online();
    asked("[2]whoelse\n");
    event(.type = EARSHOT_EVENT_ERROR, .request = 2, .error = EARSHOT_RATE_LIMITED);
    buf_clear(&stream_of(stage->face)->output.buf);
}

static void help_is_answered_without_the_library(void **state)
{
    begin_online();
    type_line("help");
    asked("");
    struct slice out = buf_slice(&stream_of(stage->face)->output.buf);
    assert_memory_equal(out.data, "{\"event\":\"ok\",\"n\":1,\"command\":\"help\"", 36);
    buf_clear(&stream_of(stage->face)->output.buf);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_became_of_a_private_channel_finds_its_line),
        TEST(every_command_makes_its_request),
        TEST(passwords_are_in_no_line),
        TEST(answers_find_their_line),
        TEST(wrong_lines_are_answered_here_and_counted),
        TEST(what_the_library_refuses_is_an_error_of_the_line),
        TEST(a_line_the_outbox_has_no_room_for_waits),
        TEST(it_does_not_run_ahead_of_the_answers),
        TEST(no_line_is_wanted_before_it_is_online),
        TEST(not_accepted_is_a_notice_and_the_answer_still_comes),
        TEST(at_the_end_of_input_it_catches_up_and_logs_out),
        TEST(catching_up_is_not_waited_for_for_ever),
        TEST(a_line_that_says_logout_is_answered),
        TEST(a_refused_login_says_why_and_exits_4),
        TEST(each_end_has_its_exit_code),
        TEST(logged_out_by_the_server_is_told_once),
        TEST(logged_out_by_the_server_without_notice_is_told_too),
        TEST(no_line_is_left_without_an_answer),
        TEST(a_signal_logs_out_and_a_second_one_ends),
        TEST(a_signal_before_the_login_ends_at_once),
        TEST(leaving_while_offline_says_what_it_waits_for),
        TEST(losing_the_link_while_leaving_is_explained),
        TEST(names_are_learnt_silently),
        TEST(help_is_answered_without_the_library),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
