/* test_password.c - people give their account another password: what it takes, who is out afterwards, and who gets in between. */
#include "chat/administration.h"
#include "harness.h"

static const char present[] = "correct horse", other[] = "battery staple";

static void ask(struct guest *guest, uint64_t number, const char *current, const char *another)
{
    assert_int_equal(participant_password(guest->participant, number, slice_str(current), slice_str(another), "192.0.2.1"), OK);
}

static void change(struct guest *guest, uint64_t number, const char *current, const char *another)
{
    ask(guest, number, current, another);
    settle(guest->party);
}

static enum err try_password(struct party *party, const char *password)
{
    struct login login = {.name = slice_str("alice"), .password = slice_str(password)};
    return log_in(party, &login, login_with_password);
}

static enum err try_token(const struct guest *guest)
{
    struct login login = {.token = slice_of(guest->login.device_token.bytes, TOKEN_SIZE)};
    return log_in(guest->party, &login, login_with_token);
}

static void administer(struct party *party, const char *password, void (*how)(struct shard *, struct administration *));

static void only_this_device_stays(void **state)
{
    struct party *party = *state;
    struct guest *here = arrive(party, "alice", 0), *there = arrive(party, "alice", 1), *bob = arrive(party, "bob", 1);
    struct guest *away = guest_new(party, "alice");
    forget_lines(here);
    forget_lines(there);
    change(here, 7, present, other);
    sees(here, "7 ok");
    silent(here);
    sees(there, "farewell revoked");
    leave(there);
    assert_int_equal(try_token(here), OK);
    assert_int_equal(try_token(there), ERR_BAD_TOKEN);
    assert_int_equal(try_token(away), ERR_BAD_TOKEN);
    assert_int_equal(try_token(bob), OK);
    assert_int_equal(try_password(party, present), ERR_WRONG_PASSWORD);
    assert_int_equal(try_password(party, other), OK);
    change(here, 8, other, present); /* and back */
    sees(here, "8 ok");
    assert_int_equal(try_password(party, present), OK);
    silent(bob);
}

/* What has begun before must not join; but this device may just be coming back on another connection. */
static void logins_under_way(void **state)
{
    struct party *party = *state;
    struct participant *participant = NULL;
    struct guest *here = arrive(party, "alice", 0), *late = guest_new(party, "alice"), *again = guest_new(party, "bob");
    again->login = here->login;
    snprintf(again->name, sizeof again->name, "alice");
    change(here, 1, present, other);
    sees(here, "1 ok");
    assert_int_equal(participant_join(party->stage->shards[1], &late->login, &(struct resume){0}, &guest_ops, late, &participant),
                     ERR_WRONG_PASSWORD);
    come_back(again, 1, 0, NULL, 0);
    sees(here, "farewell replaced");
    assert_int_equal(try_token(here), OK);
    administer(party, present, administration_password);
    sees(again, "caught up");
    sees(again, "farewell revoked");
    leave(again);
    assert_int_equal(
        participant_join(party->stage->shards[1], &again->login, &(struct resume){0}, &guest_ops, again, &participant),
        ERR_WRONG_PASSWORD);
}

/* More than the bus takes at once. */
static void jam(struct party *party)
{
    static const uint8_t junk[20000] = {0xff, 0xff, 0xff, 0xff}; /* an event of no kind */
    for (int i = 0; i < 80; i++)
        bus_send(party->stage->bus, 0, 1, &(struct slice){junk, sizeof junk}, 1);
}

/* The bus loses what is told: the seats know, and so does the one that stays. */
static void farewells_are_lost(void **state)
{
    struct party *party = *state;
    struct guest *here = arrive(party, "alice", 1), *there = arrive(party, "alice", 1);
    forget_lines(here);
    forget_lines(there);
    ask(here, 1, present, other);
    settle(party);
    jam(party);
    settle(party);
    sees(here, "1 ok");
    sees(there, "farewell revoked");
    while (here->first < here->count)
        sees(here, "caught up");
    assert_int_equal(try_token(here), OK);
}

