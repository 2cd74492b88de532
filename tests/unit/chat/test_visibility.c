/* test_visibility.c - every act in every direction of a block, and the lists of blocks themselves. */
#include "harness.h"

#include "visibility.h"

enum direction { NEITHER, ACTOR_BLOCKS, SUBJECT_BLOCKS, BOTH, DIRECTIONS };

/* A block hides who blocks from the one who is blocked, and nothing else: the blocker sees and reaches as before. */
static const bool seen[DIRECTIONS] = {[NEITHER] = true, [ACTOR_BLOCKS] = true, [SUBJECT_BLOCKS] = false, [BOTH] = false};

static void test_every_act(void **state)
{
    struct party *party = *state;
    new_device(party, "alice");
    new_device(party, "bob");
    struct user *actor = user_of(party, "alice"), *subject = user_of(party, "bob");
    for (int direction = 0; direction < DIRECTIONS; direction++) {
        bool actor_blocks = direction == ACTOR_BLOCKS || direction == BOTH;
        bool subject_blocks = direction == SUBJECT_BLOCKS || direction == BOTH;
        assert_int_equal(user_set_blocked(actor, subject->id, actor_blocks), OK);
        assert_int_equal(user_set_blocked(subject, actor->id, subject_blocks), OK);
        for (int act = 0; act < ACT_COUNT; act++)
            if (may_see(actor, subject, (enum act)act) != seen[direction])
                fail_msg("act %d, direction %d", act, direction);
    }
}

static void test_a_third_is_not_concerned(void **state)
{
    struct party *party = *state;
    new_device(party, "alice");
    new_device(party, "bob");
    new_device(party, "carol");
    struct user *alice = user_of(party, "alice"), *bob = user_of(party, "bob"), *carol = user_of(party, "carol");
    assert_int_equal(user_set_blocked(bob, alice->id, true), OK);
    for (int act = 0; act < ACT_COUNT; act++) {
        assert_true(may_see(carol, bob, (enum act)act));
        assert_true(may_see(bob, carol, (enum act)act));
        assert_true(may_see(alice, carol, (enum act)act));
    }
}

/* A list in any order of setting and clearing says what was set last. */
static void test_long_lists(void **state)
{
    struct party *party = *state;
    bool model[200] = {false};
    new_device(party, "alice");
    struct user *alice = user_of(party, "alice"), other = {0};
    for (int i = 0; i < 20000; i++) {
        uint64_t id = stage_dice(party->stage, 200);
        model[id] = stage_dice(party->stage, 2);
        assert_int_equal(user_set_blocked(alice, id + 1000, model[id]), OK);
        other.id = stage_dice(party->stage, 200);
        bool expected = model[other.id];
        other.id += 1000;
        assert_int_equal(user_blocks(alice, &other), expected);
    }
    unsigned count = 0;
    for (size_t i = 0; i < 200; i++)
        count += model[i];
    assert_int_equal(alice->blocked_count, count);
}

static void test_blocks_outlive_the_server(void **state)
{
    struct party *party = *state;
    struct guest *bob = arrive(party, "bob", 0);
    new_device(party, "alice");
    set_block(bob, "alice", true);
    leave(bob);
    stage_stop_chat(party->stage);
    stage_start_chat(party->stage);
    assert_false(may_see(user_of(party, "alice"), user_of(party, "bob"), ACT_MESSAGE));
    assert_true(may_see(user_of(party, "bob"), user_of(party, "alice"), ACT_MESSAGE));
}

/* Two devices on two loops undo each other's change, and the result of what was stored first comes home last. */
static void cross(struct guest *first, struct guest *last, bool on)
{
    participant_block(first->participant, 7, slice_str("alice"), on);
    shard_flush(first->participant->shard);
    participant_block(last->participant, 8, slice_str("alice"), !on);
    participant_block(last->participant, 9, slice_str("carol"), !on);
    settle(first->party);
    assert_int_equal(may_see(user_of(first->party, "alice"), user_of(first->party, "bob"), ACT_MESSAGE), on);
    sees(first, "7 ok");
    sees(last, on ? "9 not_blocked" : "9 ok"); /* about somebody else, so it need not wait */
    sees(last, "8 ok");
}

static void test_what_is_stored_last_is_in_force(void **state)
{
    struct party *party = *state;
    struct guest *first = arrive(party, "bob", 1), *last = arrive(party, "bob", 0);
    new_device(party, "alice");
    new_device(party, "carol");
    cross(first, last, true);
    set_block(first, "alice", true);
    cross(first, last, false);
    leave(first);
    leave(last);
    stage_stop_chat(party->stage);
    stage_start_chat(party->stage);
    assert_false(may_see(user_of(party, "alice"), user_of(party, "bob"), ACT_MESSAGE));
    assert_false(may_see(user_of(party, "carol"), user_of(party, "bob"), ACT_MESSAGE));
}

static size_t at_the_door(struct party *party)
{
    size_t count = 0;
    for (const struct task *task = party->stage->first_op; task != NULL; task = task->next)
        count++;
    return count;
}

