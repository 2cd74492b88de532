/*
 * test_mutations.c - a session as a server says it, with every bit flipped in turn, cut after every byte, and with every byte
 * missing or twice, into a client with one request of each kind under way.
 *
 * Whatever comes: each request is answered exactly once, CLOSED comes last and once, texts have their end, what is held stays
 * small, and a client that was told nothing wrong is still there. (AddressSanitizer watches besides.)
 */
#include "contacts.h"
#include "core_private.h"
#include "fake.h"
#include "transport.h"

enum { REQUESTS = 16, SESSION_MOST = 8192, HELD_MOST = 256 * 1024 };

struct tunnel {
    int unused;
};

struct client {
    struct fake *fake;
    struct contacts *contacts;
    unsigned asked[REQUESTS * 4], answered[REQUESTS * 4]; /* by request */
    bool channel[REQUESTS * 4]; /* a private channel: OK when it was passed on, later perhaps an error */
    unsigned closed, channels;
    size_t events;
};

static struct client *client; /* the one under test, for what the callbacks see */
static uint8_t channel[16] = {1, 2, 3};
static struct slice session; /* as the server says it, from Greeting on */
static size_t logged_in;     /* so much of it ends with Welcome */

/* ---- channels that never open ---- */

static enum err open_tunnel(void *ctx, const struct transport_config *config, struct tunnel **out)
{
    *out = calloc(1, sizeof **out);
    assert_non_null(*out);
    client->channels++;
    return OK;
}

static void drop_tunnel(struct tunnel **tunnel)
{
    client->channels -= *tunnel != NULL;
    free(*tunnel);
    *tunnel = NULL;
}

static enum err take_text(struct tunnel *tunnel, struct slice text)
{
    return OK;
}

static bool no_fingerprints(struct tunnel *tunnel, uint8_t ours[PEER_FINGERPRINT], uint8_t theirs[PEER_FINGERPRINT])
{
    return false;
}

static const struct transport transport = {open_tunnel, drop_tunnel, drop_tunnel,    take_text,
                                           take_text,   take_text,   no_fingerprints};

/* ---- the client ---- */

static bool is_answer(const struct earshot_event *event)
{
    bool final = event->type == EARSHOT_EVENT_OK || event->type == EARSHOT_EVENT_USERS ||
                 (event->type == EARSHOT_EVENT_ERROR && event->error != EARSHOT_NOT_ACCEPTED);
    return final && event->request > 0;
}

static void watch(struct fake *fake, const struct earshot_event *event)
{
    assert_int_equal(client->closed, 0);
    client->events++;
    client->closed += event->type == EARSHOT_EVENT_CLOSED;
    if (event->body != NULL)
        assert_int_equal(event->body[event->body_len], '\0');
    if (is_answer(event)) {
        assert_in_range(event->request, 1, REQUESTS * 4 - 1);
        client->answered[event->request]++;
    }
    fake->events.first = fake->events.count = 0; /* none is kept */
}

static struct client *client_new(void)
{
    static struct identity identity;
    struct core_options options = alice;
    client = calloc(1, sizeof *client);
    assert_non_null(client);
    assert_int_equal(contacts_new(-1, "here:4000", &client->contacts), OK);
    options.transport = &transport;
    options.identity = &identity;
    options.contacts = client->contacts;
    client->fake = fake_start(&options);
    client->fake->on_event = watch;
    open_connection(client->fake);
    return client;
}

static void ask_everything(struct client *it)
{
    for (unsigned i = 0; i < earshot__client_frame__descriptor.n_fields; i++) {
        int kind = (int)earshot__client_frame__descriptor.fields[i].id;
        if (!requests_have(kind) || kind == REQUEST(SIGNAL))
            continue;
        int64_t id = ask(it->fake, kind, kind == REQUEST(STARTPRIVATE) ? "carol" : "bob", "hi");
        if (id <= 0)
            continue;
        it->asked[id]++;
        it->channel[id] = kind == REQUEST(STARTPRIVATE) || kind == REQUEST(ANSWERPRIVATE);
    }
    settle(it->fake);
}

static void feed(struct client *it, struct slice bytes)
{
    if (bytes.len > 0 && it->fake->up)
        core_data(it->fake->core, bytes);
}

static size_t held(const struct client_core *core)
{
    return core->in.size + core->out.size + core->frame.used + core->text.used;
}

/* It leaves, whatever state it is in; everything was answered once. */
static void client_end(struct client *it)
{
    struct fake *fake = it->fake;
    assert_in_range(held(fake->core), 0, HELD_MOST);
    int64_t id = core_logout(fake->core);
    if (id > 0)
        it->asked[id]++;
    for (unsigned second = 0; second < 1200 && it->closed == 0; second++) {
        wait_ms(fake, 1000);
        if (fake->connecting) {
            fake->connecting = false;
            core_lost(fake->core, EARSHOT_NO_CONNECTION, "gone");
        }
    }
    assert_int_equal(it->closed, 1);
    for (unsigned i = 0; i < REQUESTS * 4; i++)
        if (it->answered[i] < it->asked[i] || it->answered[i] > it->asked[i] + it->channel[i])
            fail_msg("request %u: %u answers", i, it->answered[i]);
    fake_stop(fake);
    assert_int_equal(it->channels, 0);
    contacts_free(&it->contacts);
    free(it);
}

