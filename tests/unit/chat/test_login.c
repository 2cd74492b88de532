/* test_login.c - what a stranger learns from refused logins, and what becomes of a block when the clock is set or the server is
 * started again. */
#include "harness.h"

enum { MINUTE = 60 * 1000, HOUR = 60 * MINUTE };

/* What one attempt cost: hashes, and operations of the store by verb. */
struct work {
    size_t jobs, ops[STORE_VERB_COUNT];
};

static enum err try_password(struct party *party, const char *name, const char *password, unsigned *retry_after)
{
    struct login login = {.name = slice_str(name), .password = slice_str(password)};
    enum err err = log_in(party, &login, login_with_password);
    *retry_after = login.retry_after;
    return err;
}

static enum err try_token(struct party *party, const struct login *device)
{
    struct login login = {.token = slice_of(device->device_token.bytes, TOKEN_SIZE)};
    return log_in(party, &login, login_with_token);
}

static void block(struct party *party, const char *name)
{
    unsigned retry_after = 0;
    for (int i = 0; i < 3; i++)
        assert_int_equal(try_password(party, name, "wrong password", &retry_after), ERR_WRONG_PASSWORD);
    assert_int_equal(retry_after, 60);
}

static enum err right(struct party *party, const char *name, unsigned *retry_after)
{
    return try_password(party, name, "correct horse", retry_after);
}

static void close_registration(struct party *party)
{
    struct stage *stage = party->stage;
    stage->settings.registration_open = false;
    assert_int_equal(chat_configure(stage->chat, &stage->settings), OK);
}

static void start_again(struct party *party, int64_t wall_off)
{
    stage_stop_chat(party->stage);
    party->stage->wall_off += wall_off;
    stage_start_chat(party->stage);
}

static struct work work_of(struct party *party, const char *name, enum err *err, unsigned *retry_after)
{
    struct stage *stage = party->stage;
    struct work before = {.jobs = stage->jobs_done}, cost;
    memcpy(before.ops, stage->ops, sizeof before.ops);
    *err = try_password(party, name, "wrong password", retry_after);
    cost.jobs = stage->jobs_done - before.jobs;
    for (size_t i = 0; i < STORE_VERB_COUNT; i++)
        cost.ops[i] = stage->ops[i] - before.ops[i];
    return cost;
}

/* A name that nobody has, one that somebody has, one that may not log in: the same answers after the same work. */
static void refusals_are_alike(void **state)
{
    static const char *const names[] = {"alice", "nobody", "carol"};
    struct party *party = *state;
    (void)new_device(party, "alice");
    (void)new_device(party, "carol");
    close_registration(party);
    user_of(party, "carol")->disabled = true;
    for (int attempt = 1; attempt <= 5; attempt++) {
        enum err first_err = OK, err = OK;
        unsigned first_retry = 0, retry = 0;
        struct work first = work_of(party, names[0], &first_err, &first_retry);
        assert_int_equal(first_err, attempt <= 3 ? ERR_WRONG_PASSWORD : ERR_ACCOUNT_BLOCKED);
        assert_int_equal(first.jobs, attempt <= 3 ? 1 : 0);
        for (size_t i = 1; i < sizeof names / sizeof names[0]; i++) {
            struct work other = work_of(party, names[i], &err, &retry);
            assert_int_equal(err, first_err);
            assert_int_equal(retry, first_retry);
            assert_memory_equal(&other, &first, sizeof first);
        }
    }
}

static void anothers_success_does_not_help(void **state)
{
    struct party *party = *state;
    unsigned retry_after = 0;
    (void)new_device(party, "alice");
    (void)new_device(party, "bob");
    for (int i = 0; i < 3; i++) { /* somebody else's success in between changes nothing */
        assert_int_equal(try_password(party, "alice", "wrong password", &retry_after), ERR_WRONG_PASSWORD);
        assert_int_equal(right(party, "bob", &retry_after), OK);
    }
    assert_int_equal(right(party, "alice", &retry_after), ERR_ACCOUNT_BLOCKED);
}

static void a_token_gets_in(void **state)
{
    struct party *party = *state;
    struct login device = new_device(party, "alice");
    unsigned retry_after = 0;
    block(party, "alice");
    assert_int_equal(right(party, "alice", &retry_after), ERR_ACCOUNT_BLOCKED);
    assert_int_equal(try_token(party, &device), OK);
    start_again(party, 0);
    assert_int_equal(right(party, "alice", &retry_after), ERR_ACCOUNT_BLOCKED);
    assert_int_equal(try_token(party, &device), OK);
}

/* However the wall clock is set, a block lasts as long as was said. */
static void the_clock_is_set(void **state)
{
    static const int64_t by[] = {-HOUR, HOUR};
    struct party *party = *state;
    unsigned retry_after = 0;
    (void)new_device(party, "alice");
    for (size_t i = 0; i < sizeof by / sizeof by[0]; i++) {
        block(party, "alice");
        party->stage->wall_off += by[i];
        stage_pass(party->stage, MINUTE - 1000);
        assert_int_equal(right(party, "alice", &retry_after), ERR_ACCOUNT_BLOCKED);
        assert_int_equal(retry_after, 1);
        stage_pass(party->stage, 1000);
        assert_int_equal(right(party, "alice", &retry_after), OK);
    }
}

