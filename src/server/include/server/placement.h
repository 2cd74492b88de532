/*
 * placement.h - which event loop a new connection is to live on.
 *
 * Filling loops one after the other keeps a server with little to do on one thread: a message then crosses no thread on its way
 * to another loop, more of them share a write, a sync and a wake-up, and the other cores sleep. A loop is full when its thread is
 * busy most of the time, or has so many connections that telling all of them something would keep the others waiting, or so many
 * handshakes to do that they are work for more than one. When all are full, what comes is dealt out by the handshakes under way:
 * how busy a thread was is known only afterwards, and a crowd sent to whoever was idle would find it busy and the others idle.
 */
#ifndef SERVER_PLACEMENT_H
#define SERVER_PLACEMENT_H

#include <stdbool.h>
#include <stddef.h>

enum placement { PLACEMENT_FILL, PLACEMENT_SPREAD };

enum {
    PLACEMENT_FULL_BUSY = 800, /* thousandths of its time */
    PLACEMENT_CALM_BUSY = 400, /* less than this for PLACEMENT_CALM_MS, and it is no longer full */
    PLACEMENT_CALM_MS = 1000,
    PLACEMENT_FULL_ENTERING = 500,      /* a seventh of a second with an elliptic curve, seconds with a large RSA key */
    PLACEMENT_FULL_CONNECTIONS = 10000, /* some 40 ms for a broadcast to all */
};

struct placement_loop {
    size_t connections, entering; /* all; those of them whose handshake is not done */
    bool hot;                     /* was busy, and has not been calm for long enough since */
    unsigned calm_ms;             /* for how long it has been */
};

/* Its thread worked for `busy` thousandths of the last `passed_ms`. */
void placement_see(struct placement_loop *loop, unsigned busy, unsigned passed_ms);

/* FILL: the first that is not full; when all are, the one with the fewest handshakes under way. SPREAD: the one with the fewest
 * connections. Of equals the first. `count` is not 0. */
unsigned placement_choose(enum placement placement, const struct placement_loop loops[], unsigned count);

#endif
