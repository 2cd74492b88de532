/* The questions of a login, at a pseudo-terminal whose other end is the test. */
#include "fake_library.h"
#include "login.h"
#include "stream.h"
#include "text.h"
#include "unit.h"
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

extern const struct face_type json_face;

struct stage {
    struct earshot_client fake;
    struct face *face;
    struct dialog dialog;
    struct login login;
    int person;         /* the other end */
    struct buf written; /* what the person has seen */
};

static struct stage *stage;

static bool never(void *ctx)
{
    return false;
}

static int set_up_without_a_terminal(void **state)
{
    struct face_host host = {.ready = never, .in = -1, .out = -1};
    stage = test_calloc(1, sizeof *stage);
    stage->person = -1;
    buf_init(&stage->fake.seen, TEXT_CAP);
    buf_init(&stage->written, TEXT_CAP);
    json_face.create(&host, &stage->face);
    dialog_init(&stage->dialog, &system_clock, false);
    dialog_begin(&stage->dialog, &stage->fake, stage->face);
    login_init(&stage->login, &stage->dialog, "h", "alice");
    ask_free(&stage->login.ask);
    return 0;
}

static int set_up(void **state)
{
    set_up_without_a_terminal(state);
    stage->person = posix_openpt(O_RDWR | O_NOCTTY);
    if (stage->person < 0 || grantpt(stage->person) != 0 || unlockpt(stage->person) != 0)
        return -1;
    int terminal = open(ptsname(stage->person), O_RDWR | O_NOCTTY);
    stage->login.ask.in = stage->login.ask.out = stage->login.ask.opened = terminal;
    return terminal < 0;
}

static int tear_down(void **state)
{
    login_free(&stage->login);
    dialog_free(&stage->dialog);
    json_face.free(&stage->face);
    buf_free(&stage->fake.seen);
    buf_free(&stage->written);
    if (stage->person >= 0)
        close(stage->person);
    test_free(stage);
    return 0;
}

static void ask_for(enum earshot_event_type type, const char *text)
{
    struct earshot_event event = {.type = type, .text = text};
    assert_true(login_is_question(&event));
    login_event(&stage->login, &event);
}

static void type_in(const char *keys)
{
    assert_int_equal(write(stage->person, keys, strlen(keys)), strlen(keys));
    login_readable(&stage->login);
}

static void asked(const char *expected)
{
    assert_text(&stage->fake.seen, expected);
    buf_clear(&stage->fake.seen);
}

static bool ends_with(const struct buf *buf, const char *text)
{
    struct slice all = buf_slice(buf);
    size_t len = strlen(text);
    return all.len >= len && memcmp(all.data + all.len - len, text, len) == 0;
}

/* Waits until what has been written to the terminal ends like this. */
static void seen(const char *expected)
{
    char text[4096];
    do {
        ssize_t len = read(stage->person, text, sizeof text);
        assert_true(len > 0);
        text_bytes(&stage->written, slice_of(text, (size_t)len));
    } while (!ends_with(&stage->written, expected));
}

static bool was_written(const char *text)
{
    struct slice all = buf_slice(&stage->written);
    return all.len > 0 && memmem(all.data, all.len, text, strlen(text)) != NULL;
}

static void a_server_is_trusted_by_a_clear_yes(void **state)
{
    ask_for(EARSHOT_EVENT_UNKNOWN_SERVER, "SHA256:aa\x1b[2J");
    seen("Trust it from now on? (yes/no) ");
    assert_true(was_written("SHA256:aa\xef\xbf\xbd[2J"));
    type_in("perhaps\n");
    asked("");
    seen("Please write yes or no: ");
    type_in("yes\n");
    asked("trust 1\n");
    assert_false(login_asking(&stage->login));
    ask_for(EARSHOT_EVENT_UNKNOWN_SERVER, "SHA256:aa");
    type_in("no\n");
    asked("trust 0\n");
}

