/* test_administration.c - accounts changed while people use them: who is out, who may come back, and what a login under way comes
 * to. */
#include "chat/administration.h"
#include "harness.h"

static void changed(struct administration *administration)
{
    assert_int_equal(shard_in_flight(administration->shard), 0);
    administration->done = NULL; /* a mark */
}

static enum err change(struct party *party, struct administration *what, void (*how)(struct shard *, struct administration *))
{
    what->done = changed;
    how(party->stage->shards[0], what);
    assert_non_null(what->done); /* never inside */
    settle(party);
    assert_null(what->done);
    return what->err;
}

static enum err simply(struct party *party, const char *name, void (*how)(struct shard *, struct administration *))
{
    struct administration what = {.name = slice_str(name), .password = slice_str("another password")};
    return change(party, &what, how);
}

static enum err try_password(struct party *party, const char *name, const char *password)
{
    struct login login = {.name = slice_str(name), .password = slice_str(password)};
    return log_in(party, &login, login_with_password);
}

static enum err try_token(struct party *party, const struct guest *guest)
{
    struct login login = {.token = slice_of(guest->login.device_token.bytes, TOKEN_SIZE)};
    return log_in(party, &login, login_with_token);
}

static void an_account_is_added(void **state)
{
    struct party *party = *state;
    assert_int_equal(simply(party, "alice", administration_add), OK);
    assert_int_equal(simply(party, "alice", administration_add), ERR_NAME_TAKEN);
    assert_int_equal(try_password(party, "alice", "another password"), OK);
}

static void who_is_disabled_is_out(void **state)
{
    struct party *party = *state;
    struct guest *here = arrive(party, "alice", 0), *there = arrive(party, "alice", 1);
    struct administration what = {.name = slice_str("alice")};
    assert_int_equal(change(party, &what, administration_disable), OK);
    assert_int_equal(what.sessions, 2);
    sees(here, "farewell revoked");
    sees(there, "farewell revoked");
    leave(here);
    leave(there);
    assert_int_equal(try_password(party, "alice", "correct horse"), ERR_WRONG_PASSWORD);
    assert_int_equal(try_token(party, here), ERR_BAD_TOKEN);
    assert_int_equal(simply(party, "alice", administration_enable), OK);
    assert_int_equal(try_token(party, here), ERR_BAD_TOKEN);
    assert_int_equal(try_password(party, "alice", "correct horse"), OK);
    assert_int_equal(simply(party, "nobody", administration_disable), ERR_UNKNOWN_USER);
    assert_int_equal(simply(party, "nobody", administration_enable), ERR_UNKNOWN_USER);
}

static void another_password(void **state)
{
    struct party *party = *state;
    struct guest *alice = arrive(party, "alice", 1);
    assert_int_equal(simply(party, "alice", administration_password), OK);
    sees(alice, "farewell revoked");
    assert_int_equal(try_token(party, alice), ERR_BAD_TOKEN);
    assert_int_equal(try_password(party, "alice", "correct horse"), ERR_WRONG_PASSWORD);
    assert_int_equal(try_password(party, "alice", "another password"), OK);
    assert_int_equal(simply(party, "nobody", administration_password), ERR_UNKNOWN_USER);
}

/* Logged in before, joins after: with a session or a token it must not stay. */
static void a_login_under_way_comes_to_nothing(void **state)
{
    struct party *party = *state;
    struct participant *participant = NULL;
    struct guest *alice = guest_new(party, "alice"); /* has logged in, not joined */
    assert_int_equal(simply(party, "alice", administration_password), OK);
    assert_int_equal(
        participant_join(party->stage->shards[1], &alice->login, &(struct resume){0}, &guest_ops, alice, &participant),
        ERR_WRONG_PASSWORD);
    assert_null(participant);
    settle(party);
    assert_int_equal(try_token(party, alice), ERR_BAD_TOKEN);
    struct chat_counters counters;
    chat_count(party->stage->chat, &counters);
    assert_int_equal(counters.sessions, 0);
    assert_int_equal(counters.users_online, 0);
    assert_int_equal(try_password(party, "alice", "another password"), OK);
}

static void wrong_passwords_are_forgotten(void **state)
{
    struct party *party = *state;
    (void)new_device(party, "alice");
    assert_int_equal(simply(party, "alice", administration_unblock), ERR_NOT_BLOCKED);
    assert_int_equal(simply(party, "nobody", administration_unblock), ERR_UNKNOWN_USER);
    for (int i = 0; i < 3; i++)
        assert_int_equal(try_password(party, "alice", "wrong password"), ERR_WRONG_PASSWORD);
    assert_int_equal(try_password(party, "alice", "correct horse"), ERR_ACCOUNT_BLOCKED);
    assert_int_equal(simply(party, "alice", administration_unblock), OK);
    assert_int_equal(try_password(party, "alice", "correct horse"), OK);
    assert_int_equal(simply(party, "alice", administration_unblock), ERR_NOT_BLOCKED);
}

