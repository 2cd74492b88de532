/* Every object of --json, byte for byte: these are promises to other people's scripts. */
#include "faces_under_test.h"

extern const struct face_type json_face;

#define EVENT(...) ((struct earshot_event){__VA_ARGS__})
#define NO_LINE    ((struct notice){0})

static struct notice line(uint64_t n, const char *command)
{
    return (struct notice){.n = n, .command = cli_command_named(command)};
}

static const int64_t at = NOON * 1000LL + 45;

static void the_link(void **state)
{
    shows(&json_face, NO_LINE, EVENT(.type = EARSHOT_EVENT_ONLINE, .user = "alice", .text = "127.0.0.1:4000"),
          "{\"event\":\"online\",\"user\":\"alice\",\"server\":\"127.0.0.1:4000\"}\n");
    shows(&json_face, NO_LINE, EVENT(.type = EARSHOT_EVENT_DISCONNECTED, .reason = EARSHOT_REASON_NETWORK, .retry_after = 2),
          "{\"event\":\"disconnected\",\"reason\":\"network\",\"retry_after\":2}\n");
    shows(&json_face, NO_LINE, EVENT(.type = EARSHOT_EVENT_DISCONNECTED, .reason = EARSHOT_REASON_NETWORK, .retry_after = 0),
          "{\"event\":\"disconnected\",\"reason\":\"network\",\"retry_after\":0}\n");
    shows(&json_face, NO_LINE, EVENT(.type = EARSHOT_EVENT_DISCONNECTED, .reason = EARSHOT_REASON_TIMEOUT, .retry_after = -1),
          "{\"event\":\"disconnected\",\"reason\":\"timeout\"}\n");
    shows(&json_face, NO_LINE, EVENT(.type = EARSHOT_EVENT_CAUGHT_UP), "{\"event\":\"caught_up\"}\n");
    shows(&json_face, NO_LINE, EVENT(.type = EARSHOT_EVENT_CLOSED), "{\"event\":\"goodbye\"}\n");
}

static void answers(void **state)
{
    shows(&json_face, line(3, "block"), EVENT(.type = EARSHOT_EVENT_OK), "{\"event\":\"ok\",\"n\":3,\"command\":\"block\"}\n");
    shows(
        &json_face, line(4, "message"), EVENT(.type = EARSHOT_EVENT_OK, .id = UINT64_MAX, .time_ms = at),
        "{\"event\":\"ok\",\"n\":4,\"command\":\"message\",\"id\":18446744073709551615,\"time\":\"2026-01-05T12:00:00.045Z\"}\n");
    shows(&json_face, line(5, "broadcast"), EVENT(.type = EARSHOT_EVENT_OK, .delivered = 2, .withheld = true),
          "{\"event\":\"ok\",\"n\":5,\"command\":\"broadcast\",\"delivered\":2,\"withheld\":true}\n");
    shows(&json_face, line(5, "broadcast"), EVENT(.type = EARSHOT_EVENT_OK),
          "{\"event\":\"ok\",\"n\":5,\"command\":\"broadcast\",\"delivered\":0,\"withheld\":false}\n");
    static const char *const users[] = {"bob", "carol"};
    shows(&json_face, line(6, "whoelse"), EVENT(.type = EARSHOT_EVENT_USERS, .users = users, .user_count = 2),
          "{\"event\":\"users\",\"n\":6,\"command\":\"whoelse\",\"users\":[\"bob\",\"carol\"]}\n");
    shows(&json_face, line(7, "whoelsesince"), EVENT(.type = EARSHOT_EVENT_USERS),
          "{\"event\":\"users\",\"n\":7,\"command\":\"whoelsesince\",\"users\":[]}\n");
}

static void errors(void **state)
{
    shows(&json_face, line(8, "message"), EVENT(.type = EARSHOT_EVENT_ERROR, .error = EARSHOT_UNKNOWN_USER, .text = "No."),
          "{\"event\":\"error\",\"n\":8,\"code\":\"unknown_user\",\"text\":\"No.\",\"command\":\"message\"}\n");
    shows(&json_face, line(9, "nonsense"), EVENT(.type = EARSHOT_EVENT_ERROR, .error = EARSHOT_UNKNOWN_COMMAND, .text = "\"x\""),
          "{\"event\":\"error\",\"n\":9,\"code\":\"unknown_command\",\"text\":\"\\\"x\\\"\"}\n");
    shows(&json_face, NO_LINE,
          EVENT(.type = EARSHOT_EVENT_ERROR, .error = EARSHOT_ACCOUNT_BLOCKED, .text = "Blocked.", .retry_after = 60),
          "{\"event\":\"error\",\"code\":\"account_blocked\",\"text\":\"Blocked.\",\"retry_after\":60}\n");
    shows(&json_face, NO_LINE, EVENT(.type = EARSHOT_EVENT_ERROR, .error = EARSHOT_NO_CONNECTION, .text = "Refused."),
          "{\"event\":\"error\",\"code\":\"unavailable\",\"text\":\"Refused.\"}\n");
    shows(&json_face, NO_LINE, EVENT(.type = EARSHOT_EVENT_ERROR, .error = EARSHOT_NOT_TRUSTED, .text = "SHA256:aa"),
          "{\"event\":\"error\",\"code\":\"not_trusted\",\"text\":\"SHA256:aa\"}\n");
}

