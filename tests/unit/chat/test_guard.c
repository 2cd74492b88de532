/* test_guard.c - wrong passwords counted: one attempt at a time, a block after three, limits per address, tables that end. */
#include "harness.h"

#include "guard.h"

enum { BLOCK_MS = 60000, LINE_MOST = 16, DAY_MS = 24 * 3600 * 1000 };

struct gate {
    struct stage *stage;
    struct guard *guard;
};

struct visitor {
    struct guard_attempt attempt;
    struct task go;
    bool called;
};

static void called(struct task *task)
{
    ((struct visitor *)(void *)((char *)task - offsetof(struct visitor, go)))->called = true;
}

static int gate_open(void **state)
{
    struct gate *gate = calloc(1, sizeof *gate);
    assert_non_null(gate);
    gate->stage = stage_new(NULL, 1);
    assert_int_equal(guard_new(&gate->stage->random, &password_cost_least, &gate->stage->door, &gate->guard), OK);
    *state = gate;
    return 0;
}

static int gate_close(void **state)
{
    struct gate *gate = *state;
    guard_free(&gate->guard);
    stage_free(&gate->stage);
    free(gate);
    return 0;
}

static void stored(struct store_op *op)
{
    op->home = NULL; /* a mark */
}

/* Nobody has a name that begins with n. */
static bool known(const char *name)
{
    return name[0] != 'n';
}

static enum err begin(struct gate *gate, struct visitor *visitor, const char *name, int64_t now, unsigned *retry_after)
{
    visitor->go.run = called;
    visitor->attempt.go = &visitor->go;
    visitor->attempt.home = gate->stage->worlds[0].strand;
    return guard_begin(gate->guard, slice_str(name), known(name), &visitor->attempt, now, retry_after);
}

static struct guard_record end(struct gate *gate, struct visitor *visitor, enum guard_outcome outcome, int64_t now)
{
    struct store_failures failures = {
        .op = {.done = stored, .home = gate->stage->worlds[0].strand}, .name = slice_str("somebody"), .time = now};
    struct guard_record record = guard_end(gate->guard, &visitor->attempt, outcome, now, BLOCK_MS, &failures);
    stage_settle(gate->stage);
    assert_int_equal(record.changed, failures.op.home == NULL);
    return record;
}

static struct guard_record attempt(struct gate *gate, const char *name, enum guard_outcome outcome, int64_t now)
{
    struct visitor visitor = {0};
    unsigned retry_after;
    assert_int_equal(begin(gate, &visitor, name, now, &retry_after), OK);
    return end(gate, &visitor, outcome, now);
}

static enum err refused(struct gate *gate, const char *name, int64_t now, unsigned *retry_after)
{
    struct visitor visitor = {0};
    enum err err = begin(gate, &visitor, name, now, retry_after);
    if (err == OK)
        end(gate, &visitor, GUARD_NEITHER, now);
    return err;
}

static void restore(struct gate *gate, const char *name, unsigned count, int64_t blocked_until)
{
    assert_int_equal(guard_restore(gate->guard, slice_str(name), known(name), count, blocked_until, 0), OK);
}

static void test_three_wrong_block(void **state)
{
    struct gate *gate = *state;
    unsigned retry_after = 0;
    struct guard_record record = attempt(gate, "alice", GUARD_WRONG, 1000);
    assert_true(record.changed && record.count == 1 && record.blocked_until == 0);
    record = attempt(gate, "alice", GUARD_WRONG, 2000);
    assert_true(record.changed && record.count == 2 && record.blocked_until == 0);
    assert_int_equal(refused(gate, "alice", 2500, &retry_after), OK);
    record = attempt(gate, "alice", GUARD_WRONG, 3000);
    assert_true(record.changed && record.count == 3 && record.blocked_until == 3000 + BLOCK_MS);
    assert_int_equal(refused(gate, "alice", 3000, &retry_after), ERR_ACCOUNT_BLOCKED);
    assert_int_equal(retry_after, 60);
    assert_int_equal(refused(gate, "alice", 3000 + BLOCK_MS - 1, &retry_after), ERR_ACCOUNT_BLOCKED);
    assert_int_equal(retry_after, 1);
    assert_int_equal(refused(gate, "bob", 3000, &retry_after), OK);
}

static void test_after_the_block_it_counts_anew(void **state)
{
    struct gate *gate = *state;
    for (int i = 0; i < 3; i++)
        attempt(gate, "alice", GUARD_WRONG, 0);
    struct guard_record record = attempt(gate, "alice", GUARD_WRONG, BLOCK_MS);
    assert_true(record.count == 1 && record.blocked_until == 0);
}

