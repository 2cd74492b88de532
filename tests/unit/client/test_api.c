/* test_api.c - the public functions: options, names, printable text, and an address where nobody listens. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "earshot/client.h"
#include <arpa/inet.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void check_printable(const char *text, size_t len, const char *expected)
{
    char out[128];
    size_t needed = strlen(expected);
    assert_int_equal(earshot_printable(text, len, NULL, 0), needed);
    assert_int_equal(earshot_printable(text, len, out, sizeof out), needed);
    assert_string_equal(out, expected);
}

#define R "\xef\xbf\xbd"

static void printable_text(void **unused)
{
    check_printable("a\tb\nc", 5, "a\tb\nc");
    check_printable("gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x98\x80", 15, "gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x98\x80");
    check_printable("\x1b[2J\r\x7f\0x", 8, R "[2J" R R R "x");
    check_printable("\xc2\x9b"
                    "31m",
                    5, R "31m");
    check_printable("\xe2\x80\xae\xe2\x81\xa6\xe2\x80\xa9", 9, R R "\xe2\x80\xa9");
    check_printable("\xe2\x80\x8e\xe2\x80\x8f\xd8\x9c\xe2\x80\x8d\xd8\x9b", 13, R R R "\xe2\x80\x8d\xd8\x9b");
    check_printable("\xff\xc3", 2, R R);
    check_printable("\xed\xa0\x80", 3, R R R);
    check_printable("", 0, "");
}

static void printable_text_is_cut_between_characters(void **unused)
{
    char out[4] = "???";
    assert_int_equal(earshot_printable("ab\xe2\x82\xac", 5, out, sizeof out), 5);
    assert_string_equal(out, "ab");
    assert_int_equal(earshot_printable("abcd", 4, out, sizeof out), 4);
    assert_string_equal(out, "abc");
    assert_int_equal(earshot_printable("abcd", 4, out, 1), 4);
    assert_string_equal(out, "");
}

static void names(void **unused)
{
    assert_string_equal(earshot_error_name(EARSHOT_UNKNOWN_USER), "unknown_user");
    assert_string_equal(earshot_error_name(EARSHOT_NOT_ACCEPTED), "not_accepted");
    assert_string_equal(earshot_error_name(EARSHOT_NOT_TRUSTED), "not_trusted");
    assert_string_equal(earshot_error_name((enum earshot_error)4711), "unknown");
    assert_string_equal(earshot_reason_name(EARSHOT_REASON_REPLACED), "replaced");
    assert_string_equal(earshot_reason_name((enum earshot_reason)4711), "unknown");
    for (int error = EARSHOT_OK; error <= EARSHOT_NAME_TAKEN; error++)
        assert_string_not_equal(earshot_error_name((enum earshot_error)error), "unknown");
    assert_true(strlen(earshot_version()) > 0);
}

static void no_event(void *ctx, const struct earshot_event *event)
{
    fail();
}

static void options_are_checked(void **unused)
{
    struct earshot_client *client = NULL;
    struct earshot_options good = {.host = "127.0.0.1", .port = 1, .user = "alice", .password = "pw"}, bad;
    assert_int_equal(earshot_open(NULL, no_event, NULL, &client), EARSHOT_BAD_OPTION);
    assert_int_equal(earshot_open(&good, NULL, NULL, &client), EARSHOT_BAD_OPTION);
    bad = good, bad.host = "";
    assert_int_equal(earshot_open(&bad, no_event, NULL, &client), EARSHOT_BAD_OPTION);
    bad = good, bad.ca = "/nonexistent";
    assert_int_equal(earshot_open(&bad, no_event, NULL, &client), EARSHOT_BAD_OPTION);
    bad = good, bad.user = "not a name";
    assert_int_equal(earshot_open(&bad, no_event, NULL, &client), EARSHOT_BAD_NAME);
    bad = good, bad.password = "";
    assert_int_equal(earshot_open(&bad, no_event, NULL, &client), EARSHOT_BAD_PASSWORD);
    bad = good, bad.state = "/dev/null/state";
    assert_int_equal(earshot_open(&bad, no_event, NULL, &client), EARSHOT_NO_STATE);
    assert_null(client);
    earshot_close(NULL);
}

static void requests_are_checked(void **unused)
{
    static char long_text[16386];
    struct earshot_client *client = NULL;
    struct earshot_options options = {.host = "127.0.0.1", .port = 1, .user = "alice", .password = "pw"};
    assert_int_equal(earshot_open(&options, no_event, NULL, &client), EARSHOT_OK);
    memset(long_text, 'x', 16385);
    assert_int_equal(earshot_message(client, "bob", long_text, 16385), -EARSHOT_TOO_LONG);
    assert_int_equal(earshot_message(client, "bob", "", 0), -EARSHOT_USAGE);
    assert_int_equal(earshot_message(client, "bob", "\x1b", 1), -EARSHOT_BAD_TEXT);
    assert_int_equal(earshot_message(client, "no name", "hi", 2), -EARSHOT_BAD_NAME);
    assert_int_equal(earshot_message(client, NULL, "hi", 2), -EARSHOT_BAD_NAME);
    assert_int_equal(earshot_broadcast(client, "\xff", 1), -EARSHOT_BAD_TEXT);
    assert_int_equal(earshot_block(client, ""), -EARSHOT_BAD_NAME);
    assert_int_equal(earshot_change_password(client, "", "long enough"), -EARSHOT_BAD_PASSWORD);
    assert_int_equal(earshot_change_password(client, NULL, "long enough"), -EARSHOT_BAD_PASSWORD);
    assert_int_equal(earshot_change_password(client, "pw", "7 bytes"), -EARSHOT_BAD_PASSWORD);
    assert_int_equal(earshot_change_password(client, "pw", "not UTF-8 \xff"), -EARSHOT_BAD_PASSWORD);
    assert_int_equal(earshot_change_password(client, "pw", long_text), -EARSHOT_BAD_PASSWORD);
    assert_int_equal(earshot_private(client, "no name", "hi", 2), -EARSHOT_BAD_NAME);
    assert_int_equal(earshot_private(client, "bob", "\x1b", 1), -EARSHOT_BAD_TEXT);
    assert_int_equal(earshot_answer_private(client, "", true), -EARSHOT_BAD_NAME);
    assert_int_equal(earshot_trust_contact(client, NULL), -EARSHOT_BAD_NAME);
    assert_int_equal(earshot_verify(client, ""), -EARSHOT_BAD_NAME);
    assert_int_equal(earshot_trust_server(client, true), EARSHOT_USAGE);
    assert_int_equal(earshot_set_user(client, "alice"), EARSHOT_USAGE);
    assert_int_equal(earshot_set_password(client, "pw"), EARSHOT_USAGE);
    assert_int_equal(earshot_unanswered(client), 0);
    assert_int_equal(earshot_message(client, "bob", long_text, 16384), 1);
    assert_int_equal(earshot_logout(client), 2);
    assert_int_equal(earshot_unanswered(client), 2);
    earshot_close(client); /* with all of it under way, and nobody called */
}

