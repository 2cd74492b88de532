/* Messages: storing, recognising resent ones, quota, positions, pages, tidying. */
#include "harness.h"

#include <sys/wait.h>

static void messages_get_rising_ids_and_know_the_one_before(void **state)
{
    struct fixture *f = *state;
    uint64_t alice = make_account(f, "alice"), bob = make_account(f, "bob"), carol = make_account(f, "carol");
    struct store_append first = message_of(alice, bob, 0, 0), second = message_of(bob, alice, 0, 0);
    struct store_append other = message_of(alice, carol, 0, 0);
    assert_int_equal(execute(f, &first.op, STORE_APPEND), OK);
    assert_int_equal(execute(f, &other.op, STORE_APPEND), OK);
    fixture_reopen(f);
    assert_int_equal(execute(f, &second.op, STORE_APPEND), OK);
    assert_true(first.id < other.id && other.id < second.id);
    assert_int_equal(first.previous, 0);
    assert_int_equal(other.previous, 0);
    assert_int_equal(second.previous, first.id);
    assert_int_equal(second.conversation, first.conversation);
    assert_int_not_equal(other.conversation, first.conversation);
    assert_false(second.duplicate);
}

static void impossible_messages_are_refused(void **state)
{
    struct fixture *f = *state;
    uint64_t alice = make_account(f, "alice"), bob = make_account(f, "bob");
    struct store_append append = message_of(alice, alice, 0, 0);
    assert_int_equal(execute(f, &append.op, STORE_APPEND), ERR_SELF);
    append = message_of(alice, 99, 0, 0);
    assert_int_equal(execute(f, &append.op, STORE_APPEND), ERR_UNKNOWN_USER);
    append = message_of(alice, bob, 1, UINT64_MAX);
    assert_int_equal(execute(f, &append.op, STORE_APPEND), ERR_INVALID);
    expect_page(f, STORE_PENDING, bob, 0, "");
}

static struct store_append resend(struct fixture *f, uint64_t sender, uint64_t receiver, uint64_t device, uint64_t number)
{
    struct store_append append = message_of(sender, receiver, device, number);
    append.time = 9999;
    assert_int_equal(execute(f, &append.op, STORE_APPEND), OK);
    return append;
}

static void a_resent_message_is_stored_once(void **state)
{
    struct fixture *f = *state;
    uint64_t alice = make_account(f, "alice"), bob = make_account(f, "bob"), carol = make_account(f, "carol");
    uint64_t device = make_device(f, alice, 1), second = make_device(f, alice, 2);
    struct store_append first = message_of(alice, bob, device, 5), next = message_of(alice, carol, device, 6);
    assert_int_equal(execute(f, &first.op, STORE_APPEND), OK);
    assert_int_equal(execute(f, &next.op, STORE_APPEND), OK);
    for (int round = 0; round < 3; round++) {
        struct store_append again = resend(f, alice, bob, device, 5);
        assert_true(again.duplicate);
        assert_int_equal(again.id, first.id);
        assert_int_equal(again.conversation, first.conversation);
        assert_int_equal(again.stored_time, 1000);
        fixture_reopen(f);
    }
    assert_false(resend(f, alice, bob, second, 5).duplicate);
    assert_false(resend(f, alice, bob, device, 4).duplicate); /* lower, but never stored */
    assert_true(resend(f, alice, bob, device, 4).duplicate);
    assert_true(resend(f, alice, bob, device, 5).duplicate);
    assert_false(resend(f, alice, bob, 0, 5).duplicate);
    assert_false(resend(f, alice, bob, 0, 5).duplicate);
}

static void a_message_and_its_copy_in_one_group(void **state)
{
    struct fixture *f = *state;
    uint64_t alice = make_account(f, "alice"), bob = make_account(f, "bob"), device = make_device(f, alice, 1);
    struct store_append first = message_of(alice, bob, device, 1), copy = message_of(alice, bob, device, 1);
    begin(f, &first.op, STORE_APPEND);
    begin(f, &copy.op, STORE_APPEND);
    assert_int_equal(finish(f, &copy.op), OK);
    assert_true(copy.duplicate && !first.duplicate);
    assert_int_equal(copy.id, first.id);
}

