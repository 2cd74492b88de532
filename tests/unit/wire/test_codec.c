/* test_codec.c - messages there and back, what is tolerated, what is refused, and the table of errors. */
#include "wire/codec.h"
#include "wire/frame.h"
#include "wire/limits.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static struct arena arena;
static struct buf out;

static int setup(void **state)
{
    arena_init(&arena, WIRE_ARENA_CAP, WIRE_ARENA_KEEP);
    buf_init(&out, 1 << 18);
    return 0;
}

static int teardown(void **state)
{
    arena_free(&arena);
    buf_free(&out);
    return 0;
}

static ProtobufCBinaryData bytes(const char *text)
{
    return bytes_of_slice(slice_str(text));
}

static bool holds(ProtobufCBinaryData data, const char *text)
{
    return slice_equal(slice_of_bytes(data), slice_str(text));
}

/* The payload of the one frame in `out`. */
static struct slice written(void)
{
    struct slice payload;
    size_t used;
    assert_int_equal(frame_next(buf_slice(&out), &payload, &used), OK);
    assert_int_equal(used, buf_len(&out));
    return payload;
}

static Earshot__ClientFrame *read_back_client(const Earshot__ClientFrame *frame)
{
    Earshot__ClientFrame *back = NULL;
    buf_clear(&out);
    assert_int_equal(codec_write_client(frame, &out), OK);
    assert_int_equal(codec_read_client(written(), &arena, &back), OK);
    assert_int_equal(back->body_case, frame->body_case);
    assert_true(back->number == frame->number);
    return back;
}

static Earshot__ServerFrame *read_back_server(const Earshot__ServerFrame *frame)
{
    Earshot__ServerFrame *back = NULL;
    buf_clear(&out);
    assert_int_equal(codec_write_server(frame, &out), OK);
    assert_int_equal(codec_read_server(written(), &arena, &back), OK);
    assert_int_equal(back->body_case, frame->body_case);
    assert_true(back->answers == frame->answers);
    return back;
}

static void a_message_arrives_as_it_was_sent(void **state)
{
    Earshot__SendMessage message = EARSHOT__SEND_MESSAGE__INIT;
    message.to = bytes("bob");
    message.body = bytes_of_slice(slice_of("a\0b\xff", 4));
    Earshot__ClientFrame frame = EARSHOT__CLIENT_FRAME__INIT;
    frame.number = UINT64_MAX;
    frame.body_case = EARSHOT__CLIENT_FRAME__BODY_MESSAGE;
    frame.message = &message;
    const Earshot__ClientFrame *back = read_back_client(&frame);
    assert_true(holds(back->message->to, "bob"));
    assert_true(slice_equal(slice_of_bytes(back->message->body), slice_of("a\0b\xff", 4)));
    memset(out.bytes, 'x', out.size); /* what was decoded is a copy */
    assert_true(holds(back->message->to, "bob"));
}

static void a_resume_keeps_its_positions(void **state)
{
    Earshot__Position positions[3] = {EARSHOT__POSITION__INIT, EARSHOT__POSITION__INIT, EARSHOT__POSITION__INIT};
    Earshot__Position *list[3];
    for (size_t i = 0; i < 3; i++) {
        positions[i].conversation = i + 1;
        positions[i].id = UINT64_MAX - i;
        list[i] = &positions[i];
    }
    Earshot__Resume resume = EARSHOT__RESUME__INIT;
    resume.token = bytes("0123456789abcdef0123456789abcdef");
    resume.continues = true;
    resume.horizon = 12345678901;
    resume.positions = list;
    resume.n_positions = 3;
    Earshot__ClientFrame frame = EARSHOT__CLIENT_FRAME__INIT;
    frame.body_case = EARSHOT__CLIENT_FRAME__BODY_RESUME;
    frame.resume = &resume;
    const Earshot__Resume *back = read_back_client(&frame)->resume;
    assert_true(holds(back->token, "0123456789abcdef0123456789abcdef"));
    assert_true(back->continues && back->horizon == 12345678901 && back->n_positions == 3);
    for (size_t i = 0; i < 3; i++)
        assert_true(back->positions[i]->conversation == i + 1 && back->positions[i]->id == UINT64_MAX - i);
}

