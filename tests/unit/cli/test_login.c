/* The questions of a login, at a pseudo-terminal whose other end is the test. */
#include "login.h"
#include "person.h"

struct stage {
    struct person person;
    struct login login;
};

static struct stage *stage;

static int set_up_without_a_terminal(void **state)
{
    stage = test_calloc(1, sizeof *stage);
    person_init(&stage->person);
    login_init(&stage->login, &stage->person.dialog, "h", "alice");
    ask_free(&stage->login.ask);
    return 0;
}

static int set_up(void **state)
{
    set_up_without_a_terminal(state);
    return person_sits_down(&stage->person, &stage->login.ask);
}

static int tear_down(void **state)
{
    login_free(&stage->login);
    person_free(&stage->person);
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
    person_types(&stage->person, keys);
    login_readable(&stage->login);
}

static void a_server_is_trusted_by_a_clear_yes(void **state)
{
    ask_for(EARSHOT_EVENT_UNKNOWN_SERVER, "SHA256:aa\x1b[2J");
    person_sees(&stage->person, "Trust it from now on? (yes/no) ");
    assert_true(person_has_seen(&stage->person, "SHA256:aa\xef\xbf\xbd[2J"));
    type_in("perhaps\n");
    person_asked(&stage->person, "");
    person_sees(&stage->person, "Please write yes or no: ");
    type_in("yes\n");
    person_asked(&stage->person, "trust 1\n");
    assert_false(login_asking(&stage->login));
    ask_for(EARSHOT_EVENT_UNKNOWN_SERVER, "SHA256:aa");
    type_in("no\n");
    person_asked(&stage->person, "trust 0\n");
}

static void a_name_is_asked_for_until_it_is_one(void **state)
{
    ask_for(EARSHOT_EVENT_NEED_USER, NULL);
    person_sees(&stage->person, "user: ");
    type_in("not one\n");
    person_asked(&stage->person, "user not one\n");
    person_sees(&stage->person, "user: ");
    type_in("bob\n");
    person_asked(&stage->person, "user bob\n");
    ask_for(EARSHOT_EVENT_NEED_PASSWORD, NULL);
    person_sees(&stage->person, "password of bob: ");
}

static void a_password_is_not_echoed(void **state)
{
    ask_for(EARSHOT_EVENT_NEED_PASSWORD, NULL);
    person_sees(&stage->person, "password of alice: ");
    type_in("open sesame\n");
    person_sees(&stage->person, "\n");
    person_asked(&stage->person, "password open sesame\n");
    assert_false(person_has_seen(&stage->person, "open"));
    assert_int_equal(stage->login.ask.line[0], 'o'); /* until the next question, or the end */
    login_free(&stage->login);
    assert_int_equal(stage->login.ask.line[0], '\0');
}

static void a_new_account_wants_the_same_password_twice(void **state)
{
    ask_for(EARSHOT_EVENT_NEW_ACCOUNT, NULL);
    person_sees(&stage->person, "There is no user alice yet. Create the account? (yes/no) ");
    type_in("y\n");
    person_sees(&stage->person, "new password: ");
    type_in("short\n");
    person_sees(&stage->person, "new password: ");
    assert_true(person_has_seen(&stage->person, "8 to 256 bytes"));
    type_in("long enough 1\n");
    person_sees(&stage->person, "the same again: ");
    type_in("long enough 2\n");
    person_sees(&stage->person, "new password: ");
    person_asked(&stage->person, "");
    type_in("long enough 3\n");
    person_sees(&stage->person, "the same again: ");
    type_in("long enough 3\n");
    person_asked(&stage->person, "password long enough 3\n");
    person_sees(&stage->person, "\n");
    assert_false(person_has_seen(&stage->person, "long enough"));
}

static void declining_an_account_ends_with_4(void **state)
{
    ask_for(EARSHOT_EVENT_NEW_ACCOUNT, NULL);
    type_in("no\n");
    assert_true(stage->person.dialog.over);
    assert_int_equal(stage->person.dialog.exit_code, 4);
}

static void control_d_ends_with_4(void **state)
{
    ask_for(EARSHOT_EVENT_NEED_PASSWORD, NULL);
    type_in("\x04");
    assert_true(stage->person.dialog.over);
    assert_int_equal(stage->person.dialog.exit_code, 4);
    person_asked(&stage->person, "");
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
        stage->person.dialog.over = false;
        ask_for(cases[i].type, "x");
        person_asked(&stage->person, cases[i].asked);
        assert_false(login_asking(&stage->login));
        assert_true(stage->person.dialog.over);
        assert_int_equal(stage->person.dialog.exit_code, cases[i].exit_code);
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
