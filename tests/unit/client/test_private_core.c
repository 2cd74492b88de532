/* test_private_core.c - private channels as part of a client: frames to and from the server, its loss, and leaving. */
#include "contacts.h"
#include "fake.h"
#include "transport.h"

/* Channels that never open are enough here; test_private_channel.c has the others. */
static enum err open_nothing(void *ctx, const struct transport_config *config, struct tunnel **out)
{
    return ERR_SYSTEM;
}

static void drop_nothing(struct tunnel **tunnel)
{
    assert_null(*tunnel);
}

static const struct transport no_transport = {.open = open_nothing, .drop = drop_nothing, .finish = drop_nothing};

static struct fake *fake;
static struct identity identity;
static struct contacts *contacts;
static uint8_t channel[16] = {1, 2, 3};

static void log_in(void)
{
    open_connection(fake);
    wants(fake, "hello 1");
    wants(fake, "login 2 alice wonderland");
    say_greeting(fake);
    say_welcome(fake, 2, 0xaa, 0);
    sees(fake, "online alice here:4000");
}

static int begin(void **unused)
{
    struct core_options options = alice;
    assert_int_equal(contacts_new(-1, "here:4000", &contacts), OK);
    options.transport = &no_transport;
    options.identity = &identity;
    options.contacts = contacts;
    fake = fake_start(&options);
    return 0;
}

static int end(void **unused)
{
    fake_stop(fake);
    contacts_free(&contacts);
    return 0;
}

static void say_request(const char *from_)
{
    SAY(fake, 0, PRIVATE_REQUEST, private_request, PrivateRequest, PRIVATE_REQUEST, it->from = text_bytes(from_);
        it->channel = bytes_of_slice(slice_of(channel, sizeof channel)); it->device = 7);
}

/* The next frame, which must be of this kind; valid until the next call. */
static Earshot__ClientFrame *take(Earshot__ClientFrame__BodyCase kind)
{
    static Earshot__ClientFrame *frame;
    struct slice payload;
    size_t used;
    settle(fake);
    if (frame != NULL)
        earshot__client_frame__free_unpacked(frame, NULL);
    frame = NULL;
    if (kind == EARSHOT__CLIENT_FRAME__BODY__NOT_SET)
        return NULL;
    assert_int_equal(frame_next(buf_slice(&fake->from_client), &payload, &used), OK);
    frame = earshot__client_frame__unpack(NULL, payload.len, payload.data);
    assert_non_null(frame);
    buf_consume(&fake->from_client, used);
    assert_int_equal(frame->body_case, kind);
    return frame;
}

static void say_settled(const uint8_t *id_, Earshot__PrivateSettled__Outcome outcome_)
{
    SAY(fake, 0, PRIVATE_SETTLED, private_settled, PrivateSettled, PRIVATE_SETTLED, it->with = text_bytes("bob");
        it->channel = bytes_of_slice(slice_of(id_, 16)); it->outcome = outcome_);
}

static void the_capability_is_told(void **unused)
{
    open_connection(fake);
    Earshot__ClientFrame *frame = take(EARSHOT__CLIENT_FRAME__BODY_HELLO);
    assert_int_equal(frame->hello->n_capabilities, 1);
    assert_int_equal(frame->hello->capabilities[0], EARSHOT__CAPABILITY__CAPABILITY_PRIVATE);
    take(EARSHOT__CLIENT_FRAME__BODY__NOT_SET);
}

static void without_a_connection_there_is_no_channel(void **unused)
{
    assert_int_equal(ask(fake, REQUEST_PRIVATE, "bob", "hi"), 1);
    assert_int_equal(ask(fake, REQUEST(STOPPRIVATE), "bob", NULL), 2);
    assert_int_equal(ask(fake, REQUEST(MESSAGE), "bob", "hi"), 3); /* one row of numbers for all */
    assert_int_equal(core_unanswered(fake->core), 3);
    sees(fake, "error 1 no_private");
    sees(fake, "error 2 no_private");
    sees(fake, "(nothing)");
}

static void asking_and_being_declined(void **unused)
{
    uint8_t id[16];
    log_in();
    ask(fake, REQUEST(STARTPRIVATE), "bob", NULL);
    Earshot__ClientFrame *frame = take(EARSHOT__CLIENT_FRAME__BODY_STARTPRIVATE);
    assert_int_equal(frame->startprivate->channel.len, 16);
    memcpy(id, frame->startprivate->channel.data, sizeof id);
    say_done(fake, frame->number);
    sees(fake, "ok 1");
    assert_int_equal(core_unanswered(fake->core), 0);
    say_settled(id, EARSHOT__PRIVATE_SETTLED__OUTCOME__OUTCOME_DECLINED);
    sees(fake, "error 1 declined");
    take(EARSHOT__CLIENT_FRAME__BODY__NOT_SET);
    silent(fake);
}