static void a_list_of_users_keeps_its_order(void **state)
{
    ProtobufCBinaryData names[] = {bytes("alice"), bytes("bob"), bytes("")};
    Earshot__Users users = EARSHOT__USERS__INIT;
    users.users = names;
    users.n_users = 3;
    users.more = true;
    Earshot__ServerFrame frame = EARSHOT__SERVER_FRAME__INIT;
    frame.answers = 7;
    frame.body_case = EARSHOT__SERVER_FRAME__BODY_USERS;
    frame.users = &users;
    const Earshot__Users *back = read_back_server(&frame)->users;
    assert_true(back->n_users == 3 && back->more);
    assert_true(holds(back->users[0], "alice") && holds(back->users[1], "bob") && holds(back->users[2], ""));
}

static void times_before_1970_and_enums_survive(void **state)
{
    Earshot__Welcome welcome = EARSHOT__WELCOME__INIT;
    welcome.time_ms = -5;
    Earshot__ServerFrame frame = EARSHOT__SERVER_FRAME__INIT;
    frame.body_case = EARSHOT__SERVER_FRAME__BODY_WELCOME;
    frame.welcome = &welcome;
    assert_int_equal(read_back_server(&frame)->welcome->time_ms, -5);
    Earshot__Goodbye goodbye = EARSHOT__GOODBYE__INIT;
    goodbye.reason = EARSHOT__GOODBYE__REASON__REASON_SHUTDOWN;
    frame.body_case = EARSHOT__SERVER_FRAME__BODY_GOODBYE;
    frame.goodbye = &goodbye;
    assert_int_equal(read_back_server(&frame)->goodbye->reason, EARSHOT__GOODBYE__REASON__REASON_SHUTDOWN);
}

/* An empty message in field `number`, the way any protobuf encoder would write it. */
static struct slice empty_body(uint32_t number, uint8_t out_bytes[8])
{
    uint32_t tag = number << 3 | 2;
    size_t len = 0;
    for (; tag >= 128; tag >>= 7)
        out_bytes[len++] = (uint8_t)(tag | 128);
    out_bytes[len++] = (uint8_t)tag;
    out_bytes[len++] = 0;
    return slice_of(out_bytes, len);
}

/* Those of which there are many are not counted before they are packed. */
static void frequent_frames_are_written_as_any_other(void **state)
{
    static uint8_t text[WIRE_FRAME_MAX];
    static const size_t lengths[] = {0, 1, 63, 127, 128, 8191, 16383, 16384, 65000, 65400};
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        Earshot__Message message = EARSHOT__MESSAGE__INIT;
        Earshot__Accepted accepted = EARSHOT__ACCEPTED__INIT;
        Earshot__ServerFrame frame = EARSHOT__SERVER_FRAME__INIT;
        message.conversation = message.id = accepted.id = frame.answers = UINT64_MAX >> (i % 64);
        message.time_ms = accepted.time_ms = -1;
        message.stored = true;
        message.from = message.to = bytes("somebody-with-a-name-of-32-bytes");
        message.body = bytes_of_slice(slice_of(text, lengths[i]));
        frame.body_case = EARSHOT__SERVER_FRAME__BODY_EVENT_MESSAGE;
        frame.event_message = &message;
        const Earshot__ServerFrame *back = read_back_server(&frame);
        assert_int_equal(written().len, protobuf_c_message_get_packed_size(&frame.base));
        assert_int_equal(back->event_message->body.len, lengths[i]);
        assert_true(back->event_message->id == message.id && back->event_message->time_ms == -1);
        frame.body_case = EARSHOT__SERVER_FRAME__BODY_ACCEPTED;
        frame.accepted = &accepted;
        back = read_back_server(&frame);
        assert_int_equal(written().len, protobuf_c_message_get_packed_size(&frame.base));
        assert_true(back->accepted->id == accepted.id && back->accepted->time_ms == -1);
        arena_reset(&arena);
    }
}

