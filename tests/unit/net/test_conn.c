/* Connections: bytes both ways, back pressure, and every way to end. */
#include "../../../src/net/conn_internal.h"
#include "pair.h"

static uint8_t pattern(size_t i)
{
    return (uint8_t)(i * 31 + (i >> 8) * 7 + (i >> 16));
}

static void send_text(struct side *side, const char *text)
{
    assert_int_equal(conn_write(side->conn, slice_str(text)), OK);
}

static void echo(struct side *side, struct slice bytes)
{
    assert_int_equal(conn_write(side->conn, bytes), OK);
}

static void test_echo(void **state)
{
    struct place place;
    struct side client;

    pair_open(&place, &client);
    place.sides[0].on_data = echo;
    send_text(&client, "hello");
    send_text(&client, ", world");
    assert_int_equal(conn_pending(client.conn), 12);
    wait_for(place.loop, buf_len(&client.got) == 12);
    assert_memory_equal(buf_data(&client.got), "hello, world", 12);
    assert_int_equal(conn_pending(client.conn), 0);
    assert_string_equal(conn_peer_address(client.conn), "127.0.0.1");
    assert_int_equal(conn_peer_port(client.conn), listener_port(place.listener));
    assert_string_equal(conn_peer_address(place.sides[0].conn), "127.0.0.1");
    assert_int_not_equal(conn_peer_port(place.sides[0].conn), 0);
    pair_free(&place, &client);
}

static void test_one_byte_at_a_time(void **state)
{
    struct place place;
    struct side client;

    pair_open(&place, &client);
    place.sides[0].on_data = echo;
    for (size_t i = 0; i < 300; i++) {
        uint8_t byte = pattern(i);
        assert_int_equal(conn_write(client.conn, slice_of(&byte, 1)), OK);
        wait_for(place.loop, buf_len(&client.got) == i + 1);
        assert_int_equal(buf_data(&client.got)[i], byte);
    }
    pair_free(&place, &client);
}

/* Much data: writes until the cap says no, goes on when drained. */

enum { MUCH = 8 * 1024 * 1024, PIECE = 10007 };

static void pour(struct side *side)
{
    uint8_t piece[PIECE];

    while (side->left > 0) {
        size_t len = side->left < PIECE ? side->left : PIECE, at = MUCH - side->left;
        enum err err;
        for (size_t i = 0; i < len; i++)
            piece[i] = pattern(at + i);
        err = conn_write(side->conn, slice_of(piece, len));
        if (err == ERR_CAP)
            return;
        assert_int_equal(err, OK);
        side->left -= len;
    }
}

static void check_much(const struct side *side)
{
    for (size_t i = 0; i < MUCH; i++)
        if (buf_data(&side->got)[i] != pattern(i))
            fail_msg("byte %zu is wrong", i);
}

static void test_much_both_ways(void **state)
{
    struct place place;
    struct side client, *server = &place.sides[0];

    pair_open(&place, &client);
    client.left = server->left = MUCH;
    client.on_drained = server->on_drained = pour;
    pour(&client);
    pour(server);
    wait_for(place.loop, buf_len(&client.got) == MUCH && buf_len(&server->got) == MUCH);
    check_much(&client);
    check_much(server);
    assert_true(client.drained > 5);
    pair_free(&place, &client);
}

static void test_slow_reader(void **state)
{
    struct place place;
    struct side client, *server = &place.sides[0];
    size_t stuck;

    pair_open(&place, &client);
    conn_pause(client.conn);
    server->left = MUCH;
    server->on_drained = pour;
    pour(server);
    /* Until nothing moves any more: the kernel's buffers are full and so is ours. */
    do {
        stuck = server->left;
        for (int i = 0; i < 200; i++)
            loop_turn(place.loop);
    } while (stuck != server->left);
    assert_true(conn_pending(server->conn) > OUT_CAP / 4);
    assert_true(conn_pending(server->conn) <= OUT_CAP + 1024); /* records have headers */
    assert_true(buf_len(&client.got) <= 64 * 1024);
    assert_int_equal(conn_write(server->conn, slice_of((uint8_t[OUT_CAP]){0}, OUT_CAP)), ERR_CAP);
    assert_true(conn_held(server->conn) >= conn_pending(server->conn));
    assert_int_equal(loop_held(place.loop), conn_held(server->conn) + conn_held(client.conn));
    conn_unpause(client.conn);
    wait_for(place.loop, buf_len(&client.got) == MUCH);
    check_much(&client);
    wait_for(place.loop, loop_held(place.loop) == 0);
    pair_free(&place, &client);
}

