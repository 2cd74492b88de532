/* test_json.c - strings as JSON writes them. */
#include "base/json.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void check(struct slice text, const char *expected)
{
    struct buf out;
    buf_init(&out, 1000);
    assert_int_equal(buf_append_str(&out, "x"), OK);
    assert_int_equal(json_string(&out, text), OK);
    buf_consume(&out, 1);
    assert_int_equal(buf_append(&out, "", 1), OK);
    assert_string_equal((const char *)buf_data(&out), expected);
    buf_free(&out);
}

static void plain_text_stays_as_it_is(void **state)
{
    check(slice_str(""), "\"\"");
    check(slice_of(NULL, 0), "\"\"");
    check(slice_str("hello, world / \xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80"),
          "\"hello, world / \xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80\"");
}

static void what_must_be_escaped_is(void **state)
{
    check(slice_str("say \"hi\" \\ there"), "\"say \\\"hi\\\" \\\\ there\"");
    check(slice_str("\n\r\t\b\x1b[1m\x7f"), "\"\\n\\r\\t\\u0008\\u001b[1m\\u007f\"");
    check(slice_of("a\0b", 3), "\"a\\u0000b\"");
    check(slice_str("\xc2\x80\xc2\x9f\xc2\xa0"), "\"\\u0080\\u009f\xc2\xa0\"");
}

static void bytes_that_are_not_utf8_are_replaced(void **state)
{
    check(slice_str("a\xff"
                    "b\xc3"),
          "\"a\xef\xbf\xbd"
          "b\xef\xbf\xbd\"");
    check(slice_str("\xed\xa0\x80"), "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"");
    check(slice_str("\xef\xbf\xbd"), "\"\xef\xbf\xbd\"");
}

static void without_room_nothing_is_written(void **state)
{
    struct buf out;
    struct slice text = slice_str("ab\n\xff"
                                  "cd");
    buf_init(&out, 14);
    assert_int_equal(buf_append_str(&out, "abc"), OK);
    buf_consume(&out, 1);
    assert_int_equal(json_string(&out, text), OK);
    assert_int_equal(buf_len(&out), 13);
    buf_clear(&out);
    assert_int_equal(buf_append_str(&out, "1234"), OK);
    assert_int_equal(json_string(&out, text), ERR_CAP);
    assert_true(slice_equal(buf_slice(&out), slice_str("1234")));
    buf_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain_text_stays_as_it_is),
        cmocka_unit_test(what_must_be_escaped_is),
        cmocka_unit_test(bytes_that_are_not_utf8_are_replaced),
        cmocka_unit_test(without_room_nothing_is_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