/* ---- the session ---- */

static void record(struct buf *bytes, uint64_t answers, Earshot__ServerFrame *frame)
{
    frame->answers = answers;
    assert_int_equal(codec_write_server(frame, bytes), OK);
}

#define RECORD(bytes, number, CASE, field, Type, TYPE, ...)                                                                      \
    do {                                                                                                                         \
        Earshot__ServerFrame frame_ = EARSHOT__SERVER_FRAME__INIT;                                                               \
        Earshot__##Type body_ = EARSHOT__##TYPE##__INIT, *it = &body_;                                                           \
        __VA_ARGS__;                                                                                                             \
        (void)it;                                                                                                                \
        frame_.body_case = EARSHOT__SERVER_FRAME__BODY_##CASE;                                                                   \
        frame_.field = &body_;                                                                                                   \
        record(bytes, number, &frame_);                                                                                          \
    } while (0)

static ProtobufCBinaryData channel_bytes(void)
{
    return bytes_of_slice(slice_of(channel, sizeof channel));
}

static void record_login(struct buf *out)
{
    static uint8_t token[TOKEN_SIZE] = {0xaa};
    static uint32_t capabilities[] = {1, 2, 300};
    RECORD(out, 0, GREETING, greeting, Greeting, GREETING, it->version = 1; it->server = text_bytes("earshotd 0.1.0");
           it->heartbeat_seconds = 25; it->capabilities = capabilities; it->n_capabilities = 3);
    RECORD(out, 2, WELCOME, welcome, Welcome, WELCOME, it->user = text_bytes("alice");
           it->token = bytes_of_slice(slice_of(token, sizeof token)); it->last_number = 3; it->time_ms = 1700000000000);
    logged_in = buf_len(out);
}

static void record_events(struct buf *out)
{
    RECORD(out, 0, EVENT_MESSAGE, event_message, Message, MESSAGE, it->conversation = 7; it->id = 1000;
           it->from = text_bytes("bob"); it->to = text_bytes("alice"); it->body = text_bytes("how are you?");
           it->time_ms = 1700000000000; it->stored = true);
    RECORD(out, 0, CAUGHT_UP, caught_up, CaughtUp, CAUGHT_UP, it->horizon = 1000);
    RECORD(out, 0, EVENT_MESSAGE, event_message, Message, MESSAGE, it->conversation = 7; it->id = 1001;
           it->from = text_bytes("alice"); it->to = text_bytes("bob"); it->body = text_bytes("fine"));
    RECORD(out, 0, EVENT_BROADCAST, event_broadcast, Broadcast, BROADCAST, it->from = text_bytes("carol");
           it->body = text_bytes("to all"); it->time_ms = 1700000000001);
    RECORD(out, 0, EVENT_PRESENCE, event_presence, Presence, PRESENCE, it->user = text_bytes("bob"); it->online = true);
    RECORD(out, 0, PONG, pong, Pong, PONG, (void)0);
    RECORD(out, 0, ERROR, error, Error, ERROR, it->code = 14; it->text = text_bytes("too long"); it->retry_after = 0);
}

static void record_private(struct buf *out)
{
    Earshot__Relay relay = EARSHOT__RELAY__INIT, *relays[] = {&relay};
    relay.url = text_bytes("turn:h:3478?transport=udp");
    relay.user = text_bytes("u");
    relay.password = text_bytes("p");
    RECORD(out, 0, PRIVATE_REQUEST, private_request, PrivateRequest, PRIVATE_REQUEST, it->from = text_bytes("bob");
           it->channel = channel_bytes(); it->device = 7);
    RECORD(out, 0, PRIVATE_SETTLED, private_settled, PrivateSettled, PRIVATE_SETTLED, it->with = text_bytes("bob");
           it->channel = channel_bytes(); it->outcome = EARSHOT__PRIVATE_SETTLED__OUTCOME__OUTCOME_ACCEPTED; it->device = 7;
           it->nonce = channel_bytes(); it->relays = relays; it->n_relays = 1);
    RECORD(out, 0, SIGNAL, signal, Signal, SIGNAL, it->from = text_bytes("bob"); it->device = 7; it->channel = channel_bytes();
           it->payload = text_bytes("\x12\x0e"
                                    "candidate:1 1 "));
}

