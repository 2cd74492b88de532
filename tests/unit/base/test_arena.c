/* test_arena.c - the bump allocator: its cap, its alignment, and what it keeps. */
#include "base/arena.h"
#include <setjmp.h>
#include <stdalign.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

static void blocks_are_aligned_and_apart(void **state)
{
    struct arena arena;
    uint8_t *blocks[200];
    arena_init(&arena, 1 << 20, 4096);
    for (size_t i = 0; i < 200; i++) {
        blocks[i] = arena_alloc(&arena, i);
        assert_non_null(blocks[i]);
        assert_int_equal((uintptr_t)blocks[i] % alignof(max_align_t), 0);
        memset(blocks[i], (int)i, i);
    }
    for (size_t i = 0; i < 200; i++) {
        for (size_t j = 0; j < i; j++)
            assert_int_equal(blocks[i][j], i);
    }
    arena_free(&arena);
}

static void the_cap_is_final_until_the_reset(void **state)
{
    struct arena arena;
    arena_init(&arena, 1000, 0);
    assert_non_null(arena_alloc(&arena, 512));
    assert_false(arena_failed(&arena));
    assert_null(arena_alloc(&arena, 512));
    assert_true(arena_failed(&arena));
    assert_non_null(arena_alloc(&arena, 16));
    assert_true(arena_failed(&arena));
    arena_reset(&arena);
    assert_false(arena_failed(&arena));
    assert_non_null(arena_alloc(&arena, 992));
    assert_null(arena_alloc(&arena, 1));
    arena_free(&arena);
}

static void absurd_sizes_fail(void **state)
{
    struct arena arena;
    arena_init(&arena, SIZE_MAX, 0);
    assert_null(arena_array(&arena, SIZE_MAX / 2, 3));
    assert_true(arena_failed(&arena));
    arena_reset(&arena);
    assert_null(arena_alloc(&arena, SIZE_MAX));
    assert_null(arena_alloc(&arena, SIZE_MAX - 14));
    arena_free(&arena);
    arena_init(&arena, 0, 0);
    assert_null(arena_alloc(&arena, 0));
    arena_free(&arena);
}

static void the_steady_state_reuses_its_memory(void **state)
{
    struct arena arena;
    arena_init(&arena, 1 << 20, 8192);
    void *first = arena_alloc(&arena, 100);
    for (int turn = 0; turn < 100; turn++) {
        arena_reset(&arena);
        assert_ptr_equal(arena_alloc(&arena, 100), first);
        assert_non_null(arena_alloc(&arena, 4000));
    }
    arena_free(&arena);
}

static void large_uses_are_given_back(void **state)
{
    struct arena arena;
    arena_init(&arena, 1 << 20, 1024);
    for (int turn = 0; turn < 3; turn++) {
        for (int i = 0; i < 500; i++)
            assert_non_null(arena_alloc(&arena, 1 + (size_t)i));
        assert_non_null(arena_alloc(&arena, 100000));
        arena_reset(&arena);
        assert_int_equal(arena.used, 0);
    }
    arena_free(&arena);
    assert_null(arena.chunks);
    arena_free(&arena);
}

static void cleared_memory_is_cleared_also_when_reused(void **state)
{
    struct arena arena;
    arena_init(&arena, 4096, 4096);
    memset(arena_alloc(&arena, 1000), 0xff, 1000);
    arena_reset(&arena);
    const uint8_t *again = arena_array(&arena, 10, 100);
    for (size_t i = 0; i < 1000; i++)
        assert_int_equal(again[i], 0);
    arena_reset(&arena);
    again = arena_zalloc(&arena, 1000);
    for (size_t i = 0; i < 1000; i++)
        assert_int_equal(again[i], 0);
    arena_free(&arena);
}

static void copies_are_copies(void **state)
{
    struct arena arena;
    char text[] = "text";
    arena_init(&arena, 64, 0);
    struct slice copy = arena_copy(&arena, slice_str(text));
    text[0] = 'n';
    assert_true(slice_equal(copy, slice_str("text")));
    assert_non_null(arena_copy(&arena, slice_of(NULL, 0)).data);
    assert_null(arena_copy(&arena, slice_of(text, 100)).data);
    arena_free(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blocks_are_aligned_and_apart),
        cmocka_unit_test(the_cap_is_final_until_the_reset),
        cmocka_unit_test(absurd_sizes_fail),
        cmocka_unit_test(the_steady_state_reuses_its_memory),
        cmocka_unit_test(large_uses_are_given_back),
        cmocka_unit_test(cleared_memory_is_cleared_also_when_reused),
        cmocka_unit_test(copies_are_copies),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