static void the_copy_of_a_forgotten_devices_message_is_recognised(void **state)
{
    struct fixture *f = *state;
    uint64_t alice = make_account(f, "alice"), bob = make_account(f, "bob"), device = make_device(f, alice, 1);
    struct store_append first = message_of(alice, bob, device, 1);
    assert_int_equal(execute(f, &first.op, STORE_APPEND), OK);
    struct store_device_forget forget = {.device = device};
    assert_int_equal(execute(f, &forget.op, STORE_DEVICE_FORGET), OK);
    assert_true(resend(f, alice, bob, device, 1).duplicate);
    assert_false(resend(f, alice, bob, device, 2).duplicate);
}

static void last_number_is_known_after_a_restart(void **state)
{
    struct fixture *f = *state;
    uint64_t alice = make_account(f, "alice"), bob = make_account(f, "bob"), device = make_device(f, alice, 1);
    for (uint64_t number = 1; number <= 10; number++)
        resend(f, alice, bob, device, number);
    for (int round = 0; round < 2; round++) {
        struct store_device_find find = {.time = 5};
        memset(find.token, 1, sizeof find.token);
        assert_int_equal(execute(f, &find.op, STORE_DEVICE_FIND), OK);
        assert_int_equal(find.last_number, 10);
        fixture_reopen(f);
    }
}

static enum err send_within(struct fixture *f, uint64_t sender, uint64_t receiver, uint64_t quota, struct store_append *append)
{
    *append = message_of(sender, receiver, 0, 0);
    append->quota = quota;
    return execute(f, &append->op, STORE_APPEND);
}

static void a_full_mailbox_takes_no_more_until_it_is_read(void **state)
{
    struct fixture *f = *state;
    uint64_t alice = make_account(f, "alice"), bob = make_account(f, "bob"), carol = make_account(f, "carol");
    struct store_append append, kept;
    assert_int_equal(send_within(f, alice, bob, 3, &append), OK);
    assert_int_equal(send_within(f, alice, bob, 3, &kept), OK);
    assert_int_equal(send_within(f, carol, bob, 3, &append), OK);
    assert_int_equal(send_within(f, carol, bob, 3, &append), ERR_CAP);
    fixture_reopen(f);
    assert_int_equal(send_within(f, carol, bob, 3, &append), ERR_CAP);
    assert_int_equal(send_within(f, bob, alice, 3, &append), OK); /* his own do not count */
    advance(f, bob, kept.conversation, kept.id);
    assert_int_equal(send_within(f, alice, bob, 3, &append), OK);
    assert_int_equal(send_within(f, carol, bob, 3, &append), OK);
    assert_int_equal(send_within(f, carol, bob, 3, &append), ERR_CAP);
    assert_int_equal(send_within(f, carol, bob, 4, &append), OK);
    assert_int_equal(send_within(f, carol, bob, 0, &append), OK);
}

static void pending_is_what_others_sent_and_nobody_acknowledged(void **state)
{
    struct fixture *f = *state;
    uint64_t alice = make_account(f, "alice"), bob = make_account(f, "bob"), carol = make_account(f, "carol");
    send_text(f, alice, bob, "a1");
    uint64_t c1 = send_text(f, carol, bob, "c1");
    send_text(f, bob, alice, "mine");
    send_text(f, alice, bob, "a2");
    send_text(f, carol, alice, "notforbob");
    struct store_append c2 = message_of(carol, bob, 0, 0);
    c2.body = slice_str("c2");
    assert_int_equal(execute(f, &c2.op, STORE_APPEND), OK);
    expect_page(f, STORE_PENDING, bob, 0, "a1 c1 a2 c2");
    expect_page(f, STORE_PENDING, bob, c1, "a2 c2");
    advance(f, bob, c2.conversation, c1);
    expect_page(f, STORE_PENDING, bob, 0, "a1 a2 c2");
    advance(f, bob, c2.conversation, 0);            /* never back */
    advance(f, bob, c2.conversation, c2.id + 1000); /* from the future */
    advance(f, alice, c2.conversation, c2.id);      /* not hers */
    expect_page(f, STORE_PENDING, bob, 0, "a1 a2 c2");
    fixture_reopen(f);
    expect_page(f, STORE_PENDING, bob, 0, "a1 a2 c2");
    expect_page(f, STORE_PENDING, alice, 0, "mine notforbob");
    expect_page(f, STORE_PENDING, 99, 0, "");
}

