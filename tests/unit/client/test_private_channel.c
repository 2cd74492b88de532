/* test_private_channel.c - who is at the other end, and what is said: trust, safety codes, texts, loss, hostile ends. */
#include "crypto/cert.h"
#include "envelope.h"
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

static void stop_it(void)
{
    wish(alice, REQUEST(STOPPRIVATE), "bob", NULL);
    rig_run(rig);
    alice->read = alice->count;
    bob->read = bob->count;
}

/* Asks and says yes; what comes of it is for the test to read. */
static void introduce(void)
{
    wish(alice, REQUEST(STARTPRIVATE), "bob", NULL);
    rig_run(rig);
    answer(bob, "alice", true);
    rig_run(rig);
}

static const char *last_line(const struct end *who)
{
    return who->count > 0 ? who->lines[who->count - 1] : "";
}

/* ---- trust ---- */

/* A server that puts its own key and certificate in place of both ends'. */
static void swap_keys(struct rig *r, struct end *from, struct end *to, Earshot__PeerSignal *signal)
{
    static char sdp[64];
    static uint8_t key[IDENTITY_KEY];
    const struct envelope envelope = {r->channel, r->nonce, &from->name, &to->name};
    unsigned number;
    if (signal->body_case != EARSHOT__PEER_SIGNAL__BODY_DESCRIPTION)
        return;
    assert_int_equal(sscanf((const char *)signal->description->sdp.data, "tunnel %u", &number), 1);
    int len = snprintf(sdp, sizeof sdp, "tunnel %u print 99", number);
    memcpy(key, r->mallory.key, sizeof key);
    assert_int_equal(envelope_sign(&envelope, &r->mallory, slice_of(sdp, (size_t)len), r->signature, signal->description), OK);
}

static void a_middle_at_first_contact_shows_in_the_code(void **unused)
{
    rig->meddle = swap_keys;
    open_between(alice, bob);
    assert_string_not_equal(alice->code, bob->code);
}

static void a_middle_later_stops_the_channel(void **unused)
{
    open_between(alice, bob);
    stop_it();
    rig->meddle = swap_keys;
    introduce();
    assert_string_equal(last_line(bob), "error 2 private_failed");
    assert_non_null(strstr(bob->why, "The key of alice has changed"));
    assert_non_null(strstr(bob->why, "trust alice"));
    assert_string_equal(last_line(alice), "error 3 private_failed");
    assert_int_equal(rig->tunnels[3].described, false); /* stopped before anything of it was used */
}

static void new_identity(struct end *who)
{
    identity_make(&rig->random, &who->identity);
}

static void trust_goes_on(void **unused)
{
    uint8_t old[IDENTITY_KEY];
    open_between(alice, bob);
    stop_it();
    memcpy(old, bob->identity.key, sizeof old);
    new_identity(bob);
    char before[FINGERPRINT_SIZE], now[FINGERPRINT_SIZE];
    cert_fingerprint_der(slice_of(old, sizeof old), before);
    cert_fingerprint_der(slice_of(bob->identity.key, IDENTITY_KEY), now);
    introduce();
    assert_string_equal(last_line(alice), "error 3 private_failed");
    assert_true(strstr(alice->why, before) < strstr(alice->why, now)); /* was, is */
    assert_non_null(strstr(alice->why, before));
    assert_non_null(strstr(bob->why, now)); /* for the two to compare */
    assert_null(strstr(bob->why, before));
    alice->read = alice->count;
    bob->read = bob->count;
    introduce(); /* again, without trust: the same */
    assert_string_equal(last_line(alice), "error 4 private_failed");
    wish(alice, REQUEST_TRUST, "bob", NULL);
    alice->read = alice->count;
    bob->read = bob->count;
    reads(alice, "ok 5");
    open_between(alice, bob);
    wish(alice, REQUEST_TRUST, "bob", NULL); /* nothing waits any more */
    reads(alice, "error 7 usage");
}

static void two_devices_have_two_keys(void **unused)
{
    struct identity first = bob->identity;
    open_between(alice, bob);
    stop_it();
    new_identity(bob);
    introduce();
    wish(alice, REQUEST_TRUST, "bob", NULL);
    rig_run(rig);
    bob->identity = first; /* the first one is still known */
    introduce();
    assert_string_equal(last_line(alice), "open bob direct");
}

