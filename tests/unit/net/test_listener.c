/* Listeners: addresses, other loops, refusing, running out of descriptors. */
#include "base/log.h"
#include "pair.h"
#include <fcntl.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "../../../src/net/address.h"

static void test_address_in_use(void **state)
{
    struct place place;
    int to_parent[2], to_child[2], status;
    uint16_t port = 0;
    struct listener *listener;
    const char *why = "";
    char byte;
    pid_t child;

    place_init(&place);
    assert_int_equal(pipe(to_parent) | pipe(to_child), 0);
    child = fork();
    if (child == 0) { /* another server of the same user */
        place_init(&place);
        place_listen(&place);
        port = listener_port(place.listener);
        status = write(to_parent[1], &port, sizeof port) != sizeof port || read(to_child[0], &byte, 1) != 1;
        place_free(&place);
        _exit(status);
    }
    assert_int_equal(read(to_parent[0], &port, sizeof port), sizeof port);
    assert_int_equal(listener_open(place.loop, "127.0.0.1", port, place_take, &place, &listener, &why), ERR_SYSTEM);
    assert_non_null(strstr(why, "127.0.0.1 port "));
    assert_non_null(strstr(why, "in use"));
    assert_int_equal(write(to_child[1], "x", 1), 1);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    for (int i = 0; i < 2; i++) {
        close(to_parent[i]);
        close(to_child[i]);
    }
    place_free(&place);
}

static void test_bad_addresses(void **state)
{
    const char *const hosts[] = {"192.0.2.1", "not an address"};
    struct place place;

    place_init(&place);
    for (int i = 0; i < 2; i++) {
        struct listener *listener = NULL;
        const char *why = "";
        assert_int_equal(listener_open(place.loop, hosts[i], 0, place_take, &place, &listener, &why), ERR_SYSTEM);
        assert_non_null(strstr(why, hosts[i]));
        assert_null(listener);
    }
    place_free(&place);
}

/* What one loop accepts may live on another, and there it finds who is at the other end. */
static void test_another_loop(void **state)
{
    struct place first, second;
    struct side client;
    const char *why = "";

    place_init(&first);
    place_init(&second);
    assert_int_equal(listener_open(first.loop, "127.0.0.1", 0, place_take, &second, &first.listener, &why), OK);
    side_init(&client);
    assert_int_equal(conn_connect(second.loop, second.client, "127.0.0.1", listener_port(first.listener), PATIENCE_MS, OUT_CAP,
                                  &side_ops, &client, &client.conn),
                     OK);
    wait_for(first.loop, second.accepted == 1);
    wait_for(second.loop, client.opened && second.sides[0].opened);
    assert_string_equal(conn_peer_address(second.sides[0].conn), "127.0.0.1");
    assert_int_equal(first.accepted, 0);
    place_free(&first);
    pair_free(&second, &client);
}

static void test_ipv6(void **state)
{
    struct place place;
    struct listener *listener;
    struct side client;
    const char *why = "";
    uint16_t port;

    place_init(&place);
    if (listener_open(place.loop, "::1", 0, place_take, &place, &listener, &why)) {
        place_free(&place);
        skip(); /* a machine without IPv6 */
    }
    port = listener_port(listener);
    side_init(&client);
    listener_close(&listener);
    assert_int_equal(conn_connect(place.loop, place.client, "::1", port, PATIENCE_MS, OUT_CAP, &side_ops, &client, &client.conn),
                     OK);
    assert_string_equal(conn_peer_address(client.conn), "::1");
    wait_for(place.loop, client.closed);
    assert_int_equal(client.how, CONN_REFUSED);
    place_free(&place);
}

static void test_refusing(void **state)
{
    struct place place;
    struct side client;

    place_init(&place);
    place_listen(&place);
    place.refuse = true;
    side_init(&client);
    connect_side(&place, &client, OUT_CAP);
    wait_for(place.loop, client.closed);
    assert_int_equal(place.accepted, 0);
    assert_true(client.how == CONN_CLOSED || client.how == CONN_RESET);
    place.refuse = false;
    connect_side(&place, &client, OUT_CAP);
    wait_for(place.loop, client.opened);
    pair_free(&place, &client);
}

static void test_no_descriptors(void **state)
{
    enum { COUNT = 5 };
    struct place place;
    struct sockaddr_storage address;
    struct rlimit before, tight;
    int fds[COUNT], logged[2], lowest;
    char byte, line[2048] = "";
    struct side client;

    place_init(&place);
    place_listen(&place);
    loop_fd(place.loop);
    assert_int_equal(pipe2(logged, O_NONBLOCK), 0);
    log_setup(logged[1], LOG_TEXT, LOG_INFO);
    assert_true(address_parse("127.0.0.1", listener_port(place.listener), &address));
    for (int i = 0; i < COUNT; i++)
        fds[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    lowest = dup(0);
    close(lowest);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    tight = (struct rlimit){(rlim_t)lowest, before.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &tight), 0);
    for (int i = 0; i < COUNT; i++)
        assert_int_equal(connect(fds[i], (struct sockaddr *)&address, address_len(&address)), 0);
    turn(place.loop);
    for (int i = 0; i < COUNT; i++) /* each is told at once, none hangs */
        assert_int_equal(recv(fds[i], &byte, 1, 0), 0);
    assert_int_equal(place.accepted, 0);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    side_init(&client);
    connect_side(&place, &client, OUT_CAP);
    wait_for(place.loop, client.opened);
    log_setup(2, LOG_TEXT, LOG_INFO);
    assert_true(read(logged[0], line, sizeof line - 1) > 0);
    assert_non_null(strstr(line, "connections_dropped"));
    assert_ptr_equal(strchr(line, '\n'), line + strlen(line) - 1); /* once, not five times */
    for (int i = 0; i < COUNT; i++)
        close(fds[i]);
    close(logged[0]);
    close(logged[1]);
    pair_free(&place, &client);
}