static void since_is_everything_but_what_the_device_sent(void **state)
{
    struct fixture *f = *state;
    uint64_t alice = make_account(f, "alice"), bob = make_account(f, "bob"), device = make_device(f, alice, 1);
    uint64_t first = send_text(f, bob, alice, "one");
    struct store_append here = message_of(alice, bob, device, 1), there = message_of(alice, bob, 77, 1);
    here.body = slice_str("here");
    there.body = slice_str("there");
    assert_int_equal(execute(f, &here.op, STORE_APPEND), OK);
    assert_int_equal(execute(f, &there.op, STORE_APPEND), OK);
    send_text(f, bob, alice, "two");
    advance(f, alice, there.conversation, there.id); /* received does not matter */
    struct store_page page = page_of(alice, first, 10);
    page.device = device;
    assert_int_equal(execute(f, &page.op, STORE_SINCE), OK);
    assert_string_equal(texts(&page), "there two");
    assert_int_equal(page.rows[0].sender, alice);
    assert_int_equal(page.rows[0].receiver, bob);
    assert_int_equal(page.rows[0].device, 77);
    assert_int_equal(page.rows[0].time, 1000);
    assert_int_equal(page.horizon, page.rows[1].id);
    arena_free(&page.arena);
}

/* Reads everything in pages; returns how many. The ids must rise and be `expected` in all. */
static size_t read_in_pages(struct fixture *f, uint64_t account, unsigned limit, size_t limit_bytes, size_t expected)
{
    size_t pages = 0, rows = 0;
    uint64_t after = 0;
    for (bool more = true; more; pages++) {
        struct store_page page = page_of(account, after, limit);
        page.limit_bytes = limit_bytes;
        assert_int_equal(execute(f, &page.op, STORE_PENDING), OK);
        assert_true(page.count <= limit);
        for (size_t i = 0; i < page.count; i++, rows++) {
            assert_true(page.rows[i].id > after);
            after = page.rows[i].id;
        }
        more = page.more;
        assert_true(!more || page.count > 0);
        assert_true(page.horizon >= after);
        arena_free(&page.arena);
    }
    assert_int_equal(rows, expected);
    return pages;
}

static void pages_merge_many_conversations(void **state)
{
    struct fixture *f = *state;
    enum { SENDERS = 12, EACH = 9 };
    uint64_t bob = make_account(f, "bob"), senders[SENDERS];
    for (int i = 0; i < SENDERS; i++)
        senders[i] = make_account(f, (char[]){'s', (char)('a' + i), '\0'});
    for (int i = 0; i < SENDERS * EACH; i++)
        send_text(f, senders[i * 7 % SENDERS], bob, "x");
    for (int i = 0; i < EACH; i++)
        send_text(f, senders[3], bob, "burst");
    size_t all = SENDERS * EACH + EACH;
    assert_int_equal(read_in_pages(f, bob, 1000, 1 << 20, all), 1);
    assert_int_equal(read_in_pages(f, bob, (unsigned)all, 1 << 20, all), 1);
    assert_int_equal(read_in_pages(f, bob, 10, 1 << 20, all), 12);
    assert_int_equal(read_in_pages(f, bob, 1, 1 << 20, all), all);
    assert_int_equal(read_in_pages(f, bob, 1000, 0, all), all);
    assert_int_equal(read_in_pages(f, bob, 0 + 5, 2, all) > all / 5, true);
}