static void verified_is_remembered(void **unused)
{
    open_between(alice, bob);
    wish(alice, REQUEST_VERIFY, "bob", NULL);
    reads(alice, "ok 2");
    stop_it();
    introduce();
    assert_string_equal(last_line(alice), "open bob direct verified");
    assert_string_equal(last_line(bob), "open alice direct");
}

static void forge(struct rig *r, struct end *from, struct end *to, Earshot__PeerSignal *signal)
{
    if (signal->body_case == EARSHOT__PEER_SIGNAL__BODY_DESCRIPTION && from == alice)
        signal->description->sdp.data[7] ^= 1;
}

static void a_changed_description_is_refused(void **unused)
{
    rig->meddle = forge;
    introduce();
    assert_string_equal(last_line(bob), "error 1 private_failed");
    assert_string_equal(last_line(alice), "error 1 private_failed");
}

static Earshot__PeerDescription kept;
static uint8_t kept_sdp[64], kept_key[IDENTITY_KEY], kept_signature[IDENTITY_SIGNATURE];
static bool replaying;

static void keep_or_replay(struct rig *r, struct end *from, struct end *to, Earshot__PeerSignal *signal)
{
    if (signal->body_case != EARSHOT__PEER_SIGNAL__BODY_DESCRIPTION || from != alice)
        return;
    if (replaying) {
        *signal->description = kept;
        return;
    }
    kept = *signal->description;
    memcpy(kept_sdp, kept.sdp.data, kept.sdp.len);
    memcpy(kept_key, kept.key.data, kept.key.len);
    memcpy(kept_signature, kept.signature.data, kept.signature.len);
    kept.sdp.data = kept_sdp;
    kept.key.data = kept_key;
    kept.signature.data = kept_signature;
}

static void an_old_description_is_refused(void **unused)
{
    replaying = false;
    rig->meddle = keep_or_replay;
    open_between(alice, bob);
    stop_it();
    replaying = true;
    introduce();
    assert_string_equal(last_line(bob), "error 2 private_failed");
}

static void change_the_reveal(struct rig *r, struct tunnel *from, Earshot__PeerFrame *frame)
{
    if (frame->body_case == EARSHOT__PEER_FRAME__BODY_REVEAL)
        frame->reveal.data[0] ^= 1;
}

static void a_reveal_that_was_not_committed_to_is_refused(void **unused)
{
    rig->distort = change_the_reveal;
    introduce();
    assert_string_equal(last_line(bob), "error 1 private_failed");
}

static void change_the_nonce(struct rig *r, struct tunnel *from, Earshot__PeerFrame *frame)
{
    if (frame->body_case == EARSHOT__PEER_FRAME__BODY_NONCE)
        frame->nonce.data[0] ^= 1;
}

static void a_changed_nonce_shows_in_the_code(void **unused)
{
    rig->distort = change_the_nonce;
    introduce();
    assert_string_equal(last_line(bob), "open alice direct");
    assert_string_not_equal(alice->code, bob->code);
}

/* ---- texts ---- */

static void texts_arrive_in_order_and_once(void **unused)
{
    char text[32];
    open_between(alice, bob);
    for (int i = 0; i < 500; i++) {
        snprintf(text, sizeof text, "number %d", i);
        wish(alice, REQUEST_PRIVATE, "bob", text);
    }
    for (int i = 0; i < 500; i++) {
        snprintf(text, sizeof text, "private alice number %d", i);
        reads(bob, text);
        snprintf(text, sizeof text, "ok %d", i + 2);
        reads(alice, text);
    }
    quiet(bob);
    quiet(alice);
    assert_int_equal(privates_unanswered(alice->privates), 0);
}

static void say_frame(struct tunnel *tunnel, const Earshot__PeerFrame *frame)
{
    uint8_t bytes[1024];
    assert_true(earshot__peer_frame__get_packed_size(frame) <= sizeof bytes);
    tunnel_say(tunnel, slice_of(bytes, earshot__peer_frame__pack(frame, bytes)));
}

/* As alice's end would, but for the number. */
static void say_text(uint64_t number, const char *body)
{
    Earshot__PeerFrame frame = EARSHOT__PEER_FRAME__INIT;
    Earshot__PeerText text = EARSHOT__PEER_TEXT__INIT;
    frame.body_case = EARSHOT__PEER_FRAME__BODY_TEXT;
    frame.text = &text;
    text.number = number;
    text.body = bytes_of_slice(slice_str(body));
    say_frame(last_tunnel(rig, true), &frame);
}

