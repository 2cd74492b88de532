/* test_frame.c - cutting a stream into frames: whole, byte by byte, cut anywhere, and with every kind of bad length. */
#include "base/buf.h"
#include "wire/frame.h"
#include "wire/limits.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

static const size_t sizes[] = {0, 1, 2, 127, 128, 129, 300, 16383, 16384, 16385, 65535, 65536};
enum { SIZES = sizeof sizes / sizeof sizes[0] };

static void append_frame(struct buf *stream, size_t len)
{
    uint8_t prefix[WIRE_PREFIX_MAX], *space;
    assert_int_equal(buf_append(stream, prefix, frame_prefix(len, prefix)), OK);
    assert_int_equal(buf_reserve(stream, len, &space), OK);
    memset(space, (int)len % 251, len);
    buf_commit(stream, len);
}

static void make_stream(struct buf *stream)
{
    buf_init(stream, 1 << 20);
    for (size_t i = 0; i < SIZES; i++)
        append_frame(stream, sizes[i]);
}

static void check_payload(struct slice payload, size_t len)
{
    assert_int_equal(payload.len, len);
    for (size_t i = 0; i < len; i++) {
        if (payload.data[i] != len % 251)
            fail_msg("byte %zu of a frame of %zu", i, len);
    }
}

static void a_whole_stream_comes_apart_as_it_was_put_together(void **state)
{
    struct buf stream;
    make_stream(&stream);
    for (size_t i = 0; i < SIZES; i++) {
        struct slice payload;
        size_t used;
        assert_int_equal(frame_next(buf_slice(&stream), &payload, &used), OK);
        check_payload(payload, sizes[i]);
        assert_int_equal(used, payload.len + (payload.len < 128 ? 1 : payload.len < 16384 ? 2 : 3));
        buf_consume(&stream, used);
    }
    assert_int_equal(buf_len(&stream), 0);
    buf_free(&stream);
}

static void one_byte_at_a_time_changes_nothing(void **state)
{
    struct buf stream, arrived;
    size_t found = 0;
    make_stream(&stream);
    buf_init(&arrived, WIRE_FRAME_MAX + WIRE_PREFIX_MAX);
    for (size_t i = 0; i < buf_len(&stream); i++) {
        struct slice payload;
        size_t used;
        assert_int_equal(buf_append(&arrived, buf_data(&stream) + i, 1), OK);
        enum err err = frame_next(buf_slice(&arrived), &payload, &used);
        if (err == ERR_AGAIN)
            continue;
        assert_int_equal(err, OK);
        assert_int_equal(used, buf_len(&arrived));
        check_payload(payload, sizes[found++]);
        buf_clear(&arrived);
    }
    assert_int_equal(found, SIZES);
    assert_int_equal(buf_len(&arrived), 0);
    buf_free(&arrived);
    buf_free(&stream);
}

static void a_cut_frame_asks_for_more(void **state)
{
    for (size_t i = 0; i < SIZES; i++) {
        struct buf stream;
        buf_init(&stream, 1 << 20);
        append_frame(&stream, sizes[i]);
        size_t whole = buf_len(&stream), used = 77;
        for (size_t cut = 0; cut < whole; cut++) {
            /* A copy of exactly that size, so that reading past it is seen. */
            uint8_t *copy = malloc(cut ? cut : 1);
            struct slice payload = {NULL, 88};
            memcpy(copy, buf_data(&stream), cut);
            enum err err = frame_next(slice_of(copy, cut), &payload, &used);
            free(copy);
            if (err != ERR_AGAIN || payload.len != 88 || used != 77)
                fail_msg("frame of %zu cut to %zu", sizes[i], cut);
            if (cut > 400 && cut < whole - 400)
                cut += 97;
        }
        buf_free(&stream);
    }
}

static enum err next_of(const char *bytes, size_t len)
{
    struct slice payload = {NULL, 99};
    size_t used = 99;
    enum err err = frame_next(slice_of(bytes, len), &payload, &used);
    if (err != OK)
        assert_true(used == 99 && payload.len == 99);
    return err;
}

static void lengths_beyond_the_limit_are_refused_at_once(void **state)
{
    assert_int_equal(next_of("\x80\x80\x04", 3), ERR_AGAIN);     /* 65,536 */
    assert_int_equal(next_of("\x81\x80\x04", 3), ERR_BAD_FRAME); /* 65,537 */
    assert_int_equal(next_of("\xff\xff\x7f", 3), ERR_BAD_FRAME);
    assert_int_equal(next_of("\x80\x80\x80", 3), ERR_BAD_FRAME); /* a fourth byte to come */
    assert_int_equal(next_of("\xff\xff\xff\xff\x0f", 5), ERR_BAD_FRAME);
}

static void lengths_not_in_their_shortest_form_are_refused(void **state)
{
    assert_int_equal(next_of("\x80\x00", 2), ERR_BAD_FRAME);
    assert_int_equal(next_of("\x81\x00x", 3), ERR_BAD_FRAME);
    assert_int_equal(next_of("\x80\x80\x00", 3), ERR_BAD_FRAME);
    assert_int_equal(next_of("\xff\xff\x00", 3), ERR_BAD_FRAME);
    assert_int_equal(next_of("\x80", 1), ERR_AGAIN);
    assert_int_equal(next_of("\x80\x80", 2), ERR_AGAIN);
    assert_int_equal(next_of(NULL, 0), ERR_AGAIN);
    assert_int_equal(next_of("\0", 1), OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_whole_stream_comes_apart_as_it_was_put_together),
        cmocka_unit_test(one_byte_at_a_time_changes_nothing),
        cmocka_unit_test(a_cut_frame_asks_for_more),
        cmocka_unit_test(lengths_beyond_the_limit_are_refused_at_once),
        cmocka_unit_test(lengths_not_in_their_shortest_form_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
