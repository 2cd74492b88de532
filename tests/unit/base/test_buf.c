/* test_buf.c - the capped buffer: contents, caps, and that memory is given back. */
#include "base/buf.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

/* Asks AddressSanitizer to let a huge malloc fail as it does without it. */
__attribute__((visibility("default"))) const char *__asan_default_options(void);

const char *__asan_default_options(void)
{
    return "allocator_may_return_null=1";
}

static void assert_content(const struct buf *buf, const char *expected)
{
    assert_int_equal(buf_len(buf), strlen(expected));
    assert_true(slice_equal(buf_slice(buf), slice_str(expected)));
}

static void bytes_come_out_as_they_went_in(void **state)
{
    struct buf buf;
    buf_init(&buf, 100);
    assert_content(&buf, "");
    assert_int_equal(buf_append_str(&buf, "hello "), OK);
    assert_int_equal(buf_append(&buf, "world", 5), OK);
    assert_int_equal(buf_append(&buf, NULL, 0), OK);
    buf_consume(&buf, 6);
    assert_content(&buf, "world");
    assert_int_equal(buf_printf(&buf, " %d%s", 42, "!"), OK);
    assert_content(&buf, "world 42!");
    buf_consume(&buf, 9);
    assert_content(&buf, "");
    buf_free(&buf);
}

static void beyond_the_cap_nothing_is_appended(void **state)
{
    struct buf buf;
    uint8_t *space = NULL;
    buf_init(&buf, 8);
    assert_int_equal(buf_append_str(&buf, "123456"), OK);
    assert_int_equal(buf_append_str(&buf, "789"), ERR_CAP);
    assert_int_equal(buf_printf(&buf, "%s", "789"), ERR_CAP);
    assert_int_equal(buf_reserve(&buf, 3, &space), ERR_CAP);
    assert_int_equal(buf_reserve(&buf, SIZE_MAX, &space), ERR_CAP);
    assert_null(space);
    assert_content(&buf, "123456");
    assert_int_equal(buf_printf(&buf, "%s", "78"), OK);
    assert_content(&buf, "12345678");
    buf_consume(&buf, 1);
    assert_int_equal(buf_append_str(&buf, "9"), OK);
    assert_content(&buf, "23456789");
    buf_free(&buf);
    buf_init(&buf, 0);
    assert_int_equal(buf_append(&buf, "x", 1), ERR_CAP);
    assert_int_equal(buf_reserve(&buf, 0, &space), OK);
    buf_free(&buf);
}

static void without_memory_nothing_is_appended(void **state)
{
    struct buf buf;
    uint8_t *space = NULL;
    buf_init(&buf, SIZE_MAX / 2);
    assert_int_equal(buf_append_str(&buf, "abc"), OK);
    assert_int_equal(buf_reserve(&buf, SIZE_MAX / 4, &space), ERR_MEMORY);
    assert_null(space);
    assert_content(&buf, "abc");
    buf_free(&buf);
}

static void reserved_room_counts_once_committed(void **state)
{
    struct buf buf;
    uint8_t *space;
    buf_init(&buf, 1000);
    assert_int_equal(buf_reserve(&buf, 1000, &space), OK);
    memset(space, 'p', 4);
    assert_int_equal(buf_len(&buf), 0);
    buf_commit(&buf, 4);
    assert_content(&buf, "pppp");
    buf_free(&buf);
}

static void long_formats_are_whole(void **state)
{
    struct buf buf;
    char text[2001];
    memset(text, 'x', 2000);
    text[2000] = 0;
    buf_init(&buf, 2000);
    assert_int_equal(buf_printf(&buf, "%s", text), OK);
    assert_content(&buf, text);
    assert_int_equal(buf_printf(&buf, "%s", text), ERR_CAP);
    assert_content(&buf, text);
    buf_free(&buf);
}

/* A queue that never runs empty: what is in it moves about, its memory stays in bounds, its bytes in order. */
static void a_queue_keeps_its_order_and_its_size(void **state)
{
    struct buf buf;
    uint8_t in = 0, out = 0;
    buf_init(&buf, 3000);
    srand(1);
    for (int turn = 0; turn < 20000; turn++) {
        uint8_t piece[300];
        size_t len = (size_t)rand() % sizeof piece;
        for (size_t i = 0; i < len; i++)
            piece[i] = (uint8_t)(in + i);
        if (buf_append(&buf, piece, len) == OK)
            in += (uint8_t)len;
        size_t eat = (size_t)rand() % 300;
        if (eat > buf_len(&buf))
            eat = buf_len(&buf) / 2;
        for (size_t i = 0; i < eat; i++)
            assert_int_equal(buf_data(&buf)[i], (uint8_t)(out + i));
        out += (uint8_t)eat;
        buf_consume(&buf, eat);
        assert_true(buf.size <= 3000 && buf_len(&buf) <= 3000);
    }
    buf_free(&buf);
}

static void an_empty_buffer_gives_its_memory_back(void **state)
{
    struct buf buf;
    buf_init(&buf, 100);
    assert_int_equal(buf_append_str(&buf, "abc"), OK);
    buf_shrink(&buf);
    assert_content(&buf, "abc");
    buf_clear(&buf);
    assert_non_null(buf.bytes);
    buf_shrink(&buf);
    assert_null(buf.bytes);
    assert_int_equal(buf_append_str(&buf, "again"), OK);
    assert_content(&buf, "again");
    buf_free(&buf);
    buf_free(&buf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_come_out_as_they_went_in),
        cmocka_unit_test(beyond_the_cap_nothing_is_appended),
        cmocka_unit_test(without_memory_nothing_is_appended),
        cmocka_unit_test(reserved_room_counts_once_committed),
        cmocka_unit_test(long_formats_are_whole),
        cmocka_unit_test(a_queue_keeps_its_order_and_its_size),
        cmocka_unit_test(an_empty_buffer_gives_its_memory_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