static void a_name_is_asked_for_until_it_is_one(void **state)
{
    ask_for(EARSHOT_EVENT_NEED_USER, NULL);
    seen("user: ");
    type_in("not one\n");
    asked("user not one\n");
    seen("user: ");
    type_in("bob\n");
    asked("user bob\n");
    ask_for(EARSHOT_EVENT_NEED_PASSWORD, NULL);
    seen("password of bob: ");
}

static void a_password_is_not_echoed(void **state)
{
    ask_for(EARSHOT_EVENT_NEED_PASSWORD, NULL);
    seen("password of alice: ");
    type_in("open sesame\n");
    seen("\n");
    asked("password open sesame\n");
    assert_false(was_written("open"));
    assert_int_equal(stage->login.ask.line[0], 'o'); /* until the next question, or the end */
    login_free(&stage->login);
    assert_int_equal(stage->login.ask.line[0], '\0');
}

static void a_new_account_wants_the_same_password_twice(void **state)
{
    ask_for(EARSHOT_EVENT_NEW_ACCOUNT, NULL);
    seen("There is no user alice yet. Create the account? (yes/no) ");
    type_in("y\n");
    seen("new password: ");
    type_in("short\n");
    seen("new password: ");
    assert_true(was_written("8 to 256 bytes"));
    type_in("long enough 1\n");
    seen("the same again: ");
    type_in("long enough 2\n");
    seen("new password: ");
    asked("");
    type_in("long enough 3\n");
    seen("the same again: ");
    type_in("long enough 3\n");
    asked("password long enough 3\n");
    seen("\n");
    assert_false(was_written("long enough"));
}

static void declining_an_account_ends_with_4(void **state)
{
    ask_for(EARSHOT_EVENT_NEW_ACCOUNT, NULL);
    type_in("no\n");
    assert_true(stage->dialog.over);
    assert_int_equal(stage->dialog.exit_code, 4);
}

static void control_d_ends_with_4(void **state)
{
    ask_for(EARSHOT_EVENT_NEED_PASSWORD, NULL);
    type_in("\x04");
    assert_true(stage->dialog.over);
    assert_int_equal(stage->dialog.exit_code, 4);
    asked("");
}

static void the_terminal_is_as_before(void **state)
{
    struct termios before, during, after;
    tcgetattr(stage->login.ask.in, &before);
    ask_for(EARSHOT_EVENT_NEED_PASSWORD, NULL);
    tcgetattr(stage->login.ask.in, &during);
    login_cancel(&stage->login);
    tcgetattr(stage->login.ask.in, &after);
    assert_false(during.c_lflag & ECHO);
    assert_true(before.c_lflag & ECHO);
    assert_int_equal(after.c_lflag, before.c_lflag);
}

static void nobody_to_ask(void **state)
{
    static const struct {
        enum earshot_event_type type;
        int exit_code;
        const char *asked;
    } cases[] = {
        {EARSHOT_EVENT_UNKNOWN_SERVER, 3, ""},
        {EARSHOT_EVENT_NEED_USER, 1, ""},
        {EARSHOT_EVENT_NEED_PASSWORD, 1, ""},
        {EARSHOT_EVENT_NEW_ACCOUNT, 4, ""},
    };
    for (size_t i = 0; i < count_of(cases); i++) {
        stage->dialog.over = false;
        ask_for(cases[i].type, "x");
        asked(cases[i].asked);
        assert_false(login_asking(&stage->login));
        assert_true(stage->dialog.over);
        assert_int_equal(stage->dialog.exit_code, cases[i].exit_code);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_server_is_trusted_by_a_clear_yes),
        TEST(a_name_is_asked_for_until_it_is_one),
        TEST(a_password_is_not_echoed),
        TEST(a_new_account_wants_the_same_password_twice),
        TEST(declining_an_account_ends_with_4),
        TEST(control_d_ends_with_4),
        TEST(the_terminal_is_as_before),
        cmocka_unit_test_setup_teardown(nobody_to_ask, set_up_without_a_terminal, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
