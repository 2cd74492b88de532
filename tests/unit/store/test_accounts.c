/* Accounts, devices, block lists, logins, failures: each verb, its errors, and that it outlives a restart. */
#include "harness.h"

static void account_is_found_again(void **state)
{
    struct fixture *f = *state;
    uint64_t alice = make_account(f, "alice");
    fixture_reopen(f);
    struct store_account_find find = {.name = slice_str("alice")};
    assert_int_equal(execute(f, &find.op, STORE_ACCOUNT_FIND), OK);
    assert_int_equal(find.account, alice);
    assert_string_equal(find.password, "hash");
    assert_false(find.disabled);
}

static void account_errors(void **state)
{
    struct fixture *f = *state;
    make_account(f, "alice");
    struct store_account_find find = {.name = slice_str("bob")};
    assert_int_equal(execute(f, &find.op, STORE_ACCOUNT_FIND), ERR_UNKNOWN_USER);
    struct store_account_create create = {.name = slice_str("alice"), .password = "other"};
    assert_int_equal(execute(f, &create.op, STORE_ACCOUNT_CREATE), ERR_NAME_TAKEN);
    char endless[300];
    memset(endless, 'x', sizeof endless);
    endless[299] = '\0';
    create = (struct store_account_create){.name = slice_str("bob"), .password = endless};
    assert_int_equal(execute(f, &create.op, STORE_ACCOUNT_CREATE), ERR_INVALID);
}

static void one_failing_operation_does_not_fail_its_group(void **state)
{
    struct fixture *f = *state;
    struct store_account_create ops[3] = {{.name = slice_str("alice"), .password = "1"},
                                          {.name = slice_str("alice"), .password = "2"},
                                          {.name = slice_str("bob"), .password = "3"}};
    struct store_account_find find = {.name = slice_str("bob")};
    for (int i = 0; i < 3; i++)
        begin(f, &ops[i].op, STORE_ACCOUNT_CREATE);
    begin(f, &find.op, STORE_ACCOUNT_FIND);
    finish(f, &find.op);
    assert_int_equal(ops[0].op.err, OK);
    assert_int_equal(ops[1].op.err, ERR_NAME_TAKEN);
    assert_int_equal(ops[2].op.err, OK);
    assert_int_equal(find.op.err, OK);
    assert_int_equal(find.account, ops[2].account);
}

static void password_is_changed(void **state)
{
    struct fixture *f = *state;
    uint64_t alice = make_account(f, "alice");
    struct store_account_password change = {.account = alice, .password = "new"};
    assert_int_equal(execute(f, &change.op, STORE_ACCOUNT_PASSWORD), OK);
    struct store_account_find find = {.name = slice_str("alice")};
    execute(f, &find.op, STORE_ACCOUNT_FIND);
    assert_string_equal(find.password, "new");
    change.account = 99;
    assert_int_equal(execute(f, &change.op, STORE_ACCOUNT_PASSWORD), ERR_UNKNOWN_USER);
}

static void a_password_is_replaced_only_if_it_is_the_one(void **state)
{
    struct fixture *f = *state;
    uint64_t alice = make_account(f, "alice");
    struct store_account_password change = {.account = alice, .password = "newest", .replaces = "new"};
    struct store_account_find find = {.name = slice_str("alice")};
    assert_int_equal(execute(f, &change.op, STORE_ACCOUNT_PASSWORD), ERR_NOT_FOUND);
    execute(f, &find.op, STORE_ACCOUNT_FIND);
    assert_string_equal(find.password, "hash");
    change.replaces = "hash";
    assert_int_equal(execute(f, &change.op, STORE_ACCOUNT_PASSWORD), OK);
    execute(f, &find.op, STORE_ACCOUNT_FIND);
    assert_string_equal(find.password, "newest");
}

static enum err find_device(struct fixture *f, uint8_t token, int64_t time, struct store_device_find *find)
{
    *find = (struct store_device_find){.time = time};
    memset(find->token, token, sizeof find->token);
    return execute(f, &find->op, STORE_DEVICE_FIND);
}

static void device_is_found_by_its_token_until_forgotten(void **state)
{
    struct fixture *f = *state;
    uint64_t alice = make_account(f, "alice"), device = make_device(f, alice, 7);
    struct store_device_find find;
    fixture_reopen(f);
    assert_int_equal(find_device(f, 7, 5, &find), OK);
    assert_int_equal(find.device, device);
    assert_int_equal(find.account, alice);
    assert_int_equal(find.last_number, 0);
    assert_int_equal(find_device(f, 8, 5, &find), ERR_BAD_TOKEN);
    struct store_device_forget forget = {.device = device};
    assert_int_equal(execute(f, &forget.op, STORE_DEVICE_FORGET), OK);
    assert_int_equal(find_device(f, 7, 5, &find), ERR_BAD_TOKEN);
    struct store_device_create orphan = device_of(99, 9, 1, 0);
    assert_int_equal(execute(f, &orphan.op, STORE_DEVICE_CREATE), ERR_UNKNOWN_USER);
}