static void test_cap(void **state)
{
    static uint8_t zeros[OUT_CAP + 1];
    struct place place;
    struct side client, *server = &place.sides[0];

    pair_open(&place, &client);
    assert_int_equal(conn_write(client.conn, slice_of(zeros, OUT_CAP + 1)), ERR_CAP);
    assert_int_equal(conn_pending(client.conn), 0);
    assert_int_equal(conn_write(client.conn, slice_of(zeros, OUT_CAP)), OK);
    assert_int_equal(conn_write(client.conn, slice_of(zeros, 1)), ERR_CAP);
    assert_int_equal(conn_pending(client.conn), OUT_CAP);
    wait_for(place.loop, client.drained == 1 && buf_len(&server->got) == OUT_CAP);
    send_text(&client, "x"); /* below half: drained is not due */
    wait_for(place.loop, buf_len(&server->got) == OUT_CAP + 1);
    assert_int_equal(client.drained, 1);
    pair_free(&place, &client);
}

/* Ends */

static void test_close_flushes(void **state)
{
    struct place place;
    struct side client, *server = &place.sides[0];

    pair_open(&place, &client);
    assert_int_equal(conn_write(client.conn, slice_of((uint8_t[200000]){1}, 200000)), OK);
    conn_close(client.conn);
    assert_int_equal(conn_write(client.conn, slice_str("late")), ERR_STOPPED);
    assert_int_equal(client.closed, 0);
    conn_close(client.conn); /* again: nothing */
    wait_for(place.loop, client.closed && server->closed);
    assert_int_equal(buf_len(&server->got), 200000);
    assert_int_equal(client.how, CONN_CLOSED);
    assert_int_equal(server->how, CONN_CLOSED);
    assert_int_equal(client.closed + server->closed, 2);
    pair_free(&place, &client);
}

static void test_both_close(void **state)
{
    struct place place;
    struct side client, *server = &place.sides[0];

    pair_open(&place, &client);
    conn_close(client.conn);
    conn_close(server->conn);
    wait_for(place.loop, client.closed && server->closed);
    assert_int_equal(client.how, CONN_CLOSED);
    assert_int_equal(server->how, CONN_CLOSED);
    pair_free(&place, &client);
}

static void test_abort(void **state)
{
    struct place place;
    struct side client, *server = &place.sides[0];

    pair_open(&place, &client);
    send_text(&client, "never sent");
    conn_abort(client.conn);
    assert_int_equal(client.closed, 0); /* not inside the call */
    wait_for(place.loop, client.closed && server->closed);
    assert_int_equal(client.how, CONN_RESET);
    assert_int_equal(buf_len(&server->got), 0);
    pair_free(&place, &client);
}

static void test_close_during_handshake(void **state)
{
    struct place place;
    struct side client;

    place_init(&place);
    place_listen(&place);
    side_init(&client);
    connect_side(&place, &client, OUT_CAP);
    assert_int_equal(conn_write(client.conn, slice_str("early")), ERR_STOPPED);
    conn_close(client.conn);
    assert_int_equal(client.closed, 0);
    wait_for(place.loop, client.closed);
    assert_int_equal(client.opened, 0);
    assert_int_equal(client.how, CONN_CLOSED);
    pair_free(&place, &client);
}

/* The connection goes away inside each of its callbacks. */

static void abort_it(struct side *side)
{
    conn_abort(side->conn);
}

static void close_it(struct side *side)
{
    conn_close(side->conn);
}