static void three_wrong_ones_block(void **state)
{
    struct party *party = *state;
    struct guest *alice = arrive(party, "alice", 0), *second = arrive(party, "alice", 1);
    forget_lines(alice);
    change(alice, 1, "wrong", other);
    sees(alice, "1 wrong_password");
    assert_int_equal(try_password(party, "wrong"), ERR_WRONG_PASSWORD); /* logins and changes count together */
    change(second, 2, "wrong", other);
    sees(second, "2 wrong_password");
    change(alice, 3, present, other);
    sees(alice, "3 account_blocked");
    assert_int_equal(try_password(party, present), ERR_ACCOUNT_BLOCKED);
    stage_pass(party->stage, 60 * 1000);
    forget_lines(alice);
    change(alice, 4, "wrong", other);
    change(alice, 5, "wrong", other);
    change(alice, 6, present, other); /* in time: the count begins anew */
    sees(alice, "4 wrong_password");
    sees(alice, "5 wrong_password");
    sees(alice, "6 ok");
    change(alice, 7, "wrong", other);
    change(alice, 8, "wrong", other);
    sees(alice, "7 wrong_password");
    sees(alice, "8 wrong_password");
    assert_int_equal(try_password(party, other), OK);
}

static void a_block_outlives_the_server(void **state)
{
    struct party *party = *state;
    struct guest *alice = arrive(party, "alice", 0);
    for (unsigned i = 1; i <= 3; i++)
        change(alice, i, "wrong", other);
    participant_leave(&alice->participant, false);
    settle(party);
    stage_stop_chat(party->stage);
    stage_start_chat(party->stage);
    assert_int_equal(try_password(party, present), ERR_ACCOUNT_BLOCKED);
}

static void failures_count_against_the_address(void **state)
{
    struct party *party = *state;
    struct stage *stage = party->stage;
    struct guest *alice = arrive(party, "alice", 0), *bob = arrive(party, "bob", 0);
    forget_lines(alice);
    stage_pass(stage, 60 * 1000); /* the two new accounts */
    stage->settings.failures_a_minute = 2;
    assert_int_equal(chat_configure(stage->chat, &stage->settings), OK);
    change(alice, 1, "wrong", other);
    change(bob, 2, present, other); /* a success is not to be had without end either */
    change(bob, 3, other, present);
    change(alice, 4, present, other);
    sees(alice, "1 wrong_password");
    sees(bob, "2 ok");
    sees(bob, "3 rate_limited");
    sees(alice, "4 rate_limited");
}

static void one_at_a_time(void **state)
{
    struct party *party = *state;
    struct guest *alice = arrive(party, "alice", 0);
    ask(alice, 1, present, other);
    assert_int_equal(participant_password(alice->participant, 2, slice_str(other), slice_str(present), "192.0.2.1"),
                     ERR_RATE_LIMITED);
    assert_int_equal(participant_unanswered(alice->participant), 1);
    settle(party);
    sees(alice, "1 ok");
    silent(alice);
    change(alice, 3, other, present);
    sees(alice, "3 ok");
}

static void of_two_devices_one_is_first(void **state)
{
    struct party *party = *state;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        struct stage *stage = party->stage;
        struct guest *one = arrive(party, "alice", 0), *two = arrive(party, "alice", 1);
        stage->seed = seed;
        stage->shuffled = true;
        ask(one, 1, present, "the first one");
        ask(two, 2, present, "the second one");
        settle(party);
        stage->shuffled = false;
        bool first = one->count > 1 && strcmp(one->lines[1], "1 ok") == 0;
        struct guest *winner = first ? one : two, *loser = first ? two : one;
        sees(winner, first ? "1 ok" : "2 ok");
        silent(winner);
        if (strstr(loser->lines[loser->first], "wrong_password"))
            loser->first++;
        sees(loser, "farewell revoked");
        assert_int_equal(try_token(loser), ERR_BAD_TOKEN);
        assert_int_equal(try_password(party, first ? "the second one" : "the first one"), ERR_WRONG_PASSWORD);
        change(winner, 3, first ? "the first one" : "the second one", present);
        sees(winner, "3 ok");
        leave(winner);
        leave(loser);
    }
}

/* ---- others who change the hash ---- */

