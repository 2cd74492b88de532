/* test_login.c - every way from an open connection to Welcome, or to a refusal. */
#include "fake.h"

static void password_logs_in(void **unused)
{
    struct fake *fake = online();
    assert_int_equal(fake->writes, 1); /* hello and login in one write */
    assert_true(fake->saved);
    assert_int_equal(fake->token.bytes[0], 0xaa);
    fake_stop(fake);
}

static void password_takes_the_saved_token_along(void **unused)
{
    struct fake *fake = fake_start(&alice);
    fake->has_saved = true;
    open_connection(fake);
    wants(fake, "hello 1");
    wants(fake, "login 2 alice wonderland token");
    fake_stop(fake);
}

static void token_alone_resumes(void **unused)
{
    struct core_options options = alice;
    options.password = NULL;
    struct fake *fake = fake_start(&options);
    fake->has_saved = true;
    memset(&fake->token, 0x55, sizeof fake->token);
    open_connection(fake);
    wants(fake, "hello 1");
    wants(fake, "resume 2 token=55 horizon=0");
    say_welcome(fake, 2, 0x55, 0);
    sees(fake, "online alice here:4000");
    assert_false(fake->saved); /* nothing new to save */
    fake_stop(fake);
}

static void bad_token_asks_for_the_password(void **unused)
{
    struct core_options options = alice;
    options.password = NULL;
    struct fake *fake = fake_start(&options);
    fake->has_saved = true;
    open_connection(fake);
    wants(fake, "hello 1");
    wants(fake, "resume 2 token=00 horizon=0");
    say_error(fake, 2, EARSHOT__ERROR_CODE__ERROR_BAD_TOKEN, 0);
    assert_true(fake->forgotten);
    wants(fake, "identify 3 alice");
    say_challenge(fake, 3, EARSHOT__CHALLENGE__KIND__KIND_PASSWORD);
    sees(fake, "need_password");
    assert_int_equal(core_set_password(fake->core, ""), EARSHOT_BAD_PASSWORD);
    assert_int_equal(core_set_password(fake->core, "secret"), EARSHOT_OK);
    wants(fake, "login 4 alice secret");
    say_welcome(fake, 4, 1, 0);
    sees(fake, "online alice here:4000");
    fake_stop(fake);
}

static void asks_for_everything(void **unused)
{
    struct core_options options = {.server = "here:4000", .client = "test", .ask_register = true};
    struct fake *fake = fake_start(&options);
    open_connection(fake);
    wants(fake, "hello 1");
    sees(fake, "need_user");
    assert_int_equal(core_set_password(fake->core, "secret"), EARSHOT_USAGE);
    assert_int_equal(core_set_user(fake->core, "no such name"), EARSHOT_BAD_NAME);
    assert_int_equal(core_set_user(fake->core, "Alice"), EARSHOT_OK);
    wants(fake, "identify 2 alice");
    say_challenge(fake, 2, EARSHOT__CHALLENGE__KIND__KIND_NEW_ACCOUNT);
    sees(fake, "new_account");
    assert_int_equal(core_set_password(fake->core, "short"), EARSHOT_BAD_PASSWORD);
    assert_int_equal(core_set_password(fake->core, "long enough"), EARSHOT_OK);
    wants(fake, "register 3 alice long enough");
    say_welcome(fake, 3, 1, 0);
    sees(fake, "online alice here:4000");
    fake_stop(fake);
}

static void slow_typing_outlives_the_connection(void **unused)
{
    struct core_options options = alice;
    options.password = NULL;
    struct fake *fake = fake_start(&options);
    open_connection(fake);
    wants(fake, "hello 1");
    wants(fake, "identify 2 alice");
    say_challenge(fake, 2, EARSHOT__CHALLENGE__KIND__KIND_PASSWORD);
    sees(fake, "need_password");
    say_goodbye(fake, EARSHOT__GOODBYE__REASON__REASON_TIMEOUT, 0);
    assert_false(fake->up);
    wait_ms(fake, 600000);
    silent(fake);
    assert_int_equal(core_set_password(fake->core, "secret"), EARSHOT_OK);
    open_connection(fake);
    wants(fake, "hello 1");
    wants(fake, "login 2 alice secret");
    fake_stop(fake);
}

static void unknown_user(bool register_unknown, bool ask_register, const char *frame, const char *event)
{
    struct core_options options = alice;
    options.register_unknown = register_unknown;
    options.ask_register = ask_register;
    struct fake *fake = fake_start(&options);
    open_connection(fake);
    wants(fake, "hello 1");
    wants(fake, "login 2 alice wonderland");
    say_error(fake, 2, EARSHOT__ERROR_CODE__ERROR_UNKNOWN_USER, 0);
    wants(fake, frame);
    sees(fake, event);
    fake_stop(fake);
}

