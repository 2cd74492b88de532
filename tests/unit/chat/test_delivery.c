/* test_delivery.c - cursors and delivery: whatever events do, each message comes once and in order. */
#include "harness.h"

#include "cursor.h"
#include "delivery.h"

/* alice has an account; bob listens on shard 1. */
static struct guest *bob_listens(struct party *party)
{
    new_device(party, "alice");
    return arrive(party, "bob", 1);
}

static size_t reads(struct party *party)
{
    return party->stage->ops[STORE_SINCE] + party->stage->ops[STORE_PENDING];
}

static void test_in_order(void **state)
{
    struct party *party = *state;
    struct guest *bob = bob_listens(party);
    size_t before = reads(party);
    struct stored one = put(party, "alice", "bob", "one"), two = put(party, "alice", "bob", "two");
    announce(bob, &one);
    announce(bob, &two);
    sees(bob, "message alice: one");
    sees(bob, "message alice: two");
    silent(bob);
    assert_int_equal(reads(party), before); /* the store was not asked */
}

static void test_gap_is_read(void **state)
{
    struct party *party = *state;
    struct guest *bob = bob_listens(party);
    put(party, "alice", "bob", "one");
    put(party, "alice", "bob", "two");
    struct stored three = put(party, "alice", "bob", "three");
    announce(bob, &three);
    sees(bob, "message alice: one");
    sees(bob, "message alice: two");
    sees(bob, "message alice: three");
    sees(bob, "caught up");
    silent(bob);
}

static void test_overtaken_event(void **state)
{
    struct party *party = *state;
    struct guest *bob = bob_listens(party);
    struct stored one = put(party, "alice", "bob", "one"), two = put(party, "alice", "bob", "two");
    announce(bob, &two);
    announce(bob, &one);
    sees(bob, "message alice: one");
    sees(bob, "message alice: two");
    sees(bob, "caught up");
    silent(bob);
}

static void test_overtaken_while_reading(void **state)
{
    struct party *party = *state;
    struct guest *bob = bob_listens(party);
    struct stored one = put(party, "alice", "bob", "one"), two = put(party, "alice", "bob", "two");
    party->stage->shut = true;
    announce(bob, &two); /* the read waits */
    announce(bob, &one);
    party->stage->shut = false;
    settle(party);
    sees(bob, "message alice: one");
    sees(bob, "message alice: two");
    sees(bob, "caught up");
    silent(bob);
}

static void test_same_event_twice(void **state)
{
    struct party *party = *state;
    struct guest *bob = bob_listens(party);
    struct stored one = put(party, "alice", "bob", "one");
    announce(bob, &one);
    announce(bob, &one);
    sees(bob, "message alice: one");
    silent(bob);
}

static void test_conversations_are_independent(void **state)
{
    struct party *party = *state;
    struct guest *bob = bob_listens(party);
    new_device(party, "carol");
    struct stored one = put(party, "alice", "bob", "one");
    struct stored first = put(party, "carol", "bob", "first"), two = put(party, "alice", "bob", "two");
    size_t before = reads(party);
    announce(bob, &first);
    announce(bob, &one);
    announce(bob, &two);
    sees(bob, "message carol: first");
    sees(bob, "message alice: one");
    sees(bob, "message alice: two");
    silent(bob);
    assert_int_equal(reads(party), before);
}

/* An own message stands in the order, but is not sent back. */
static void test_own_messages(void **state)
{
    struct party *party = *state;
    struct guest *bob = bob_listens(party);
    say(bob, 16, "alice", "mine");
    sees(bob, "16 ok");
    size_t before = reads(party);
    struct stored two = put(party, "alice", "bob", "yours");
    assert_true(two.previous > 0);
    announce(bob, &two);
    sees(bob, "message alice: yours");
    silent(bob);
    assert_int_equal(reads(party), before);
}

/* The answer to an own message overtakes the event of the one before it. */
static void test_own_message_known_early(void **state)
{
    struct party *party = *state;
    struct guest *bob = bob_listens(party);
    struct stored one = put(party, "alice", "bob", "one");
    say(bob, 16, "alice", "mine");
    sees(bob, "16 ok");
    say(bob, 17, "alice", "mine too");
    sees(bob, "17 ok");
    struct stored four = put(party, "alice", "bob", "four");
    size_t before = reads(party);
    announce(bob, &one);
    announce(bob, &four);
    sees(bob, "message alice: one");
    sees(bob, "message alice: four");
    silent(bob);
    assert_int_equal(reads(party), before);
}