static void abort_on_data(struct side *side, struct slice bytes)
{
    side->left++; /* counts calls */
    conn_abort(side->conn);
}

static void close_on_data(struct side *side, struct slice bytes)
{
    side->left++;
    send_text(side, "bye");
    conn_close(side->conn);
}

static void test_end_inside_callbacks(void **state)
{
    void (*const on_open[])(struct side *) = {abort_it, close_it};

    for (int i = 0; i < 2; i++) {
        struct place place;
        struct side client;

        place_init(&place);
        place_listen(&place);
        side_init(&client);
        place.sides[0].on_open = on_open[i];
        connect_side(&place, &client, OUT_CAP);
        wait_for(place.loop, client.closed && place.sides[0].closed);
        pair_free(&place, &client);
    }
}

static void test_end_inside_accepted(void **state)
{
    void (*const on_accept[])(struct side *) = {abort_it, close_it};

    for (int i = 0; i < 2; i++) {
        struct place place;
        struct side client;

        place_init(&place);
        place_listen(&place);
        side_init(&client);
        place.on_accept = on_accept[i];
        connect_side(&place, &client, OUT_CAP);
        wait_for(place.loop, client.closed && place.sides[0].closed);
        assert_int_equal(client.opened, 0);
        pair_free(&place, &client);
    }
}

static void test_end_inside_data(void **state)
{
    void (*const on_data[])(struct side *, struct slice) = {abort_on_data, close_on_data};

    for (int i = 0; i < 2; i++) {
        struct place place;
        struct side client, *server = &place.sides[0];

        pair_open(&place, &client);
        server->on_data = on_data[i];
        assert_int_equal(conn_write(client.conn, slice_of((uint8_t[60000]){0}, 60000)), OK); /* several records */
        wait_for(place.loop, client.closed && server->closed);
        assert_int_equal(server->left, 1);
        assert_int_equal(buf_len(&client.got), i == 0 ? 0 : 3);
        pair_free(&place, &client);
    }
}

static void test_end_inside_drained(void **state)
{
    struct place place;
    struct side client, *server = &place.sides[0];

    pair_open(&place, &client);
    client.on_drained = abort_it;
    assert_int_equal(conn_write(client.conn, slice_of((uint8_t[OUT_CAP]){0}, OUT_CAP)), OK);
    wait_for(place.loop, client.closed && server->closed);
    assert_int_equal(client.drained, 1);
    pair_free(&place, &client);
}

/* The peer ends while much is still to be sent to it. */
static void test_peer_goes_under_load(void **state)
{
    struct place place;
    struct side client, *server = &place.sides[0];

    pair_open(&place, &client);
    conn_pause(client.conn);
    server->left = MUCH;
    server->on_drained = pour;
    pour(server);
    for (int i = 0; i < 50; i++)
        loop_turn(place.loop);
    conn_abort(client.conn);
    wait_for(place.loop, client.closed && server->closed);
    assert_int_equal(server->closed, 1);
    pair_free(&place, &client);
}

static void test_loop_free_tells_owners(void **state)
{
    struct place place;
    struct side client, *server = &place.sides[0];

    pair_open(&place, &client);
    send_text(&client, "left behind");
    listener_close(&place.listener);
    loop_free(&place.loop);
    assert_int_equal(client.closed, 1);
    assert_int_equal(server->closed, 1);
    assert_int_equal(client.how, CONN_RESET);
    pair_free(&place, &client);
}

static void test_many_connections(void **state)
{
    enum { COUNT = 40 };
    static struct side clients[COUNT];
    struct place place;
    int done = 0;

    place_init(&place);
    place_listen(&place);
    for (int i = 0; i < COUNT; i++) {
        side_init(&clients[i]);
        place.sides[i].on_data = echo;
        connect_side(&place, &clients[i], OUT_CAP);
    }
    for (int i = 0; i < COUNT; i++) {
        wait_for(place.loop, clients[i].opened);
        send_text(&clients[i], "ping");
    }
    while (done < COUNT) {
        wait_for(place.loop, buf_len(&clients[done].got) == 4);
        done++;
    }
    for (int i = 0; i < COUNT; i++)
        conn_close(clients[i].conn);
    for (int i = 0; i < COUNT; i++) {
        wait_for(place.loop, clients[i].closed && place.sides[i].closed);
        buf_free(&clients[i].got);
    }
    place_free(&place);
}