static void every_body_of_the_schema_is_known(void **state)
{
    const ProtobufCMessageDescriptor *client = &earshot__client_frame__descriptor, *server = &earshot__server_frame__descriptor;
    uint8_t raw[8];
    for (unsigned i = 1; i < client->n_fields; i++) {
        Earshot__ClientFrame *frame;
        assert_int_equal(codec_read_client(empty_body(client->fields[i].id, raw), &arena, &frame), OK);
        assert_int_equal(frame->body_case, client->fields[i].id);
        read_back_client(frame);
        arena_reset(&arena);
    }
    for (unsigned i = 1; i < server->n_fields; i++) {
        Earshot__ServerFrame *frame;
        assert_int_equal(codec_read_server(empty_body(server->fields[i].id, raw), &arena, &frame), OK);
        assert_int_equal(frame->body_case, server->fields[i].id);
        read_back_server(frame);
        arena_reset(&arena);
    }
}

static void every_body_of_the_schema_can_be_begun(void **state)
{
    const ProtobufCMessageDescriptor *client = &earshot__client_frame__descriptor;
    for (unsigned i = 1; i < client->n_fields; i++) {
        Earshot__ClientFrame frame = EARSHOT__CLIENT_FRAME__INIT;
        assert_int_equal(codec_begin_client(&frame, (Earshot__ClientFrame__BodyCase)client->fields[i].id, &arena), OK);
        assert_int_equal(frame.body_case, client->fields[i].id);
        assert_ptr_equal(frame.message->base.descriptor, client->fields[i].descriptor);
        read_back_client(&frame);
        arena_reset(&arena);
    }
}

static void a_body_that_was_begun_is_filled_in_place(void **state)
{
    Earshot__ClientFrame frame = EARSHOT__CLIENT_FRAME__INIT;
    assert_int_equal(codec_begin_client(&frame, EARSHOT__CLIENT_FRAME__BODY_BLOCK, &arena), OK);
    assert_int_equal(frame.block->user.len, 0);
    frame.block->user = bytes("bob");
    assert_true(holds(read_back_client(&frame)->block->user, "bob"));
}

static void a_body_without_room_is_not_begun(void **state)
{
    struct arena small;
    Earshot__ClientFrame frame = EARSHOT__CLIENT_FRAME__INIT;
    arena_init(&small, 1, 0);
    assert_int_equal(codec_begin_client(&frame, EARSHOT__CLIENT_FRAME__BODY_BLOCK, &small), ERR_MEMORY);
    assert_int_equal(frame.body_case, EARSHOT__CLIENT_FRAME__BODY__NOT_SET);
    arena_free(&small);
}

static void what_a_newer_peer_sends_is_tolerated(void **state)
{
    uint8_t raw[8];
    Earshot__ClientFrame *frame;
    assert_int_equal(codec_read_client(empty_body(1000, raw), &arena, &frame), OK);
    assert_int_equal(frame->body_case, EARSHOT__CLIENT_FRAME__BODY__NOT_SET);
    assert_int_equal(codec_read_client(slice_of(NULL, 0), &arena, &frame), OK);
    assert_int_equal(frame->body_case, EARSHOT__CLIENT_FRAME__BODY__NOT_SET);
    /* number 5, a WhoElse with an unknown field inside, then an unknown field outside */
    assert_int_equal(codec_read_client(slice_of("\x08\x05\x4a\x02\x50\x01\xa0\x06\x01", 9), &arena, &frame), OK);
    assert_int_equal(frame->body_case, EARSHOT__CLIENT_FRAME__BODY_WHOELSE);
    assert_true(frame->number == 5);
}

static void what_is_not_a_message_is_a_bad_frame(void **state)
{
    static const struct slice bad[] = {
        {(const uint8_t *)"\x08", 1},             /* a field without its value */
        {(const uint8_t *)"\x08\xff\xff", 3},     /* a varint that does not end */
        {(const uint8_t *)"\x3a\x05xy", 4},       /* longer than what is there */
        {(const uint8_t *)"\x3a\x02\x0a\x05", 4}, /* the same, one level down */
        {(const uint8_t *)"\x3f\x00", 2},         /* wire type 7 */
        {(const uint8_t *)"\x00\x00", 2},         /* field number 0 */
        {(const uint8_t *)"GET / HTTP/1.1\r\n", 16},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        Earshot__ClientFrame *client = (Earshot__ClientFrame *)&arena;
        Earshot__ServerFrame *server = (Earshot__ServerFrame *)&arena;
        assert_int_equal(codec_read_client(bad[i], &arena, &client), ERR_BAD_FRAME);
        assert_int_equal(codec_read_server(bad[i], &arena, &server), ERR_BAD_FRAME);
        assert_ptr_equal(client, &arena);
        assert_ptr_equal(server, &arena);
        arena_reset(&arena);
    }
}