static void test_right_clears(void **state)
{
    struct gate *gate = *state;
    attempt(gate, "alice", GUARD_WRONG, 0);
    attempt(gate, "alice", GUARD_WRONG, 0);
    struct guard_record record = attempt(gate, "alice", GUARD_RIGHT, 0);
    assert_true(record.changed && record.count == 0);
    record = attempt(gate, "alice", GUARD_RIGHT, 0);
    assert_false(record.changed);
    assert_int_equal(attempt(gate, "alice", GUARD_WRONG, 0).count, 1);
    assert_false(attempt(gate, "alice", GUARD_NEITHER, 0).changed);
    assert_int_equal(attempt(gate, "alice", GUARD_WRONG, 0).count, 2);
}

/* A slip now and then blocks nobody: "in a row" is within a day of each other. */
static void test_failures_age(void **state)
{
    struct gate *gate = *state;
    unsigned retry_after;
    assert_int_equal(attempt(gate, "alice", GUARD_WRONG, 0).count, 1);
    assert_int_equal(attempt(gate, "alice", GUARD_WRONG, DAY_MS - 1).count, 2);
    struct guard_record record = attempt(gate, "alice", GUARD_WRONG, 2 * DAY_MS - 1);
    assert_true(record.count == 1 && record.blocked_until == 0);
    assert_int_equal(attempt(gate, "alice", GUARD_WRONG, 3 * DAY_MS - 2).count, 2);
    assert_int_equal(refused(gate, "alice", 4 * DAY_MS - 4, &retry_after), OK); /* which prolongs nothing */
    assert_true(attempt(gate, "alice", GUARD_WRONG, 4 * DAY_MS - 3).blocked_until > 0);
    restore(gate, "bob", 2, 0);
    restore(gate, "carol", 2, 0);
    restore(gate, "dave", 3, 2 * DAY_MS);
    assert_int_equal(attempt(gate, "bob", GUARD_WRONG, DAY_MS).count, 1);
    assert_int_equal(attempt(gate, "carol", GUARD_WRONG, DAY_MS - 1).count, 3);
    assert_int_equal(refused(gate, "dave", 2 * DAY_MS - 1, &retry_after),
                     ERR_ACCOUNT_BLOCKED); /* a block lasts as long as it lasts */
}

/* What could not be stored for a day is not stored as if it were new. */
static void test_what_has_aged_is_not_stored(void **state)
{
    struct gate *gate = *state;
    char name[UINT8_MAX];
    attempt(gate, "alice", GUARD_WRONG, 0);
    for (unsigned i = 0; i < 2; i++) {
        struct store_failures failures = {.op = {.done = stored, .home = gate->stage->worlds[0].strand}, .time = 0};
        guard_not_stored(gate->guard, slice_str("alice"), true);
        assert_true(guard_store_again(gate->guard, i == 0 ? DAY_MS - 1 : DAY_MS, &failures, name));
        assert_int_equal(failures.count, 1 - i);
        stage_settle(gate->stage);
    }
}

/* Ten at once get no more tries than one after the other. */
static void test_one_at_a_time(void **state)
{
    struct gate *gate = *state;
    struct visitor visitors[10] = {0};
    unsigned retry_after;
    assert_int_equal(begin(gate, &visitors[0], "alice", 0, &retry_after), OK);
    for (int i = 1; i < 10; i++)
        assert_int_equal(begin(gate, &visitors[i], "alice", 0, &retry_after), ERR_AGAIN);
    for (int i = 0; i < 3; i++) {
        assert_false(visitors[i + 1].called);
        end(gate, &visitors[i], GUARD_WRONG, 0);
        assert_true(visitors[i + 1].called);
        assert_false(visitors[i + 2].called);
        if (i < 2)
            assert_int_equal(begin(gate, &visitors[i + 1], "alice", 0, &retry_after), OK);
    }
    for (int i = 3; i < 10; i++) { /* one after the other they learn that it is blocked */
        assert_true(visitors[i].called);
        assert_int_equal(begin(gate, &visitors[i], "alice", 0, &retry_after), ERR_ACCOUNT_BLOCKED);
        stage_settle(gate->stage);
    }
    assert_int_equal(refused(gate, "alice", BLOCK_MS, &retry_after), OK); /* nobody holds the turn */
}