struct seen {
    unsigned errors, closed;
    enum earshot_error last;
};

static void count(void *ctx, const struct earshot_event *event)
{
    struct seen *seen = ctx;
    seen->errors += event->type == EARSHOT_EVENT_ERROR;
    seen->closed += event->type == EARSHOT_EVENT_CLOSED;
    seen->last = event->error;
}

/* A port that is taken, and where nobody listens. */
static int silent_port(uint16_t *port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &len), 0);
    *port = ntohs(address.sin_port);
    return fd;
}

static void nobody_listens(void **unused)
{
    struct seen seen = {0};
    struct earshot_client *client = NULL;
    struct earshot_options options = {.host = "127.0.0.1", .user = "alice", .password = "pw"};
    int fd = silent_port(&options.port);
    assert_int_equal(earshot_open(&options, count, &seen, &client), EARSHOT_OK);
    assert_int_equal(earshot_message(client, "bob", "hi", 2), 1);
    assert_int_equal(seen.closed, 0);
    struct pollfd wait = {.fd = earshot_fd(client), .events = POLLIN};
    while (seen.closed == 0 && poll(&wait, 1, 30000) > 0)
        earshot_progress(client);
    assert_int_equal(seen.errors, 1);
    assert_int_equal(seen.closed, 1);
    assert_int_equal(seen.last, EARSHOT_NO_CONNECTION);
    earshot_close(client);
    close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(printable_text),
        cmocka_unit_test(printable_text_is_cut_between_characters),
        cmocka_unit_test(names),
        cmocka_unit_test(options_are_checked),
        cmocka_unit_test(requests_are_checked),
        cmocka_unit_test(nobody_listens),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