static void say_texts_twice(struct rig *r, struct tunnel *from, Earshot__PeerFrame *frame)
{
    if (frame->body_case == EARSHOT__PEER_FRAME__BODY_TEXT)
        say_frame(from, frame);
}

static void repeated_texts_are_shown_once(void **unused)
{
    open_between(alice, bob);
    rig->distort = say_texts_twice;
    wish(alice, REQUEST_PRIVATE, "bob", "a");
    wish(alice, REQUEST_PRIVATE, "bob", "b");
    reads(bob, "private alice a");
    reads(bob, "private alice b");
    quiet(bob);
}

static void bad_texts_end_the_channel(void **unused)
{
    static const struct {
        uint64_t number;
        const char *body;
    } bad[] = {{3, "a gap"}, {0, "no number"}, {1, "\x1b[2J"}, {1, "\xff"}, {1, ""}};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        open_between(alice, bob);
        say_text(bad[i].number, bad[i].body);
        reads(bob, "over alice broken");
        reads(alice, "over bob broken");
        quiet(bob);
    }
}

static void acknowledging_what_was_not_sent_ends_the_channel(void **unused)
{
    Earshot__PeerFrame frame = EARSHOT__PEER_FRAME__INIT;
    open_between(alice, bob);
    frame.body_case = EARSHOT__PEER_FRAME__BODY_RECEIVED;
    frame.received = 1;
    say_frame(last_tunnel(rig, true), &frame);
    reads(bob, "over alice broken");
}

static void frames_at_the_wrong_time_end_the_channel(void **unused)
{
    Earshot__PeerFrame frame = EARSHOT__PEER_FRAME__INIT;
    uint8_t bytes[32] = {0};
    open_between(alice, bob);
    frame.body_case = EARSHOT__PEER_FRAME__BODY_COMMIT;
    frame.commit = bytes_of_slice(slice_of(bytes, sizeof bytes));
    say_frame(last_tunnel(rig, true), &frame);
    reads(bob, "over alice broken");
    reads(alice, "over bob broken");
    open_between(alice, bob);
    tunnel_say(last_tunnel(rig, true), slice_str("\xff\xff\xff"));
    reads(bob, "over alice broken");
}

static void text_before_the_proof(struct rig *r, struct tunnel *from, Earshot__PeerFrame *frame)
{
    static Earshot__PeerText text;
    if (frame->body_case != EARSHOT__PEER_FRAME__BODY_COMMIT)
        return;
    r->distort = NULL;
    text = (Earshot__PeerText)EARSHOT__PEER_TEXT__INIT;
    text.number = 1;
    text.body = bytes_of_slice(slice_str("early"));
    Earshot__PeerFrame early = EARSHOT__PEER_FRAME__INIT;
    early.body_case = EARSHOT__PEER_FRAME__BODY_TEXT;
    early.text = &text;
    say_frame(from, &early);
}

static void nothing_is_shown_before_the_proof(void **unused)
{
    rig->distort = text_before_the_proof;
    introduce();
    assert_string_equal(last_line(bob), "error 1 private_failed");
    for (size_t i = 0; i < bob->count; i++)
        assert_null(strstr(bob->lines[i], "early"));
}

static void frames_of_later_versions_are_ignored(void **unused)
{
    static const uint8_t unknown[] = {0xfa, 0x01, 0x01, 0x00}; /* field 31 */
    open_between(alice, bob);
    tunnel_say(last_tunnel(rig, true), slice_of(unknown, sizeof unknown));
    tunnel_say(last_tunnel(rig, true), slice_of(unknown, 0));
    quiet(bob);
    wish(alice, REQUEST_PRIVATE, "bob", "still here");
    reads(bob, "private alice still here");
}

static void a_full_transport_is_waited_for(void **unused)
{
    open_between(alice, bob);
    last_tunnel(rig, true)->full = true;
    wish(alice, REQUEST_PRIVATE, "bob", "one");
    wish(alice, REQUEST_PRIVATE, "bob", "two");
    quiet(bob);
    last_tunnel(rig, true)->full = false;
    tunnel_soon(last_tunnel(rig, true), run_drained);
    reads(bob, "private alice one");
    reads(bob, "private alice two");
    reads(alice, "ok 2");
    reads(alice, "ok 3");
}

