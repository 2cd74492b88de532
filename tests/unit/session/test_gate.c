/* test_gate.c - the gate: every request in every state, unknown ones, sizes, the rate limit. */
#include "harness.h"

enum { NEW, GREETED, ONLINE, STATES };

/* A request with an empty body: its number, then the body's tag and length 0. */
static void put_empty(struct caller *caller, uint8_t number, unsigned field)
{
    uint8_t bytes[8] = {0, 0x08, number};
    size_t len = 3;
    for (uint32_t tag = field << 3 | 2; tag > 0 || len == 3; tag >>= 7)
        bytes[len++] = (uint8_t)(tag & 127) | (tag > 127 ? 128 : 0);
    bytes[len++] = 0;
    bytes[0] = (uint8_t)(len - 1);
    put_bytes(caller, slice_of(bytes, len));
}

/* Where a request is allowed; one that is not named here, only when online. */
static bool allowed(unsigned field, int state)
{
    switch (field) {
    case EARSHOT__CLIENT_FRAME__BODY_HELLO:
        return state == NEW;
    case EARSHOT__CLIENT_FRAME__BODY_IDENTIFY:
    case EARSHOT__CLIENT_FRAME__BODY_LOGIN:
    case EARSHOT__CLIENT_FRAME__BODY_REGISTER:
    case EARSHOT__CLIENT_FRAME__BODY_RESUME:
        return state == GREETED;
    case EARSHOT__CLIENT_FRAME__BODY_PING:
        return state != NEW;
    default:
        return state == ONLINE;
    }
}

static struct caller *in_state(struct desk *desk, int state)
{
    if (state == ONLINE)
        return online(desk, "alice");
    struct caller *caller = call(desk);
    if (state == GREETED) {
        ask_hello(caller, 1);
        sees(caller, "1 greeting");
    }
    return caller;
}

static void check_row(struct desk *desk, unsigned field, int state)
{
    struct caller *caller = in_state(desk, state);
    put_empty(caller, 7, field);
    if (caller->first == caller->count)
        fail_msg("field %u in state %d is not answered", field, state);
    bool refused = strcmp(caller->lines[caller->first], "7 error wrong_state") == 0;
    if (refused == allowed(field, state))
        fail_msg("field %u in state %d: %s", field, state, caller->lines[caller->first]);
    if (strncmp(caller->lines[caller->first], "7 ", 2) != 0)
        fail_msg("field %u in state %d: %s", field, state, caller->lines[caller->first]);
    hang_up(caller);
    desk->callers[--desk->caller_count] = NULL;
    buf_free(&caller->out);
    free(caller);
}

static void test_every_request_in_every_state(void **state)
{
    const ProtobufCMessageDescriptor *frame = &earshot__client_frame__descriptor;
    unsigned rows = 0;
    for (unsigned i = 0; i < frame->n_fields; i++) {
        if (frame->fields[i].type != PROTOBUF_C_TYPE_MESSAGE)
            continue;
        for (int in = 0; in < STATES; in++)
            check_row(*state, frame->fields[i].id, in);
        rows++;
    }
    assert_true(rows >= 17);
}

static void test_unknown_request(void **state)
{
    struct desk *desk = *state;
    for (int in = 0; in < STATES; in++) {
        struct caller *caller = in_state(desk, in);
        put_empty(caller, 7, 1000);
        sees(caller, "7 error unknown_command");
        put_bytes(caller, slice_of("\x02\x08\x09", 3)); /* a number and nothing more */
        sees(caller, "9 error unknown_command");
        put_bytes(caller, slice_of("\x00", 1)); /* nothing at all, and no number to answer */
        silent(caller);
        hang_up(caller);
    }
}

/* An unknown field makes any request longer without changing it. */
static void put_padded_whoelse(struct caller *caller, uint8_t number, size_t size)
{
    uint8_t *bytes = calloc(1, size + 3);
    size_t prefix = frame_prefix(size, bytes);
    memcpy(bytes + prefix, (uint8_t[]){0x08, number, 0x4a, 0x00, 0xfa, 0x3f}, 6); /* whoelse {}, and field 1023 of the rest */
    size_t rest = size - 8;
    bytes[prefix + 6] = (uint8_t)(rest & 127) | 128;
    bytes[prefix + 7] = (uint8_t)(rest >> 7);
    put_bytes(caller, slice_of(bytes, prefix + size));
    free(bytes);
}

static void test_sizes(void **state)
{
    struct caller *alice = online(*state, "alice");
    put_padded_whoelse(alice, 7, 256);
    sees(alice, "7 users 0");
    put_padded_whoelse(alice, 8, 257);
    sees(alice, "8 error too_long");
    put_padded_whoelse(alice, 9, 256);
    sees(alice, "9 users 0");
}

static void test_rate_limit(void **state)
{
    struct desk *desk = *state;
    struct caller *alice = online(desk, "alice"), *bob = online(desk, "bob");
    forget_lines(alice);
    desk->settings.rate = 10;
    desk->settings.burst = 20;
    configure(desk);
    stage_pass(desk->stage, 1);
    for (uint64_t i = 0; i < 4; i++)
        send_broadcast(alice, 20 + i, "hear");
    sees(alice, "20 announced 1");
    sees(alice, "21 announced 1");
    sees(alice, "22 announced 1");
    sees(alice, "23 announced 1");
    forget_lines(bob);
    send_broadcast(alice, 24, "hear");
    sees(alice, "24 error rate_limited retry 1");
    send_text(alice, 25, "bob", "hi");
    sees(alice, "25 error rate_limited retry 1");
    silent(bob);
    ping(alice, 26); /* costs nothing */
    sees(alice, "26 pong");
    stage_pass(desk->stage, 100);
    send_text(alice, 27, "bob", "hi");
    sees(alice, "27 accepted");
    send_broadcast(alice, 28, "hear");
    sees(alice, "28 error rate_limited retry 1");
    stage_pass(desk->stage, 500);
    send_broadcast(alice, 29, "hear");
    sees(alice, "29 announced 1");
    stage_pass(desk->stage, 3600 * 1000 / 100); /* not more than the burst gathers */
    for (uint64_t i = 0; i < 4; i++)
        send_broadcast(alice, 30 + i, "hear");
    forget_lines(alice);
    send_broadcast(alice, 34, "hear");
    sees(alice, "34 error rate_limited retry 1");
    desk->settings.rate = 0; /* no limit */
    configure(desk);
    send_broadcast(alice, 35, "hear");
    sees(alice, "35 announced 1");
}

static void test_requests_without_a_number(void **state)
{
    struct desk *desk = *state;
    struct caller *alice = online(desk, "alice"), *bob = online(desk, "bob");
    sees(alice, "bob comes");
    send_text(alice, 0, "bob", "hi");
    send_text(alice, 0, "bob", "hi again"); /* without a number nothing is a repetition */
    send_text(alice, 0, "nobody", "hi");
    put_empty(alice, 0, EARSHOT__CLIENT_FRAME__BODY_WHOELSE);
    put_empty(alice, 0, EARSHOT__CLIENT_FRAME__BODY_LOGIN);
    silent(alice);
    sees(bob, "message alice: hi");
    sees(bob, "message alice: hi again");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        DESK_TEST(test_every_request_in_every_state),
        DESK_TEST(test_unknown_request),
        DESK_TEST(test_sizes),
        DESK_TEST(test_rate_limit),
        DESK_TEST(test_requests_without_a_number),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