/* How many records it took: each side's data comes one at a time. */
static int records;

static void count_record(struct side *side, struct slice bytes)
{
    records++;
    assert_int_equal(buf_append(&side->got, bytes.data, bytes.len), OK);
}

static void write_word(struct place *place, const char *word, bool hold)
{
    assert_int_equal(conn_write(place->sides[0].conn, slice_str(word)), OK);
    if (hold)
        conn_hold(place->sides[0].conn);
}

static void test_hold(void **state)
{
    struct place place;
    struct side client;

    pair_open(&place, &client);
    client.on_data = count_record;
    records = 0;
    conn_hold(place.sides[0].conn); /* nothing is there to hold */
    assert_int_equal(place.sides[0].conn->deadline.place, 0);
    write_word(&place, "one ", true);
    assert_false(place.sides[0].conn->dirty); /* the end of the turn passes it by */
    assert_int_not_equal(place.sides[0].conn->deadline.place, 0);
    write_word(&place, "two ", false);
    assert_true(place.sides[0].conn->dirty);
    assert_int_equal(place.sides[0].conn->deadline.place, 0);
    wait_for(place.loop, buf_len(&client.got) == 8);
    assert_int_equal(records, 1);
    write_word(&place, "three", true); /* nothing follows */
    wait_for(place.loop, buf_len(&client.got) == 13);
    assert_int_equal(records, 2);
    write_word(&place, ".", true); /* what is held is not lost at the end */
    conn_close(place.sides[0].conn);
    wait_for(place.loop, client.closed);
    assert_int_equal(client.how, CONN_CLOSED);
    assert_int_equal(buf_len(&client.got), 14);
    pair_free(&place, &client);
}

static struct conn *to_hold;

static void hold_another(struct side *side)
{
    conn_hold(to_hold);
}

/* While all that was written to is flushed: the one that is last in the list leaves it. */
static void test_hold_inside_drained(void **state)
{
    struct place place;
    struct side client, second;

    pair_open(&place, &client);
    side_init(&second);
    connect_side(&place, &second, OUT_CAP);
    wait_for(place.loop, place.sides[1].opened && second.opened);
    to_hold = place.sides[1].conn;
    place.sides[0].on_drained = hold_another;
    place.sides[0].conn->above_half = true;
    write_word(&place, "one", false);
    assert_int_equal(conn_write(to_hold, slice_str("two")), OK);
    wait_for(place.loop, place.sides[0].drained == 1);
    assert_false(to_hold->dirty);
    wait_for(place.loop, buf_len(&client.got) == 3 && buf_len(&second.got) == 3);
    conn_abort(second.conn);
    wait_for(place.loop, second.closed);
    buf_free(&second.got);
    pair_free(&place, &client);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hold),
        cmocka_unit_test(test_hold_inside_drained),
        cmocka_unit_test(test_echo),
        cmocka_unit_test(test_one_byte_at_a_time),
        cmocka_unit_test(test_much_both_ways),
        cmocka_unit_test(test_slow_reader),
        cmocka_unit_test(test_cap),
        cmocka_unit_test(test_close_flushes),
        cmocka_unit_test(test_both_close),
        cmocka_unit_test(test_abort),
        cmocka_unit_test(test_close_during_handshake),
        cmocka_unit_test(test_end_inside_callbacks),
        cmocka_unit_test(test_end_inside_accepted),
        cmocka_unit_test(test_end_inside_data),
        cmocka_unit_test(test_end_inside_drained),
        cmocka_unit_test(test_peer_goes_under_load),
        cmocka_unit_test(test_loop_free_tells_owners),
        cmocka_unit_test(test_many_connections),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