/* A stop in between: only the wall clock can tell how long it was, but the block has an end all the same. */
static void the_clock_is_set_back_while_it_is_down(void **state)
{
    struct party *party = *state;
    unsigned retry_after = 0;
    (void)new_device(party, "alice");
    block(party, "alice");
    stage_pass(party->stage, 20 * 1000);
    start_again(party, 0);
    assert_int_equal(right(party, "alice", &retry_after), ERR_ACCOUNT_BLOCKED);
    assert_int_equal(retry_after, 40);
    start_again(party, -HOUR);
    assert_int_equal(right(party, "alice", &retry_after), ERR_ACCOUNT_BLOCKED);
    assert_int_equal(retry_after, 60);
    stage_pass(party->stage, MINUTE);
    assert_int_equal(right(party, "alice", &retry_after), OK);
}

static void a_block_ends_while_it_is_down(void **state)
{
    struct party *party = *state;
    unsigned retry_after = 0;
    (void)new_device(party, "alice");
    block(party, "alice");
    start_again(party, MINUTE);
    assert_int_equal(try_password(party, "alice", "wrong password", &retry_after), ERR_WRONG_PASSWORD);
    assert_int_equal(retry_after, 0); /* counted anew */
    assert_int_equal(right(party, "alice", &retry_after), OK);
}

/* An administrator's new password reaches the store before what a login with the old one has hashed again. */
struct meddler {
    struct stage *stage;
    size_t jobs_before;
    bool meddled;
    char hash[PASSWORD_HASH_SIZE];
    struct store_account_password change;
};

static void change_in_between(void *ctx, unsigned shard)
{
    struct meddler *meddler = ctx;
    struct stage *stage = meddler->stage;
    if (shard != 0 || meddler->meddled || stage->jobs_done == meddler->jobs_before)
        return;
    meddler->meddled = true;
    meddler->change.op = (struct store_op){.verb = STORE_ACCOUNT_PASSWORD, .done = put_done, .home = stage->worlds[1].strand};
    store_submit(&stage->door, &meddler->change.op);
}

static void an_old_password_does_not_come_back(void **state)
{
    struct party *party = *state;
    struct stage *stage = party->stage;
    unsigned retry_after = 0;
    (void)new_device(party, "alice");
    struct meddler meddler = {.stage = stage, .jobs_before = stage->jobs_done};
    assert_int_equal(password_hash(slice_str("another password"), &password_cost_least, meddler.hash), OK);
    meddler.change.account = user_of(party, "alice")->id;
    meddler.change.password = meddler.hash;
    stage->settings.cost.passes++;
    assert_int_equal(chat_configure(stage->chat, &stage->settings), OK);
    stage->turn_end = change_in_between;
    stage->ctx = &meddler;
    assert_int_equal(right(party, "alice", &retry_after), ERR_WRONG_PASSWORD);
    stage->turn_end = NULL;
    assert_true(meddler.meddled && meddler.change.op.home == NULL && meddler.change.op.err == OK);
    assert_int_equal(stage->ops[STORE_ACCOUNT_PASSWORD], 2);
    assert_int_equal(right(party, "alice", &retry_after), ERR_WRONG_PASSWORD);
    assert_int_equal(try_password(party, "alice", "another password", &retry_after), OK);
    assert_int_equal(stage->ops[STORE_ACCOUNT_PASSWORD], 3); /* hashed again */
    assert_int_equal(try_password(party, "alice", "another password", &retry_after), OK);
    assert_int_equal(stage->ops[STORE_ACCOUNT_PASSWORD], 3);
}

/* With the new one all devices end. What has not heard of that yet makes no more with the old one. */
static void an_old_password_makes_no_device(void **state)
{
    struct party *party = *state;
    struct stage *stage = party->stage;
    struct login login = {.name = slice_str("alice"), .password = slice_str("correct horse")};
    (void)new_device(party, "alice");
    struct meddler meddler = {.stage = stage, .jobs_before = stage->jobs_done};
    assert_int_equal(password_hash(slice_str("another password"), &password_cost_least, meddler.hash), OK);
    meddler.change = (struct store_account_password){
        .account = user_of(party, "alice")->id, .password = meddler.hash, .replaces = NULL, .forget = true};
    stage->turn_end = change_in_between;
    stage->ctx = &meddler;
    assert_int_equal(log_in(party, &login, login_with_password), ERR_WRONG_PASSWORD);
    stage->turn_end = NULL;
    assert_true(meddler.meddled && meddler.change.op.err == OK);
}