/* On one loop nothing need wait, and one commit serves all; behind another loop's change they go on together when it is done. */
static void test_changes_of_one_loop_go_together(void **state)
{
    enum { CHANGES = 10 };
    struct party *party = *state;
    struct guest *one = arrive(party, "bob", 0), *other = arrive(party, "bob", 1);
    new_device(party, "alice");
    settle(party);
    party->stage->shut = true;
    for (int i = 0; i < CHANGES; i++)
        participant_block(one->participant, (uint64_t)i + 1, slice_str("alice"), i % 2 == 0);
    shard_flush(one->participant->shard);
    assert_int_equal(at_the_door(party), CHANGES);
    for (int i = 0; i < CHANGES; i++)
        participant_block(other->participant, (uint64_t)i + 1, slice_str("alice"), i % 2 == 0);
    shard_flush(other->participant->shard);
    assert_int_equal(at_the_door(party), CHANGES);
    party->stage->shut = false;
    settle(party);
    for (int i = 0; i < CHANGES; i++) {
        char line[LINE];
        snprintf(line, sizeof line, "%d ok", i + 1);
        sees(one, line);
        sees(other, line);
    }
    assert_true(may_see(user_of(party, "alice"), user_of(party, "bob"), ACT_MESSAGE));
    assert_null(user_of(party, "bob")->changes);
}

/* Who leaves takes what waits along. */
static void test_changes_of_who_has_left(void **state)
{
    struct party *party = *state;
    struct guest *one = arrive(party, "bob", 0), *other = arrive(party, "bob", 1);
    new_device(party, "alice");
    participant_block(one->participant, 1, slice_str("alice"), true);
    participant_block(other->participant, 1, slice_str("alice"), false);
    participant_block(other->participant, 2, slice_str("alice"), true);
    participant_block(one->participant, 2, slice_str("alice"), false);
    participant_block(one->participant, 3, slice_str("alice"), true);
    leave(other);
    settle(party);
    sees(one, "1 ok");
    sees(one, "2 ok");
    sees(one, "3 ok");
    assert_int_equal(party->stage->ops[STORE_BLOCK], 3);
    assert_null(user_of(party, "bob")->changes);
}

static void test_changes_without_end(void **state)
{
    enum { MOST = 1024 };
    struct party *party = *state;
    struct guest *bob = arrive(party, "bob", 0);
    new_device(party, "alice");
    settle(party);
    party->stage->shut = true;
    for (uint64_t i = 1; i <= MOST; i++)
        participant_block(bob->participant, i, slice_str("alice"), true);
    participant_block(bob->participant, MOST + 1, slice_str("alice"), true);
    settle(party);
    sees(bob, "1025 unavailable");
    silent(bob);
    party->stage->shut = false;
    settle(party);
    assert_int_equal(participant_unanswered(bob->participant), 0);
    assert_null(user_of(party, "bob")->changes);
}

static void test_answers_to_blocking(void **state)
{
    struct party *party = *state;
    struct guest *bob = arrive(party, "bob", 0);
    new_device(party, "alice");
    participant_block(bob->participant, 1, slice_str("nobody"), true);
    participant_block(bob->participant, 2, slice_str("bob"), true);
    participant_block(bob->participant, 3, slice_str("alice"), false);
    participant_block(bob->participant, 4, slice_str("alice"), true);
    participant_block(bob->participant, 5, slice_str("alice"), true);
    participant_block(bob->participant, 6, slice_str("alice"), false);
    silent(bob); /* never inside the call */
    assert_int_equal(participant_unanswered(bob->participant), 6);
    settle(party);
    sees(bob, "1 unknown_user");
    sees(bob, "2 self");
    sees(bob, "3 not_blocked");
    sees(bob, "4 ok");
    sees(bob, "5 already_blocked");
    sees(bob, "6 ok");
    assert_int_equal(participant_unanswered(bob->participant), 0);
}

/* What cannot be stored does not come into force. */
static void test_block_not_stored(void **state)
{
    struct party *party = *state;
    struct guest *bob = arrive(party, "bob", 0);
    new_device(party, "alice");
    party->stage->failing = 1u << STORE_BLOCK;
    party->stage->failure = ERR_NOT_STORED;
    participant_block(bob->participant, 1, slice_str("alice"), true);
    settle(party);
    sees(bob, "1 not_stored");
    assert_true(may_see(user_of(party, "alice"), user_of(party, "bob"), ACT_MESSAGE));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        PARTY_TEST(test_every_act),
        PARTY_TEST(test_a_third_is_not_concerned),
        PARTY_TEST(test_long_lists),
        PARTY_TEST(test_blocks_outlive_the_server),
        PARTY_TEST(test_what_is_stored_last_is_in_force),
        PARTY_TEST(test_changes_of_one_loop_go_together),
        PARTY_TEST(test_changes_of_who_has_left),
        PARTY_TEST(test_changes_without_end),
        PARTY_TEST(test_answers_to_blocking),
        PARTY_TEST(test_block_not_stored),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