static void only_so_much_may_wait(void **unused)
{
    struct request what = {.kind = REQUEST_PRIVATE};
    what.user = bob->name;
    open_between(alice, bob);
    last_tunnel(rig, true)->full = true;
    for (int i = 0; i < 10000; i++)
        assert_int_equal(privates_wish(alice->privates, &what, slice_str("x")), OK);
    assert_int_equal(privates_wish(alice->privates, &what, slice_str("x")), ERR_CAP);
}

/* ---- the end ---- */

static void a_dead_channel_answers_every_text(void **unused)
{
    open_between(alice, bob);
    last_tunnel(rig, false)->dead = true; /* bob's machine has gone */
    wish(alice, REQUEST_PRIVATE, "bob", "one");
    wish(alice, REQUEST_PRIVATE, "bob", "two");
    quiet(alice);
    assert_int_equal(privates_unanswered(alice->privates), 2);
    end_tunnel(last_tunnel(rig, true), PEER_LOST);
    reads(alice, "error 2 private_failed");
    reads(alice, "error 3 private_failed");
    reads(alice, "over bob lost");
    wish(alice, REQUEST_PRIVATE, "bob", "three");
    reads(alice, "error 4 no_private");
}

static void stopping_waits_for_what_was_said(void **unused)
{
    open_between(alice, bob);
    wish(alice, REQUEST_PRIVATE, "bob", "last words");
    wish(alice, REQUEST(STOPPRIVATE), "bob", NULL);
    wish(alice, REQUEST_PRIVATE, "bob", "too late");
    reads(alice, "error 4 no_private");
    reads(alice, "ok 2");
    reads(alice, "ok 3");
    reads(alice, "over bob stopped");
    reads(bob, "private alice last words");
    reads(bob, "over alice stopped");
}

static void stopping_does_not_wait_for_ever(void **unused)
{
    open_between(alice, bob);
    last_tunnel(rig, false)->dead = true;
    wish(alice, REQUEST_PRIVATE, "bob", "lost words");
    wish(alice, REQUEST(STOPPRIVATE), "bob", NULL);
    quiet(alice);
    later(rig, 2000);
    reads(alice, "error 2 private_failed");
    reads(alice, "ok 3");
    reads(alice, "over bob stopped");
}

static void a_lost_server_does_not_disturb(void **unused)
{
    open_between(alice, bob);
    alice->online = bob->online = false;
    privates_server_lost(alice->privates);
    privates_server_lost(bob->privates);
    wish(alice, REQUEST_PRIVATE, "bob", "still here");
    reads(bob, "private alice still here");
    reads(alice, "ok 2");
}

static void the_server_cannot_end_a_channel(void **unused)
{
    Earshot__PeerSignal closed = EARSHOT__PEER_SIGNAL__INIT;
    Earshot__Signal signal = EARSHOT__SIGNAL__INIT;
    uint8_t bytes[64];
    struct tunnel *tunnel;
    introduce();
    tunnel = last_tunnel(rig, true);
    closed.body_case = EARSHOT__PEER_SIGNAL__BODY_CLOSED;
    closed.closed = bytes_of_slice(slice_str("forged"));
    signal.from = name_bytes(&bob->name);
    signal.device = bob->device;
    signal.payload = bytes_of_slice(slice_of(bytes, earshot__peer_signal__pack(&closed, bytes)));
    uint8_t channel[16];
    memcpy(channel, rig->asked[0].channel, sizeof channel); /* the newest one; its place is still there */
    signal.channel = id_bytes(channel);
    privates_signal(alice->privates, &signal);
    assert_false(tunnel->dead);
    assert_string_equal(last_line(alice), "open bob direct");
}

static void a_restart_is_signed_and_its_path_told(void **unused)
{
    open_between(alice, bob);
    size_t before = rig->signals;
    tunnel_soon(last_tunnel(rig, true), run_description); /* the transport gathers anew */
    quiet(alice);
    quiet(bob);
    assert_int_equal(rig->signals, before + 4); /* a description and a candidate each way */
    last_tunnel(rig, true)->config.ops->path(last_tunnel(rig, true)->config.ctx, PEER_RELAYED);
    reads(alice, "path bob relay");
    wish(alice, REQUEST_PRIVATE, "bob", "another way");
    reads(bob, "private alice another way");
}

static void a_restart_with_another_key_is_ignored(void **unused)
{
    open_between(alice, bob);
    rig->meddle = swap_keys;
    tunnel_soon(last_tunnel(rig, true), run_description);
    quiet(bob);
    assert_int_not_equal(last_tunnel(rig, false)->their_print, 99);
    wish(alice, REQUEST_PRIVATE, "bob", "still here");
    reads(bob, "private alice still here");
}

