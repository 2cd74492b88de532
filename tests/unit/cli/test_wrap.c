/* Lines broken at the terminal's width: what is continued begins with blanks, and nothing is lost. */
#include "unit.h"
#include "wrap.h"
#include <locale.h>
#include <stdlib.h>

enum { CAP = 1 << 20 };

static void check(const char *text, int columns, const char *expected)
{
    struct buf out;
    buf_init(&out, CAP);
    wrap_text(&out, slice_str(text), columns);
    assert_text(&out, expected);
    buf_free(&out);
}

static void what_fits_stays(void **state)
{
    check("", 20, "");
    check("\n\n", 20, "\n\n");
    check("12:00 bob: 123456789\n", 20, "12:00 bob: 123456789\n");
    check("no newline", 10, "no newline");
}

static void words_stay_whole(void **state)
{
    check("12:00 bob: one two three four five\nnext\n", 20, "12:00 bob: one two \n      three four \n      five\nnext\n");
    check("12:00 bob: 123456789 after\n", 20, "12:00 bob: 123456789\n      after\n"); /* the blank between is the break */
}

static void what_is_no_word_is_cut(void **state)
{
    check("123456789012345678901234567890\n", 20, "12345678901234567890\n      1234567890\n");
    check("bob: 3456789012345678901234567\n", 20, "bob: 345678901234567\n      8901234567\n"); /* not half of a row for it */
    check("                         x\n", 20, "                    \n          x\n");
}

static void width_is_what_the_screen_shows(void **state)
{
    /* Wide letters do not straddle the margin; accents and colours take no room; what is not known takes two. */
    check("\xe5\xad\x97\xe5\xad\x97\xe5\xad\x97\xe5\xad\x97\xe5\xad\x97\xe5\xad\x97", 9,
          "\xe5\xad\x97\xe5\xad\x97\xe5\xad\x97\xe5\xad\x97\n    \xe5\xad\x97\xe5\xad\x97");
    check("e\xcc\x81"
          "e\xcc\x81"
          "e\xcc\x81"
          "e\xcc\x81",
          4,
          "e\xcc\x81"
          "e\xcc\x81"
          "e\xcc\x81"
          "e\xcc\x81");
    check("\x1b[1m\x1b[38;5;12mab\x1b(B\x1b[m\x0f"
          "cd\x1b[m\n",
          4,
          "\x1b[1m\x1b[38;5;12mab\x1b(B\x1b[m\x0f"
          "cd\x1b[m\n");
    check("\xe2\x9d\xa4\xef\xb8\x8f"
          "abc",
          4,
          "\xe2\x9d\xa4\xef\xb8\x8f"
          "ab\n  c");
    check("\xcd\xb8\xcd\xb8"
          "a",
          4, "\xcd\xb8\xcd\xb8\n  a"); /* unassigned */
    check("a\tb\tc", 16, "a\tb\t\n      c");
    check("cut \x1b[3", 4, "cut \x1b[3");
    check("\x1b", 4, "\x1b");
}

static void even_the_narrowest_terminal_gets_on(void **state)
{
    check("abc\xe5\xad\x97", 1, "a\nb\nc\n\xe5\xad\x97");
    check("abc", 2, "ab\n c");
    check("ab", 0, "a\nb");
}

/* Whatever comes: without the breaks and the blanks it is the same, and no row but the first begins at the margin. */
static void nothing_is_lost(void **state)
{
    static const char *const pieces[] = {"a", " ", "word ", "\xe5\xad\x97", "\t", "\x1b[m", "\xcc\x81", "verylongword"};
    srand(1);
    for (int round = 0; round < 2000; round++) {
        struct buf in, out;
        int columns = rand() % 60;
        buf_init(&in, CAP);
        buf_init(&out, CAP);
        for (int i = rand() % 100; i >= 0; i--)
            assert_int_equal(buf_append_str(&in, pieces[(size_t)rand() % count_of(pieces)]), OK);
        wrap_text(&out, buf_slice(&in), columns);
        struct slice left = buf_slice(&in), right = buf_slice(&out);
        size_t at = 0;
        for (size_t i = 0; i < right.len; i++) {
            if (right.data[i] == '\n' || right.data[i] == ' ') {
                if (right.data[i] == '\n' && i + 1 < right.len && columns >= 2)
                    assert_int_equal(right.data[i + 1], ' ');
                continue;
            }
            while (at < left.len && left.data[at] == ' ')
                at++;
            assert_true(at < left.len && left.data[at++] == right.data[i]);
        }
        while (at < left.len && left.data[at] == ' ')
            at++;
        assert_int_equal(at, left.len);
        buf_free(&in);
        buf_free(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_fits_stays),
        cmocka_unit_test(words_stay_whole),
        cmocka_unit_test(what_is_no_word_is_cut),
        cmocka_unit_test(width_is_what_the_screen_shows),
        cmocka_unit_test(even_the_narrowest_terminal_gets_on),
        cmocka_unit_test(nothing_is_lost),
    };
    setlocale(LC_CTYPE, "C.UTF-8");
    return cmocka_run_group_tests(tests, NULL, NULL);
}
