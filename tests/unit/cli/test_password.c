/* The questions of the command `password`, at a pseudo-terminal whose other end is the test, and the file instead. */
#include "password.h"
#include "person.h"

struct stage {
    struct person person;
    struct ask ask;
    struct password password;
};

static struct stage *stage;

static int set_up_without_a_terminal(void **state)
{
    stage = test_calloc(1, sizeof *stage);
    person_init(&stage->person);
    stage->ask = (struct ask){.in = -1, .out = -1, .opened = -1};
    password_init(&stage->password, &stage->person.dialog, &stage->ask);
    return 0;
}

static int set_up(void **state)
{
    set_up_without_a_terminal(state);
    return person_sits_down(&stage->person, &stage->ask);
}

static int tear_down(void **state)
{
    ask_free(&stage->ask);
    person_free(&stage->person);
    test_free(stage);
    return 0;
}

static void line(const char *text)
{
    dialog_line(&stage->person.dialog, slice_str(text), EARSHOT_OK);
    assert_true(password_wanted(&stage->password));
    password_begin(&stage->password);
}

static void type_in(const char *keys)
{
    person_types(&stage->person, keys);
    password_readable(&stage->password);
}

static bool shown(const char *text)
{
    struct slice all = buf_slice(&stream_of(stage->person.face)->output.buf);
    return all.len > 0 && memmem(all.data, all.len, text, strlen(text)) != NULL;
}

static bool wiped(const char *secret, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (secret[i] != '\0')
            return false;
    return true;
}

static void what_was_typed_is_nowhere(void **state)
{
    line("password");
    person_sees(&stage->person, "current password: ");
    type_in("open sesame\n");
    person_sees(&stage->person, "new password: ");
    type_in("shut sesame\n");
    person_sees(&stage->person, "the same again: ");
    type_in("shut sesame\n");
    person_sees(&stage->person, "\n");
    person_asked(&stage->person, "[1]password open sesame shut sesame\n");
    assert_false(password_asking(&stage->password));
    assert_false(person_has_seen(&stage->person, "sesame"));
    assert_false(shown("sesame"));
    assert_true(wiped(stage->ask.line, sizeof stage->ask.line));
    assert_true(wiped(stage->password.current, sizeof stage->password.current));
    assert_true(wiped(stage->password.another, sizeof stage->password.another));
}

static void mistakes_are_asked_for_again(void **state)
{
    char longest[300];
    memset(longest, 'x', sizeof longest);
    strcpy(longest + 257, "\n");
    line("password");
    type_in("\n");
    person_sees(&stage->person, "That cannot be a password.\r\ncurrent password: ");
    type_in("old\n"); /* that is the server's business */
    person_sees(&stage->person, "new password: ");
    type_in("7 bytes\n");
    person_sees(&stage->person, "A password has 8 to 256 bytes of UTF-8.\r\nnew password: ");
    type_in("no UTF-8 \xff\n");
    person_sees(&stage->person, "A password has 8 to 256 bytes of UTF-8.\r\nnew password: ");
    type_in(longest);
    person_sees(&stage->person, "A password has 8 to 256 bytes of UTF-8.\r\nnew password: ");
    type_in("long enough 1\n");
    person_sees(&stage->person, "the same again: ");
    type_in("long enough 2\n");
    person_sees(&stage->person, "They differ.\r\nnew password: ");
    type_in(longest + 1); /* 256 bytes */
    person_sees(&stage->person, "the same again: ");
    person_asked(&stage->person, "");
    type_in(longest + 1);
    assert_false(password_asking(&stage->password));
    assert_int_equal(stage->person.dialog.passwords_n, 0);
}

static void control_d_changes_nothing(void **state)
{
    line("password");
    type_in("open sesame\n");
    type_in("\x04");
    person_asked(&stage->person, "");
    assert_false(password_asking(&stage->password));
    assert_false(password_wanted(&stage->password));
    assert_true(
        shown("{\"event\":\"error\",\"n\":1,\"code\":\"usage\",\"text\":\"Nothing was changed.\",\"command\":\"password\"}"));
    assert_true(wiped(stage->password.current, sizeof stage->password.current));
    assert_false(stage->person.dialog.over);
}

/* By a question of the login, which then goes first: the line still wants its passwords. */
static void it_can_be_interrupted(void **state)
{
    struct termios before, after;
    tcgetattr(stage->ask.in, &before);
    line("password");
    type_in("open sesame\n");
    password_drop(&stage->password);
    tcgetattr(stage->ask.in, &after);
    assert_int_equal(after.c_lflag, before.c_lflag);
    assert_true(password_wanted(&stage->password));
    password_begin(&stage->password);
    person_sees(&stage->person, "current password: ");
    password_take_back(&stage->password);
    assert_false(password_wanted(&stage->password));
}

/* After a stop a shell may have put the terminal as it likes. */
static void a_stop_does_not_make_it_echo(void **state)
{
    struct termios before, during;
    tcgetattr(stage->ask.in, &before);
    line("password");
    ask_pause(&stage->ask);
    tcgetattr(stage->ask.in, &during);
    assert_int_equal(during.c_lflag, before.c_lflag);
    ask_resume(&stage->ask);
    tcgetattr(stage->ask.in, &during);
    assert_false(during.c_lflag & ECHO);
    person_sees(&stage->person, "current password: current password: ");
}

static void a_file_is_read_at_once(void **state)
{
    char path[] = "/tmp/earshot-test-password-XXXXXX", text[64];
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, "open sesame\nshut sesame\n", 24), 24);
    close(fd);
    snprintf(text, sizeof text, "password %s", path);
    line(text);
    person_asked(&stage->person, "[1]password open sesame shut sesame\n");
    assert_false(password_asking(&stage->password));
    unlink(path);
    line(text);
    person_asked(&stage->person, "");
    assert_true(shown("\"n\":2,\"code\":\"usage\",\"text\":\"The file cannot be read: No such file or directory.\""));
    assert_false(shown("earshot-test-password"));
}

static void nobody_to_ask(void **state)
{
    line("password");
    person_asked(&stage->person, "");
    assert_true(shown("\"code\":\"usage\""));
    assert_false(password_wanted(&stage->password));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_was_typed_is_nowhere),
        TEST(mistakes_are_asked_for_again),
        TEST(control_d_changes_nothing),
        TEST(it_can_be_interrupted),
        TEST(a_stop_does_not_make_it_echo),
        TEST(a_file_is_read_at_once),
        cmocka_unit_test_setup_teardown(nobody_to_ask, set_up_without_a_terminal, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