static void news(void **state)
{
    static const char body[] = "tab\t, line\n, \"quote\", \\, esc \x1b, \xc3\xbc, bad \xff";
    shows(&json_face, NO_LINE,
          EVENT(.type = EARSHOT_EVENT_MESSAGE, .user = "bob", .body = body, .body_len = sizeof body - 1, .id = 7, .time_ms = at),
          "{\"event\":\"message\",\"from\":\"bob\",\"body\":\"tab\\t, line\\n, \\\"quote\\\", \\\\, esc \\u001b, \xc3\xbc, bad "
          "\xef\xbf\xbd\",\"id\":7,\"time\":\"2026-01-05T12:00:00.045Z\",\"stored\":false}\n");
    shows(
        &json_face, NO_LINE,
        EVENT(.type = EARSHOT_EVENT_MESSAGE, .user = "bob", .body = "hi", .body_len = 2, .id = 8, .time_ms = at, .stored = true),
        "{\"event\":\"message\",\"from\":\"bob\",\"body\":\"hi\",\"id\":8,\"time\":\"2026-01-05T12:00:00.045Z\",\"stored\":true}"
        "\n");
    shows(&json_face, NO_LINE,
          EVENT(.type = EARSHOT_EVENT_SENT, .user = "bob", .body = "hi", .body_len = 2, .id = 9, .time_ms = at),
          "{\"event\":\"sent\",\"to\":\"bob\",\"body\":\"hi\",\"id\":9,\"time\":\"2026-01-05T12:00:00.045Z\"}\n");
    shows(&json_face, NO_LINE, EVENT(.type = EARSHOT_EVENT_BROADCAST, .user = "bob", .body = "all", .body_len = 3, .time_ms = at),
          "{\"event\":\"broadcast\",\"from\":\"bob\",\"body\":\"all\",\"time\":\"2026-01-05T12:00:00.045Z\"}\n");
    shows(&json_face, NO_LINE, EVENT(.type = EARSHOT_EVENT_PRESENCE, .user = "bob", .online = true),
          "{\"event\":\"presence\",\"user\":\"bob\",\"online\":true}\n");
    shows(&json_face, NO_LINE, EVENT(.type = EARSHOT_EVENT_PRESENCE, .user = "bob"),
          "{\"event\":\"presence\",\"user\":\"bob\",\"online\":false}\n");
}

static void private_channels(void **state)
{
    shows(&json_face, NO_LINE, EVENT(.type = EARSHOT_EVENT_PRIVATE_REQUEST, .user = "bob"),
          "{\"event\":\"private_request\",\"from\":\"bob\"}\n");
    shows(&json_face, NO_LINE,
          EVENT(.type = EARSHOT_EVENT_PRIVATE_OPEN, .user = "bob", .text = "0000 1111 2222", .relayed = true),
          "{\"event\":\"private_open\",\"with\":\"bob\",\"path\":\"relay\",\"safety\":\"0000 1111 2222\",\"verified\":false}\n");
    shows(&json_face, NO_LINE,
          EVENT(.type = EARSHOT_EVENT_PRIVATE_OPEN, .user = "bob", .text = "0000 1111 2222", .verified = true),
          "{\"event\":\"private_open\",\"with\":\"bob\",\"path\":\"direct\",\"safety\":\"0000 1111 2222\",\"verified\":true}\n");
    shows(&json_face, NO_LINE, EVENT(.type = EARSHOT_EVENT_PRIVATE, .user = "bob", .body = "a\nb", .body_len = 3),
          "{\"event\":\"private\",\"from\":\"bob\",\"body\":\"a\\nb\"}\n");
    shows(&json_face, NO_LINE, EVENT(.type = EARSHOT_EVENT_PRIVATE_PATH, .user = "bob", .relayed = true),
          "{\"event\":\"private_path\",\"with\":\"bob\",\"path\":\"relay\"}\n");
    shows(&json_face, NO_LINE, EVENT(.type = EARSHOT_EVENT_PRIVATE_CLOSED, .user = "bob", .text = "stopped"),
          "{\"event\":\"private_closed\",\"with\":\"bob\",\"reason\":\"stopped\"}\n");
    shows(&json_face, line(3, "private"), EVENT(.type = EARSHOT_EVENT_OK),
          "{\"event\":\"ok\",\"n\":3,\"command\":\"private\"}\n");
}

static void another_certificate(void **state)
{
    shows(&json_face, NO_LINE, EVENT(.type = EARSHOT_EVENT_OTHER_CERTIFICATE, .text = "a\n  b"),
          "{\"event\":\"other_certificate\",\"text\":\"a\\n  b\"}\n");
}

static void an_event_of_a_newer_library_is_passed_over(void **state)
{
    shows(&json_face, NO_LINE, EVENT(.type = 999), "");
    shows(&json_face, NO_LINE, EVENT(.type = EARSHOT_EVENT_RETRY, .retry_after = 3), ""); /* for people only */
}

static void help_is_an_answer_too(void **state)
{
    struct face *face = face_under_test(&json_face);
    struct earshot_event event = {.type = EARSHOT_EVENT_OK};
    struct notice notice = line(1, "help");
    static const char begin[] =
        "{\"event\":\"ok\",\"n\":1,\"command\":\"help\",\"commands\":[{\"command\":\"message\",\"arguments\":"
        "\"USER TEXT\",\"help\":\"";
    notice.event = &event;
    json_face.show(face, &notice);
    struct slice out = buf_slice(&stream_of(face)->output.buf);
    assert_true(out.len > sizeof begin);
    assert_memory_equal(out.data, begin, sizeof begin - 1);
    assert_memory_equal(out.data + out.len - 4, "}]}\n", 4);
    json_face.free(&face);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_link),
        cmocka_unit_test(answers),
        cmocka_unit_test(errors),
        cmocka_unit_test(news),
        cmocka_unit_test(private_channels),
        cmocka_unit_test(another_certificate),
        cmocka_unit_test(an_event_of_a_newer_library_is_passed_over),
        cmocka_unit_test(help_is_an_answer_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
