/* test_map.c - the hash map against a plain array, its hash against the published vectors. */
#include "base/map.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static const uint64_t seed[2] = {1, 2};

/* SipHash-2-4 of the bytes 00, 01, 02, ... under the key 00..0f, for the lengths 0 to 15: from the authors' vectors. */
static void the_hash_is_siphash_2_4(void **state)
{
    static const uint64_t key[2] = {0x0706050403020100, 0x0f0e0d0c0b0a0908};
    static const uint64_t expected[16] = {
        0x726fdb47dd0e0e31, 0x74f839c593dc67fd, 0x0d6c8009d9a94f5a, 0x85676696d7fb7e2d, 0xcf2794e0277187b7, 0x18765564cd99a68d,
        0xcbc9466e58fee3ce, 0xab0200f58b01d137, 0x93f5f5799a932462, 0x9e0082df0ba9e4b0, 0x7a5dbbc594ddb9f3, 0xf4b32f46226bada7,
        0x751e8fbc860ee5fb, 0x14ea5627c0843d90, 0xf723ca908e7af2ee, 0xa129ca6149be45e5,
    };
    uint8_t bytes[16];
    for (size_t len = 0; len < 16; len++) {
        bytes[len] = (uint8_t)len;
        assert_true(map_hash(key, slice_of(bytes, len)) == expected[len]);
    }
}

static void an_empty_map_has_nothing(void **state)
{
    struct map map;
    size_t iter = 0;
    map_init(&map, seed);
    assert_null(map_get(&map, slice_str("x")));
    assert_null(map_remove(&map, slice_str("x")));
    assert_null(map_next(&map, &iter));
    assert_int_equal(map_count(&map), 0);
    map_free(&map);
    map_free(&map);
}

static void strings_are_told_apart(void **state)
{
    struct map map;
    int a, b, c;
    map_init(&map, seed);
    assert_int_equal(map_put(&map, slice_str("ab"), &a), OK);
    assert_int_equal(map_put(&map, slice_str("a"), &b), OK);
    assert_int_equal(map_put(&map, slice_of(NULL, 0), &c), OK);
    assert_int_equal(map_count(&map), 3);
    assert_ptr_equal(map_get(&map, slice_str("ab")), &a);
    assert_ptr_equal(map_get(&map, slice_str("a")), &b);
    assert_ptr_equal(map_get(&map, slice_str("")), &c);
    assert_null(map_get(&map, slice_of("ab", 3)));
    assert_ptr_equal(map_remove(&map, slice_str("a")), &b);
    assert_null(map_get(&map, slice_str("a")));
    assert_int_equal(map_count(&map), 2);
    map_free(&map);
}

static void replacing_takes_the_new_key_too(void **state)
{
    struct map map;
    int a, b;
    char *old = strdup("name");
    map_init(&map, seed);
    assert_int_equal(map_put(&map, slice_str(old), &a), OK);
    assert_int_equal(map_put(&map, slice_str("name"), &b), OK);
    free(old);
    assert_ptr_equal(map_get(&map, slice_str("name")), &b);
    assert_int_equal(map_count(&map), 1);
    map_free(&map);
}

enum { KEYS = 700 };

static void check_against(const struct map *map, bool held[KEYS], int values[KEYS])
{
    size_t count = 0, seen = 0;
    for (uint64_t key = 0; key < KEYS; key++) {
        assert_ptr_equal(map_get_u64(map, key << 32), held[key] ? &values[key] : NULL);
        count += held[key];
    }
    assert_int_equal(map_count(map), count);
    int *value;
    for (size_t i = 0; (value = map_next(map, &i)) != NULL; seen++)
        assert_true(held[value - values]);
    assert_int_equal(seen, count);
}

static void it_does_what_an_array_does(void **state)
{
    struct map map;
    static bool held[KEYS];
    static int values[KEYS];
    map_init(&map, seed);
    srand(7);
    for (int turn = 0; turn < 60000; turn++) {
        size_t key = (size_t)rand() % KEYS;
        /* In spells: mostly filling, then mostly emptying. */
        if (rand() % 10 < (turn / 3000 % 2 ? 3 : 7)) {
            assert_int_equal(map_put_u64(&map, key << 32, &values[key]), OK);
            held[key] = true;
        } else {
            assert_ptr_equal(map_remove_u64(&map, key << 32), held[key] ? &values[key] : NULL);
            held[key] = false;
        }
        if (turn % 1500 == 0)
            check_against(&map, held, values);
    }
    check_against(&map, held, values);
    map_free(&map);
}

/* Ten entries at a time, a hundred thousand over time: the table neither grows nor fills with marks. */
static void churn_leaves_no_traces(void **state)
{
    struct map map;
    int value;
    map_init(&map, seed);
    for (uint64_t key = 0; key < 100000; key++) {
        assert_int_equal(map_put_u64(&map, key, &value), OK);
        if (key >= 10)
            assert_ptr_equal(map_remove_u64(&map, key - 10), &value);
        assert_true(map.size <= 32);
        assert_true(map.used <= map.size / 4 * 3);
        assert_true(map.used >= map.count);
    }
    assert_int_equal(map_count(&map), 10);
    map_free(&map);
}

static void entries_may_be_removed_while_iterating(void **state)
{
    struct map map;
    static int values[1000];
    bool seen[1000] = {false};
    map_init(&map, seed);
    for (uint64_t key = 0; key < 1000; key++)
        assert_int_equal(map_put_u64(&map, key, &values[key]), OK);
    int *value;
    for (size_t i = 0; (value = map_next(&map, &i)) != NULL;) {
        assert_false(seen[value - values]);
        seen[value - values] = true;
        if ((value - values) % 3 != 0)
            map_iter_remove(&map, &i);
    }
    for (uint64_t key = 0; key < 1000; key++) {
        assert_true(seen[key]);
        assert_ptr_equal(map_get_u64(&map, key), key % 3 == 0 ? &values[key] : NULL);
    }
    for (size_t i = 0; map_next(&map, &i) != NULL;)
        map_iter_remove(&map, &i);
    assert_int_equal(map_count(&map), 0);
    assert_int_equal(map_put_u64(&map, 5, &values[5]), OK);
    assert_ptr_equal(map_get_u64(&map, 5), &values[5]);
    map_free(&map);
}

static void the_same_seed_gives_the_same_order(void **state)
{
    struct map maps[2];
    static int values[2][100];
    char names[2][100][8];
    for (int which = 0; which < 2; which++) {
        map_init(&maps[which], seed);
        for (int i = 0; i < 100; i++) {
            snprintf(names[which][i], sizeof names[which][i], "%d", i);
            assert_int_equal(map_put(&maps[which], slice_str(names[which][i]), &values[which][i]), OK);
        }
    }
    int *a, *b;
    for (size_t i = 0, j = 0; (a = map_next(&maps[0], &i)) != NULL;) {
        b = map_next(&maps[1], &j);
        assert_non_null(b);
        assert_int_equal(a - values[0], b - values[1]);
    }
    map_free(&maps[0]);
    map_free(&maps[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_hash_is_siphash_2_4),
        cmocka_unit_test(an_empty_map_has_nothing),
        cmocka_unit_test(strings_are_told_apart),
        cmocka_unit_test(replacing_takes_the_new_key_too),
        cmocka_unit_test(it_does_what_an_array_does),
        cmocka_unit_test(churn_leaves_no_traces),
        cmocka_unit_test(entries_may_be_removed_while_iterating),
        cmocka_unit_test(the_same_seed_gives_the_same_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