struct meddler {
    struct party *party;
    char (*hashes)[PASSWORD_HASH_SIZE]; /* put in place of the one that was verified, in turn */
    size_t jobs_before, times;
};

static void replace_hash(void *ctx, unsigned shard)
{
    struct meddler *meddler = ctx;
    struct stage *stage = meddler->party->stage;
    if (stage->jobs_done == meddler->jobs_before || meddler->times == 0)
        return;
    static struct store_account_password op;
    meddler->jobs_before = stage->jobs_done;
    meddler->times--;
    op = (struct store_account_password){.account = user_of(meddler->party, "alice")->id,
                                         .password = meddler->hashes[meddler->times % 2]};
    op.op = (struct store_op){.verb = STORE_ACCOUNT_PASSWORD, .done = put_done, .home = stage->worlds[0].strand};
    store_submit(&stage->door, &op.op);
}

static void meddle(struct guest *guest, char (*hashes)[PASSWORD_HASH_SIZE], size_t times)
{
    struct stage *stage = guest->party->stage;
    struct meddler meddler = {guest->party, hashes, stage->jobs_done, times};
    stage->turn_end = replace_hash;
    stage->ctx = &meddler;
    change(guest, 9, present, other);
    stage->turn_end = NULL;
    assert_int_equal(meddler.times, 0);
}

static void hash_of(const char *password, char hash[PASSWORD_HASH_SIZE])
{
    assert_int_equal(password_hash(slice_str(password), &password_cost_least, hash), OK);
}

/* A login has the same password hashed anew between our look and our change. */
static void a_rehash_in_between(void **state)
{
    struct party *party = *state;
    struct guest *alice = arrive(party, "alice", 0);
    char same[2][PASSWORD_HASH_SIZE];
    hash_of(present, same[0]);
    meddle(alice, same, 1);
    sees(alice, "9 ok");
    assert_int_equal(try_password(party, other), OK);
    assert_int_equal(try_password(party, present), ERR_WRONG_PASSWORD);
}

/* That has an end: somebody else is changing it all the time. */
static void rehashes_without_end(void **state)
{
    struct party *party = *state;
    struct guest *alice = arrive(party, "alice", 0);
    char same[2][PASSWORD_HASH_SIZE];
    hash_of(present, same[0]);
    hash_of(present, same[1]);
    meddle(alice, same, 3);
    sees(alice, "9 unavailable");
    assert_int_equal(try_password(party, present), OK);
    assert_int_equal(try_password(party, other), ERR_WRONG_PASSWORD);
}

static void another_password_in_between(void **state)
{
    struct party *party = *state;
    struct guest *alice = arrive(party, "alice", 0);
    char third[2][PASSWORD_HASH_SIZE];
    hash_of("a third one", third[0]);
    meddle(alice, third, 1);
    sees(alice, "9 wrong_password");
    assert_int_equal(try_token(alice), OK);
    assert_int_equal(try_password(party, other), ERR_WRONG_PASSWORD);
    assert_int_equal(try_password(party, "a third one"), OK);
}

/* ---- administrators ---- */

static void administered(struct administration *administration)
{
    administration->done = NULL; /* a mark */
}

static void administer(struct party *party, const char *password, void (*how)(struct shard *, struct administration *))
{
    struct administration what = {.name = slice_str("alice"), .password = slice_str(password), .done = administered};
    how(party->stage->shards[1], &what);
    settle(party);
    assert_null(what.done);
    assert_int_equal(what.err, OK);
}

static bool has_seen(const struct guest *guest, const char *line)
{
    for (size_t i = 0; i < guest->count; i++)
        if (strcmp(guest->lines[i], line) == 0)
            return true;
    return false;
}

