/* test_log.c - log lines, read back through a datagram socket: one write is one datagram, so one line must be one too. */
#include "base/log.h"
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

static int ends[2];
static char line[70000];

static int setup(void **state)
{
    return socketpair(AF_UNIX, SOCK_DGRAM, 0, ends);
}

static int teardown(void **state)
{
    log_setup(STDERR_FILENO, LOG_TEXT, LOG_INFO);
    close(ends[0]);
    return close(ends[1]);
}

/* The next line, without its time and its end. */
static const char *next_line(const char *time_prefix)
{
    ssize_t len = recv(ends[0], line, sizeof line - 1, MSG_DONTWAIT);
    assert_true(len > 0);
    line[len] = 0;
    assert_ptr_equal(strchr(line, '\n'), line + len - 1);
    line[len - 1] = 0;
    size_t skip = strlen(time_prefix) + strlen("2026-01-05T10:00:00.123Z");
    assert_memory_equal(line, time_prefix, strlen(time_prefix));
    assert_int_equal(line[skip - 1], 'Z');
    return line + skip;
}

static void fields_follow_the_event(void **state)
{
    log_setup(ends[1], LOG_TEXT, LOG_DEBUG);
    log_event(LOG_WARN, "connection_refused", log_str("peer", "192.0.2.7:5123"), log_int("connections", 512));
    assert_string_equal(next_line(""), " warn connection_refused peer=192.0.2.7:5123 connections=512");
    log_event(LOG_DEBUG, "nothing");
    assert_string_equal(next_line(""), " debug nothing");
    log_event(LOG_ERROR, "extremes", log_int("least", INT64_MIN), log_str("none", NULL));
    assert_string_equal(next_line(""), " error extremes least=-9223372036854775808 none=\"\"");
}

static void json_lines_have_the_same_fields(void **state)
{
    log_setup(ends[1], LOG_JSON, LOG_DEBUG);
    log_event(LOG_WARN, "connection_refused", log_str("peer", "192.0.2.7:5123"), log_int("connections", -512));
    assert_string_equal(
        next_line("{\"time\":\""),
        "\",\"level\":\"warn\",\"event\":\"connection_refused\",\"peer\":\"192.0.2.7:5123\",\"connections\":-512}");
    log_event(LOG_INFO, "odd", log_str("text", "a\n\"\x1b\xff"));
    assert_string_equal(next_line("{\"time\":\""),
                        "\",\"level\":\"info\",\"event\":\"odd\",\"text\":\"a\\n\\\"\\u001b\xef\xbf\xbd\"}");
}

static void check_value(const char *value, size_t len, const char *expected)
{
    log_event(LOG_INFO, "e", log_slice("v", slice_of(value, len)));
    const char *text = next_line("");
    assert_memory_equal(text, " info e v=", 10);
    assert_string_equal(text + 10, expected);
}

static void values_cannot_forge_anything(void **state)
{
    static const struct {
        const char *value, *shown;
    } cases[] = {
        {"two words", "\"two words\""},
        {"a=b", "\"a=b\""},
        {"quote\"", "\"quote\\\"\""},
        {"back\\slash", "\"back\\\\slash\""},
        {"line\nbreak\r", "\"line\\nbreak\\x0d\""},
        {"\x1b[31mred\x7f", "\"\\x1b[31mred\\x7f\""},
        {"caf\xc3\xa9", "\"caf\xc3\xa9\""},
        {"csi \xc2\x9b", "\"csi \\u009b\""},
        {"turn \xe2\x80\xae", "\"turn \\u202e\""},
        {"bad \xff\xc3", "\"bad \\xff\\xc3\""},
        {"real \xef\xbf\xbd", "\"real \xef\xbf\xbd\""},
    };
    log_setup(ends[1], LOG_TEXT, LOG_INFO);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        check_value(cases[i].value, strlen(cases[i].value), cases[i].shown);
    check_value("nul\0", 4, "\"nul\\x00\"");
}

static void levels_below_the_least_are_not_written(void **state)
{
    log_setup(ends[1], LOG_TEXT, LOG_WARN);
    assert_false(log_enabled(LOG_INFO));
    assert_true(log_enabled(LOG_WARN) && log_enabled(LOG_ERROR));
    log_event(LOG_INFO, "unseen");
    log_event(LOG_WARN, "seen");
    assert_string_equal(next_line(""), " warn seen");
    log_setup(ends[1], LOG_TEXT, LOG_DEBUG);
    assert_true(log_enabled(LOG_DEBUG));
}

