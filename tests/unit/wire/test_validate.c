/* test_validate.c - names, texts and passwords at and beyond each of their rules. */
#include "wire/validate.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void names_have_one_spelling(void **state)
{
    static const struct {
        const char *given, *spelt;
    } good[] = {
        {"a", "a"},
        {"7", "7"},
        {"Alice", "alice"},
        {"BOB-the_2.", "bob-the_2."},
        {"x.._--", "x.._--"},
        {"Zz09azAZ", "zz09azaz"},
        {"ABCDEFGHIJKLMNOPQRSTUVWXYZ012345", "abcdefghijklmnopqrstuvwxyz012345"},
    };
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        struct name name;
        memset(&name, 0xff, sizeof name);
        assert_int_equal(name_parse(slice_str(good[i].given), &name), OK);
        assert_string_equal(name.text, good[i].spelt);
        assert_int_equal(name.len, strlen(good[i].spelt));
        assert_true(slice_equal(name_slice(&name), slice_str(good[i].spelt)));
    }
}

static void bad_names_are_refused(void **state)
{
    static const struct slice bad[] = {
        {(const uint8_t *)"", 0},
        {NULL, 0},
        {(const uint8_t *)".a", 2},
        {(const uint8_t *)"_a", 2},
        {(const uint8_t *)"-a", 2},
        {(const uint8_t *)"a b", 3},
        {(const uint8_t *)"a\0b", 3},
        {(const uint8_t *)"a\n", 2},
        {(const uint8_t *)"a/b", 3},
        {(const uint8_t *)"a@b", 3},
        {(const uint8_t *)"a`", 2},
        {(const uint8_t *)"a{", 2},
        {(const uint8_t *)"a[", 2},
        {(const uint8_t *)"a:", 2},
        {(const uint8_t *)"\xc3\xa9", 2},
        {(const uint8_t *)"a\xff", 2},
        {(const uint8_t *)"\xe2\x84\xaa", 3}, /* the Kelvin sign, whose lower case is k */
        {(const uint8_t *)"abcdefghijklmnopqrstuvwxyz0123456", 33},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct name name = {.text = "before", .len = 6};
        assert_int_equal(name_parse(bad[i], &name), ERR_BAD_NAME);
        assert_string_equal(name.text, "before");
    }
}

static void a_name_may_hold_no_other_byte(void **state)
{
    for (int c = 0; c < 256; c++) {
        char text[2] = {'a', (char)c};
        struct name name;
        bool allowed = c != 0 && strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-", c) != NULL;
        assert_int_equal(name_parse(slice_of(text, 2), &name), allowed ? OK : ERR_BAD_NAME);
    }
}

static void texts_may_be_anything_but_controls(void **state)
{
    assert_int_equal(text_check(slice_str("hello\tthere\nyou")), OK);
    assert_int_equal(text_check(slice_str("caf\xc3\xa9 \xf0\x9f\x98\x80 \xc2\xa0")), OK);
    assert_int_equal(text_check(slice_str(" ")), OK);
    assert_int_equal(text_check(slice_str("")), ERR_USAGE);
    assert_int_equal(text_check(slice_str("bad \xff")), ERR_BAD_TEXT);
    assert_int_equal(text_check(slice_str("cut \xe2\x82")), ERR_BAD_TEXT);
    for (uint8_t c = 0; c < 0x20; c++) {
        uint8_t text[] = {'a', c, 'b'};
        assert_int_equal(text_check(slice_of(text, 3)), c == '\t' || c == '\n' ? OK : ERR_BAD_TEXT);
    }
    assert_int_equal(text_check(slice_str("\x7f")), ERR_BAD_TEXT);
    for (uint8_t c = 0x80; c < 0xa0; c++) {
        uint8_t text[] = {0xc2, c};
        assert_int_equal(text_check(slice_of(text, 2)), ERR_BAD_TEXT);
    }
}

static void texts_have_a_longest_length(void **state)
{
    static uint8_t text[WIRE_TEXT_MAX + 1];
    memset(text, 'x', sizeof text);
    assert_int_equal(text_check(slice_of(text, WIRE_TEXT_MAX)), OK);
    assert_int_equal(text_check(slice_of(text, WIRE_TEXT_MAX + 1)), ERR_TOO_LONG);
    text[0] = 0;
    assert_int_equal(text_check(slice_of(text, WIRE_TEXT_MAX + 1)), ERR_TOO_LONG);
    assert_int_equal(text_check(slice_of(text, WIRE_TEXT_MAX)), ERR_BAD_TEXT);
}

static void passwords_have_their_lengths(void **state)
{
    char text[WIRE_PASSWORD_MAX + 2];
    memset(text, 'p', sizeof text);
    for (size_t len = 0; len <= WIRE_PASSWORD_MAX + 1; len++) {
        bool old = len >= 1 && len <= WIRE_PASSWORD_MAX, new = len >= 8 && len <= WIRE_PASSWORD_MAX;
        assert_int_equal(password_check(slice_of(text, len)), old ? OK : ERR_BAD_PASSWORD);
        assert_int_equal(password_check_new(slice_of(text, len)), new ? OK : ERR_BAD_PASSWORD);
    }
}

static void passwords_are_utf8_without_nul(void **state)
{
    assert_int_equal(password_check_new(slice_str("p\xc3\xa4ssw\xc3\xb6rd \x01")), OK);
    assert_int_equal(password_check_new(slice_of("pass\0word", 9)), ERR_BAD_PASSWORD);
    assert_int_equal(password_check(slice_str("passw\xf6rd")), ERR_BAD_PASSWORD);
    assert_int_equal(password_check(slice_of(NULL, 0)), ERR_BAD_PASSWORD);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_have_one_spelling),        cmocka_unit_test(bad_names_are_refused),
        cmocka_unit_test(a_name_may_hold_no_other_byte),  cmocka_unit_test(texts_may_be_anything_but_controls),
        cmocka_unit_test(texts_have_a_longest_length),    cmocka_unit_test(passwords_have_their_lengths),
        cmocka_unit_test(passwords_are_utf8_without_nul),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