/* Let in before the block, stored after it. */
static void withhold(struct party *party, struct guest *bob, struct stored *one)
{
    *one = put(party, "alice", "bob", "one");
    set_block(bob, "alice", true);
    announce(bob, one);
    silent(bob);
}

static void test_withheld_then_released(void **state)
{
    struct party *party = *state;
    struct guest *bob = bob_listens(party);
    struct stored one;
    withhold(party, bob, &one);
    struct stored two = put(party, "alice", "bob", "two");
    announce(bob, &two);
    silent(bob);
    set_block(bob, "alice", false);
    sees(bob, "message alice: one");
    sees(bob, "message alice: two");
    sees(bob, "caught up");
    silent(bob);
}

static void test_withheld_by_reading(void **state)
{
    struct party *party = *state;
    struct guest *bob = bob_listens(party);
    new_device(party, "carol");
    put(party, "alice", "bob", "one");
    set_block(bob, "alice", true);
    put(party, "carol", "bob", "first");
    struct stored second = put(party, "carol", "bob", "second");
    announce(bob, &second); /* a gap: read, and the horizon moves beyond what is withheld */
    sees(bob, "message carol: first");
    sees(bob, "message carol: second");
    sees(bob, "caught up");
    silent(bob);
    set_block(bob, "alice", false);
    sees(bob, "message alice: one");
    sees(bob, "caught up");
    silent(bob);
}

static void test_release_while_reading(void **state)
{
    struct party *party = *state;
    struct guest *bob = bob_listens(party);
    struct stored one;
    withhold(party, bob, &one);
    party->stage->failing = 1u << STORE_SINCE | 1u << STORE_PENDING;
    party->stage->failure = ERR_NOT_STORED;
    delivery_reread(bob->participant);
    set_block(bob, "alice", false);
    silent(bob);
    party->stage->failing = 0;
    stage_pass(party->stage, 1000);
    sees(bob, "message alice: one");
    sees(bob, "caught up");
    silent(bob);
}

/* The connection is lost during the block; what is withheld lies below the horizon that the client returns with. */
static void test_withheld_over_a_resume(void **state)
{
    struct party *party = *state;
    struct guest *bob = bob_listens(party);
    struct stored one;
    withhold(party, bob, &one);
    delivery_reread(bob->participant);
    settle(party);
    sees(bob, "caught up");
    assert_true(bob->horizon >= one.id);
    leave(bob);
    come_back(bob, 0, bob->horizon, NULL, 0);
    sees(bob, "caught up");
    silent(bob);
    struct stored two = put(party, "alice", "bob", "two");
    announce(bob, &two);
    silent(bob);
    set_block(bob, "alice", false);
    sees(bob, "stored alice: one");
    sees(bob, "message alice: two");
    sees(bob, "caught up");
    silent(bob);
}

static void test_unblocked_while_away(void **state)
{
    struct party *party = *state;
    struct guest *bob = bob_listens(party);
    struct stored one;
    withhold(party, bob, &one);
    delivery_reread(bob->participant);
    settle(party);
    sees(bob, "caught up");
    leave(bob);
    struct guest *other = guest_new(party, "bob"); /* another device ends the block, and sees nothing itself */
    join(other, 1, &(struct resume){0});
    settle(party);
    sees(other, "caught up");
    set_block(other, "alice", false);
    sees(other, "stored alice: one");
    sees(other, "caught up");
    come_back(bob, 0, bob->horizon, NULL, 0);
    sees(bob, "stored alice: one");
    sees(bob, "caught up");
    silent(bob);
}

static void test_congested_then_drained(void **state)
{
    struct party *party = *state;
    struct guest *bob = bob_listens(party);
    char text[32];
    struct stored last = {0};
    for (int i = 1; i <= 20; i++) {
        snprintf(text, sizeof text, "text %d", i);
        last = put(party, "alice", "bob", text);
    }
    bob->room = 7;
    announce(bob, &last); /* a gap */
    assert_int_equal(bob->count - bob->first, 7);
    announce(bob, &last);
    participant_drained(bob->participant); /* but it is not */
    settle(party);
    assert_int_equal(bob->count - bob->first, 7);
    bob->congested = false;
    participant_drained(bob->participant);
    settle(party);
    for (int i = 1; i <= 20; i++) {
        snprintf(text, sizeof text, "message alice: text %d", i);
        sees(bob, text);
    }
    sees(bob, "caught up");
    silent(bob);
    participant_drained(bob->participant); /* nothing is waiting for it */
    settle(party);
    silent(bob);
}