static void long_lines_are_cut_but_well_formed(void **state)
{
    struct log_field fields[40];
    static char huge[5000];
    memset(huge, 1, sizeof huge);
    for (size_t i = 0; i < 40; i++)
        fields[i] = log_slice("v", slice_of(huge, sizeof huge));
    fields[39] = log_int("last", 1);
    int size = 1 << 20;
    setsockopt(ends[1], SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
    log_setup(ends[1], LOG_JSON, LOG_DEBUG);
    log_write(LOG_INFO, "huge", fields, 40);
    const char *text = next_line("{\"time\":\"");
    size_t len = strlen(text);
    assert_true(len > 50000 && len < 65536);
    assert_string_equal(text + len - 10, ",\"last\":1}");
}

static void errno_survives(void **state)
{
    log_setup(-1, LOG_TEXT, LOG_INFO);
    errno = ENOENT;
    log_event(LOG_ERROR, "nowhere");
    assert_int_equal(errno, ENOENT);
}

enum { THREADS = 4, LINES = 300 };

static void *write_lines(void *which)
{
    for (int i = 0; i < LINES; i++)
        log_event(LOG_INFO, "line", log_int("thread", *(int *)which), log_int("number", i), log_str("text", "some words"));
    return NULL;
}

static void threads_do_not_mix_their_lines(void **state)
{
    pthread_t threads[THREADS];
    int names[THREADS], next[THREADS] = {0};
    log_setup(ends[1], LOG_TEXT, LOG_INFO);
    for (int i = 0; i < THREADS; i++) {
        names[i] = i;
        assert_int_equal(pthread_create(&threads[i], NULL, write_lines, &names[i]), 0);
    }
    for (int i = 0; i < THREADS * LINES; i++) {
        static const char before[] = " info line thread=";
        char expected[100];
        ssize_t len = recv(ends[0], line, sizeof line - 1, 0);
        assert_true(len > 60);
        line[len] = 0;
        int thread = line[24 + strlen(before)] - '0';
        assert_true(thread >= 0 && thread < THREADS);
        snprintf(expected, sizeof expected, "%s%d number=%d text=\"some words\"\n", before, thread, next[thread]++);
        assert_string_equal(line + 24, expected);
    }
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
}

static void nothing_more(void)
{
    assert_true(recv(ends[0], line, sizeof line - 1, MSG_DONTWAIT) < 0 && errno == EAGAIN);
}

static void flood(struct log_limit *limit, int64_t now, int count)
{
    for (int i = 0; i < count; i++)
        log_event_limited(limit, now, LOG_WARN, "flood", log_int("number", i));
}

static void sees_flood(int count)
{
    char expected[64];
    for (int i = 0; i < count; i++) {
        snprintf(expected, sizeof expected, " warn flood number=%d", i);
        assert_string_equal(next_line(""), expected);
    }
}

static void a_flood_leaves_few_lines(void **state)
{
    struct log_limit limit = {0};
    log_setup(ends[1], LOG_TEXT, LOG_INFO);
    flood(&limit, 5050, 1000);
    flood(&limit, 6049, 1000);
    sees_flood(LOG_LIMIT_LINES);
    nothing_more();
    flood(&limit, 6050, 3);
    assert_string_equal(next_line(""), " warn lines_left_out of=flood count=1990");
    sees_flood(3);
    flood(&limit, 6040, LOG_LIMIT_LINES); /* by another loop's clock; three have been written */
    sees_flood(LOG_LIMIT_LINES - 3);
    nothing_more();
    flood(&limit, 7050, 1);
    assert_string_equal(next_line(""), " warn lines_left_out of=flood count=3");
    sees_flood(1);
    flood(&limit, 8050, 1); /* nothing was left out */
    sees_flood(1);
    nothing_more();
}

/* What would not be written anyway is not counted. */
static void a_flood_below_the_least_is_nothing(void **state)
{
    struct log_limit limit = {0};
    log_setup(ends[1], LOG_TEXT, LOG_ERROR);
    flood(&limit, 0, 1000);
    log_setup(ends[1], LOG_TEXT, LOG_INFO);
    flood(&limit, 0, LOG_LIMIT_LINES);
    sees_flood(LOG_LIMIT_LINES);
    nothing_more();
}

#define log_test(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        log_test(fields_follow_the_event),
        log_test(json_lines_have_the_same_fields),
        log_test(values_cannot_forge_anything),
        log_test(levels_below_the_least_are_not_written),
        log_test(long_lines_are_cut_but_well_formed),
        log_test(errno_survives),
        log_test(threads_do_not_mix_their_lines),
        log_test(a_flood_leaves_few_lines),
        log_test(a_flood_below_the_least_is_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