static void test_close_keeps_connections(void **state)
{
    struct place place;
    struct side client;

    pair_open(&place, &client);
    listener_close(&place.listener);
    listener_close(&place.listener); /* NULL by now */
    assert_int_equal(conn_write(client.conn, slice_str("alive")), OK);
    wait_for(place.loop, buf_len(&place.sides[0].got) == 5);
    pair_free(&place, &client);
}

/* Counts the handshakes that end between two ends of a turn. */
struct census {
    struct loop_hook hook;
    const struct side *sides[2];
    int count, open, most, ends;
};

static void take_census(struct loop_hook *hook)
{
    struct census *census = (struct census *)hook;
    int open = 0;

    for (int i = 0; i < census->count; i++)
        open += census->sides[0][i].opened + census->sides[1][i].opened;
    census->ends++;
    if (open - census->open > census->most)
        census->most = open - census->open;
    census->open = open;
}

static void storm(struct place *place, struct side *clients, int count)
{
    place_listen(place);
    for (int i = 0; i < count; i++) {
        side_init(&clients[i]);
        connect_side(place, &clients[i], OUT_CAP);
    }
}

/* Many at once get in a few a turn: whoever is in would wait for the turn's end. */
static void test_a_storm_is_served_in_portions(void **state)
{
    enum { COUNT = 60, PER_TURN = 16 };
    struct place place;
    static struct side clients[COUNT];
    struct census census = {.hook.run = take_census, .sides = {clients, place.sides}, .count = COUNT};

    place_init(&place);
    loop_at_turn_end(place.loop, &census.hook);
    storm(&place, clients, COUNT);
    wait_for(place.loop, census.open == 2 * COUNT);
    assert_true(census.most > 0 && census.most <= PER_TURN);
    for (int i = 0; i < COUNT; i++) /* who goes while waiting is forgotten */
        conn_abort(clients[i].conn);
    place_free(&place);
}

/* A certificate with a key that is as dear as they come. */
static void use_rsa(struct place *place)
{
    const char *why = "";
    EVP_PKEY *key = EVP_RSA_gen(4096);
    X509 *cert = X509_new();
    FILE *to_cert = fopen(place->cert, "w"), *to_key = fopen(place->key, "w");

    X509_set_pubkey(cert, key);
    X509_gmtime_adj(X509_getm_notBefore(cert), 0);
    X509_gmtime_adj(X509_getm_notAfter(cert), 3600);
    assert_true(X509_sign(cert, key, EVP_sha256()) > 0);
    assert_int_equal(PEM_write_X509(to_cert, cert), 1);
    assert_int_equal(PEM_write_PrivateKey(to_key, key, NULL, NULL, 0, NULL, NULL), 1);
    fclose(to_cert);
    fclose(to_key);
    X509_free(cert);
    EVP_PKEY_free(key);
    tls_unref(&place->server);
    assert_int_equal(tls_server_new(place->cert, place->key, &place->server, &why), OK);
}

/* Sixteen of these would keep those who are in waiting for seventy milliseconds. */
static void test_dear_handshakes_have_fewer_a_turn(void **state)
{
    enum { COUNT = 48 };
    struct place place;
    static struct side clients[COUNT];
    struct census census = {.hook.run = take_census, .sides = {clients, place.sides}, .count = COUNT};

    place_init(&place);
    use_rsa(&place);
    loop_at_turn_end(place.loop, &census.hook);
    storm(&place, clients, COUNT);
    wait_for(place.loop, census.open == 2 * COUNT);
    assert_true(census.ends > 30); /* some 120; 20 if they went by their number alone */
    place_free(&place);
}

/* Waiting connections whose owner, or whose loop, gives up. */
static void test_a_storm_that_ends(void **state)
{
    enum { COUNT = 60 };
    struct place place;
    static struct side clients[COUNT];

    place_init(&place);
    storm(&place, clients, COUNT);
    wait_for(place.loop, place.accepted == COUNT && place.sides[0].opened);
    for (int i = COUNT / 2; i < COUNT; i++)
        if (clients[i].conn != NULL)
            conn_abort(clients[i].conn);
    turn(place.loop);
    place_free(&place);
    for (int i = 0; i < COUNT; i++)
        assert_int_equal(clients[i].closed, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_address_in_use),
        cmocka_unit_test(test_bad_addresses),
        cmocka_unit_test(test_another_loop),
        cmocka_unit_test(test_ipv6),
        cmocka_unit_test(test_refusing),
        cmocka_unit_test(test_a_storm_is_served_in_portions),
        cmocka_unit_test(test_dear_handshakes_have_fewer_a_turn),
        cmocka_unit_test(test_a_storm_that_ends),
        cmocka_unit_test(test_no_descriptors),
        cmocka_unit_test(test_close_keeps_connections),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