static void test_congested_when_live(void **state)
{
    struct party *party = *state;
    struct guest *bob = bob_listens(party);
    struct stored one = put(party, "alice", "bob", "one"), two = put(party, "alice", "bob", "two");
    bob->congested = true;
    announce(bob, &one);
    announce(bob, &two);
    silent(bob);
    bob->congested = false;
    participant_drained(bob->participant);
    settle(party);
    sees(bob, "message alice: one");
    sees(bob, "message alice: two");
    sees(bob, "caught up");
    silent(bob);
}

static void test_many_pages(void **state)
{
    struct party *party = *state;
    char text[32];
    new_device(party, "alice");
    new_device(party, "bob");
    for (int i = 0; i < 700; i++) {
        snprintf(text, sizeof text, "text %d", i);
        put(party, "alice", "bob", text);
    }
    struct guest *bob = guest_new(party, "bob");
    join(bob, 1, &(struct resume){0});
    struct stored last = put(party, "alice", "bob", "text 700");
    announce(bob, &last);
    settle(party);
    size_t messages = 0;
    for (size_t i = 0; i < bob->count; i++) {
        snprintf(text, sizeof text, "alice: text %zu", messages);
        messages += strstr(bob->lines[i], text) != NULL;
    }
    assert_int_equal(messages, 701);
    assert_int_equal(bob->count, 702);
    assert_string_equal(bob->lines[700], "caught up");
}

static void test_resume_with_positions(void **state)
{
    struct party *party = *state;
    struct guest *bob = bob_listens(party);
    struct stored one = put(party, "alice", "bob", "one"), two = put(party, "alice", "bob", "two");
    put(party, "alice", "bob", "three");
    acknowledge(bob, &one); /* was not sent: ignored */
    leave(bob);
    const struct store_position position = {two.conversation, two.id};
    come_back(bob, 0, one.id, &position, 1);
    sees(bob, "stored alice: three");
    sees(bob, "caught up");
    silent(bob);
}

/* What a client returns with counts as acknowledged. */
static void test_positions_acknowledge(void **state)
{
    struct party *party = *state;
    struct guest *bob = bob_listens(party);
    struct stored one = put(party, "alice", "bob", "one");
    announce(bob, &one);
    sees(bob, "message alice: one");
    uint64_t horizon = bob->horizon;
    put(party, "alice", "bob", "two");
    leave(bob);
    const struct store_position position = {one.conversation, one.id};
    assert_true(horizon < one.id);
    come_back(bob, 0, horizon > 0 ? horizon : 0, &position, 1);
    sees(bob, "stored alice: two");
    sees(bob, "caught up");
    stage_pass(party->stage, 300);
    leave(bob);
    struct guest *again = guest_new(party, "bob");
    join(again, 1, &(struct resume){0});
    settle(party);
    sees(again, "stored alice: two"); /* only what nobody has acknowledged */
    sees(again, "caught up");
    silent(again);
}

static void test_horizon_from_the_future(void **state)
{
    static const uint64_t horizons[] = {1000, INT64_MAX, UINT64_MAX};
    struct party *party = *state;
    struct guest *bob = bob_listens(party);
    struct stored one = put(party, "alice", "bob", "one");
    for (size_t i = 0; i < sizeof horizons / sizeof horizons[0]; i++) {
        leave(bob);
        come_back(bob, i % 2, horizons[i], NULL, 0);
        sees(bob, "stored alice: one");
        sees(bob, "caught up");
        assert_int_equal(bob->horizon, one.id);
        silent(bob);
    }
}

static void test_positions_from_elsewhere(void **state)
{
    struct party *party = *state;
    struct guest *bob = bob_listens(party);
    struct stored one = put(party, "alice", "bob", "one");
    const struct store_position positions[] = {{one.conversation, UINT64_MAX}, {UINT64_MAX, 1}, {0, 0}, {77, 1}};
    leave(bob);
    come_back(bob, 0, 0, positions, 4);
    sees(bob, "stored alice: one");
    sees(bob, "caught up");
    silent(bob);
    stage_pass(party->stage, 1000);
    leave(bob);
    struct guest *again = guest_new(party, "bob");
    join(again, 1, &(struct resume){0});
    settle(party);
    sees(again, "stored alice: one"); /* nothing of that was taken for an acknowledgement */
}

/* Fills what is staged for shard 1, so that the next events for it are lost. A slot's first generation is 1: it means nobody. */
static void fill_bus(struct party *party)
{
    static const uint8_t noise[64 << 10];
    for (size_t len = sizeof noise; len > 0; len /= 2)
        for (int i = 0; i < 20; i++)
            bus_send(party->stage->bus, 0, 1, (struct slice[]){slice_of(noise, len)}, 1);
}