/* Unblocks alice on shard 0, whose turn ends, before the turn of shard 1 ends in which her third wrong password was judged. */
struct meddler {
    struct stage *stage;
    struct administration what;
    size_t jobs_before;
    bool meddled;
};

static void unblock_in_between(void *ctx, unsigned shard)
{
    struct meddler *meddler = ctx;
    struct shard *first = meddler->stage->shards[0];
    if (shard != 1 || meddler->meddled || meddler->stage->jobs_done == meddler->jobs_before)
        return;
    meddler->meddled = true;
    administration_unblock(first, &meddler->what);
    shard_flush(first);
}

static void what_came_last_is_stored_last(void **state)
{
    struct party *party = *state;
    struct stage *stage = party->stage;
    (void)new_device(party, "alice");
    for (int i = 0; i < 2; i++)
        assert_int_equal(try_password(party, "alice", "wrong password"), ERR_WRONG_PASSWORD);
    struct meddler meddler = {stage, {.name = slice_str("alice"), .done = changed}, stage->jobs_done, false};
    struct login third = {.name = slice_str("alice"), .password = slice_str("wrong password"), .address = "192.0.2.1"};
    third.done = login_done;
    login_with_password(stage->shards[1], &third);
    stage->turn_end = unblock_in_between;
    stage->ctx = &meddler;
    stage_settle(stage);
    stage->turn_end = NULL;
    assert_true(third.err == ERR_WRONG_PASSWORD && third.retry_after > 0);
    assert_true(meddler.meddled && meddler.what.done == NULL && meddler.what.err == OK);
    stage_stop_chat(stage);
    stage_start_chat(stage);
    assert_int_equal(try_password(party, "alice", "correct horse"), OK);
}

/* The answer ends what the operations point to, so none may be under way then; the queue has room for the first one only. */
static void nothing_is_under_way_when_it_is_answered(void **state)
{
    struct party *party = *state;
    struct stage *stage = party->stage;
    struct guest *alice = arrive(party, "alice", 1);
    stage->failing = 1U << STORE_DEVICES_FORGET;
    stage->failure = ERR_CAP;
    assert_int_equal(simply(party, "alice", administration_disable), ERR_UNAVAILABLE);
    sees(alice, "farewell revoked");
    leave(alice);
    assert_int_equal(try_token(party, alice), ERR_BAD_TOKEN);
    stage->failing = 1U << STORE_ACCOUNT_PASSWORD | 1U << STORE_ACCOUNT_DISABLE;
    assert_int_equal(simply(party, "alice", administration_enable), ERR_UNAVAILABLE);
    stage->failing = 0;
    assert_int_equal(simply(party, "alice", administration_enable), OK);
    stage->failing = 1U << STORE_ACCOUNT_PASSWORD | 1U << STORE_ACCOUNT_DISABLE;
    assert_int_equal(simply(party, "alice", administration_password), ERR_UNAVAILABLE);
    assert_int_equal(simply(party, "alice", administration_disable), ERR_UNAVAILABLE);
    assert_int_equal(try_token(party, alice), OK);
}

static void who_is_kicked_may_come_back(void **state)
{
    struct party *party = *state;
    struct guest *alice = arrive(party, "alice", 1);
    struct administration what = {.name = slice_str("alice")};
    assert_int_equal(change(party, &what, administration_kick), OK);
    assert_int_equal(what.sessions, 1);
    sees(alice, "farewell revoked");
    leave(alice);
    assert_int_equal(try_token(party, alice), OK);
    assert_int_equal(simply(party, "alice", administration_kick), ERR_OFFLINE);
    assert_int_equal(simply(party, "nobody", administration_kick), ERR_UNKNOWN_USER);
}

static void messages_are_counted(void **state)
{
    struct party *party = *state;
    struct guest *alice = arrive(party, "alice", 0), *bob = arrive(party, "bob", 1);
    struct chat_counters counters;
    say(alice, 1, "bob", "one");
    say(alice, 2, "bob", "two");
    say(bob, 1, "nobody", "three");
    chat_count(party->stage->chat, &counters);
    assert_int_equal(counters.accepted, 2);
    assert_int_equal(counters.delivered, 2);
    assert_int_equal(counters.accounts, 2);
    assert_int_equal(counters.sessions, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        PARTY_TEST(an_account_is_added),
        PARTY_TEST(who_is_disabled_is_out),
        PARTY_TEST(another_password),
        PARTY_TEST(a_login_under_way_comes_to_nothing),
        PARTY_TEST(wrong_passwords_are_forgotten),
        PARTY_TEST(what_came_last_is_stored_last),
        PARTY_TEST(nothing_is_under_way_when_it_is_answered),
        PARTY_TEST(who_is_kicked_may_come_back),
        PARTY_TEST(messages_are_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
