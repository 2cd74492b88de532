/* test_utf8.c - every character decodes, every other sequence does not. */
#include "base/utf8.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static size_t encode(uint32_t c, uint8_t out[4])
{
    size_t len = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    static const uint8_t first[] = {0, 0, 0xc0, 0xe0, 0xf0};
    for (size_t i = len; i > 1; i--, c >>= 6)
        out[i - 1] = (uint8_t)(0x80 | (c & 0x3f));
    out[0] = (uint8_t)(first[len] | c);
    return len;
}

static void every_character_but_the_surrogates_is_valid(void **state)
{
    for (uint32_t c = 0; c < 0x110000; c++) {
        uint8_t bytes[4];
        size_t pos = 0, len = encode(c, bytes);
        struct slice text = slice_of(bytes, len);
        bool good = c < 0xd800 || c > 0xdfff;
        if (utf8_valid(text) != good || utf8_next(text, &pos) != (good ? c : 0xfffd) || pos != (good ? len : 1))
            fail_msg("U+%04X", (unsigned)c);
    }
}

static void cut_characters_are_not_valid(void **state)
{
    static const uint32_t some[] = {0x80, 0x7ff, 0x800, 0xffff, 0x10000, 0x10ffff};
    for (size_t i = 0; i < sizeof some / sizeof some[0]; i++) {
        uint8_t bytes[4];
        size_t len = encode(some[i], bytes);
        for (size_t cut = 1; cut < len; cut++)
            assert_false(utf8_valid(slice_of(bytes, cut)));
        assert_false(utf8_valid(slice_of(bytes + 1, len - 1)));
    }
}

static void malformed_sequences_are_not_valid(void **state)
{
    static const char *const bad[] = {
        "\x80",
        "\xbf",
        "\xc0\x80",
        "\xc1\xbf",
        "\xe0\x80\x80",
        "\xe0\x9f\xbf",
        "\xf0\x80\x80\x80",
        "\xf0\x8f\xbf\xbf",
        "\xf4\x90\x80\x80",
        "\xf5\x80\x80\x80",
        "\xff",
        "\xfe",
        "\xed\xa0\x80",
        "a\xc3(",
        "\xe2\x28\xa1",
        "\xe2\x82\x28",
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_false(utf8_valid(slice_str(bad[i])));
    assert_true(utf8_valid(slice_of(NULL, 0)));
    assert_true(utf8_valid(slice_of("\0", 1)));
}

static void a_bad_byte_counts_as_one_character(void **state)
{
    static const uint32_t expected[] = {'a', 0xfffd, 0xfffd, 'b', 0xe9, 0xfffd};
    struct slice text = slice_str("a\xe2\x82"
                                  "b\xc3\xa9\xf0");
    size_t pos = 0, count = 0;
    for (; pos < text.len; count++)
        assert_int_equal(utf8_next(text, &pos), expected[count]);
    assert_int_equal(count, 6);
    assert_int_equal(pos, text.len);
}

/* Each byte value at each place of texts that are up to three words long, against the definition. */
static void plain_bytes_are_counted_up_to_the_first_other(void **state)
{
    uint8_t bytes[24];
    assert_int_equal(utf8_plain(slice_of(NULL, 0)), 0);
    for (unsigned value = 0; value < 256; value++) {
        for (size_t at = 0; at < sizeof bytes; at++) {
            bool plain = value >= 0x20 && value < 0x7f;
            memset(bytes, at % 2 == 0 ? ' ' : '~', sizeof bytes);
            bytes[at] = (uint8_t)value;
            for (size_t len = at + 1; len <= sizeof bytes; len++)
                assert_int_equal(utf8_plain(slice_of(bytes, len)), plain ? len : at);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_character_but_the_surrogates_is_valid),
        cmocka_unit_test(cut_characters_are_not_valid),
        cmocka_unit_test(malformed_sequences_are_not_valid),
        cmocka_unit_test(a_bad_byte_counts_as_one_character),
        cmocka_unit_test(plain_bytes_are_counted_up_to_the_first_other),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
