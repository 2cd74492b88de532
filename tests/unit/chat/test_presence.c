/* test_presence.c - coming and going: announced once, to those who may see it, with the right last word, and dated. */
#include "harness.h"

#include "bus/bus.h"
#include "presence.h"

enum { A_MOMENT_MS = 100 };

static const char *who(struct guest *guest, int64_t seconds)
{
    static char line[256];
    struct arena arena;
    struct slice *names;
    size_t count, len = 0;
    arena_init(&arena, 65536, 0);
    assert_int_equal(participant_who(guest->participant, seconds, &arena, &names, &count), OK);
    line[0] = '\0';
    for (size_t i = 0; i < count; i++)
        len += (size_t)snprintf(line + len, sizeof line - len, "%s%.*s", i > 0 ? " " : "", NAME(names[i]));
    arena_free(&arena);
    return line;
}

static void test_first_and_last_device(void **state)
{
    struct party *party = *state;
    struct guest *alice = arrive(party, "alice", 0);
    struct guest *one = arrive(party, "bob", 1), *other = arrive(party, "bob", 0);
    sees(alice, "bob comes");
    silent(alice);
    assert_string_equal(who(alice, -1), "bob");
    leave(one);
    silent(alice);
    assert_string_equal(who(alice, -1), "bob");
    leave(other);
    sees(alice, "bob goes");
    silent(alice);
    assert_string_equal(who(alice, -1), "");
}

static void test_who_is_sorted(void **state)
{
    struct party *party = *state;
    arrive(party, "dave", 0);
    arrive(party, "da", 1);
    arrive(party, "carol", 0);
    struct guest *alice = arrive(party, "alice", 1);
    assert_string_equal(who(alice, -1), "carol da dave");
}

/* Came and went before the other shard heard of either. */
static void test_only_the_last_word_counts(void **state)
{
    struct party *party = *state;
    struct guest *alice = arrive(party, "alice", 1), *bob = guest_new(party, "bob");
    join(bob, 0, &(struct resume){0});
    participant_leave(&bob->participant, false);
    settle(party);
    sees(alice, "bob goes");
    silent(alice);
    join(bob, 0, &(struct resume){0});
    participant_leave(&bob->participant, false);
    join(bob, 0, &(struct resume){0});
    settle(party);
    sees(alice, "bob comes");
    silent(alice);
}

/* Goes on one shard and comes on the other; whichever announcement is late says nothing. */
static void test_race_of_two_shards(void **state)
{
    struct party *party = *state;
    struct guest *alice = arrive(party, "alice", 0), *carol = arrive(party, "carol", 1);
    struct guest *one = arrive(party, "bob", 0), *other = guest_new(party, "bob");
    forget_lines(alice);
    forget_lines(carol);
    participant_leave(&one->participant, false); /* version 2, staged on shard 0 */
    sees(alice, "bob goes");
    join(other, 1, &(struct resume){0}); /* version 3, told on shard 1 at once */
    sees(carol, "bob comes");
    settle(party);
    silent(carol); /* version 2 came too late */
    sees(alice, "bob comes");
    silent(alice);
}

static void test_stale_announcement(void **state)
{
    struct party *party = *state;
    struct guest *alice = arrive(party, "alice", 0);
    arrive(party, "bob", 1);
    sees(alice, "bob comes");
    struct user *bob = user_of(party, "bob");
    struct event event = {.kind = EVENT_PRESENCE, .sender = bob->id, .version = bob->presence_version - 1};
    presence_on_event(party->stage->shards[0], &event, slice_of(NULL, 0));
    event.version = bob->presence_version + 1;
    presence_on_event(party->stage->shards[0], &event, slice_of(NULL, 0));
    event.sender = 12345; /* nobody */
    presence_on_event(party->stage->shards[0], &event, slice_of(NULL, 0));
    silent(alice);
}