/* In whatever order things happen: the administrator's word is not undone by who was on the way. */
static void an_administrator_at_the_same_time(void **state)
{
    static void (*const ways[])(struct shard *, struct administration *) = {administration_password, administration_disable};
    struct party *party = *state;
    for (uint64_t seed = 1; seed <= 40; seed++) {
        struct stage *stage = party->stage;
        struct guest *alice = arrive(party, "alice", 0);
        struct administration what = {.name = slice_str("alice"), .password = slice_str("from above"), .done = administered};
        bool disables = seed % 2 == 0;
        stage->seed = seed;
        stage->shuffled = true;
        ask(alice, 1, present, other);
        ways[disables](stage->shards[1], &what);
        settle(party);
        stage->shuffled = false;
        assert_int_equal(what.err, OK);
        assert_true(has_seen(alice, "farewell revoked"));
        leave(alice);
        assert_int_equal(try_token(alice), ERR_BAD_TOKEN);
        if (disables) {
            assert_int_equal(try_password(party, other), ERR_WRONG_PASSWORD);
            administer(party, "", administration_unblock);
            administer(party, "", administration_enable);
            assert_int_equal(try_token(alice), ERR_BAD_TOKEN);
        } else {
            assert_int_equal(try_password(party, "from above"), OK);
        }
        /* nor by who was just coming back */
        assert_int_equal(
            participant_join(stage->shards[1], &alice->login, &(struct resume){0}, &guest_ops, alice, &alice->participant),
            ERR_WRONG_PASSWORD);
        administer(party, present, administration_password);
    }
}

/* ---- what goes wrong ---- */

static void what_is_not_stored_is_not_in_force(void **state)
{
    struct party *party = *state;
    struct guest *here = arrive(party, "alice", 0), *there = arrive(party, "alice", 1);
    forget_lines(here);
    party->stage->failing = 1U << STORE_ACCOUNT_PASSWORD;
    party->stage->failure = ERR_NOT_STORED;
    change(here, 1, present, other);
    sees(here, "1 not_stored");
    party->stage->failing = 0;
    silent(there);
    assert_int_equal(try_token(there), OK);
    assert_int_equal(try_password(party, other), ERR_WRONG_PASSWORD);
    assert_int_equal(try_password(party, present), OK);
    party->stage->jobs_most = 0;
    change(here, 2, present, other);
    sees(here, "2 unavailable");
    party->stage->jobs_most = 100;
    change(here, 3, present, other);
    sees(here, "3 ok");
}

/* Whoever asked has gone: it is done all the same, and nobody is told. */
static void who_asked_has_gone(void **state)
{
    struct party *party = *state;
    struct guest *alice = arrive(party, "alice", 0);
    ask(alice, 1, present, other);
    participant_leave(&alice->participant, false);
    settle(party);
    silent(alice);
    assert_int_equal(try_password(party, other), OK);
    assert_int_equal(try_token(alice), OK);
    assert_int_equal(shard_in_flight(party->stage->shards[0]), 0);
}

/* A crash after the answer, and one before the store had it. */
static void after_a_crash(void **state)
{
    struct party *party = *state;
    struct stage *stage = party->stage;
    struct guest *alice = arrive(party, "alice", 0);
    change(alice, 1, present, other);
    sees(alice, "1 ok");
    stage->crashed = true;
    change(alice, 2, other, "never stored");
    sees(alice, "2 unavailable");
    participant_leave(&alice->participant, false);
    settle(party);
    stage_stop_chat(stage);
    stage_start_chat(stage);
    assert_int_equal(try_password(party, "never stored"), ERR_WRONG_PASSWORD);
    assert_int_equal(try_password(party, other), OK);
    assert_int_equal(try_token(alice), OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        PARTY_TEST(only_this_device_stays),
        PARTY_TEST(logins_under_way),
        PARTY_TEST(farewells_are_lost),
        PARTY_TEST(three_wrong_ones_block),
        PARTY_TEST(a_block_outlives_the_server),
        PARTY_TEST(failures_count_against_the_address),
        PARTY_TEST(one_at_a_time),
        PARTY_TEST(of_two_devices_one_is_first),
        PARTY_TEST(a_rehash_in_between),
        PARTY_TEST(rehashes_without_end),
        PARTY_TEST(another_password_in_between),
        PARTY_TEST(an_administrator_at_the_same_time),
        PARTY_TEST(what_is_not_stored_is_not_in_force),
        PARTY_TEST(who_asked_has_gone),
        PARTY_TEST(after_a_crash),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