static void devices_end_with_the_password_or_stay_with_it(void **state)
{
    struct fixture *f = *state;
    uint64_t alice = make_account(f, "alice"), kept = make_device(f, alice, 1);
    struct store_device_find find;
    make_device(f, alice, 2);
    make_device(f, alice, 3);
    make_device(f, make_account(f, "bob"), 4);
    struct store_account_password change = {
        .account = alice, .password = "new", .replaces = "no such", .forget = true, .keep = kept};
    assert_int_equal(execute(f, &change.op, STORE_ACCOUNT_PASSWORD), ERR_NOT_FOUND);
    assert_int_equal(find_device(f, 2, 5, &find), OK);
    change.replaces = "hash";
    assert_int_equal(execute(f, &change.op, STORE_ACCOUNT_PASSWORD), OK);
    fixture_reopen(f);
    assert_int_equal(find_device(f, 1, 5, &find), OK);
    assert_int_equal(find.device, kept);
    assert_int_equal(find_device(f, 2, 5, &find), ERR_BAD_TOKEN);
    assert_int_equal(find_device(f, 3, 5, &find), ERR_BAD_TOKEN);
    assert_int_equal(find_device(f, 4, 5, &find), OK);
    change = (struct store_account_password){.account = alice, .password = "newest", .forget = true};
    assert_int_equal(execute(f, &change.op, STORE_ACCOUNT_PASSWORD), OK);
    assert_int_equal(find_device(f, 1, 5, &find), ERR_BAD_TOKEN);
    assert_int_equal(find_device(f, 4, 5, &find), OK);
}

static void no_device_for_another_password(void **state)
{
    struct fixture *f = *state;
    uint64_t alice = make_account(f, "alice");
    struct store_device_find find;
    struct store_device_create create = device_of(alice, 1, 5, 0);
    create.password = "another";
    assert_int_equal(execute(f, &create.op, STORE_DEVICE_CREATE), ERR_NOT_FOUND);
    assert_int_equal(find_device(f, 1, 5, &find), ERR_BAD_TOKEN);
    create.password = "hash";
    assert_int_equal(execute(f, &create.op, STORE_DEVICE_CREATE), OK);
    assert_int_equal(find_device(f, 1, 5, &find), OK);
}

static void longest_unused_device_goes(void **state)
{
    struct fixture *f = *state;
    uint64_t alice = make_account(f, "alice"), devices[3];
    for (uint8_t i = 0; i < 3; i++)
        devices[i] = make_device(f, alice, i);
    struct store_device_find find;
    assert_int_equal(find_device(f, 0, 300, &find), OK); /* the first is used again */
    assert_int_equal(find_device(f, 2, 200, &find), OK);
    struct store_device_create create = device_of(alice, 4, 400, 3);
    assert_int_equal(execute(f, &create.op, STORE_DEVICE_CREATE), OK);
    assert_int_equal(create.dropped_count, 1);
    assert_int_equal(create.dropped[0], devices[1]);
    assert_int_equal(find_device(f, 1, 500, &find), ERR_BAD_TOKEN);
    assert_int_equal(find_device(f, 0, 500, &find), OK);
    create = device_of(alice, 5, 600, 1); /* the limit was lowered */
    assert_int_equal(execute(f, &create.op, STORE_DEVICE_CREATE), OK);
    assert_int_equal(create.dropped_count, 3);
    assert_int_equal(find_device(f, 5, 700, &find), OK);
    assert_int_equal(find.device, create.device);
}

static enum err set_block(struct fixture *f, uint64_t account, uint64_t other, bool on)
{
    struct store_block block = {.account = account, .other = other, .on = on, .time = 3};
    return execute(f, &block.op, STORE_BLOCK);
}

/* What store_load() tells, as one line. */
struct told {
    char line[512];
    size_t len;
    enum err answer;
};

static enum err told_account(void *ctx, uint64_t account, struct slice name, bool disabled, int64_t last_online)
{
    struct told *told = ctx;
    told->len += (size_t)snprintf(told->line + told->len, sizeof told->line - told->len, "%.*s@%lld ", (int)name.len,
                                  (const char *)name.data, (long long)last_online);
    return told->answer;
}

static enum err told_block(void *ctx, uint64_t account, uint64_t other)
{
    struct told *told = ctx;
    told->len += (size_t)snprintf(told->line + told->len, sizeof told->line - told->len, "%llu-x-%llu ",
                                  (unsigned long long)account, (unsigned long long)other);
    return OK;
}

static enum err told_failures(void *ctx, struct slice name, unsigned count, int64_t blocked_until)
{
    struct told *told = ctx;
    told->len += (size_t)snprintf(told->line + told->len, sizeof told->line - told->len, "%.*s:%u/%lld ", (int)name.len,
                                  (const char *)name.data, count, (long long)blocked_until);
    return OK;
}

static enum err load(struct fixture *f, struct told *told)
{
    const struct store_reader reader = {told, told_account, told_block, told_failures};
    return store_load(f->store, &reader);
}

static void expect_load(struct fixture *f, const char *expected)
{
    struct told told = {0};
    fixture_reopen(f);
    assert_int_equal(load(f, &told), OK);
    assert_string_equal(told.line, expected);
}