static void test_hidden_by_a_block(void **state)
{
    struct party *party = *state;
    struct guest *alice = arrive(party, "alice", 0), *bob = arrive(party, "bob", 1);
    forget_lines(alice);
    set_block(bob, "alice", true);
    leave(bob);
    silent(alice);
    assert_string_equal(who(alice, 3600), "");
    join(bob, 1, &(struct resume){0});
    settle(party);
    silent(alice);
    assert_string_equal(who(alice, -1), "");
    leave(alice);
    join(alice, 0, &(struct resume){0});
    settle(party);
    forget_lines(bob);
    leave(alice);
    sees(bob, "alice goes"); /* the blocker sees on */
}

static void test_replaced(void **state)
{
    struct party *party = *state;
    struct guest *alice = arrive(party, "alice", 0), *bob = arrive(party, "bob", 1);
    sees(alice, "bob comes");
    struct guest *again = guest_new(party, "bob");
    again->login = bob->login;
    join(again, 0, &(struct resume){0});
    settle(party);
    sees(bob, "farewell replaced");
    silent(bob);
    leave(bob);
    silent(alice); /* somebody was there all the time */
    assert_string_equal(who(alice, -1), "bob");
}

static void test_whoelsesince(void **state)
{
    struct party *party = *state;
    struct guest *alice = arrive(party, "alice", 0), *bob = arrive(party, "bob", 1);
    new_device(party, "carol"); /* was never online */
    stage_pass(party->stage, 10000);
    leave(bob);
    stage_pass(party->stage, 10000);
    assert_string_equal(who(alice, 5), "");
    assert_string_equal(who(alice, 10), "bob");
    assert_string_equal(who(alice, INT64_MAX / 1000), "bob");
    assert_string_equal(who(alice, -1), "");
    arrive(party, "carol", 1);
    assert_string_equal(who(alice, 0), "carol");
}

static void test_history_outlives_the_server(void **state)
{
    struct party *party = *state;
    struct guest *bob = arrive(party, "bob", 1);
    stage_pass(party->stage, 60000);
    leave(bob);
    stage_stop_chat(party->stage);
    stage_pass(party->stage, 60000);
    stage_start_chat(party->stage);
    struct guest *alice = arrive(party, "alice", 0);
    assert_string_equal(who(alice, 59), "");
    assert_string_equal(who(alice, 61), "bob");
}

/* Gone before the store has said under what number the login is known. */
static void test_short_stay(void **state)
{
    struct party *party = *state;
    struct guest *bob = guest_new(party, "bob");
    party->stage->shut = true;
    join(bob, 0, &(struct resume){0});
    participant_leave(&bob->participant, false);
    settle(party);
    party->stage->shut = false;
    settle(party);
    assert_int_equal(party->stage->ops[STORE_LOGIN_OPEN], 1);
    stage_pass(party->stage, A_MOMENT_MS);
    assert_int_equal(party->stage->ops[STORE_LOGIN_CLOSE], 1);
}

/* Nobody waits for the end of a login to be on disk: the store is not woken for it alone, if anything else comes soon. */
static void test_the_end_goes_with_what_comes(void **state)
{
    struct party *party = *state;
    struct guest *bob = arrive(party, "bob", 0), *carol = arrive(party, "carol", 0), *alice = arrive(party, "alice", 0);
    stage_pass(party->stage, 5000); /* housekeeping looks into the store when it begins */
    leave(bob);
    stage_pass(party->stage, A_MOMENT_MS - 1);
    assert_int_equal(party->stage->ops[STORE_LOGIN_CLOSE], 0);
    stage_pass(party->stage, 1);
    assert_int_equal(party->stage->ops[STORE_LOGIN_CLOSE], 1);
    leave(carol);
    assert_int_equal(party->stage->ops[STORE_LOGIN_CLOSE], 1);
    say(alice, 1, "bob", "hi");
    assert_int_equal(party->stage->ops[STORE_LOGIN_CLOSE], 2);
}

/* The first device's login is closed from the shard of the last one. */
static void test_stay_over_two_shards(void **state)
{
    struct party *party = *state;
    struct guest *one = arrive(party, "bob", 0), *other = arrive(party, "bob", 1);
    leave(one);
    assert_int_equal(party->stage->ops[STORE_LOGIN_CLOSE], 0);
    leave(other);
    stage_pass(party->stage, A_MOMENT_MS);
    assert_int_equal(party->stage->ops[STORE_LOGIN_OPEN], 1);
    assert_int_equal(party->stage->ops[STORE_LOGIN_CLOSE], 1);
}