static void test_missed_events(void **state)
{
    struct party *party = *state;
    struct guest *bob = bob_listens(party), *carol = arrive(party, "carol", 0);
    sees(bob, "carol comes");
    stage_pass(party->stage, 1);
    fill_bus(party);
    participant_message(carol->participant, 16, slice_str("bob"), slice_str("hello"));
    stage_settle(party->stage);
    sees(carol, "16 ok");
    sees(bob, "message carol: hello");
    sees(bob, "caught up");
    silent(bob);
}

/* A block ends, and the event that says so is lost. */
static void test_missed_release(void **state)
{
    struct party *party = *state;
    struct guest *bob = bob_listens(party), *other = arrive(party, "bob", 0);
    struct stored one;
    withhold(party, bob, &one);
    delivery_reread(bob->participant);
    settle(party);
    sees(bob, "caught up");
    stage_pass(party->stage, 1);
    fill_bus(party);
    participant_block(other->participant, 1, slice_str("alice"), false);
    stage_settle(party->stage);
    sees(other, "1 ok");
    sees(bob, "message alice: one");
    sees(bob, "caught up");
    silent(bob);
}

static void test_failed_read_is_tried_again(void **state)
{
    struct party *party = *state;
    struct guest *bob = bob_listens(party);
    put(party, "alice", "bob", "one");
    struct stored two = put(party, "alice", "bob", "two");
    party->stage->failing = 1u << STORE_SINCE | 1u << STORE_PENDING;
    party->stage->failure = ERR_NOT_STORED;
    announce(bob, &two);
    stage_pass(party->stage, 5000);
    silent(bob);
    party->stage->failing = 0;
    stage_pass(party->stage, 1000);
    sees(bob, "message alice: one");
    sees(bob, "message alice: two");
    sees(bob, "caught up");
    silent(bob);
}

static void test_leaves_while_reading(void **state)
{
    struct party *party = *state;
    struct guest *bob = bob_listens(party);
    put(party, "alice", "bob", "one");
    struct stored two = put(party, "alice", "bob", "two");
    party->stage->shut = true;
    announce(bob, &two);
    participant_leave(&bob->participant, false);
    party->stage->shut = false;
    settle(party);
    silent(bob);
}

static void test_acknowledged_is_not_sent_again(void **state)
{
    struct party *party = *state;
    struct guest *bob = bob_listens(party);
    struct stored one = put(party, "alice", "bob", "one"), two = put(party, "alice", "bob", "two");
    announce(bob, &one);
    announce(bob, &two);
    acknowledge(bob, &one);
    leave(bob);
    struct guest *again = guest_new(party, "bob");
    join(again, 1, &(struct resume){0});
    settle(party);
    sees(again, "stored alice: two");
    sees(again, "caught up");
    silent(again);
    participant_received(again->participant, two.conversation, two.id);
    leave(again); /* at once: acknowledgements are stored with the leaving */
    struct guest *third = guest_new(party, "bob");
    join(third, 0, &(struct resume){0});
    settle(party);
    sees(third, "caught up");
    silent(third);
}

/* An acknowledgement that the disk did not take is stored later, or the message would come again at a later login. */
static void test_acknowledgement_that_failed(void **state)
{
    struct party *party = *state;
    struct guest *bob = bob_listens(party);
    struct stored one = put(party, "alice", "bob", "one");
    announce(bob, &one);
    party->stage->failing = 1u << STORE_ADVANCE;
    party->stage->failure = ERR_NOT_STORED;
    acknowledge(bob, &one);
    stage_pass(party->stage, 5000);
    party->stage->failing = 0;
    stage_pass(party->stage, 5000);
    struct guest *again = guest_new(party, "bob");
    join(again, 1, &(struct resume){0});
    settle(party);
    sees(again, "caught up");
    silent(again);
}

/* What a client names when it resumes takes memory only until it is stored. */
static void test_positions_go(void **state)
{
    enum { MANY = 3000 };
    struct party *party = *state;
    struct guest *bob = bob_listens(party);
    uint64_t horizon = bob->horizon;
    struct stored last = {0};
    struct store_position positions[MANY];
    for (int i = 0; i < 10; i++)
        last = put(party, "alice", "bob", "hello");
    leave(bob);
    for (size_t i = 0; i < MANY; i++)
        positions[i] = (struct store_position){last.conversation + i, last.id};
    come_back(bob, 1, horizon, positions, MANY);
    stage_pass(party->stage, 1000);
    assert_int_equal(map_count(&bob->participant->cursors), 0);
}