static void being_asked_and_answering(void **unused)
{
    struct request yes = {.kind = REQUEST(ANSWERPRIVATE), .accept = true};
    log_in();
    say_request("bob");
    sees(fake, "bob asks");
    assert_int_equal(core_ask(fake->core, &yes, slice_of(NULL, 0)), 1);
    Earshot__ClientFrame *frame = take(EARSHOT__CLIENT_FRAME__BODY_ANSWERPRIVATE);
    const Earshot__AnswerPrivate *answer = frame->answerprivate;
    assert_true(answer->accept);
    assert_int_equal(answer->device, 7);
    assert_int_equal(answer->nonce.len, 16);
    assert_memory_equal(answer->channel.data, channel, sizeof channel);
    say_error(fake, frame->number, EARSHOT__ERROR_CODE__ERROR_NO_PRIVATE, 0);
    sees(fake, "error 1 no_private");
    take(EARSHOT__CLIENT_FRAME__BODY__NOT_SET);
    silent(fake);
}

static void a_request_in_flight_is_asked_again(void **unused)
{
    log_in();
    ask(fake, REQUEST(STARTPRIVATE), "bob", NULL);
    wants(fake, "startprivate 16 bob");
    lose_connection(fake);
    sees(fake, "disconnected network");
    come_back(fake, "resume 2 token=aa horizon=0");
    say_welcome(fake, 2, 0xaa, 0);
    sees(fake, "online alice here:4000");
    wants(fake, "startprivate 16 bob");
    say_done(fake, 16);
    sees(fake, "ok 1");
    lose_connection(fake); /* with which the server forgets it */
    sees(fake, "disconnected network");
    sees(fake, "error 1 private_failed");
}

static void leaving_while_asking(void **unused)
{
    log_in();
    ask(fake, REQUEST(STARTPRIVATE), "bob", NULL);
    wants(fake, "startprivate 16 bob");
    core_logout(fake->core);
    silent(fake);
    say_done(fake, 16);
    sees(fake, "ok 1");
    sees(fake, "over bob logged out");
    wants(fake, "logout 17");
    say_goodbye(fake, EARSHOT__GOODBYE__REASON__REASON_LOGOUT, 0);
    sees(fake, "ok 2");
    sees(fake, "closed ok logout");
}

static void a_stopping_server_answers_all(void **unused)
{
    log_in();
    ask(fake, REQUEST(STARTPRIVATE), "bob", NULL);
    wants(fake, "startprivate 16 bob");
    say_goodbye(fake, EARSHOT__GOODBYE__REASON__REASON_SHUTDOWN, 0);
    sees(fake, "disconnected shutdown for good");
    sees(fake, "error 1 unavailable");
    sees(fake, "closed unavailable shutdown");
    silent(fake);
    assert_int_equal(core_unanswered(fake->core), 0);
}

/* ---- the inactivity timeout ---- */

static void say_timeout(uint32_t seconds_)
{
    SAY(fake, 0, GREETING, greeting, Greeting, GREETING, it->version = 1; it->timeout_seconds = seconds_);
}

static void say_privately(void)
{
    ask(fake, REQUEST_PRIVATE, "bob", "hi");
    settle(fake);
}

static void takes_active_ping(void)
{
    assert_true(take(EARSHOT__CLIENT_FRAME__BODY_PING)->ping->active);
}

static void takes_nothing(void)
{
    settle(fake);
    assert_int_equal(buf_len(&fake->from_client), 0);
}

/* A quarter of the timeout lies between two pings, and none goes to a server without one. */
static void private_texts_are_commands(void **unused)
{
    log_in();
    say_privately();
    wait_ms(fake, 5000);
    takes_nothing();
    say_timeout(40);
    takes_active_ping();
    say_privately();
    say_privately();
    wait_ms(fake, 9999);
    takes_nothing();
    wait_ms(fake, 1);
    takes_active_ping();
    say_privately();
    say_timeout(4);
    wait_ms(fake, 1000); /* sooner now */
    takes_active_ping();
    say_privately();
    say_timeout(0);
    wait_ms(fake, 5000);
    takes_nothing();
    say_timeout(4);
    takes_nothing(); /* what was said was said too long ago */
    take(EARSHOT__CLIENT_FRAME__BODY__NOT_SET);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
    const struct CMUnitTest tests[] = {
        TEST(the_capability_is_told),
        TEST(without_a_connection_there_is_no_channel),
        TEST(asking_and_being_declined),
        TEST(being_asked_and_answering),
        TEST(a_request_in_flight_is_asked_again),
        TEST(leaving_while_asking),
        TEST(a_stopping_server_answers_all),
        TEST(private_texts_are_commands),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