static void frames_that_blow_up_when_decoded_are_refused(void **state)
{
    static const uint8_t whoelse[] = {0x4a, 0}, unknown[] = {0xa0, 6, 1};
    static const uint8_t broadcast[] = {0x42, 0xfd, 0xff, 3, 0x0a, 0xf9, 0xff, 3};
    static uint8_t raw[WIRE_FRAME_MAX + 1];
    Earshot__ClientFrame *frame;
    for (size_t i = 0; i < WIRE_FRAME_MAX; i += 2)
        memcpy(raw + i, whoelse, sizeof whoelse); /* 32,768 empty WhoElse */
    assert_int_equal(codec_read_client(slice_of(raw, WIRE_FRAME_MAX), &arena, &frame), ERR_BAD_FRAME);
    assert_true(arena_failed(&arena));
    assert_true(arena.used <= WIRE_ARENA_CAP);
    arena_reset(&arena);
    for (size_t i = 0; i + 3 < WIRE_FRAME_MAX; i += 3)
        memcpy(raw + i, unknown, sizeof unknown); /* 21,845 unknown fields */
    assert_int_equal(codec_read_client(slice_of(raw, WIRE_FRAME_MAX - 1), &arena, &frame), ERR_BAD_FRAME);
    assert_true(arena_failed(&arena));
    arena_reset(&arena);
    assert_int_equal(codec_read_client(slice_of(raw, 3), &arena, &frame), OK);
    arena_reset(&arena);
    memset(raw, 0, sizeof raw);
    memcpy(raw, broadcast, sizeof broadcast); /* well formed, but one byte too long */
    assert_int_equal(codec_read_client(slice_of(raw, 65537), &arena, &frame), ERR_BAD_FRAME);
}

static void frames_full_of_positions_can_be_read(void **state)
{
    enum { COUNT = 7000 };
    static Earshot__Position positions[COUNT], *list[COUNT];
    for (size_t i = 0; i < COUNT; i++) {
        earshot__position__init(&positions[i]);
        positions[i].conversation = i + 1;
        positions[i].id = 1000000 + i;
        list[i] = &positions[i];
    }
    Earshot__Received received = EARSHOT__RECEIVED__INIT;
    received.positions = list;
    received.n_positions = COUNT;
    Earshot__ClientFrame frame = EARSHOT__CLIENT_FRAME__INIT;
    frame.body_case = EARSHOT__CLIENT_FRAME__BODY_RECEIVED;
    frame.received = &received;
    const Earshot__ClientFrame *back = read_back_client(&frame);
    assert_int_equal(back->received->n_positions, COUNT);
    assert_int_equal(back->received->positions[COUNT - 1]->id, 1000000 + COUNT - 1);
}

static void at_every_cap_of_the_arena_decoding_fails_cleanly(void **state)
{
    Earshot__Hello hello = EARSHOT__HELLO__INIT;
    uint32_t capabilities[20] = {1, 2, 3};
    hello.client = bytes("a client with a name of some length/1.2.3");
    hello.capabilities = capabilities;
    hello.n_capabilities = 20;
    Earshot__ClientFrame frame = EARSHOT__CLIENT_FRAME__INIT;
    frame.body_case = EARSHOT__CLIENT_FRAME__BODY_HELLO;
    frame.hello = &hello;
    assert_int_equal(codec_write_client(&frame, &out), OK);
    size_t least = 0;
    for (size_t cap = 0; cap < 1000; cap++) {
        struct arena small;
        Earshot__ClientFrame *back = NULL;
        arena_init(&small, cap, 0);
        enum err err = codec_read_client(written(), &small, &back);
        assert_true(err == OK || (err == ERR_BAD_FRAME && back == NULL && least == 0));
        if (err == OK && least == 0)
            least = cap;
        arena_free(&small);
    }
    assert_true(least > 0);
}

