/* What people read: the plain face, and the words laid out for eyes. */
#include "faces_under_test.h"
#include "text.h"
#include "words.h"
#include <stdlib.h>
#include <time.h>

extern const struct face_type plain_face;

#define EVENT(...) ((struct earshot_event){__VA_ARGS__})
#define NO_LINE    ((struct notice){0})

static struct notice line(const char *command, const char *user, const char *text)
{
    return (struct notice){.n = 1, .command = cli_command_named(command), .user = user, .text = slice_str(text)};
}

static const int64_t at = NOON * 1000LL + 60000;

#define PAIRS16 "00:11:22:33:44:55:66:77:88:99:aa:bb:cc:dd:ee:ff"

static void plain_news(void **state)
{
    shows(&plain_face, NO_LINE, EVENT(.type = EARSHOT_EVENT_MESSAGE, .user = "bob", .body = "hi", .body_len = 2, .time_ms = at),
          "12:01 bob: hi\n");
    shows(&plain_face, NO_LINE, EVENT(.type = EARSHOT_EVENT_MESSAGE, .user = "bob", .body = "a\nb", .body_len = 3, .time_ms = at),
          "12:01 bob: a\\nb\n");
    shows(&plain_face, NO_LINE,
          EVENT(.type = EARSHOT_EVENT_MESSAGE, .user = "bob", .body = "hi", .body_len = 2, .time_ms = at, .stored = true),
          "2026-01-05 12:01 bob: hi\n");
    shows(&plain_face, NO_LINE,
          EVENT(.type = EARSHOT_EVENT_MESSAGE, .user = "bob", .body = "hi", .body_len = 2, .time_ms = at - 86400000),
          "2026-01-04 12:01 bob: hi\n");
    shows(&plain_face, NO_LINE, EVENT(.type = EARSHOT_EVENT_BROADCAST, .user = "bob", .body = "hi", .body_len = 2, .time_ms = at),
          "12:01 bob to all: hi\n");
    shows(&plain_face, NO_LINE, EVENT(.type = EARSHOT_EVENT_SENT, .user = "bob", .body = "hi", .body_len = 2, .time_ms = at),
          "12:01 to bob: hi\n");
    shows(&plain_face, NO_LINE, EVENT(.type = EARSHOT_EVENT_PRESENCE, .user = "bob", .online = true), "12:00 bob is online\n");
    shows(&plain_face, NO_LINE, EVENT(.type = EARSHOT_EVENT_PRESENCE, .user = "bob"), "12:00 bob is offline\n");
    shows(&plain_face, NO_LINE, EVENT(.type = EARSHOT_EVENT_ONLINE, .user = "alice", .text = "h:1"),
          "12:00 online as alice on h:1\n");
    shows(&plain_face, NO_LINE, EVENT(.type = EARSHOT_EVENT_CAUGHT_UP), "");
    shows(&plain_face, NO_LINE, EVENT(.type = EARSHOT_EVENT_DISCONNECTED, .reason = EARSHOT_REASON_NETWORK, .retry_after = 4),
          "12:00 connection lost, trying again\n");
    shows(&plain_face, NO_LINE, EVENT(.type = EARSHOT_EVENT_DISCONNECTED, .reason = EARSHOT_REASON_TIMEOUT, .retry_after = -1),
          "12:00 logged out by the server: inactive for too long\n");
    shows(&plain_face, NO_LINE, EVENT(.type = EARSHOT_EVENT_CLOSED), "12:00 goodbye\n");
}