static void a_page_fits_its_arena(void **state)
{
    struct fixture *f = *state;
    static char text[3000];
    memset(text, 'x', sizeof text - 1);
    uint64_t alice = make_account(f, "alice"), bob = make_account(f, "bob");
    for (int i = 0; i < 4; i++)
        send_text(f, alice, bob, text);
    struct store_page page = page_of(bob, 0, 10);
    arena_init(&page.arena, 8000, 0);
    assert_int_equal(execute(f, &page.op, STORE_PENDING), OK);
    assert_int_equal(page.count, 2);
    assert_true(page.more);
    arena_free(&page.arena);
    arena_init(&page.arena, 1000, 0);
    assert_int_equal(execute(f, &page.op, STORE_PENDING), ERR_CAP);
    arena_free(&page.arena);
}

static void an_empty_body_and_bytes_are_kept(void **state)
{
    struct fixture *f = *state;
    uint64_t alice = make_account(f, "alice"), bob = make_account(f, "bob");
    struct store_append append = message_of(alice, bob, 0, 0);
    append.body = slice_of(NULL, 0);
    assert_int_equal(execute(f, &append.op, STORE_APPEND), OK);
    append = message_of(alice, bob, 0, 0);
    append.body = slice_of("a\0\xff", 3);
    assert_int_equal(execute(f, &append.op, STORE_APPEND), OK);
    struct store_page page = page_of(bob, 0, 10);
    assert_int_equal(execute(f, &page.op, STORE_PENDING), OK);
    assert_int_equal(page.count, 2);
    assert_int_equal(page.rows[0].body.len, 0);
    assert_true(slice_equal(page.rows[1].body, slice_of("a\0\xff", 3)));
    arena_free(&page.arena);
}

static uint64_t tidy_all(struct fixture *f, int64_t before, unsigned limit)
{
    uint64_t deleted = 0;
    struct store_tidy tidy = {.messages_before = before, .limit = limit};
    do {
        assert_int_equal(execute(f, &tidy.op, STORE_TIDY), OK);
        deleted += tidy.deleted;
    } while (tidy.more);
    return deleted;
}

static void tidying_takes_what_is_old_and_received(void **state)
{
    struct fixture *f = *state;
    uint64_t alice = make_account(f, "alice"), bob = make_account(f, "bob");
    struct store_append last = {0};
    for (int i = 0; i < 20; i++) {
        last = message_of(i % 2 ? alice : bob, i % 2 ? bob : alice, 0, 0);
        last.time = 1000 + i;
        assert_int_equal(execute(f, &last.op, STORE_APPEND), OK);
    }
    assert_int_equal(tidy_all(f, 2000, 3), 0);
    advance(f, bob, last.conversation, last.id - 10);
    assert_int_equal(tidy_all(f, 1004, 3), 2); /* of 1000..1003 those that bob got */
    assert_int_equal(tidy_all(f, 2000, 3), 3);
    advance(f, bob, last.conversation, last.id);
    advance(f, alice, last.conversation, last.id);
    assert_int_equal(tidy_all(f, 0, 3), 0);
    assert_int_equal(tidy_all(f, 2000, 3), 15);
    assert_int_equal(tidy_all(f, 2000, 3), 0);
    fixture_reopen(f);
    struct store_append next = message_of(alice, bob, 0, 0);
    assert_int_equal(execute(f, &next.op, STORE_APPEND), OK);
    assert_int_equal(next.id, last.id + 1); /* no id is used twice */
}

/* A process that ends without store_stop(), as after kill -9. */
static void send_tidy_and_die(struct fixture *f, uint64_t alice, uint64_t bob, uint64_t device)
{
    fixture_open(f);
    struct store_append append = resend(f, alice, bob, device, 8);
    advance(f, bob, append.conversation, append.id);
    struct store_tidy tidy = {.messages_before = 100000, .limit = 10};
    _exit(execute(f, &tidy.op, STORE_TIDY) == OK && tidy.deleted == 1 ? 0 : 1);
}

