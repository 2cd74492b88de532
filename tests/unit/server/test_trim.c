/* When memory is trimmed: after much was given back, by a worker, seldom. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "server/trim.h"

enum { MIB = 1 << 20 };

static struct job *submitted;
static enum err answer;
static int64_t now;

static enum err take(struct pool *pool, struct job *job)
{
    assert_null(submitted);
    submitted = answer == OK ? job : NULL;
    return answer;
}

static int64_t mono_ms(struct clock *clock)
{
    return now;
}

static void come_home(void)
{
    struct job *job = submitted;
    assert_non_null(job);
    submitted = NULL;
    job->work(job);
    job->done(job);
}

static void seldom_and_after_much(void **state)
{
    struct pool pool = {.submit = take};
    struct clock clock = {.mono_ms = mono_ms};
    const struct world world = {.clock = &clock};
    struct trim trim;
    now = 1000;
    trim_init(&trim, &pool, &world);
    trim_note(&trim, 100 * MIB);
    trim_note(&trim, 70 * MIB);
    assert_null(submitted);
    answer = ERR_CAP; /* the workers have enough to do */
    trim_note(&trim, 60 * MIB);
    assert_null(submitted);
    answer = OK;
    trim_note(&trim, 68 * MIB);
    come_home();
    now += TRIM_REST_MS - 1;
    trim_note(&trim, 10 * MIB);
    assert_null(submitted);
    now++;
    trim_note(&trim, 10 * MIB);
    assert_non_null(submitted);
    now += TRIM_REST_MS;
    trim_note(&trim, 200 * MIB);
    trim_note(&trim, 0); /* the one before is still under way */
    come_home();
    trim_note(&trim, 0);
    come_home();
    now += TRIM_REST_MS;
    trim_note(&trim, 0);
    assert_null(submitted);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(seldom_and_after_much),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