static void plain_answers(void **state)
{
    static const char *const users[] = {"bob", "carol"};
    shows(&plain_face, line("message", "bob", "hi"), EVENT(.type = EARSHOT_EVENT_OK, .time_ms = at), "12:01 sent to bob\n");
    shows(&plain_face, line("broadcast", "", "hi"), EVENT(.type = EARSHOT_EVENT_OK, .delivered = 1),
          "12:00 sent to all: 1 user reached\n");
    shows(&plain_face, line("broadcast", "", "hi"), EVENT(.type = EARSHOT_EVENT_OK, .delivered = 2, .withheld = true),
          "12:00 sent to all: 2 users reached, some could not be\n");
    shows(&plain_face, line("block", "bob", ""), EVENT(.type = EARSHOT_EVENT_OK), "12:00 bob is blocked\n");
    shows(&plain_face, line("unblock", "bob", ""), EVENT(.type = EARSHOT_EVENT_OK), "12:00 bob is no longer blocked\n");
    shows(&plain_face, line("logout", "", ""), EVENT(.type = EARSHOT_EVENT_OK), "");
    shows(&plain_face, line("whoelse", "", ""), EVENT(.type = EARSHOT_EVENT_USERS, .users = users, .user_count = 2),
          "12:00 online: bob, carol\n");
    shows(&plain_face, line("whoelse", "", ""), EVENT(.type = EARSHOT_EVENT_USERS), "12:00 nobody else is online\n");
    shows(&plain_face, line("whoelsesince", "", ""), EVENT(.type = EARSHOT_EVENT_USERS),
          "12:00 nobody else was online since then\n");
    shows(&plain_face, line("message", "zoe", "hi"),
          EVENT(.type = EARSHOT_EVENT_ERROR, .error = EARSHOT_UNKNOWN_USER, .text = "No."), "12:00 error: message zoe: No.\n");
    shows(&plain_face, NO_LINE,
          EVENT(.type = EARSHOT_EVENT_ERROR, .error = EARSHOT_ACCOUNT_BLOCKED, .text = "No.", .retry_after = 9),
          "12:00 error: No. (try again in 9 s)\n");
}

static void plain_private_channels(void **state)
{
    shows(&plain_face, NO_LINE, EVENT(.type = EARSHOT_EVENT_PRIVATE_REQUEST, .user = "bob"),
          "12:00 bob asks for a private channel: yes or no?\n");
    shows(&plain_face, NO_LINE, EVENT(.type = EARSHOT_EVENT_PRIVATE_OPEN, .user = "bob", .text = "1 2 3"),
          "12:00 [private] open with bob, directly; safety code 1 2 3 (compare it, then: verify bob)\n");
    shows(&plain_face, NO_LINE,
          EVENT(.type = EARSHOT_EVENT_PRIVATE_OPEN, .user = "bob", .text = "1 2 3", .relayed = true, .verified = true),
          "12:00 [private] open with bob, through a relay; safety code 1 2 3 (compared before)\n");
    shows(&plain_face, NO_LINE, EVENT(.type = EARSHOT_EVENT_PRIVATE, .user = "bob", .body = "a\nb", .body_len = 3),
          "12:00 [private] bob: a\\nb\n");
    shows(&plain_face, NO_LINE, EVENT(.type = EARSHOT_EVENT_PRIVATE_PATH, .user = "bob"),
          "12:00 [private] the channel with bob now goes directly\n");
    shows(&plain_face, NO_LINE, EVENT(.type = EARSHOT_EVENT_PRIVATE_CLOSED, .user = "bob", .text = "lost\nx"),
          "12:00 [private] closed with bob: lost\\nx\n");
    shows(&plain_face, line("private", "bob", "hi"), EVENT(.type = EARSHOT_EVENT_OK), "12:00 [private] sent to bob\n");
    shows(&plain_face, line("startprivate", "bob", ""), EVENT(.type = EARSHOT_EVENT_OK),
          "12:00 asked bob for a private channel\n");
    shows(&plain_face, line("stopprivate", "bob", ""), EVENT(.type = EARSHOT_EVENT_OK),
          ""); /* that it is closed comes as an event */
    shows(&plain_face, line("no", "", ""), EVENT(.type = EARSHOT_EVENT_OK), "12:00 declined the private channel\n");
    shows(&plain_face, line("yes", "", ""), EVENT(.type = EARSHOT_EVENT_OK), "");
    shows(&plain_face, line("verify", "bob", ""), EVENT(.type = EARSHOT_EVENT_OK),
          "12:00 the safety code shared with bob is noted as compared\n");
}

static void a_key_that_is_trusted_is_shown(void **state)
{
    struct earshot_event event = {.type = EARSHOT_EVENT_OK, .text = "SHA256:" PAIRS16 ":" PAIRS16};
    struct notice notice = line("trust", "bob", "");
    struct words words = {.palette = &palette_none};
    struct buf out;
    shows(&plain_face, notice, event,
          "12:00 the changed key of bob is trusted from now on; ask again. It is SHA256:" PAIRS16 ":" PAIRS16 "\n");
    shows(&plain_face, notice, EVENT(.type = EARSHOT_EVENT_OK),
          "12:00 the changed key of bob is trusted from now on; ask again\n");
    notice.event = &event;
    notice.now_ms = at;
    buf_init(&out, TEXT_CAP);
    words_notice(&out, &words, &notice);
    assert_text(&out, "12:01 the changed key of bob is trusted from now on; ask again. It is\n        SHA256:" PAIRS16
                      ":\n               " PAIRS16 "\n");
    buf_free(&out);
}