static void test_counts(void **state)
{
    struct party *party = *state;
    struct chat_counters counters;
    struct guest *one = arrive(party, "bob", 0);
    arrive(party, "bob", 1);
    arrive(party, "alice", 1);
    chat_count(party->stage->chat, &counters);
    assert_true(counters.accounts == 2 && counters.users_online == 2 && counters.sessions == 3);
    leave(one);
    chat_count(party->stage->chat, &counters);
    assert_true(counters.users_online == 2 && counters.sessions == 2);
}

static void test_broadcast_counts_users(void **state)
{
    struct party *party = *state;
    struct guest *alice = arrive(party, "alice", 0), *one = arrive(party, "bob", 0), *other = arrive(party, "bob", 1);
    struct guest *carol = arrive(party, "carol", 1);
    unsigned delivered;
    bool withheld;
    forget_lines(alice);
    forget_lines(one);
    forget_lines(other);
    assert_int_equal(participant_broadcast(alice->participant, slice_str("hear"), &delivered, &withheld), OK);
    assert_true(delivered == 2 && !withheld);
    assert_int_equal(user_set_blocked(user_of(party, "carol"), user_of(party, "alice")->id, true), OK);
    settle(party);
    sees(one, "broadcast alice: hear");
    sees(other, "broadcast alice: hear");
    silent(carol); /* it was on its way, and the block came first */
    silent(alice);
    assert_int_equal(participant_broadcast(alice->participant, slice_str("hear"), &delivered, &withheld), OK);
    assert_true(delivered == 1 && withheld);
    assert_int_equal(participant_broadcast(carol->participant, slice_str("and"), &delivered, &withheld), OK);
    assert_true(delivered == 2 && !withheld); /* to the one she blocks too */
}

/* Slots are used again; an event for who sat there before is dropped. */
static void test_slots_are_reused(void **state)
{
    struct party *party = *state;
    struct guest *bob = arrive(party, "bob", 0);
    struct event event = {.kind = EVENT_FAREWELL, .slot = bob->participant->slot, .generation = bob->participant->generation};
    leave(bob);
    join(bob, 0, &(struct resume){0});
    settle(party);
    assert_int_equal(bob->participant->slot, event.slot);
    forget_lines(bob);
    participant_on_farewell(party->stage->shards[0], &event, slice_of(NULL, 0));
    event.slot = 100000;
    participant_on_farewell(party->stage->shards[0], &event, slice_of(NULL, 0));
    silent(bob);
}

/* ---- announcements that are lost on the way ---- */

enum { JAM = 64 * 1024 };

/* Fills what shard 0 has staged for shard 1, up to the cap of its inbox: whatever follows in this turn is lost. */
static void jam(struct party *party)
{
    static const uint8_t junk[JAM] = {0xff, 0xff, 0xff, 0xff}; /* an event of no kind */
    for (int i = 0; i < 40; i++)
        bus_send(party->stage->bus, 0, 1, &(struct slice){junk, sizeof junk}, 1);
    for (int i = 0; i < JAM / 64; i++)
        bus_send(party->stage->bus, 0, 1, &(struct slice){junk, 64}, 1);
}

static void test_lost_announcements(void **state)
{
    struct party *party = *state;
    struct guest *alice = arrive(party, "alice", 1), *bob = arrive(party, "bob", 0), *carol = guest_new(party, "carol");
    struct guest *dave = guest_new(party, "dave");
    sees(alice, "bob comes");
    silent(alice);
    jam(party);
    participant_leave(&bob->participant, false);
    join(dave, 0, &(struct resume){0});
    join(carol, 0, &(struct resume){0});
    participant_leave(&carol->participant, false); /* alice may have seen her in a list meanwhile */
    settle(party);
    char seen[3][LINE] = {0};
    for (int i = 0; i < 3 && alice->first < alice->count; i++)
        snprintf(seen[i], LINE, "%s", alice->lines[alice->first++]);
    qsort(seen, 3, LINE, (int (*)(const void *, const void *))strcmp);
    assert_string_equal(seen[0], "bob goes");
    assert_string_equal(seen[1], "carol goes");
    assert_string_equal(seen[2], "dave comes");
    sees(alice, "caught up"); /* her messages are read again */
    silent(alice);
    settle(party);
    silent(alice);
    assert_string_equal(who(alice, -1), "dave");
}