static void test_the_line_ends(void **state)
{
    struct gate *gate = *state;
    struct visitor visitors[LINE_MOST + 2] = {0};
    unsigned retry_after = 0;
    assert_int_equal(begin(gate, &visitors[0], "alice", 0, &retry_after), OK);
    for (int i = 1; i <= LINE_MOST; i++)
        assert_int_equal(begin(gate, &visitors[i], "alice", 0, &retry_after), ERR_AGAIN);
    assert_int_equal(begin(gate, &visitors[LINE_MOST + 1], "alice", 0, &retry_after), ERR_UNAVAILABLE);
    assert_int_equal(retry_after, 1);
    for (int i = 0; i <= LINE_MOST; i++) {
        end(gate, &visitors[i], GUARD_RIGHT, 0);
        if (i < LINE_MOST)
            assert_int_equal(begin(gate, &visitors[i + 1], "alice", 0, &retry_after), OK);
    }
    assert_int_equal(refused(gate, "alice", 0, &retry_after), OK);
}

static void test_restored(void **state)
{
    struct gate *gate = *state;
    unsigned retry_after;
    restore(gate, "alice", 3, 5000);
    restore(gate, "bob", 2, 0);
    assert_int_equal(refused(gate, "alice", 4999, &retry_after), ERR_ACCOUNT_BLOCKED);
    assert_int_equal(refused(gate, "alice", 5000, &retry_after), OK);
    assert_true(attempt(gate, "bob", GUARD_WRONG, 0).blocked_until > 0);
}

static void restore_many(struct gate *gate, int count)
{
    char name[33];
    for (int i = 0; i < count; i++) {
        snprintf(name, sizeof name, "n%d", i);
        restore(gate, name, 3, 5000);
    }
}

/* However many names are blocked, all others can log in; and one that nobody has is treated like one that somebody has. */
static void test_many_names(void **state)
{
    struct gate *gate = *state;
    unsigned retry_after;
    restore(gate, "carol", 3, 5000);
    restore_many(gate, 100000);
    assert_int_equal(refused(gate, "n0", 4000, &retry_after), ERR_ACCOUNT_BLOCKED);
    for (unsigned i = 1; i <= 3; i++) {
        assert_int_equal(attempt(gate, "alice", GUARD_WRONG, 4000).count, i);
        assert_int_equal(attempt(gate, "nobody", GUARD_WRONG, 4000).count, i);
    }
    assert_int_equal(refused(gate, "alice", 4000, &retry_after), ERR_ACCOUNT_BLOCKED);
    assert_int_equal(refused(gate, "nobody", 4000, &retry_after), ERR_ACCOUNT_BLOCKED);
    assert_int_equal(refused(gate, "carol", 4000, &retry_after), ERR_ACCOUNT_BLOCKED);
    assert_int_equal(refused(gate, "n1", 4000, &retry_after), OK); /* the one longest untouched */
    assert_int_equal(refused(gate, "n50", 4000, &retry_after), ERR_ACCOUNT_BLOCKED);
}

/* Counts are forgotten alike, whether somebody has the name or not; a block of one that somebody has stays. */
static void test_many_names_tried_once(void **state)
{
    struct gate *gate = *state;
    char name[33];
    unsigned retry_after;
    restore(gate, "carol", 3, 5000);
    for (unsigned i = 1; i <= 2; i++) {
        assert_int_equal(attempt(gate, "alice", GUARD_WRONG, 4000).count, i);
        assert_int_equal(attempt(gate, "nobody", GUARD_WRONG, 4000).count, i);
    }
    for (int i = 0; i < 100000; i++) {
        snprintf(name, sizeof name, "n%d", i);
        assert_int_equal(attempt(gate, name, GUARD_WRONG, 4000).count, 1);
    }
    assert_int_equal(attempt(gate, "alice", GUARD_WRONG, 4000).count, 1);
    assert_int_equal(attempt(gate, "nobody", GUARD_WRONG, 4000).count, 1);
    assert_int_equal(refused(gate, "carol", 4000, &retry_after), ERR_ACCOUNT_BLOCKED);
}

/* The server starts, however many names the store remembers. */
static void test_more_restored_than_there_is_room(void **state)
{
    struct gate *gate = *state;
    unsigned retry_after;
    restore(gate, "carol", 3, 5000);
    restore_many(gate, 100010);
    assert_int_equal(refused(gate, "n7", 4000, &retry_after), OK);
    assert_int_equal(refused(gate, "n10", 4000, &retry_after), ERR_ACCOUNT_BLOCKED);
    assert_int_equal(refused(gate, "n100009", 4000, &retry_after), ERR_ACCOUNT_BLOCKED);
    assert_int_equal(refused(gate, "n100009", 5000, &retry_after), OK);
    assert_int_equal(refused(gate, "carol", 4000, &retry_after), ERR_ACCOUNT_BLOCKED);
}

