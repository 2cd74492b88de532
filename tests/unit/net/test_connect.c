/* Connecting: nobody there, no such name, several addresses, no time. */
#include "pair.h"
#include <sys/socket.h>

static enum conn_end try(struct loop *loop, struct tls_context *tls, const char *host, uint16_t port, int timeout_ms)
{
    struct side side;

    side_init(&side);
    assert_int_equal(conn_connect(loop, tls, host, port, timeout_ms, OUT_CAP, &side_ops, &side, &side.conn), OK);
    assert_int_equal(side.closed, 0); /* not inside the call */
    wait_for(loop, side.closed);
    assert_int_equal(side.opened, 0);
    return side.how;
}

/* A port at which nobody listens: one that somebody has just left. */
static uint16_t free_port(struct place *place)
{
    uint16_t port;

    place_listen(place);
    port = listener_port(place->listener);
    listener_close(&place->listener);
    return port;
}

static void test_refused(void **state)
{
    struct place place;
    uint16_t port;

    place_init(&place);
    port = free_port(&place);
    assert_int_equal(try(place.loop, place.client, "127.0.0.1", port, PATIENCE_MS), CONN_REFUSED);
    assert_int_equal(try(place.loop, place.client, "localhost", port, PATIENCE_MS), CONN_REFUSED);
    assert_int_equal(try(place.loop, place.client, "127.0.0.1", 0, PATIENCE_MS) == CONN_REFUSED, 1);
    place_free(&place);
}

static void test_not_resolved(void **state)
{
    struct place place;
    char label[80] = {0};

    place_init(&place);
    memset(label, 'a', sizeof label - 1); /* no label may be that long: no server is asked */
    assert_int_equal(try(place.loop, place.client, label, 4000, PATIENCE_MS), CONN_NOT_RESOLVED);
    assert_int_equal(try(place.loop, place.client, "not a name", 4000, PATIENCE_MS), CONN_NOT_RESOLVED);
    place_free(&place);
}

/* "localhost" may be ::1 first, where nobody listens. */
static void test_by_name(void **state)
{
    struct place place;
    struct side client;

    place_init(&place);
    place_listen(&place);
    side_init(&client);
    assert_int_equal(conn_connect(place.loop, place.client, "localhost", listener_port(place.listener), PATIENCE_MS, OUT_CAP,
                                  &side_ops, &client, &client.conn),
                     OK);
    wait_for(place.loop, client.opened);
    assert_string_equal(conn_peer_address(client.conn), "127.0.0.1");
    pair_free(&place, &client);
}

static void test_aborted_at_once(void **state)
{
    const char *const hosts[] = {"127.0.0.1", "localhost"};

    for (int i = 0; i < 2; i++) {
        struct place place;
        struct side client;

        place_init(&place);
        place_listen(&place);
        side_init(&client);
        assert_int_equal(conn_connect(place.loop, place.client, hosts[i], listener_port(place.listener), PATIENCE_MS, OUT_CAP,
                                      &side_ops, &client, &client.conn),
                         OK);
        conn_abort(client.conn);
        wait_for(place.loop, client.closed);
        assert_int_equal(client.how, CONN_RESET);
        pair_free(&place, &client); /* while the name may still be looked up */
    }
}

static void test_freed_while_connecting(void **state)
{
    struct place place;
    struct side client;

    place_init(&place);
    place_listen(&place);
    side_init(&client);
    connect_side(&place, &client, OUT_CAP);
    listener_close(&place.listener);
    loop_free(&place.loop);
    assert_int_equal(client.closed, 1);
    pair_free(&place, &client);
}

/* From `closed`, as a client does that tries again. */

struct stubborn {
    struct place *place;
    struct side side;
    int tries;
    uint16_t port;
};

static void stubborn_closed(void *ctx, enum conn_end how);
static const struct conn_ops stubborn_ops = {NULL, side_data, NULL, stubborn_closed};

static void stubborn_try(struct stubborn *stubborn)
{
    stubborn->tries++;
    assert_int_equal(conn_connect(stubborn->place->loop, stubborn->place->client, "127.0.0.1", stubborn->port, PATIENCE_MS,
                                  OUT_CAP, &stubborn_ops, stubborn, &stubborn->side.conn),
                     OK);
}

static void stubborn_closed(void *ctx, enum conn_end how)
{
    struct stubborn *stubborn = ctx;

    assert_int_equal(how, CONN_REFUSED);
    if (stubborn->tries < 20)
        stubborn_try(stubborn);
    else
        stubborn->side.closed = 1;
}

static void test_again_from_closed(void **state)
{
    struct place place;
    struct stubborn stubborn = {.place = &place};

    place_init(&place);
    stubborn.port = free_port(&place);
    stubborn_try(&stubborn);
    wait_for(place.loop, stubborn.side.closed);
    place_free(&place);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_not_resolved),
        cmocka_unit_test(test_by_name),
        cmocka_unit_test(test_aborted_at_once),
        cmocka_unit_test(test_freed_while_connecting),
        cmocka_unit_test(test_again_from_closed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