/* Where nobody has ever sat nothing is announced, and what went by meanwhile is no news later. */
static void test_the_first_on_a_shard(void **state)
{
    struct party *party = *state;
    struct guest *bob = arrive(party, "bob", 0), *dave = arrive(party, "dave", 0);
    leave(bob);
    assert_null(party->stage->shards[1]->announcements);
    struct guest *alice = arrive(party, "alice", 1);
    jam(party);
    participant_leave(&dave->participant, false);
    settle(party);
    sees(alice, "dave goes");
    sees(alice, "caught up");
    silent(alice);
    struct guest *carol = arrive(party, "carol", 0);
    sees(alice, "carol comes");
    leave(carol);
    sees(alice, "carol goes");
    silent(alice);
}

static void test_lost_farewells(void **state)
{
    struct party *party = *state;
    struct guest *bob = arrive(party, "bob", 1), *alice = arrive(party, "alice", 1), *carol = arrive(party, "carol", 1);
    struct guest *again = guest_new(party, "bob");
    again->login = bob->login;
    forget_lines(bob);
    forget_lines(carol);
    forget_lines(alice);
    jam(party);
    join(again, 0, &(struct resume){0});
    presence_expel_all(party->stage->shards[0], user_of(party, "alice"), FAREWELL_REVOKED);
    settle(party);
    sees(bob, "farewell replaced");
    sees(alice, "farewell revoked");
    sees(carol, "caught up");
    silent(carol);
}

/* ---- many to tell ---- */

enum { CROWD = 150 }; /* seats, for which the pause is fifteen milliseconds */

static void test_many_are_told_together(void **state)
{
    struct party *party = *state;
    struct guest *alice = arrive(party, "alice", 0), *bob = guest_new(party, "bob");
    struct participant *crowd[CROWD];
    struct login nowhere = alice->login;
    nowhere.device = 0; /* seats without a device do not replace each other */
    for (int i = 0; i < CROWD; i++)
        assert_int_equal(participant_join(party->stage->shards[0], &nowhere, &(struct resume){0}, &guest_ops, alice, &crowd[i]),
                         OK);
    settle(party);
    forget_lines(alice);
    stage_pass(party->stage, 100);
    join(bob, 0, &(struct resume){0});
    for (int i = 0; i <= CROWD; i++)
        sees(alice, "bob comes"); /* after a quiet time at once */
    participant_leave(&bob->participant, false);
    join(bob, 0, &(struct resume){0});
    participant_leave(&bob->participant, false);
    stage_settle(party->stage);
    silent(alice);
    stage_pass(party->stage, 10);
    silent(alice);
    stage_pass(party->stage, 10);
    for (int i = 0; i <= CROWD; i++)
        sees(alice, "bob goes"); /* the rest of it once */
    silent(alice);
    for (int i = 0; i < CROWD; i++)
        participant_leave(&crowd[i], false);
    settle(party);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        PARTY_TEST(test_first_and_last_device),
        PARTY_TEST(test_who_is_sorted),
        PARTY_TEST(test_only_the_last_word_counts),
        PARTY_TEST(test_race_of_two_shards),
        PARTY_TEST(test_stale_announcement),
        PARTY_TEST(test_hidden_by_a_block),
        PARTY_TEST(test_replaced),
        PARTY_TEST(test_whoelsesince),
        PARTY_TEST(test_history_outlives_the_server),
        PARTY_TEST(test_short_stay),
        PARTY_TEST(test_the_end_goes_with_what_comes),
        PARTY_TEST(test_stay_over_two_shards),
        PARTY_TEST(test_counts),
        PARTY_TEST(test_broadcast_counts_users),
        PARTY_TEST(test_slots_are_reused),
        PARTY_TEST(test_lost_announcements),
        PARTY_TEST(test_the_first_on_a_shard),
        PARTY_TEST(test_lost_farewells),
        PARTY_TEST(test_many_are_told_together),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
