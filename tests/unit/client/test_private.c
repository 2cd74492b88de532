/* test_private.c - consent: who asks, who answers, and everything that can come between. */
#include "introduced.h"

static struct rig *rig;
static struct end *alice, *bob;

static int begin(void **unused)
{
    rig = rig_new();
    alice = rig_join(rig, "alice");
    bob = rig_join(rig, "bob");
    return 0;
}

static int end(void **unused)
{
    rig_free(rig);
    return 0;
}

static void ask_bob(void)
{
    wish(alice, REQUEST(STARTPRIVATE), "bob", NULL);
    assert_int_equal(alice->count, 0); /* nobody is called inside a call */
    reads(alice, "ok 1");
    reads(bob, "alice asks");
}

static void a_yes_opens(void **unused)
{
    ask_bob();
    quiet(alice);
    answer(bob, "alice", true);
    reads(bob, "ok 1");
    reads(bob, "open alice direct");
    reads(alice, "open bob direct");
    quiet(alice);
    quiet(bob);
    assert_string_equal(alice->code, bob->code);
    assert_int_equal(strlen(alice->code), 14);
    assert_int_equal(alice->code[4], ' ');
    assert_int_equal(alice->code[9], ' ');
}

static void a_no_is_told(void **unused)
{
    ask_bob();
    answer(bob, NULL, false);
    reads(bob, "ok 1");
    reads(alice, "error 1 declined");
    assert_string_equal(alice->why, "bob said no.");
    quiet(bob);
    answer(bob, NULL, true);
    reads(bob, "error 2 no_private");
}

static void nobody_asks(void **unused)
{
    answer(bob, NULL, true);
    answer(bob, "alice", false);
    wish(bob, REQUEST(STOPPRIVATE), "alice", NULL);
    wish(bob, REQUEST_PRIVATE, "alice", "hi");
    wish(bob, REQUEST_VERIFY, "alice", NULL);
    wish(bob, REQUEST_TRUST, "alice", NULL);
    reads(bob, "error 1 no_private");
    reads(bob, "error 2 no_private");
    reads(bob, "error 3 no_private");
    reads(bob, "error 4 no_private");
    reads(bob, "error 5 no_private");
    reads(bob, "error 6 usage");
    assert_int_equal(privates_unanswered(bob->privates), 0);
    assert_true(bob->idle > 0);
}

static void the_server_refuses(void **unused)
{
    wish(alice, REQUEST(STARTPRIVATE), "alice", NULL);
    wish(alice, REQUEST(STARTPRIVATE), "carol", NULL);
    reads(alice, "error 1 self");
    reads(alice, "error 2 offline");
    wish(alice, REQUEST(STARTPRIVATE), "carol", NULL); /* nothing is left of it */
    reads(alice, "error 3 offline");
}

static void asking_twice(void **unused)
{
    ask_bob();
    wish(alice, REQUEST(STARTPRIVATE), "bob", NULL);
    reads(alice, "error 2 usage");
    assert_string_equal(alice->why, "bob is being asked already.");
    answer(bob, NULL, true);
    reads(alice, "open bob direct");
    wish(alice, REQUEST(STARTPRIVATE), "bob", NULL);
    reads(alice, "error 3 usage");
    assert_string_equal(alice->why, "A private channel with bob is open already.");
}

static void asking_who_asks_is_a_yes(void **unused)
{
    ask_bob();
    wish(bob, REQUEST(STARTPRIVATE), "alice", NULL);
    reads(bob, "ok 1");
    reads(bob, "open alice direct");
    reads(alice, "open bob direct");
    quiet(alice);
}

static void nobody_answers(void **unused)
{
    ask_bob();
    rig_settle(rig, &rig->asked[0], EARSHOT__PRIVATE_SETTLED__OUTCOME__OUTCOME_EXPIRED, NULL, NULL);
    reads(alice, "error 1 declined");
    assert_string_equal(alice->why, "bob did not answer in time.");
    reads(bob, "over alice expired");
    answer(bob, NULL, true);
    reads(bob, "error 1 no_private");
}

