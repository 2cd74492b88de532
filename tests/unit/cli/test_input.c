#include "input.h"
#include "text.h"
#include "unit.h"
#include <unistd.h>

/* What comes out, as "line|line|!|." where ! is a line that was too long and . the end. */
static void drain(struct input *input, struct buf *seen)
{
    struct slice line;
    for (enum input_what what; (what = input_next(input, &line)) != INPUT_NONE;) {
        if (what == INPUT_END) {
            text_add(seen, ".");
            continue;
        }
        if (what == INPUT_LINE)
            text_bytes(seen, line);
        text_add(seen, what == INPUT_LINE ? "|" : "!");
    }
}

static void check(const char *text, size_t len, size_t step, const char *expected)
{
    struct input input;
    struct buf seen;
    input_init(&input);
    buf_init(&seen, TEXT_CAP);
    for (size_t at = 0; at < len; at += step) {
        input_feed(&input, text + at, len - at < step ? len - at : step);
        drain(&input, &seen);
    }
    input_finish(&input);
    drain(&input, &seen);
    drain(&input, &seen);
    assert_text(&seen, expected);
    buf_free(&seen);
    input_free(&input);
}

static void lines_come_out_however_they_went_in(void **state)
{
    static const char *const cases[][2] = {
        {"", "."},
        {"a", "a|."},
        {"a\n", "a|."},
        {"a\nb", "a|b|."},
        {"\n\na\n\n", "||a||."},
        {"a\r\nb\r\r\n\r", "a|b\r||."},
        {" a b \n", " a b |."},
    };
    for (size_t i = 0; i < count_of(cases); i++)
        for (size_t step = 1; step < 8; step++)
            check(cases[i][0], strlen(cases[i][0]), step, cases[i][1]);
}

static void a_line_too_long_counts_once_and_ends_where_it_ends(void **state)
{
    size_t long_line = INPUT_LINE_MAX * 3, len = long_line + 5;
    char *text = test_malloc(len);
    memset(text, 'x', len);
    memcpy(text, "a\n", 2);
    memcpy(text + long_line, "\nb\nc", 4);
    for (size_t step = 997; step <= INPUT_CHUNK; step *= 3)
        check(text, len - 1, step, "a|!b|c|.");
    check(text, long_line, 4096, "a|!.");
    test_free(text);
}

static void the_longest_line_is_kept(void **state)
{
    struct input input;
    struct slice line;
    char *text = test_malloc(INPUT_LINE_MAX + 2);
    memset(text, 'x', INPUT_LINE_MAX + 2);
    for (size_t over = 0; over < 2; over++) {
        input_init(&input);
        input_feed(&input, text, INPUT_CHUNK);
        assert_int_equal(input_next(&input, &line), INPUT_NONE);
        input_feed(&input, &"x\r\n"[1 - over], 2 + over);
        assert_int_equal(input_next(&input, &line), over ? INPUT_TOO_LONG : INPUT_LINE);
        if (!over)
            assert_int_equal(line.len, INPUT_LINE_MAX);
        assert_int_equal(input_next(&input, &line), INPUT_NONE);
        input_free(&input);
    }
    test_free(text);
}

static void a_pipe_is_read_to_its_end(void **state)
{
    struct input input;
    struct buf seen;
    int fds[2];
    assert_int_equal(pipe(fds), 0);
    assert_int_equal(write(fds[1], "one\ntwo", 7), 7);
    close(fds[1]);
    input_init(&input);
    buf_init(&seen, TEXT_CAP);
    while (!input.ended) {
        assert_int_equal(input_read(&input, fds[0]), OK);
        drain(&input, &seen);
    }
    assert_text(&seen, "one|two|.");
    close(fds[0]);
    buf_free(&seen);
    input_free(&input);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_come_out_however_they_went_in),
        cmocka_unit_test(a_line_too_long_counts_once_and_ends_where_it_ends),
        cmocka_unit_test(the_longest_line_is_kept),
        cmocka_unit_test(a_pipe_is_read_to_its_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