static void tidying_forgets_no_number(void **state)
{
    struct fixture *f = *state;
    uint64_t alice = make_account(f, "alice"), bob = make_account(f, "bob"), device = make_device(f, alice, 1);
    store_stop(&f->store);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0)
        send_tidy_and_die(f, alice, bob, device);
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    fixture_open(f);
    struct store_device_find find = {.time = 5};
    memset(find.token, 1, sizeof find.token);
    assert_int_equal(execute(f, &find.op, STORE_DEVICE_FIND), OK);
    assert_int_equal(find.last_number, 8);
    assert_int_equal(send_text(f, alice, bob, "next"), 2); /* nor an id */
}

static void tidying_takes_old_devices_logins_and_failures(void **state)
{
    struct fixture *f = *state;
    uint64_t alice = make_account(f, "alice");
    make_device(f, alice, 1);
    struct store_device_create kept = device_of(alice, 2, 500, 0);
    assert_int_equal(execute(f, &kept.op, STORE_DEVICE_CREATE), OK);
    for (int i = 0; i < 5; i++) {
        char name[] = {'m', (char)('0' + i), '\0'};
        struct store_login_open open = {.account = make_account(f, name), .time = i * 100};
        assert_int_equal(execute(f, &open.op, STORE_LOGIN_OPEN), OK);
        struct store_login_close close = {.login = open.login, .time = i * 100 + 50};
        assert_int_equal(execute(f, &close.op, STORE_LOGIN_CLOSE), OK);
        struct store_failures failures = {.name = slice_str(name), .count = 1, .time = i * 100};
        assert_int_equal(execute(f, &failures.op, STORE_FAILURES), OK);
    }
    /* Old, but a block that still stands. */
    struct store_failures blocked = {.name = slice_str("blocked"), .count = 3, .blocked_until = 10000, .time = 0};
    assert_int_equal(execute(f, &blocked.op, STORE_FAILURES), OK);
    struct store_tidy tidy = {.logins_before = 260, .devices_before = 260, .failures_before = 260, .limit = 2};
    assert_int_equal(execute(f, &tidy.op, STORE_TIDY), OK);
    assert_int_equal(tidy.deleted, 5);
    assert_true(tidy.more);
    assert_int_equal(execute(f, &tidy.op, STORE_TIDY), OK);
    assert_int_equal(tidy.deleted, 2);
    assert_false(tidy.more);
    struct store_device_find find = {.time = 600};
    memset(find.token, 1, sizeof find.token);
    assert_int_equal(execute(f, &find.op, STORE_DEVICE_FIND), ERR_BAD_TOKEN);
    memset(find.token, 2, sizeof find.token);
    assert_int_equal(execute(f, &find.op, STORE_DEVICE_FIND), OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(messages_get_rising_ids_and_know_the_one_before, set_up, tear_down),
        cmocka_unit_test_setup_teardown(impossible_messages_are_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_resent_message_is_stored_once, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_message_and_its_copy_in_one_group, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_copy_of_a_forgotten_devices_message_is_recognised, set_up, tear_down),
        cmocka_unit_test_setup_teardown(last_number_is_known_after_a_restart, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_full_mailbox_takes_no_more_until_it_is_read, set_up, tear_down),
        cmocka_unit_test_setup_teardown(pending_is_what_others_sent_and_nobody_acknowledged, set_up, tear_down),
        cmocka_unit_test_setup_teardown(since_is_everything_but_what_the_device_sent, set_up, tear_down),
        cmocka_unit_test_setup_teardown(pages_merge_many_conversations, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_page_fits_its_arena, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_empty_body_and_bytes_are_kept, set_up, tear_down),
        cmocka_unit_test_setup_teardown(tidying_takes_what_is_old_and_received, set_up, tear_down),
        cmocka_unit_test_setup_teardown(tidying_forgets_no_number, set_up, tear_down),
        cmocka_unit_test_setup_teardown(tidying_takes_old_devices_logins_and_failures, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