static void signals_wait_for_the_server(void **unused)
{
    open_between(alice, bob);
    alice->online = false;
    size_t before = rig->signals;
    tunnel_soon(last_tunnel(rig, true), run_description);
    later(rig, 5000);
    assert_int_equal(rig->signals, before);
    alice->online = true;
    later(rig, 1000);
    assert_int_equal(rig->signals, before + 4);
}

static void what_never_opens_fails_in_time(void **unused)
{
    wish(alice, REQUEST(STARTPRIVATE), "bob", NULL);
    rig_run(rig);
    answer(bob, NULL, true);
    bob->transport_fails = true;
    rig_run(rig);
    assert_string_equal(last_line(bob), "error 1 private_failed");
    assert_string_equal(last_line(alice), "error 1 private_failed");
    bob->transport_fails = false;
    introduce();
    assert_string_equal(last_line(bob), "open alice direct");
}

static void without_a_way_the_text_says_what_would_help(void **unused)
{
    wish(alice, REQUEST(STARTPRIVATE), "bob", NULL);
    rig_run(rig);
    bob->online = false;
    settle_at(alice, &bob->name, rig->asked[0].channel, EARSHOT__PRIVATE_SETTLED__OUTCOME__OUTCOME_ACCEPTED, bob->device,
              rig->nonce);
    rig_run(rig);
    end_tunnel(last_tunnel(rig, true), PEER_NO_PATH);
    rig_run(rig);
    assert_non_null(strstr(alice->why, "TURN"));
}

static void the_deadline_ends_what_hangs(void **unused)
{
    wish(alice, REQUEST(STARTPRIVATE), "bob", NULL);
    rig_run(rig);
    settle_at(alice, &bob->name, rig->asked[0].channel, EARSHOT__PRIVATE_SETTLED__OUTCOME__OUTCOME_ACCEPTED, 4711, rig->nonce);
    later(rig, 44000);
    assert_string_equal(last_line(alice), "ok 1");
    later(rig, 2000);
    assert_string_equal(last_line(alice), "error 1 private_failed");
    assert_non_null(strstr(alice->why, "TURN"));
}

static void a_new_request_of_a_crashed_peer_replaces_the_channel(void **unused)
{
    open_between(alice, bob);
    last_tunnel(rig, false)->open = false; /* the process has gone, and says nothing more */
    last_tunnel(rig, false)->other = NULL;
    privates_free(&bob->privates);
    end_begin(bob);
    wish(bob, REQUEST(STARTPRIVATE), "alice", NULL);
    reads(alice, "bob asks");
    answer(alice, NULL, true);
    reads(alice, "over bob replaced");
    reads(alice, "ok 2");
    reads(alice, "open bob direct");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
    const struct CMUnitTest tests[] = {
        TEST(a_middle_at_first_contact_shows_in_the_code),
        TEST(a_middle_later_stops_the_channel),
        TEST(trust_goes_on),
        TEST(two_devices_have_two_keys),
        TEST(verified_is_remembered),
        TEST(a_changed_description_is_refused),
        TEST(an_old_description_is_refused),
        TEST(a_reveal_that_was_not_committed_to_is_refused),
        TEST(a_changed_nonce_shows_in_the_code),
        TEST(texts_arrive_in_order_and_once),
        TEST(repeated_texts_are_shown_once),
        TEST(bad_texts_end_the_channel),
        TEST(acknowledging_what_was_not_sent_ends_the_channel),
        TEST(frames_at_the_wrong_time_end_the_channel),
        TEST(nothing_is_shown_before_the_proof),
        TEST(frames_of_later_versions_are_ignored),
        TEST(a_full_transport_is_waited_for),
        TEST(only_so_much_may_wait),
        TEST(a_dead_channel_answers_every_text),
        TEST(stopping_waits_for_what_was_said),
        TEST(stopping_does_not_wait_for_ever),
        TEST(a_lost_server_does_not_disturb),
        TEST(the_server_cannot_end_a_channel),
        TEST(a_restart_is_signed_and_its_path_told),
        TEST(a_restart_with_another_key_is_ignored),
        TEST(signals_wait_for_the_server),
        TEST(what_never_opens_fails_in_time),
        TEST(without_a_way_the_text_says_what_would_help),
        TEST(the_deadline_ends_what_hangs),
        TEST(a_new_request_of_a_crashed_peer_replaces_the_channel),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
