/* test_positions.c - what is remembered of many conversations, and what is forgotten. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "positions.h"

static const uint64_t seed[2] = {1, 2};
static const struct position *recent[POSITIONS_FRAME];

static void take_all_due(struct positions *positions)
{
    while (positions_take_due(positions) != NULL)
        ;
}

static void only_higher_ids_are_new(void **unused)
{
    struct positions positions;
    positions_init(&positions, seed);
    assert_int_equal(positions_note(&positions, 1, 5), OK);
    assert_int_equal(positions_note(&positions, 1, 5), ERR_EXISTS);
    assert_int_equal(positions_note(&positions, 1, 4), ERR_EXISTS);
    assert_int_equal(positions_note(&positions, 2, 4), OK);
    assert_int_equal(positions_note(&positions, 1, 6), OK);
    const struct position *due = positions_take_due(&positions);
    assert_true(due->conversation == 1 && due->id == 6);
    due = positions_take_due(&positions);
    assert_true(due->conversation == 2 && due->id == 4);
    assert_null(positions_take_due(&positions));
    assert_int_equal(positions_note(&positions, 1, 6), ERR_EXISTS);
    assert_non_null(positions_take_due(&positions)); /* the server asked again: it did not get the first */
    positions_free(&positions);
}

static void the_horizon_lets_few_be_kept(void **unused)
{
    struct positions positions;
    positions_init(&positions, seed);
    for (uint64_t i = 1; i <= POSITIONS_EASY + 100; i++)
        assert_int_equal(positions_note(&positions, i, i), OK);
    take_all_due(&positions);
    positions_caught_up(&positions, POSITIONS_EASY + 50);
    assert_int_equal(map_count(&positions.map), POSITIONS_EASY);
    assert_int_equal(positions_note(&positions, POSITIONS_EASY + 60, POSITIONS_EASY + 60), ERR_EXISTS);
    assert_int_equal(positions_note(&positions, 1, 1), OK); /* forgotten: the server has promised not to send it */
    assert_int_equal(positions_since_horizon(&positions, recent, POSITIONS_FRAME), 50);
    positions_caught_up(&positions, 3);
    assert_int_equal(positions.horizon, POSITIONS_EASY + 50);
    positions_free(&positions);
}

static void there_is_a_most(void **unused)
{
    struct positions positions;
    positions_init(&positions, seed);
    for (uint64_t i = 1; i <= POSITIONS_MOST + 1000; i++) {
        assert_int_equal(positions_note(&positions, i, i), OK);
        take_all_due(&positions);
    }
    assert_int_equal(map_count(&positions.map), POSITIONS_MOST);
    assert_int_equal(positions_since_horizon(&positions, recent, POSITIONS_FRAME), POSITIONS_FRAME);
    assert_int_equal(recent[0]->conversation, POSITIONS_MOST + 1000);
    assert_int_equal(positions_note(&positions, 2000, 2000), ERR_EXISTS);
    positions_free(&positions);
}

static void what_is_due_is_not_forgotten(void **unused)
{
    struct positions positions;
    positions_init(&positions, seed);
    for (uint64_t i = 1; i <= POSITIONS_EASY + 100; i++)
        assert_int_equal(positions_note(&positions, i, i), OK);
    positions_caught_up(&positions, UINT64_MAX);
    assert_int_equal(map_count(&positions.map), POSITIONS_EASY + 100);
    take_all_due(&positions);
    positions_caught_up(&positions, UINT64_MAX);
    assert_int_equal(map_count(&positions.map), POSITIONS_EASY);
    positions_free(&positions);
}

/* A server that reads no acknowledgement gets no more than so many conversations kept. */
static void what_is_due_has_an_end(void **unused)
{
    struct positions positions;
    positions_init(&positions, seed);
    for (uint64_t i = 1; i <= POSITIONS_MOST; i++)
        assert_int_equal(positions_note(&positions, i, i), OK);
    assert_int_equal(positions_note(&positions, POSITIONS_MOST + 1, 1), ERR_MEMORY);
    assert_int_equal(positions_note(&positions, 1, 1), ERR_EXISTS);
    assert_int_equal(map_count(&positions.map), POSITIONS_MOST);
    take_all_due(&positions);
    assert_int_equal(positions_note(&positions, POSITIONS_MOST + 1, 1), OK);
    positions_free(&positions);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_higher_ids_are_new), cmocka_unit_test(the_horizon_lets_few_be_kept),
        cmocka_unit_test(there_is_a_most),         cmocka_unit_test(what_is_due_is_not_forgotten),
        cmocka_unit_test(what_is_due_has_an_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