static void who_is_here_keeps_to_a_line(void **state)
{
    static const char *const few[] = {"bob", "carol"};
    const char *many[1000];
    for (size_t i = 0; i < count_of(many); i++)
        many[i] = "somebody";
    struct words words = {.palette = &palette_none, .width = 60};
    struct earshot_event event = {.type = EARSHOT_EVENT_USERS, .users = few, .user_count = 2};
    struct notice notice = {.event = &event, .now_ms = at, .user = "", .command = cli_command_named("whoelse")};
    struct buf out;
    buf_init(&out, TEXT_CAP);
    words_notice(&out, &words, &notice);
    assert_text(&out, "12:01 online: bob, carol\n");
    buf_clear(&out);
    event.users = many;
    event.user_count = count_of(many);
    words_notice(&out, &words, &notice);
    assert_text(&out, "12:01 online: somebody, somebody, somebody and 997 more\n");
    buf_clear(&out);
    words.width = 20;
    words_notice(&out, &words, &notice);
    assert_text(&out, "12:01 online: 1000 users\n");
    buf_clear(&out);
    event.user_count = 0;
    words_notice(&out, &words, &notice);
    assert_text(&out, "");
    buf_free(&out);
}

static void a_fingerprint_fits_the_screen(void **state)
{
    struct words words = {.palette = &palette_none};
    struct earshot_event event = {.type = EARSHOT_EVENT_ERROR, .error = EARSHOT_NOT_TRUSTED};
    struct notice notice = {.event = &event, .now_ms = at, .user = ""};
    struct buf out;
    buf_init(&out, TEXT_CAP);
    event.text = "It is\n  SHA256:" PAIRS16 ":" PAIRS16 "\nnow.\x1b";
    words_notice(&out, &words, &notice);
    assert_text(&out, "12:01 ! It is\n        SHA256:" PAIRS16 ":\n               " PAIRS16 "\n      now.\xef\xbf\xbd\n");
    shows(&plain_face, NO_LINE, event, "12:00 error: It is SHA256:" PAIRS16 ":" PAIRS16 " now.\xef\xbf\xbd\n");
    buf_free(&out);
}

static void remarks_have_the_time_too(void **state)
{
    struct words words = {.palette = &palette_none};
    struct buf out;
    buf_init(&out, TEXT_CAP);
    words_remark(&out, &words, at, "Wait.");
    assert_text(&out, "12:01 Wait.\n");
    buf_free(&out);
}

/* Nothing that others wrote may move the cursor, whoever wrote it and wherever it stands. */
static void nothing_of_others_reaches_the_terminal_raw(void **state)
{
    static const char evil[] = "\x1b[2J\x07\x9b"
                               "2K\r\xe2\x80\xae"
                               "x\xc2\x9b"
                               "1m\x7f\xff";
    static const char *const users[] = {evil};
    const struct earshot_event events[] = {
        {.type = EARSHOT_EVENT_MESSAGE, .user = evil, .body = evil, .body_len = sizeof evil - 1},
        {.type = EARSHOT_EVENT_SENT, .user = evil, .body = evil, .body_len = sizeof evil - 1},
        {.type = EARSHOT_EVENT_BROADCAST, .user = evil, .body = evil, .body_len = sizeof evil - 1},
        {.type = EARSHOT_EVENT_PRESENCE, .user = evil},
        {.type = EARSHOT_EVENT_ONLINE, .user = evil, .text = evil},
        {.type = EARSHOT_EVENT_ERROR, .error = EARSHOT_USAGE, .text = evil},
        {.type = EARSHOT_EVENT_USERS, .users = users, .user_count = 1},
        {.type = EARSHOT_EVENT_OK},
        {.type = EARSHOT_EVENT_PRIVATE_REQUEST, .user = evil},
        {.type = EARSHOT_EVENT_PRIVATE_OPEN, .user = evil, .text = evil},
        {.type = EARSHOT_EVENT_PRIVATE, .user = evil, .body = evil, .body_len = sizeof evil - 1},
        {.type = EARSHOT_EVENT_PRIVATE_PATH, .user = evil},
        {.type = EARSHOT_EVENT_PRIVATE_CLOSED, .user = evil, .text = evil},
        {.type = EARSHOT_EVENT_OTHER_CERTIFICATE, .text = evil},
    };
    for (size_t i = 0; i < count_of(events) * 2; i++) {
        struct words words = {.palette = &palette_none, .linear = i % 2};
        struct notice notice = line("message", evil, evil);
        struct buf out;
        buf_init(&out, TEXT_CAP);
        notice.event = &events[i / 2];
        words_notice(&out, &words, &notice);
        struct slice text = buf_slice(&out);
        assert_true(text.len > 0);
        for (size_t j = 0; j < text.len; j++)
            assert_true(text.data[j] == '\n' || (text.data[j] >= 0x20 && text.data[j] != 0x7f));
        assert_null(memmem(text.data, text.len, "\xc2\x9b", 2));
        assert_null(memmem(text.data, text.len, "\xe2\x80\xae", 3));
        buf_free(&out);
    }
}

