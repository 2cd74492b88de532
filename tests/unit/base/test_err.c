/* test_err.c - names and sentences of the error codes. */
#include "base/err.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void every_code_has_its_own_name_and_a_sentence(void **state)
{
    for (int i = 0; i < ERR_COUNT; i++) {
        const char *text = err_text((enum err)i);
        assert_string_not_equal(err_name((enum err)i), "unknown");
        assert_true(strlen(text) > 4 && text[strlen(text) - 1] == '.');
        for (int j = 0; j < i; j++)
            assert_string_not_equal(err_name((enum err)i), err_name((enum err)j));
    }
}

static void promised_names_are_as_promised(void **state)
{
    static const struct {
        enum err err;
        const char *name;
    } promised[] = {
        {ERR_UNKNOWN_COMMAND, "unknown_command"},
        {ERR_USAGE, "usage"},
        {ERR_UNKNOWN_USER, "unknown_user"},
        {ERR_SELF, "self"},
        {ERR_BLOCKED, "blocked"},
        {ERR_OFFLINE, "offline"},
        {ERR_NOT_BLOCKED, "not_blocked"},
        {ERR_ALREADY_BLOCKED, "already_blocked"},
        {ERR_WRONG_PASSWORD, "wrong_password"},
        {ERR_ACCOUNT_BLOCKED, "account_blocked"},
        {ERR_BAD_NAME, "bad_name"},
        {ERR_REGISTRATION_CLOSED, "registration_closed"},
        {ERR_BAD_PASSWORD, "bad_password"},
        {ERR_TOO_LONG, "too_long"},
        {ERR_BAD_TEXT, "bad_text"},
        {ERR_RATE_LIMITED, "rate_limited"},
        {ERR_NO_PRIVATE, "no_private"},
        {ERR_DECLINED, "declined"},
        {ERR_PRIVATE_FAILED, "private_failed"},
        {ERR_NOT_STORED, "not_stored"},
        {ERR_UNAVAILABLE, "unavailable"},
        {ERR_NOT_ACCEPTED, "not_accepted"},
    };
    for (size_t i = 0; i < sizeof promised / sizeof promised[0]; i++)
        assert_string_equal(err_name(promised[i].err), promised[i].name);
}

static void numbers_that_are_no_code_have_a_name_too(void **state)
{
    assert_string_equal(err_name((enum err)ERR_COUNT), "unknown");
    assert_string_equal(err_name((enum err) - 1), "unknown");
    assert_non_null(err_text((enum err)1000));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_code_has_its_own_name_and_a_sentence),
        cmocka_unit_test(promised_names_are_as_promised),
        cmocka_unit_test(numbers_that_are_no_code_have_a_name_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