static void the_largest_frame_can_be_written_and_no_larger(void **state)
{
    static uint8_t body[WIRE_FRAME_MAX];
    Earshot__SendBroadcast broadcast = EARSHOT__SEND_BROADCAST__INIT;
    Earshot__ClientFrame frame = EARSHOT__CLIENT_FRAME__INIT, *back;
    frame.body_case = EARSHOT__CLIENT_FRAME__BODY_BROADCAST;
    frame.broadcast = &broadcast;
    broadcast.body = bytes_of_slice(slice_of(body, WIRE_FRAME_MAX - 8)); /* two tags and two lengths of three bytes */
    assert_int_equal(codec_write_client(&frame, &out), OK);
    assert_int_equal(written().len, WIRE_FRAME_MAX);
    assert_int_equal(codec_read_client(written(), &arena, &back), OK);
    broadcast.body.len++;
    size_t before = buf_len(&out);
    assert_int_equal(codec_write_client(&frame, &out), ERR_TOO_LONG);
    assert_int_equal(buf_len(&out), before);
    broadcast.body.len = 100;
    struct buf small;
    buf_init(&small, 50);
    assert_int_equal(codec_write_client(&frame, &small), ERR_CAP);
    assert_int_equal(buf_len(&small), 0);
    buf_free(&small);
}

static void errors_there_and_back_are_the_same(void **state)
{
    for (int i = ERR_UNKNOWN_COMMAND; i < ERR_COUNT; i++) {
        if (i == ERR_NOT_ACCEPTED) /* the client's own: never on the wire */
            continue;
        assert_int_equal(codec_error((uint32_t)codec_error_code((enum err)i)), i);
    }
    const ProtobufCEnumDescriptor *codes = &earshot__error_code__descriptor;
    for (unsigned i = 0; i < codes->n_values; i++) {
        uint32_t code = (uint32_t)codes->values[i].value;
        if (code != EARSHOT__ERROR_CODE__ERROR_UNSPECIFIED)
            assert_int_equal(codec_error_code(codec_error(code)), code);
    }
}

static void other_errors_and_unknown_numbers_are_unavailable(void **state)
{
    for (int i = 0; i < ERR_UNKNOWN_COMMAND; i++)
        assert_int_equal(codec_error_code((enum err)i), EARSHOT__ERROR_CODE__ERROR_UNAVAILABLE);
    assert_int_equal(codec_error_code(ERR_NOT_ACCEPTED), EARSHOT__ERROR_CODE__ERROR_UNAVAILABLE);
    assert_int_equal(codec_error_code(ERR_COUNT), EARSHOT__ERROR_CODE__ERROR_UNAVAILABLE);
    assert_int_equal(codec_error(0), ERR_UNAVAILABLE);
    assert_int_equal(codec_error(26), ERR_UNAVAILABLE);
    assert_int_equal(codec_error(UINT32_MAX), ERR_UNAVAILABLE);
}

#define codec_test(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        codec_test(a_message_arrives_as_it_was_sent),
        codec_test(a_resume_keeps_its_positions),
        codec_test(a_list_of_users_keeps_its_order),
        codec_test(times_before_1970_and_enums_survive),
        codec_test(frequent_frames_are_written_as_any_other),
        codec_test(every_body_of_the_schema_is_known),
        codec_test(every_body_of_the_schema_can_be_begun),
        codec_test(a_body_that_was_begun_is_filled_in_place),
        codec_test(a_body_without_room_is_not_begun),
        codec_test(what_a_newer_peer_sends_is_tolerated),
        codec_test(what_is_not_a_message_is_a_bad_frame),
        codec_test(frames_that_blow_up_when_decoded_are_refused),
        codec_test(frames_full_of_positions_can_be_read),
        codec_test(at_every_cap_of_the_arena_decoding_fails_cleanly),
        codec_test(the_largest_frame_can_be_written_and_no_larger),
        codec_test(errors_there_and_back_are_the_same),
        codec_test(other_errors_and_unknown_numbers_are_unavailable),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