static void unknown_user_registers_asks_or_fails(void **unused)
{
    unknown_user(true, false, "register 3 alice wonderland", "(nothing)");
    unknown_user(true, true, "register 3 alice wonderland", "(nothing)");
    unknown_user(false, true, "(nothing)", "new_account");
    unknown_user(false, false, "(nothing)", "closed unknown_user none");
}

/* A wrong password, and what the server then says to who would make an account. */
static void would_register(unsigned retry_after, const char *frame, uint32_t answer, const char *event)
{
    struct core_options options = alice;
    options.register_unknown = true;
    struct fake *fake = fake_start(&options);
    open_connection(fake);
    wants(fake, "hello 1");
    wants(fake, "login 2 alice wonderland");
    say_error(fake, 2, EARSHOT__ERROR_CODE__ERROR_WRONG_PASSWORD, retry_after);
    wants(fake, frame);
    if (answer != 0)
        say_error(fake, 3, answer, 0);
    sees(fake, event);
    fake_stop(fake);
}

/* It was told already that the password is wrong, and would be wrong again. */
static void who_would_register_is_not_told_of_the_network(void **unused)
{
    for (int late = 0; late <= 1; late++) {
        struct core_options options = alice;
        options.register_unknown = true;
        struct fake *fake = fake_start(&options);
        open_connection(fake);
        wants(fake, "hello 1");
        wants(fake, "login 2 alice wonderland");
        say_error(fake, 2, EARSHOT__ERROR_CODE__ERROR_WRONG_PASSWORD, 0);
        wants(fake, "register 3 alice wonderland");
        if (late)
            wait_ms(fake, 600 * 1000);
        else
            lose_connection(fake);
        sees(fake, "closed wrong_password none");
        fake_stop(fake);
    }
}

static void who_would_register_learns_that_none_are_taken(void **unused)
{
    const char *asks = "register 3 alice wonderland";
    would_register(0, asks, EARSHOT__ERROR_CODE__ERROR_REGISTRATION_CLOSED, "closed registration_closed none");
    would_register(0, asks, EARSHOT__ERROR_CODE__ERROR_NAME_TAKEN, "closed wrong_password none");
    would_register(0, asks, EARSHOT__ERROR_CODE__ERROR_BAD_PASSWORD, "closed wrong_password none");
    would_register(0, asks, EARSHOT__ERROR_CODE__ERROR_RATE_LIMITED, "closed wrong_password none");
    would_register(60, "(nothing)", 0, "closed wrong_password none");
}

/* As far as the question for the password. */
static struct fake *asked_for_password(void)
{
    struct core_options options = alice;
    options.password = NULL;
    options.ask_register = true;
    struct fake *fake = fake_start(&options);
    open_connection(fake);
    wants(fake, "hello 1");
    wants(fake, "identify 2 alice");
    return fake;
}

static void a_mistyped_password_is_asked_for_again(void **unused)
{
    struct fake *fake = asked_for_password();
    say_challenge(fake, 2, EARSHOT__CHALLENGE__KIND__KIND_PASSWORD);
    sees(fake, "need_password");
    assert_int_equal(core_set_password(fake->core, "wrong"), EARSHOT_OK);
    wants(fake, "login 3 alice wrong");
    say_error(fake, 3, EARSHOT__ERROR_CODE__ERROR_WRONG_PASSWORD, 0);
    sees(fake, "error 0 wrong_password");
    sees(fake, "need_password");
    assert_int_equal(core_set_password(fake->core, "wrong again"), EARSHOT_OK);
    wants(fake, "login 4 alice wrong again");
    say_error(fake, 4, EARSHOT__ERROR_CODE__ERROR_WRONG_PASSWORD, 60);
    sees(fake, "closed wrong_password none"); /* the account is blocked now */
    fake_stop(fake);
}

static void a_mistyped_password_outlives_the_connection(void **unused)
{
    struct fake *fake = asked_for_password();
    say_challenge(fake, 2, EARSHOT__CHALLENGE__KIND__KIND_PASSWORD);
    sees(fake, "need_password");
    core_set_password(fake->core, "wrong");
    wants(fake, "login 3 alice wrong");
    say_error(fake, 3, EARSHOT__ERROR_CODE__ERROR_WRONG_PASSWORD, 0);
    sees(fake, "error 0 wrong_password");
    sees(fake, "need_password");
    lose_connection(fake);
    silent(fake);
    core_set_password(fake->core, "right");
    open_connection(fake);
    wants(fake, "hello 1");
    wants(fake, "login 2 alice right");
    say_welcome(fake, 2, 1, 0);
    sees(fake, "online alice here:4000");
    fake_stop(fake);
}

static void a_password_that_a_new_account_may_not_have_is_asked_for_again(void **unused)
{
    struct fake *fake = asked_for_password();
    say_challenge(fake, 2, EARSHOT__CHALLENGE__KIND__KIND_NEW_ACCOUNT);
    sees(fake, "new_account");
    core_set_password(fake->core, "long enough");
    wants(fake, "register 3 alice long enough");
    say_error(fake, 3, EARSHOT__ERROR_CODE__ERROR_BAD_PASSWORD, 0);
    sees(fake, "error 0 bad_password");
    sees(fake, "new_account");
    core_set_password(fake->core, "longer than that");
    wants(fake, "register 4 alice longer than that");
    fake_stop(fake);
}

