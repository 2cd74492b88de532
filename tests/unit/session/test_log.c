/* test_log.c - what strangers can make the server write into its log. */
#include "harness.h"

#include <fcntl.h>
#include <unistd.h>

/* How many lines with this in them have been added. */
static int count_lines(FILE *log, const char *words)
{
    char line[1024];
    int count = 0;
    clearerr(log);
    while (fgets(line, sizeof line, log) != NULL)
        count += strstr(line, words) != NULL;
    return count;
}

static void once(struct desk *desk, void (*what)(struct caller *))
{
    struct caller *caller = call(desk);
    what(caller);
    hang_up(caller);
    desk->caller_count--;
    buf_free(&caller->out);
    free(caller);
}

static void nonsense(struct caller *caller)
{
    put_bytes(caller, slice_str("\xff\xff\xff\xff"));
}

static void wrong_token(struct caller *caller)
{
    ask_hello(caller, 1);
    ask_resume(caller, 2, &caller->token);
}

/* Whoever can connect can do these as often as they like. */
static void test_strangers_do_not_fill_the_log(void **state)
{
    static const struct {
        const char *event;
        void (*what)(struct caller *);
    } floods[] = {{"bad_frame", nonsense}, {"login_refused", wrong_token}};
    struct desk *desk = *state;
    char path[] = "/tmp/earshot-log-XXXXXX", left_out[64];
    int fd = mkostemp(path, O_APPEND);
    FILE *log = fopen(path, "r");
    assert_true(fd >= 0 && log != NULL && unlink(path) == 0);
    log_setup(fd, LOG_TEXT, LOG_INFO);
    for (size_t i = 0; i < sizeof floods / sizeof floods[0]; i++) {
        stage_pass(desk->stage, 5000);
        (void)count_lines(log, "");
        for (int round = 0; round < 50; round++)
            once(desk, floods[i].what);
        assert_int_equal(count_lines(log, floods[i].event), LOG_LIMIT_LINES);
        stage_pass(desk->stage, 1000);
        once(desk, floods[i].what);
        snprintf(left_out, sizeof left_out, "lines_left_out of=%s count=%d", floods[i].event, 50 - LOG_LIMIT_LINES);
        assert_int_equal(count_lines(log, left_out), 1);
    }
    log_setup(STDERR_FILENO, LOG_TEXT, LOG_ERROR);
    fclose(log);
    close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        DESK_TEST(test_strangers_do_not_fill_the_log),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