static void test_two_devices(void **state)
{
    struct party *party = *state;
    struct guest *alice = arrive(party, "alice", 0), *bob = arrive(party, "bob", 0), *other = arrive(party, "bob", 1);
    forget_lines(alice);
    say(alice, 16, "bob", "hello");
    sees(alice, "16 ok");
    sees(bob, "message alice: hello");
    sees(other, "message alice: hello");
    say(bob, 16, "alice", "hi");
    sees(bob, "16 ok");
    sees(alice, "message bob: hi");
    sees(other, "sent alice: hi");
    silent(alice);
    silent(bob);
    silent(other);
}

static void test_resent_message(void **state)
{
    struct party *party = *state;
    struct guest *alice = arrive(party, "alice", 0), *bob = arrive(party, "bob", 1);
    forget_lines(alice);
    say(alice, 16, "bob", "hello");
    say(alice, 16, "bob", "hello");
    sees(alice, "16 ok");
    sees(alice, "16 ok");
    sees(bob, "message alice: hello");
    silent(bob);
}

static void test_not_stored_is_not_delivered(void **state)
{
    struct party *party = *state;
    struct guest *alice = arrive(party, "alice", 0), *bob = arrive(party, "bob", 1);
    forget_lines(alice);
    party->stage->failing = 1u << STORE_APPEND;
    party->stage->failure = ERR_NOT_STORED;
    say(alice, 16, "bob", "hello");
    sees(alice, "16 not_stored");
    silent(bob);
    party->stage->failing = 0;
    say(alice, 16, "bob", "hello");
    sees(alice, "16 ok");
    sees(bob, "message alice: hello");
}

static void test_quota(void **state)
{
    struct party *party = *state;
    party->stage->settings.quota = 2;
    assert_int_equal(chat_configure(party->stage->chat, &party->stage->settings), OK);
    new_device(party, "bob");
    struct guest *alice = arrive(party, "alice", 0);
    say(alice, 16, "bob", "one");
    say(alice, 17, "bob", "two");
    say(alice, 18, "bob", "three");
    sees(alice, "16 ok");
    sees(alice, "17 ok");
    sees(alice, "18 not_stored");
}

/* Copies of what another device sent stand between what waits, and below it in the same conversation. */
static void test_copies_and_what_waits(void **state)
{
    struct party *party = *state;
    struct guest *bob = arrive(party, "bob", 0);
    leave(bob);
    guest_new(party, "alice");
    put(party, "bob", "alice", "from the other device");
    put(party, "alice", "bob", "one");
    put(party, "bob", "alice", "again");
    put(party, "alice", "bob", "two");
    come_back(bob, 1, bob->horizon, NULL, 0);
    sees(bob, "sent alice: from the other device");
    sees(bob, "stored alice: one");
    sees(bob, "sent alice: again");
    sees(bob, "stored alice: two");
    sees(bob, "caught up");
    silent(bob);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        PARTY_TEST(test_in_order),
        PARTY_TEST(test_copies_and_what_waits),
        PARTY_TEST(test_gap_is_read),
        PARTY_TEST(test_overtaken_event),
        PARTY_TEST(test_overtaken_while_reading),
        PARTY_TEST(test_same_event_twice),
        PARTY_TEST(test_conversations_are_independent),
        PARTY_TEST(test_own_messages),
        PARTY_TEST(test_own_message_known_early),
        PARTY_TEST(test_withheld_then_released),
        PARTY_TEST(test_withheld_by_reading),
        PARTY_TEST(test_release_while_reading),
        PARTY_TEST(test_withheld_over_a_resume),
        PARTY_TEST(test_unblocked_while_away),
        PARTY_TEST(test_congested_then_drained),
        PARTY_TEST(test_congested_when_live),
        PARTY_TEST(test_many_pages),
        PARTY_TEST(test_resume_with_positions),
        PARTY_TEST(test_positions_acknowledge),
        PARTY_TEST(test_horizon_from_the_future),
        PARTY_TEST(test_positions_from_elsewhere),
        PARTY_TEST(test_missed_events),
        PARTY_TEST(test_missed_release),
        PARTY_TEST(test_failed_read_is_tried_again),
        PARTY_TEST(test_leaves_while_reading),
        PARTY_TEST(test_acknowledged_is_not_sent_again),
        PARTY_TEST(test_acknowledgement_that_failed),
        PARTY_TEST(test_positions_go),
        PARTY_TEST(test_two_devices),
        PARTY_TEST(test_resent_message),
        PARTY_TEST(test_not_stored_is_not_delivered),
        PARTY_TEST(test_quota),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