static void the_asker_takes_it_back(void **unused)
{
    ask_bob();
    wish(alice, REQUEST(STOPPRIVATE), "bob", NULL);
    reads(alice, "ok 2");
    reads(alice, "over bob cancelled");
    reads(bob, "over alice cancelled");
    open_between(alice, bob);
}

static void it_is_taken_back_before_the_server_has_it(void **unused)
{
    wish(alice, REQUEST(STARTPRIVATE), "bob", NULL);
    wish(alice, REQUEST(STOPPRIVATE), "bob", NULL);
    wish(alice, REQUEST(STARTPRIVATE), "carol", NULL);
    wish(alice, REQUEST(STOPPRIVATE), "carol", NULL);
    reads(alice, "ok 1");
    reads(alice, "error 3 offline");
    reads(alice, "error 4 no_private");
    reads(alice, "ok 2");
    reads(alice, "over bob cancelled");
    quiet(alice);
}

static void a_yes_comes_too_late(void **unused)
{
    ask_bob();
    rig->asked_count = 0; /* the server has forgotten it, and the word of that was lost */
    answer(bob, NULL, true);
    reads(bob, "ok 1");
    reads(bob, "error 1 no_private");
    quiet(bob);
}

static void all_devices_are_asked_and_one_answers(void **unused)
{
    struct end *phone = rig_join(rig, "bob");
    ask_bob();
    reads(phone, "alice asks");
    answer(phone, NULL, true);
    reads(phone, "ok 1");
    reads(phone, "open alice direct");
    reads(bob, "over alice answered on another device");
    reads(alice, "open bob direct");
    quiet(bob);
}

static void two_yes_at_once(void **unused)
{
    struct end *phone = rig_join(rig, "bob");
    ask_bob();
    reads(phone, "alice asks");
    answer(bob, NULL, true);
    answer(phone, NULL, true);
    reads(alice, "open bob direct");
    rig_run(rig);
    /* One of them has it, and the other one is told that it is over. */
    struct end *winner = strcmp(bob->lines[bob->count - 1], "open alice direct") == 0 ? bob : phone;
    struct end *loser = winner == bob ? phone : bob;
    assert_string_equal(winner->lines[winner->count - 1], "open alice direct");
    assert_string_equal(loser->lines[loser->count - 1], "error 1 no_private");
}

static void both_ask_at_once(void **unused)
{
    wish(alice, REQUEST(STARTPRIVATE), "bob", NULL);
    wish(bob, REQUEST(STARTPRIVATE), "alice", NULL);
    rig_run(rig);
    reads(alice, "ok 1");
    reads(bob, "ok 1");
    reads(alice, "open bob direct");
    reads(bob, "open alice direct");
    quiet(alice);
    quiet(bob);
    assert_string_equal(alice->code, bob->code);
    assert_int_equal(rig->asked_count, 0);
    assert_int_equal(rig->tunnel_count, 2);
}

static void several_ask(void **unused)
{
    struct end *carol = rig_join(rig, "carol");
    ask_bob();
    wish(carol, REQUEST(STARTPRIVATE), "bob", NULL);
    reads(carol, "ok 1");
    reads(bob, "carol asks");
    answer(bob, NULL, true);
    reads(bob, "error 1 usage");
    answer(bob, "carol", true);
    reads(bob, "ok 2");
    reads(bob, "open carol direct");
    answer(bob, NULL, true);
    reads(bob, "ok 3");
    reads(bob, "open alice direct");
    wish(bob, REQUEST_PRIVATE, "carol", "to carol");
    wish(bob, REQUEST_PRIVATE, "alice", "to alice");
    reads(carol, "open bob direct");
    reads(carol, "private bob to carol");
    reads(alice, "open bob direct");
    reads(alice, "private bob to alice");
    quiet(carol);
    quiet(alice);
}

static void a_request_of_which_nothing_is_heard_ends(void **unused)
{
    ask_bob();
    later(rig, 11 * 60 * 1000);
    wish(bob, REQUEST(STOPPRIVATE), "alice", NULL);
    reads(bob, "over alice expired");
    reads(bob, "error 1 no_private");
}

