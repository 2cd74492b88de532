/*
 * pair.h - for the tests of src/net: a listener and its connections on loopback, what each side saw, and waiting for it.
 *
 * A `struct side` is one end of a connection and keeps what arrived. A `struct place` has a loop, a listener on it, contexts with
 * a certificate made on the spot, and the sides that were accepted. wait_for() turns the loop as a foreign main loop would: with
 * poll(2) on loop_fd(), so a forgotten wake-up shows as a timeout in every test.
 */
#ifndef TESTS_NET_PAIR_H
#define TESTS_NET_PAIR_H

#include "base/buf.h"
#include "crypto/cert.h"
#include "net/conn.h"
#include "net/listener.h"
#include "net/tls.h"
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

enum { PATIENCE_MS = 30000, SIDES_MAX = 64, GOT_CAP = 64 * 1024 * 1024, OUT_CAP = 256 * 1024 };

struct side {
    struct conn *conn;
    struct buf got;
    int opened, drained, closed;
    enum conn_end how;
    void (*on_open)(struct side *side);
    void (*on_data)(struct side *side, struct slice bytes);
    void (*on_drained)(struct side *side);
    size_t left; /* for tests that send much */
};

struct place {
    char folder[64], cert[96], key[96];
    struct loop *loop;
    struct tls_context *server, *client;
    struct listener *listener;
    struct side sides[SIDES_MAX];
    int accepted;
    bool refuse;
    int handshake_ms;
    size_t out_cap;
    void (*on_accept)(struct side *side);
};

static inline void side_open(void *ctx, struct conn *conn)
{
    struct side *side = ctx;

    assert_ptr_equal(conn, side->conn);
    side->opened++;
    if (side->on_open)
        side->on_open(side);
}

static inline void side_data(void *ctx, struct slice bytes)
{
    struct side *side = ctx;

    assert_int_equal(side->closed, 0);
    if (side->on_data)
        side->on_data(side, bytes);
    else
        assert_int_equal(buf_append(&side->got, bytes.data, bytes.len), OK);
}

static inline void side_drained(void *ctx)
{
    struct side *side = ctx;

    side->drained++;
    if (side->on_drained)
        side->on_drained(side);
}

static inline void side_closed(void *ctx, enum conn_end how)
{
    struct side *side = ctx;

    side->closed++;
    side->how = how;
    side->conn = NULL;
}

static const struct conn_ops side_ops = {side_open, side_data, side_drained, side_closed};

static inline void side_init(struct side *side)
{
    *side = (struct side){0};
    buf_init(&side->got, GOT_CAP);
}

static inline void place_take(void *ctx, int fd, const struct conn_peer *peer)
{
    struct place *place = ctx;
    struct side *side = &place->sides[place->accepted];

    assert_true(place->accepted < SIDES_MAX);
    if (place->refuse) {
        close(fd);
        return;
    }
    place->accepted++;
    assert_int_equal(conn_accept(place->loop, tls_ref(place->server), fd, peer, place->handshake_ms, place->out_cap, &side_ops,
                                 side, &side->conn),
                     OK);
    if (place->on_accept)
        place->on_accept(side);
}

static inline void place_init(struct place *place)
{
    const char *why = "";

    memset(place, 0, sizeof *place);
    place->out_cap = OUT_CAP;
    place->handshake_ms = PATIENCE_MS;
    strcpy(place->folder, "/tmp/earshot-net-XXXXXX");
    assert_non_null(mkdtemp(place->folder));
    snprintf(place->cert, sizeof place->cert, "%s/cert.pem", place->folder);
    snprintf(place->key, sizeof place->key, "%s/key.pem", place->folder);
    assert_int_equal(cert_make(place->cert, place->key, "chat.example", &why), OK);
    assert_int_equal(tls_server_new(place->cert, place->key, &place->server, &why), OK);
    assert_int_equal(tls_client_new(place->cert, &place->client, &why), OK);
    assert_int_equal(loop_new(&place->loop), OK);
    for (int i = 0; i < SIDES_MAX; i++)
        side_init(&place->sides[i]);
}

static inline void place_listen(struct place *place)
{
    const char *why = "";

    assert_int_equal(listener_open(place->loop, "127.0.0.1", 0, place_take, place, &place->listener, &why), OK);
}

static inline void place_free(struct place *place)
{
    listener_close(&place->listener);
    loop_free(&place->loop);
    tls_unref(&place->server);
    tls_unref(&place->client);
    for (int i = 0; i < SIDES_MAX; i++)
        buf_free(&place->sides[i].got);
    unlink(place->cert);
    unlink(place->key);
    rmdir(place->folder);
}

/* One wait on the loop's descriptor and one turn. */
static inline void turn(struct loop *loop)
{
    struct pollfd ready = {.fd = loop_fd(loop), .events = POLLIN};

    assert_int_equal(poll(&ready, 1, PATIENCE_MS), 1);
    loop_turn(loop);
}

#define wait_for(loop, condition)                                                                                                \
    do {                                                                                                                         \
        while (!(condition))                                                                                                     \
            turn(loop);                                                                                                          \
    } while (0)

static inline void connect_side(struct place *place, struct side *side, size_t out_cap)
{
    assert_int_equal(conn_connect(place->loop, place->client, "127.0.0.1", listener_port(place->listener), PATIENCE_MS, out_cap,
                                  &side_ops, side, &side->conn),
                     OK);
}

/* A listener, a connection to it, both sides open. The accepted side is place->sides[0]. */
static inline void pair_open(struct place *place, struct side *client)
{
    place_init(place);
    place_listen(place);
    side_init(client);
    connect_side(place, client, OUT_CAP);
    wait_for(place->loop, client->opened && place->sides[0].opened);
}

static inline void pair_free(struct place *place, struct side *client)
{
    place_free(place);
    buf_free(&client->got);
}

#endif