static void test_addresses(void **state)
{
    struct gate *gate = *state;
    unsigned retry_after = 0;
    for (int i = 0; i < 60; i++) {
        assert_int_equal(guard_address(gate->guard, "192.0.2.1", 0, 60, &retry_after), OK);
        guard_address_failed(gate->guard, "192.0.2.1", 0, 60);
    }
    assert_int_equal(guard_address(gate->guard, "192.0.2.1", 0, 60, &retry_after), ERR_RATE_LIMITED);
    assert_true(retry_after >= 1 && retry_after <= 2);
    assert_int_equal(guard_address(gate->guard, "192.0.2.2", 0, 60, &retry_after), OK);
    assert_int_equal(guard_address(gate->guard, "192.0.2.1", 0, 0, &retry_after), OK); /* no limit */
    assert_int_equal(guard_address(gate->guard, "192.0.2.1", retry_after * 1000, 60, &retry_after), OK);
    guard_address_failed(gate->guard, "192.0.2.1", 2000, 60);
    guard_address_failed(gate->guard, "192.0.2.1", 2000, 60);
    guard_address_failed(gate->guard, "192.0.2.1", 2000, 60);
    assert_int_equal(guard_address(gate->guard, "192.0.2.1", 2000, 60, &retry_after), ERR_RATE_LIMITED);
    assert_int_equal(guard_address(gate->guard, "192.0.2.1", 500, 60, &retry_after),
                     ERR_RATE_LIMITED); /* the clock was set back */
    assert_int_equal(guard_address(gate->guard, "192.0.2.1", 200000, 60, &retry_after), OK);
}

/* An IPv6 network counts as one; its neighbour does not pay for it. */
static void test_networks(void **state)
{
    struct gate *gate = *state;
    char address[64];
    unsigned retry_after;
    for (int i = 1; i <= 60; i++) {
        snprintf(address, sizeof address, "2001:db8:0:1::%x", i);
        guard_address_failed(gate->guard, address, 0, 60);
    }
    assert_int_equal(guard_address(gate->guard, "2001:db8:0:1:ffff::1", 0, 60, &retry_after), ERR_RATE_LIMITED);
    assert_int_equal(guard_address(gate->guard, "2001:db8:0:2::1", 0, 60, &retry_after), OK);
    for (int i = 1; i <= 60; i++)
        guard_address_failed(gate->guard, "::ffff:192.0.2.1", 0, 60);
    assert_int_equal(guard_address(gate->guard, "::ffff:192.0.2.2", 0, 60, &retry_after), OK);
}

/* The table holds no more than it may, and what has drained makes room. */
static void test_many_addresses(void **state)
{
    struct gate *gate = *state;
    char address[32];
    unsigned retry_after;
    for (int i = 0; i < 65536 + 10; i++) {
        snprintf(address, sizeof address, "10.%d.%d.%d", i >> 16, i >> 8 & 255, i & 255);
        guard_address_failed(gate->guard, address, 0, 1);
    }
    assert_int_equal(guard_address(gate->guard, "10.0.0.1", 0, 1, &retry_after), ERR_RATE_LIMITED);
    assert_int_equal(guard_address(gate->guard, "10.1.0.9", 0, 1, &retry_after), OK); /* there was no room for it */
    guard_address_failed(gate->guard, "10.1.0.9", 60000, 1);
    assert_int_equal(guard_address(gate->guard, "10.1.0.9", 60000, 1, &retry_after), ERR_RATE_LIMITED);
}

int main(void)
{
#define GATE_TEST(name) cmocka_unit_test_setup_teardown(name, gate_open, gate_close)
    const struct CMUnitTest tests[] = {
        GATE_TEST(test_three_wrong_block),
        GATE_TEST(test_after_the_block_it_counts_anew),
        GATE_TEST(test_right_clears),
        GATE_TEST(test_failures_age),
        GATE_TEST(test_what_has_aged_is_not_stored),
        GATE_TEST(test_one_at_a_time),
        GATE_TEST(test_the_line_ends),
        GATE_TEST(test_restored),
        GATE_TEST(test_many_names),
        GATE_TEST(test_addresses),
        GATE_TEST(test_many_names_tried_once),
        GATE_TEST(test_more_restored_than_there_is_room),
        GATE_TEST(test_many_addresses),
        GATE_TEST(test_networks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
