/* test_ended.c - a device that ends while it is coming back: whichever is first, no session stays without a token that is good.
 */
#include "harness.h"

/* Looked up, and not seated yet. */
static struct guest *on_the_way(struct guest *other)
{
    struct party *party = other->party;
    struct guest *guest = calloc(1, sizeof *guest);
    assert_non_null(guest);
    party->guests[party->guest_count++] = guest;
    guest->party = party;
    snprintf(guest->name, sizeof guest->name, "%s", other->name);
    guest->login = (struct login){.token = slice_of(other->login.device_token.bytes, TOKEN_SIZE)};
    assert_int_equal(log_in(party, &guest->login, login_with_token), OK);
    assert_int_equal(guest->login.device, other->login.device);
    return guest;
}

static enum err sit_down(struct guest *guest)
{
    return participant_join(guest->party->stage->shards[1], &guest->login, &(struct resume){.continues = true}, &guest_ops, guest,
                            &guest->participant);
}

static void nobody_is_in(struct party *party)
{
    struct chat_counters counters;
    settle(party);
    chat_count(party->stage->chat, &counters);
    assert_int_equal(counters.sessions, 0);
    assert_int_equal(counters.users_online, 0);
}

static void log_out(struct guest *guest)
{
    participant_leave(&guest->participant, true);
}

static void is_refused(struct guest *guest)
{
    assert_int_equal(sit_down(guest), ERR_WRONG_PASSWORD);
    assert_null(guest->participant);
}

static void it_sits_down_after_a_logout(void **state)
{
    struct party *party = *state;
    struct guest *alice = arrive(party, "alice", 0), *again = on_the_way(alice);
    log_out(alice);
    settle(party);
    is_refused(again);
    nobody_is_in(party);
}

/* Its token could be looked up until the store had forgotten it. */
static void it_sits_down_while_a_logout_is_stored(void **state)
{
    struct party *party = *state;
    struct guest *alice = arrive(party, "alice", 0), *again = on_the_way(alice);
    log_out(alice);
    assert_int_equal(sit_down(again), OK);
    settle(party);
    sees(again, "farewell revoked");
    leave(again);
    nobody_is_in(party);
}

/* What the store could not forget is as good as before. */
static void a_logout_that_is_not_stored(void **state)
{
    struct party *party = *state;
    struct guest *alice = arrive(party, "alice", 0), *again = on_the_way(alice);
    party->stage->failing = 1U << STORE_DEVICE_FORGET;
    party->stage->failure = ERR_NOT_STORED;
    log_out(alice);
    settle(party);
    assert_int_equal(sit_down(again), OK);
    settle(party);
    sees(again, "caught up");
    silent(again);
    party->stage->failing = 0;
}

static void keep_one_device(struct party *party)
{
    party->stage->settings.devices = 1;
    assert_int_equal(chat_configure(party->stage->chat, &party->stage->settings), OK);
}

static void it_sits_down_after_there_were_too_many(void **state)
{
    struct party *party = *state;
    struct guest *old = guest_new(party, "alice"), *again = on_the_way(old);
    keep_one_device(party);
    struct guest *fresh = guest_new(party, "alice");
    assert_int_equal(sit_down(fresh), OK); /* the one that has ended the other */
    settle(party);
    sees(fresh, "caught up");
    is_refused(again);
    is_refused(old);
    settle(party);
    silent(fresh);
    leave(fresh);
    nobody_is_in(party);
}

static void a_device_of_somebody_else_does_not_matter(void **state)
{
    struct party *party = *state;
    struct guest *alice = arrive(party, "alice", 0), *bob = arrive(party, "bob", 0), *again = on_the_way(bob);
    log_out(alice);
    settle(party);
    assert_int_equal(sit_down(again), OK);
    settle(party);
    forget_lines(again);
    leave(bob);
}

static void what_is_remembered_has_an_end(void **state)
{
    struct ended *ended = malloc(sizeof *ended);
    assert_non_null(ended);
    ended_init(ended);
    for (uint64_t device = 1; device <= ENDED_KEPT; device++)
        ended_add(ended, device);
    assert_true(ended_since(ended, 0, 1) && ended_since(ended, 0, ENDED_KEPT));
    assert_false(ended_since(ended, 1, 1));
    assert_false(ended_since(ended, ended_count(ended), ENDED_KEPT));
    assert_true(ended_since(ended, ended_count(ended) - 1, ENDED_KEPT));
    ended_add(ended, ENDED_KEPT + 1);
    assert_false(ended_since(ended, 0, 1));
    assert_true(ended_since(ended, 0, 2) && ended_since(ended, 0, ENDED_KEPT + 1));
    ended_free(ended);
    free(ended);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        PARTY_TEST(it_sits_down_after_a_logout),
        PARTY_TEST(it_sits_down_while_a_logout_is_stored),
        PARTY_TEST(a_logout_that_is_not_stored),
        PARTY_TEST(it_sits_down_after_there_were_too_many),
        PARTY_TEST(a_device_of_somebody_else_does_not_matter),
        cmocka_unit_test(what_is_remembered_has_an_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
