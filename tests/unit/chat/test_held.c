/* test_held.c - what those who come back make the server keep: counted, or bounded. */
#include "harness.h"

#include "cursor.h"

/* What a client makes the server remember is counted from the resume on, until it is forgotten or the client has gone. */
static void test_positions_are_counted(void **state)
{
    enum { MANY = 10000 };
    static struct store_position positions[MANY];
    struct party *party = *state;
    struct shard *shard = party->stage->shards[0];
    new_device(party, "alice");
    struct guest *bob = arrive(party, "bob", 1);
    struct stored one = put(party, "alice", "bob", "one");
    leave(bob);
    assert_int_equal(shard_held(shard), 0);
    for (int i = 0; i < MANY; i++)
        positions[i] = (struct store_position){one.conversation + (uint64_t)i, one.id};
    for (int stays = 0; stays < 2; stays++) {
        party->stage->shut = true;
        come_back(bob, 0, 0, positions, MANY);
        assert_in_range(participant_held(bob->participant), MANY * sizeof(struct cursor), MANY * 256);
        assert_int_equal(shard_held(shard), participant_held(bob->participant));
        if (stays == 0)
            leave(bob);
        else
            stage_pass(party->stage, 1000);
        party->stage->shut = false;
        settle(party);
        stage_pass(party->stage, 1000);
        assert_int_equal(shard_held(shard), 0);
    }
    forget_lines(bob);
}

static size_t waiting_reads(struct party *party)
{
    size_t count = 0;
    for (struct task *task = party->stage->first_op; task != NULL; task = task->next) {
        const struct store_op *op = (const struct store_op *)(void *)((char *)task - offsetof(struct store_op, task));
        count += op->verb == STORE_PENDING || op->verb == STORE_SINCE;
    }
    return count;
}

/* All come at once: a part of them is read for at a time, the others wait in line, and whoever leaves is out of it. */
static void test_pages_under_way_are_bounded(void **state)
{
    enum { MANY = 100, MOST = 64 };
    struct party *party = *state;
    struct guest *guests[MANY];
    party->stage->settings.devices = 0;
    assert_int_equal(chat_configure(party->stage->chat, &party->stage->settings), OK);
    new_device(party, "alice");
    for (int i = 0; i < MANY; i++)
        guests[i] = guest_new(party, "bob");
    put(party, "alice", "bob", "one");
    party->stage->shut = true;
    for (int i = 0; i < MANY; i++)
        join(guests[i], 1, &(struct resume){0});
    settle(party);
    assert_int_equal(waiting_reads(party), MOST);
    leave(guests[0]);
    leave(guests[MANY - 1]);
    assert_int_equal(waiting_reads(party), MOST);
    party->stage->shut = false;
    settle(party);
    for (int i = 1; i < MANY - 1; i++) {
        sees(guests[i], "stored alice: one");
        sees(guests[i], "caught up");
        silent(guests[i]);
    }
    silent(guests[0]);
    silent(guests[MANY - 1]);
    assert_int_equal(party->stage->shards[1]->pages_under_way, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        PARTY_TEST(test_positions_are_counted),
        PARTY_TEST(test_pages_under_way_are_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
