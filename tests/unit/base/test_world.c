/* test_world.c - the system's clock and randomness, and an injected one. */
#include "base/world.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

static void the_system_clock_tells_the_time(void **state)
{
    struct world world = {.clock = &system_clock};
    int64_t before = (int64_t)time(NULL) * 1000, wall = world_wall_ms(&world), mono = world_mono_ms(&world);
    assert_true(wall >= before && wall <= ((int64_t)time(NULL) + 1) * 1000);
    for (int i = 0; i < 1000; i++) {
        int64_t later = world_mono_ms(&world);
        assert_true(later >= mono);
        mono = later;
    }
}

static void the_system_fills_all_of_it_anew(void **state)
{
    uint8_t zero[1000] = {0}, a[1000] = {0}, b[1000] = {0};
    system_random.fill(&system_random, a, sizeof a);
    system_random.fill(&system_random, b, sizeof b);
    assert_memory_not_equal(a, b, sizeof a);
    for (size_t i = 0; i < sizeof a; i += 100)
        assert_memory_not_equal(a + i, zero, 100);
    system_random.fill(&system_random, zero, 0);
}

static void count_up(struct random *random, void *data, size_t len)
{
    memset(data, 7, len);
}

static void numbers_come_from_the_injected_source(void **state)
{
    struct random random = {count_up};
    struct world world = {.random = &random};
    assert_true(world_random_u64(&world) == 0x0707070707070707);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_system_clock_tells_the_time),
        cmocka_unit_test(the_system_fills_all_of_it_anew),
        cmocka_unit_test(numbers_come_from_the_injected_source),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
