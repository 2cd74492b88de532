/* The credentials file: what a line may be, and what is said of one that is wrong. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "server/credentials.h"
#include <stdio.h>

/* What a file gives, one line each: "LINE name|password" or "LINE !reason". */
static void assert_reads(const char *text, size_t len, const char *expected)
{
    struct credentials cursor = {.text = slice_of(text, len)};
    struct credential credential;
    char all[4096] = "", piece[512];
    const char *why = NULL;
    enum err err;
    while ((err = credentials_next(&cursor, &credential, &why)) != ERR_NOT_FOUND) {
        if (err == OK) {
            snprintf(piece, sizeof piece, "%u %s|%.*s\n", credential.line, credential.name.text, (int)credential.password.len,
                     (const char *)credential.password.data);
            assert_int_equal(credential.line, cursor.line);
        } else {
            assert_int_equal(err, ERR_INVALID);
            snprintf(piece, sizeof piece, "%u !%s\n", cursor.line, why);
        }
        strncat(all, piece, sizeof all - strlen(all) - 1);
    }
    assert_string_equal(all, expected);
}

#define ASSERT_READS(text, expected) assert_reads(text, sizeof text - 1, expected)

static void lines_are_names_and_passwords(void **state)
{
    ASSERT_READS("alice secret\nbob hunter2\n", "1 alice|secret\n2 bob|hunter2\n");
    ASSERT_READS("alice secret", "1 alice|secret\n");
    ASSERT_READS("", "");
    ASSERT_READS("\n\n", "");
}

static void names_are_lowered(void **state)
{
    ASSERT_READS("Alice.B Secret\n", "1 alice.b|Secret\n");
}

static void the_password_is_the_rest_of_the_line(void **state)
{
    ASSERT_READS("a  two words \n", "1 a|two words \n");
    ASSERT_READS("a\t \tx\ty\r\n", "1 a|x\ty\n");
    ASSERT_READS("a #1\n", "1 a|#1\n");
    ASSERT_READS("a x\r\r\n", "1 a|x\r\n");
    ASSERT_READS("  a x\n", "1 a|x\n");
}

static void comments_and_blank_lines_count_as_lines(void **state)
{
    ASSERT_READS("# users\n\n   \t\r\n  # more\na x\n", "5 a|x\n");
    ASSERT_READS("\xef\xbb\xbf# mark\na x\n", "2 a|x\n");
    ASSERT_READS("\xef\xbb\xbf"
                 "a x\n",
                 "1 a|x\n");
}

static void bad_lines_are_named_and_good_ones_stay(void **state)
{
    const char *name = "!the name is not 1 to 32 of a-z 0-9 . _ - beginning with a letter or digit\n";
    char expected[1024];
    snprintf(expected, sizeof expected,
             "1 !there is no password after the name\n"
             "2 !there is no password after the name\n"
             "3 %s4 %s5 good|pw\n6 !the password is not UTF-8 text\n7 !the password is not UTF-8 text\n",
             name, name);
    ASSERT_READS("alice\nalice  \n-x pw\ncaf\xc3\xa9 pw\ngood pw\nx \xff\xfe\ny a\0b\n", expected);
}

static void lengths_are_kept(void **state)
{
    char text[600], expected[600];
    snprintf(text, sizeof text, "%032d %0256d\n", 1, 2);
    snprintf(expected, sizeof expected, "1 %032d|%0256d\n", 1, 2);
    assert_reads(text, strlen(text), expected);
    snprintf(text, sizeof text, "%033d x\na %0257d\n", 1, 2);
    assert_reads(text, strlen(text),
                 "1 !the name is not 1 to 32 of a-z 0-9 . _ - beginning with a letter or digit\n"
                 "2 !the password is longer than 256 bytes\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_are_names_and_passwords),          cmocka_unit_test(names_are_lowered),
        cmocka_unit_test(the_password_is_the_rest_of_the_line),   cmocka_unit_test(comments_and_blank_lines_count_as_lines),
        cmocka_unit_test(bad_lines_are_named_and_good_ones_stay), cmocka_unit_test(lengths_are_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