static void refusals_close(void **unused)
{
    static const struct {
        uint32_t code;
        const char *event;
    } rows[] = {
        {EARSHOT__ERROR_CODE__ERROR_WRONG_PASSWORD, "closed wrong_password none"},
        {EARSHOT__ERROR_CODE__ERROR_ACCOUNT_BLOCKED, "closed account_blocked none"},
        {EARSHOT__ERROR_CODE__ERROR_REGISTRATION_CLOSED, "closed registration_closed none"},
        {EARSHOT__ERROR_CODE__ERROR_UNAVAILABLE, "closed unavailable none"},
        {EARSHOT__ERROR_CODE__ERROR_NAME_TAKEN, "closed name_taken none"},
        {4711, "closed unavailable none"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct fake *fake = fake_start(&alice);
        open_connection(fake);
        say_error(fake, 2, rows[i].code, 60);
        sees(fake, rows[i].event);
        assert_true(fake->hang_ups == 1 && !fake->up);
        assert_int_equal(ask(fake, REQUEST(WHOELSE), NULL, NULL), -EARSHOT_UNAVAILABLE);
        wait_ms(fake, 100000);
        assert_int_equal(fake->connects, 1);
        fake_stop(fake);
    }
}

static void first_failure_closes(void **unused)
{
    struct fake *fake = fake_start(&alice);
    ask(fake, REQUEST(MESSAGE), "bob", "hi");
    settle(fake);
    lose_connection(fake);
    sees(fake, "error 1 unavailable");
    sees(fake, "closed no_connection none");
    wait_ms(fake, 100000);
    assert_int_equal(fake->connects, 1);
    fake_stop(fake);
}

static void silence_at_login_closes(void **unused)
{
    struct fake *fake = fake_start(&alice);
    open_connection(fake);
    wait_ms(fake, 29000);
    sees(fake, "(nothing)");
    wait_ms(fake, 2000);
    sees(fake, "closed no_connection none");
    fake_stop(fake);
}

static void somebody_elses_welcome_is_refused(void **unused)
{
    struct core_options options = alice;
    options.user = "bob";
    struct fake *fake = fake_start(&options);
    open_connection(fake);
    say_welcome(fake, 2, 1, 0);
    sees(fake, "closed no_connection none");
    fake_stop(fake);
}

static void answers_to_other_questions_are_ignored(void **unused)
{
    struct fake *fake = fake_start(&alice);
    open_connection(fake);
    say_welcome(fake, 7, 1, 0);
    say_challenge(fake, 2, EARSHOT__CHALLENGE__KIND__KIND_NEW_ACCOUNT);
    say_error(fake, 9, EARSHOT__ERROR_CODE__ERROR_WRONG_PASSWORD, 0);
    say_message(fake, 1, 1, "bob", "alice", "too early");
    say_done(fake, 2);
    sees(fake, "(nothing)");
    fake_stop(fake);
}

static void options_are_checked(void **unused)
{
    static const struct core_ops ops;
    struct fake *fake = online();
    struct client_core *core = NULL;
    struct core_options bad_name = alice, bad_password = alice;
    bad_name.user = "not a name";
    bad_password.password = "\xff";
    assert_int_equal(core_new(&bad_name, &fake->world, &ops, NULL, &core), ERR_BAD_NAME);
    assert_int_equal(core_new(&bad_password, &fake->world, &ops, NULL, &core), ERR_BAD_PASSWORD);
    assert_null(core);
    fake_stop(fake);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(password_logs_in),
        cmocka_unit_test(password_takes_the_saved_token_along),
        cmocka_unit_test(token_alone_resumes),
        cmocka_unit_test(bad_token_asks_for_the_password),
        cmocka_unit_test(asks_for_everything),
        cmocka_unit_test(slow_typing_outlives_the_connection),
        cmocka_unit_test(unknown_user_registers_asks_or_fails),
        cmocka_unit_test(who_would_register_learns_that_none_are_taken),
        cmocka_unit_test(who_would_register_is_not_told_of_the_network),
        cmocka_unit_test(a_mistyped_password_is_asked_for_again),
        cmocka_unit_test(a_mistyped_password_outlives_the_connection),
        cmocka_unit_test(a_password_that_a_new_account_may_not_have_is_asked_for_again),
        cmocka_unit_test(refusals_close),
        cmocka_unit_test(first_failure_closes),
        cmocka_unit_test(silence_at_login_closes),
        cmocka_unit_test(somebody_elses_welcome_is_refused),
        cmocka_unit_test(answers_to_other_questions_are_ignored),
        cmocka_unit_test(options_are_checked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