static void blocks_are_kept(void **state)
{
    struct fixture *f = *state;
    uint64_t alice = make_account(f, "alice"), bob = make_account(f, "bob");
    assert_int_equal(set_block(f, alice, bob, true), OK);
    assert_int_equal(set_block(f, alice, bob, true), ERR_ALREADY_BLOCKED);
    assert_int_equal(set_block(f, bob, alice, false), ERR_NOT_BLOCKED);
    assert_int_equal(set_block(f, bob, 99, true), ERR_UNKNOWN_USER);
    expect_load(f, "alice@0 bob@0 1-x-2 ");
    assert_int_equal(set_block(f, alice, bob, false), OK);
    expect_load(f, "alice@0 bob@0 ");
}

static uint64_t open_login(struct fixture *f, uint64_t account, int64_t time)
{
    struct store_login_open open = {.account = account, .time = time};
    assert_int_equal(execute(f, &open.op, STORE_LOGIN_OPEN), OK);
    return open.login;
}

static void logins_end_when_closed_or_when_last_alive(void **state)
{
    struct fixture *f = *state;
    uint64_t alice = make_account(f, "alice"), bob = make_account(f, "bob"), carol = make_account(f, "carol");
    make_account(f, "dave");
    struct store_login_close close = {.login = open_login(f, alice, 1000), .time = 2000};
    assert_int_equal(execute(f, &close.op, STORE_LOGIN_CLOSE), OK);
    close.time = 9000; /* closed already: nothing changes */
    assert_int_equal(execute(f, &close.op, STORE_LOGIN_CLOSE), OK);
    open_login(f, bob, 1500);
    struct store_alive alive = {.time = 3000};
    assert_int_equal(execute(f, &alive.op, STORE_ALIVE), OK);
    open_login(f, carol, 4000); /* after the last sign of life: ends when it began */
    expect_load(f, "alice@2000 bob@3000 carol@4000 dave@0 ");
    struct store_login_open stranger = {.account = 99, .time = 1};
    assert_int_equal(execute(f, &stranger.op, STORE_LOGIN_OPEN), ERR_UNKNOWN_USER);
}

static void a_login_takes_the_place_of_the_one_before(void **state)
{
    struct fixture *f = *state;
    uint64_t alice = make_account(f, "alice"), bob = make_account(f, "bob");
    struct store_login_close close = {.login = open_login(f, bob, 100), .time = 200};
    assert_int_equal(execute(f, &close.op, STORE_LOGIN_CLOSE), OK);
    for (int i = 1; i <= 5; i++) {
        close = (struct store_login_close){.login = open_login(f, alice, i * 1000), .time = i * 1000 + 500};
        assert_int_equal(execute(f, &close.op, STORE_LOGIN_CLOSE), OK);
    }
    expect_load(f, "alice@5500 bob@200 ");
    struct store_tidy tidy = {.logins_before = 10000, .limit = 100};
    assert_int_equal(execute(f, &tidy.op, STORE_TIDY), OK);
    assert_int_equal(tidy.deleted, 2); /* one of each */
}

static void failures_are_kept_and_cleared(void **state)
{
    struct fixture *f = *state;
    struct store_failures failures = {.name = slice_str("mallory"), .count = 2, .time = 10};
    assert_int_equal(execute(f, &failures.op, STORE_FAILURES), OK);
    failures.count = 3;
    failures.blocked_until = 70;
    assert_int_equal(execute(f, &failures.op, STORE_FAILURES), OK);
    expect_load(f, "mallory:3/70 ");
    failures.count = 0;
    assert_int_equal(execute(f, &failures.op, STORE_FAILURES), OK);
    expect_load(f, "");
}

static void the_readers_error_ends_the_load(void **state)
{
    struct fixture *f = *state;
    make_account(f, "alice");
    make_account(f, "bob");
    struct told told = {.answer = ERR_MEMORY};
    assert_int_equal(load(f, &told), ERR_MEMORY);
    assert_string_equal(told.line, "alice@0 ");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(account_is_found_again, set_up, tear_down),
        cmocka_unit_test_setup_teardown(account_errors, set_up, tear_down),
        cmocka_unit_test_setup_teardown(one_failing_operation_does_not_fail_its_group, set_up, tear_down),
        cmocka_unit_test_setup_teardown(password_is_changed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_password_is_replaced_only_if_it_is_the_one, set_up, tear_down),
        cmocka_unit_test_setup_teardown(device_is_found_by_its_token_until_forgotten, set_up, tear_down),
        cmocka_unit_test_setup_teardown(devices_end_with_the_password_or_stay_with_it, set_up, tear_down),
        cmocka_unit_test_setup_teardown(no_device_for_another_password, set_up, tear_down),
        cmocka_unit_test_setup_teardown(longest_unused_device_goes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(blocks_are_kept, set_up, tear_down),
        cmocka_unit_test_setup_teardown(logins_end_when_closed_or_when_last_alive, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_login_takes_the_place_of_the_one_before, set_up, tear_down),
        cmocka_unit_test_setup_teardown(failures_are_kept_and_cleared, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_readers_error_ends_the_load, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