static void laid_out_for_eyes(void **state)
{
    struct words words = {.palette = &palette_none};
    struct earshot_event event = {.type = EARSHOT_EVENT_MESSAGE, .user = "bob", .body = "a\nb\n", .body_len = 4, .time_ms = at};
    struct notice notice = {.event = &event, .now_ms = at, .user = ""};
    struct buf out;
    buf_init(&out, TEXT_CAP);
    words_notice(&out, &words, &notice);
    assert_text(&out, "12:01 bob: a\n      b\n      \n");
    buf_clear(&out);
    struct earshot_event sent = {.type = EARSHOT_EVENT_OK, .time_ms = at};
    notice = line("message", "bob", "hi");
    notice.event = &sent;
    notice.now_ms = at;
    words_notice(&out, &words, &notice);
    assert_text(&out, "12:01 \xe2\x86\x92 bob: hi\n");
    buf_clear(&out);
    struct earshot_event told = {.type = EARSHOT_EVENT_OK, .delivered = 1};
    notice = line("broadcast", "", "hi");
    notice.event = &told;
    notice.now_ms = at;
    words_notice(&out, &words, &notice);
    assert_text(&out, "12:01 \xe2\x86\x92 all: hi (1 user reached)\n");
    buf_free(&out);
}

static void a_new_day_has_a_line_of_its_own(void **state)
{
    struct words words = {.palette = &palette_none};
    struct earshot_event event = {.type = EARSHOT_EVENT_PRESENCE, .user = "bob", .online = true};
    struct notice notice = {.event = &event, .now_ms = NOON * 1000LL, .user = ""};
    struct buf out;
    buf_init(&out, TEXT_CAP);
    words_notice(&out, &words, &notice);
    notice.now_ms += 86400000;
    words_notice(&out, &words, &notice);
    words_notice(&out, &words, &notice);
    assert_text(&out, "12:00 bob is online\n"
                      "\xe2\x94\x80\xe2\x94\x80 Tuesday  6 January 2026 \xe2\x94\x80\xe2\x94\x80\n"
                      "12:00 bob is online\n12:00 bob is online\n");
    buf_free(&out);
}

static void every_error_has_a_sentence(void **state)
{
    static const enum earshot_error errors[] = {EARSHOT_NAME_TAKEN,    EARSHOT_NO_MEMORY,   EARSHOT_BAD_OPTION,
                                                EARSHOT_NO_CONNECTION, EARSHOT_NOT_TRUSTED, EARSHOT_NO_STATE};
    for (size_t i = 0; i < count_of(errors); i++)
        assert_string_not_equal(words_error_text(&EVENT(.error = errors[i])), "It did not work.");
    for (int i = EARSHOT_UNKNOWN_COMMAND; i <= EARSHOT_NOT_ACCEPTED; i++) {
        enum err err = (enum err)(ERR_UNKNOWN_COMMAND + i - 1);
        assert_string_equal(earshot_error_name((enum earshot_error)i), err_name(err));
        assert_string_equal(words_error_text(&EVENT(.error = (enum earshot_error)i)), err_text(err));
    }
    assert_string_equal(words_error_code(EARSHOT_NO_CONNECTION), "unavailable");
    assert_string_equal(words_error_code(EARSHOT_NOT_TRUSTED), "not_trusted");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain_news),
        cmocka_unit_test(plain_answers),
        cmocka_unit_test(plain_private_channels),
        cmocka_unit_test(nothing_of_others_reaches_the_terminal_raw),
        cmocka_unit_test(laid_out_for_eyes),
        cmocka_unit_test(a_key_that_is_trusted_is_shown),
        cmocka_unit_test(who_is_here_keeps_to_a_line),
        cmocka_unit_test(a_fingerprint_fits_the_screen),
        cmocka_unit_test(remarks_have_the_time_too),
        cmocka_unit_test(a_new_day_has_a_line_of_its_own),
        cmocka_unit_test(every_error_has_a_sentence),
    };
    setenv("TZ", "UTC", 1);
    tzset();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