/* The answers that fit: requests were numbered from 16 on, in the order of ask_everything(), private channels last. */
static void record_answers(struct buf *out)
{
    static const char *const names[] = {"bob", "carol", "dave.x_y-z"};
    ProtobufCBinaryData list[3];
    for (size_t i = 0; i < 3; i++)
        list[i] = text_bytes(names[i]);
    RECORD(out, 16, ACCEPTED, accepted, Accepted, ACCEPTED, it->id = 1002; it->time_ms = 1700000000002);
    RECORD(out, 17, ANNOUNCED, announced, Announced, ANNOUNCED, it->delivered = 2; it->withheld = true);
    RECORD(out, 18, USERS, users, Users, USERS, it->users = list; it->n_users = 2; it->more = true);
    RECORD(out, 18, USERS, users, Users, USERS, it->users = list + 2; it->n_users = 1);
    RECORD(out, 19, ERROR, error, Error, ERROR, it->code = 16; it->text = text_bytes("slowly"); it->retry_after = 1);
    RECORD(out, 20, DONE, done, Done, DONE, (void)0);
    RECORD(out, 21, ERROR, error, Error, ERROR, it->code = 7; it->text = text_bytes("not blocked"));
    RECORD(out, 22, DONE, done, Done, DONE, (void)0);
    RECORD(out, 23, DONE, done, Done, DONE, (void)0);
    RECORD(out, 0, GOODBYE, goodbye, Goodbye, GOODBYE, it->reason = EARSHOT__GOODBYE__REASON__REASON_TOO_SLOW;
           it->text = text_bytes("too slow"); it->retry_after = 2);
}

static int record_session(void **unused)
{
    static uint8_t bytes[SESSION_MOST];
    struct buf out;
    buf_init(&out, sizeof bytes);
    record_login(&out);
    record_events(&out);
    record_private(&out);
    record_answers(&out);
    memcpy(bytes, buf_data(&out), buf_len(&out));
    session = slice_of(bytes, buf_len(&out));
    buf_free(&out);
    return 0;
}

/* ---- what is done to it ---- */

/* The client asks once it is logged in, or would be. */
static struct client *client_told(struct slice bytes)
{
    struct client *it = client_new();
    size_t first = bytes.len < logged_in ? bytes.len : logged_in;
    feed(it, slice_of(bytes.data, first));
    ask_everything(it);
    feed(it, slice_of(bytes.data + first, bytes.len - first));
    return it;
}

static void as_it_is(void **unused)
{
    struct client *it = client_told(session);
    unsigned answers = 0;
    for (unsigned i = 0; i < REQUESTS * 4; i++)
        answers += it->answered[i];
    assert_int_equal(answers, 11);
    assert_true(it->events >= 16);
    assert_false(it->fake->up); /* goodbye */
    client_end(it);
}

static void every_bit(void **unused)
{
    static uint8_t bytes[SESSION_MOST];
    memcpy(bytes, session.data, session.len);
    for (size_t bit = 0; bit < 8 * session.len; bit++) {
        bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
        client_end(client_told(slice_of(bytes, session.len)));
        bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    print_message("%zu bits of a session of %zu bytes\n", 8 * session.len, session.len);
}

/* Cut: the connection is lost there, or nothing more comes. */
static void every_prefix(void **unused)
{
    for (size_t len = 0; len < session.len; len++) {
        struct client *it = client_told(slice_of(session.data, len));
        if (it->fake->up)
            lose_connection(it->fake);
        client_end(it);
        client_end(client_told(slice_of(session.data, len)));
    }
}

static void every_byte_missing_or_twice(void **unused)
{
    static uint8_t bytes[SESSION_MOST + 1];
    for (size_t at = 0; at < session.len; at++) {
        memcpy(bytes, session.data, at);
        memcpy(bytes + at, session.data + at + 1, session.len - at - 1);
        client_end(client_told(slice_of(bytes, session.len - 1)));
        memcpy(bytes, session.data, at + 1);
        memcpy(bytes + at + 1, session.data + at, session.len - at);
        client_end(client_told(slice_of(bytes, session.len + 1)));
    }
}

/* Said twice from the start, and backwards frame by frame. */
static void in_another_order(void **unused)
{
    struct client *it = client_told(session);
    client_end(it);
    it = client_new();
    feed(it, slice_of(session.data, logged_in));
    ask_everything(it);
    size_t starts[256], count = 0;
    for (size_t at = logged_in; at < session.len; count++) {
        struct slice payload;
        size_t used;
        assert_int_equal(frame_next(slice_of(session.data + at, session.len - at), &payload, &used), OK);
        starts[count] = at;
        at += used;
    }
    for (size_t turn = 0; turn < 2; turn++) {
        size_t end = session.len;
        for (size_t i = count; i-- > 0; end = starts[i])
            if (i + 1 < count) /* all but goodbye */
                feed(it, slice_of(session.data + starts[i], (i + 1 < count ? starts[i + 1] : end) - starts[i]));
    }
    assert_true(it->fake->up);
    client_end(it);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(as_it_is),         cmocka_unit_test(every_bit),
        cmocka_unit_test(every_prefix),     cmocka_unit_test(every_byte_missing_or_twice),
        cmocka_unit_test(in_another_order),
    };
    return cmocka_run_group_tests(tests, record_session, NULL);
}
