/* test_reply.c - reading the server's rows, and what is not one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "reply.h"
#include "show.h"

#include <stdio.h>
#include <string.h>

static void a_row_is_read(void **state)
{
    char line[] = "{\"user\":\"al\\\"i\\\\ce\\u001b\",\"device\":12,\"ok\":true,\"\":\"\"}";
    struct reply reply;
    assert_int_equal(reply_read(line, &reply), OK);
    assert_int_equal(reply.count, 4);
    assert_string_equal(reply_get(&reply, "user"), "al\"i\\ce?");
    assert_string_equal(reply_get(&reply, "device"), "12");
    assert_string_equal(reply_get(&reply, "ok"), "true");
    assert_string_equal(reply_get(&reply, ""), "");
    assert_null(reply_get(&reply, "none"));
}

static void what_is_none_is_refused(void **state)
{
    static const char *const lines[] = {
        "",         "{",           "{}",          "x",          "{\"a\"",     "{\"a\":",         "{\"a\":1",          "{\"a\":1,",
        "{\"a\":}", "{\"a\":\"b}", "{\"a\":\"\\", "{\"a\":1}x", "{\"a\":{}}", "{\"a\":\"\\x\"}", "{\"a\":\"\\u00\"}", "{a:1}",
    };
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        char line[64];
        struct reply reply = {.count = 99};
        snprintf(line, sizeof line, "%s", lines[i]);
        assert_int_equal(reply_read(line, &reply), ERR_INVALID);
        assert_int_equal(reply.count, 99);
    }
}

static void every_cut_of_a_row_is_refused(void **state)
{
    static const char whole[] = "{\"user\":\"ali\\u0001ce\",\"n\":-1.5e3,\"t\":\"\\n\"}";
    for (size_t len = 0; len < sizeof whole - 1; len++) {
        char line[sizeof whole];
        struct reply reply;
        memcpy(line, whole, len);
        line[len] = '\0';
        assert_int_equal(reply_read(line, &reply), ERR_INVALID);
    }
}

static void too_many_fields_are_refused(void **state)
{
    char line[1024] = "{\"a\":0";
    struct reply reply;
    for (int i = 1; i < REPLY_FIELDS; i++)
        strcat(line, ",\"a\":1");
    char more[sizeof line + 16];
    snprintf(more, sizeof more, "%s,\"a\":2}", line);
    strcat(line, "}");
    assert_int_equal(reply_read(line, &reply), OK);
    assert_int_equal(reply_read(more, &reply), ERR_INVALID);
}

static void columns_are_as_wide_as_they_need(void **state)
{
    static const struct ctl_column columns[] = {{"USER", "user"}, {"N", "n"}, {NULL, NULL}};
    char first[] = "{\"user\":\"al\",\"n\":1000}", second[] = "{\"user\":\"christina\"}";
    struct show_table table;
    struct reply reply;
    struct buf out;
    buf_init(&out, 1 << 16);
    show_begin(&table, columns);
    assert_int_equal(reply_read(first, &reply), OK);
    assert_int_equal(show_add(&table, &reply), OK);
    assert_int_equal(reply_read(second, &reply), OK);
    assert_int_equal(show_add(&table, &reply), OK);
    show_end(&table, &out);
    assert_int_equal(buf_append(&out, "", 1), OK);
    assert_string_equal((const char *)buf_data(&out), "USER       N\nal         1000\nchristina  -\n");
    buf_free(&out);
}

static void fields_are_named_for_people(void **state)
{
    char line[] = "{\"users_online\":3}";
    struct reply reply;
    struct buf out;
    buf_init(&out, 1 << 16);
    assert_int_equal(reply_read(line, &reply), OK);
    show_fields(&reply, &out);
    assert_int_equal(buf_append(&out, "", 1), OK);
    assert_string_equal((const char *)buf_data(&out), "users online         3\n");
    buf_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_row_is_read),
        cmocka_unit_test(what_is_none_is_refused),
        cmocka_unit_test(every_cut_of_a_row_is_refused),
        cmocka_unit_test(too_many_fields_are_refused),
        cmocka_unit_test(columns_are_as_wide_as_they_need),
        cmocka_unit_test(fields_are_named_for_people),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