/* The disk fails at the moment of the third wrong password, and is good again later. */
static void a_block_is_stored_later(void **state)
{
    struct party *party = *state;
    struct stage *stage = party->stage;
    unsigned retry_after = 0;
    (void)new_device(party, "alice");
    (void)new_device(party, "bob");
    stage->failing = 1U << STORE_FAILURES;
    stage->failure = ERR_NOT_STORED;
    block(party, "alice");
    block(party, "bob");
    stage_pass(stage, 25 * 1000);
    stage->failing = 0;
    stage_pass(stage, 10 * 1000);
    assert_int_equal(stage->ops[STORE_FAILURES], 2);
    stage_pass(stage, 10 * 1000);
    assert_int_equal(stage->ops[STORE_FAILURES], 2);
    start_again(party, 0);
    assert_int_equal(right(party, "alice", &retry_after), ERR_ACCOUNT_BLOCKED);
    assert_int_equal(retry_after, 15);
    assert_int_equal(right(party, "bob", &retry_after), ERR_ACCOUNT_BLOCKED);
}

/* So is that nothing is held against a name any more. */
static void that_nothing_is_held_is_stored_later(void **state)
{
    struct party *party = *state;
    struct stage *stage = party->stage;
    unsigned retry_after = 0;
    (void)new_device(party, "alice");
    for (int i = 0; i < 2; i++)
        assert_int_equal(try_password(party, "alice", "wrong password", &retry_after), ERR_WRONG_PASSWORD);
    stage->failing = 1U << STORE_FAILURES;
    stage->failure = ERR_NOT_STORED;
    assert_int_equal(right(party, "alice", &retry_after), OK);
    stage->failing = 0;
    stage_pass(stage, 10 * 1000);
    start_again(party, 0);
    assert_int_equal(try_password(party, "alice", "wrong password", &retry_after), ERR_WRONG_PASSWORD);
    assert_int_equal(retry_after, 0);
}

/* More than can be hashed at once: told to come back one after the other, and then they get in. */
static void those_who_are_too_many_come_back_in_turn(void **state)
{
    struct party *party = *state;
    size_t room = party->stage->jobs_most;
    unsigned retry_after = 0, before = 0, most = 0;
    (void)new_device(party, "alice");
    party->stage->jobs_most = 0;
    for (int i = 0; i < 10000; i++, before = retry_after) {
        assert_int_equal(right(party, "alice", &retry_after), ERR_UNAVAILABLE);
        assert_true(retry_after >= 1 && retry_after <= 60 && retry_after >= before && retry_after <= before + 1);
        most = retry_after;
    }
    assert_int_equal(most, 60);
    stage_pass(party->stage, most * 1000);
    assert_int_equal(right(party, "alice", &retry_after), ERR_UNAVAILABLE);
    assert_int_equal(retry_after, 1);
    party->stage->jobs_most = room;
    assert_int_equal(right(party, "alice", &retry_after), OK); /* and none of it counted as a wrong password */
}

/* Who is connected uses the token, though it may say nothing; who is not does not. */
static void a_listening_device_is_in_use(void **state)
{
    enum { HOUR_MS = 3600 * 1000 };
    struct party *party = *state;
    struct guest *alice = arrive(party, "alice", 1);
    struct login unused = new_device(party, "alice");
    party->stage->settings.device_ms = 4LL * HOUR_MS;
    assert_int_equal(chat_configure(party->stage->chat, &party->stage->settings), OK);
    for (int i = 0; i < 9 * 6; i++)
        stage_pass(party->stage, HOUR_MS / 6);
    leave(alice);
    assert_int_equal(try_token(party, &alice->login), OK);
    assert_int_equal(try_token(party, &unused), ERR_BAD_TOKEN);
}

/* As on a board without a clock of its own, which learns the time only when everybody is back. */
static void a_clock_that_is_set_ends_no_device_in_use(void **state)
{
    struct party *party = *state;
    struct guest *alice = arrive(party, "alice", 1);
    struct login unused = new_device(party, "alice");
    party->stage->wall_off += party->stage->settings.device_ms + HOUR;
    stage_pass(party->stage, 11 * MINUTE);
    leave(alice);
    assert_int_equal(try_token(party, &alice->login), OK);
    assert_int_equal(try_token(party, &unused), ERR_BAD_TOKEN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        PARTY_TEST(refusals_are_alike),
        PARTY_TEST(anothers_success_does_not_help),
        PARTY_TEST(a_token_gets_in),
        PARTY_TEST(the_clock_is_set),
        PARTY_TEST(the_clock_is_set_back_while_it_is_down),
        PARTY_TEST(a_block_ends_while_it_is_down),
        PARTY_TEST(an_old_password_does_not_come_back),
        PARTY_TEST(an_old_password_makes_no_device),
        PARTY_TEST(a_block_is_stored_later),
        PARTY_TEST(that_nothing_is_held_is_stored_later),
        PARTY_TEST(those_who_are_too_many_come_back_in_turn),
        PARTY_TEST(a_listening_device_is_in_use),
        PARTY_TEST(a_clock_that_is_set_ends_no_device_in_use),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