static void a_lost_server_ends_what_it_knew(void **unused)
{
    ask_bob();
    privates_server_lost(alice->privates);
    reads(alice, "error 1 private_failed");
    privates_server_lost(bob->privates);
    quiet(bob); /* it may still be answered, and the server says if not */
    rig->asked_count = 0;
    answer(bob, NULL, true);
    reads(bob, "ok 1");
    reads(bob, "error 1 no_private");
}

static void stopping_before_it_is_open(void **unused)
{
    ask_bob();
    answer(bob, NULL, true);
    wish(bob, REQUEST(STOPPRIVATE), "alice", NULL);
    reads(bob, "ok 1");
    reads(bob, "ok 2");
    reads(bob, "over alice stopped");
    reads(alice, "error 1 private_failed");
    quiet(alice);
    quiet(bob);
}

static void no_more_than_so_many(void **unused)
{
    char name[16];
    for (int i = 0; i < PRIVATE_CHANNELS + 1; i++) {
        snprintf(name, sizeof name, "user%d", i);
        Earshot__PrivateRequest request = EARSHOT__PRIVATE_REQUEST__INIT;
        uint8_t channel[16] = {(uint8_t)i};
        request.from = bytes_of_slice(slice_str(name));
        request.channel = id_bytes(channel);
        privates_request(bob->privates, &request);
    }
    rig_run(rig);
    assert_int_equal(bob->count, PRIVATE_REQUESTS);
}

static void nonsense_of_the_server_is_ignored(void **unused)
{
    Earshot__PrivateRequest request = EARSHOT__PRIVATE_REQUEST__INIT;
    Earshot__PrivateSettled settled = EARSHOT__PRIVATE_SETTLED__INIT;
    Earshot__Signal signal = EARSHOT__SIGNAL__INIT;
    uint8_t channel[16] = {1};
    privates_request(bob->privates, &request);
    privates_settled(bob->privates, &settled);
    privates_signal(bob->privates, &signal);
    request.from = bytes_of_slice(slice_str("b@d"));
    request.channel = id_bytes(channel);
    privates_request(bob->privates, &request);
    request.from = bytes_of_slice(slice_str("bob")); /* of ourselves */
    privates_request(bob->privates, &request);
    request.from = bytes_of_slice(slice_str("alice"));
    request.channel.len = 15;
    privates_request(bob->privates, &request);
    quiet(bob);
    ask_bob();
    settle_at(alice, &bob->name, rig->asked[0].channel, EARSHOT__PRIVATE_SETTLED__OUTCOME__OUTCOME_ACCEPTED, bob->device, NULL);
    reads(alice, "error 1 private_failed"); /* without a nonce */
}

static void logging_out_ends_everything(void **unused)
{
    struct end *carol = rig_join(rig, "carol");
    open_between(alice, bob);
    wish(alice, REQUEST(STARTPRIVATE), "carol", NULL);
    reads(alice, "ok 2");
    reads(carol, "alice asks");
    privates_end(alice->privates, "logged out");
    rig_run(rig);
    assert_int_equal(alice->count - alice->read, 2);
    reads(bob, "over alice logged out");
    assert_int_equal(privates_unanswered(alice->privates), 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
    const struct CMUnitTest tests[] = {
        TEST(a_yes_opens),
        TEST(a_no_is_told),
        TEST(nobody_asks),
        TEST(the_server_refuses),
        TEST(asking_twice),
        TEST(asking_who_asks_is_a_yes),
        TEST(nobody_answers),
        TEST(the_asker_takes_it_back),
        TEST(it_is_taken_back_before_the_server_has_it),
        TEST(a_yes_comes_too_late),
        TEST(all_devices_are_asked_and_one_answers),
        TEST(two_yes_at_once),
        TEST(both_ask_at_once),
        TEST(several_ask),
        TEST(a_request_of_which_nothing_is_heard_ends),
        TEST(a_lost_server_ends_what_it_knew),
        TEST(stopping_before_it_is_open),
        TEST(no_more_than_so_many),
        TEST(nonsense_of_the_server_is_ignored),
        TEST(logging_out_ends_everything),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
