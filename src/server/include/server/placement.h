/*
 * placement.h - which event loop a new connection is to live on.
 *
 * Filling loops one after the other keeps a server with little to do on one thread: a message then crosses no thread on its way
 * to another loop, more of them share a write, a sync and a wake-up, and the other cores sleep. A loop is full when its thread is
 * busy most of the time, or has so many connections that telling all of them something would keep the others waiting.
 */
#ifndef SERVER_PLACEMENT_H
#define SERVER_PLACEMENT_H

#include <stddef.h>

enum placement { PLACEMENT_FILL, PLACEMENT_SPREAD };

enum {
    PLACEMENT_FULL_BUSY = 800,          /* thousandths of its time */
    PLACEMENT_FULL_CONNECTIONS = 10000, /* some 40 ms for a broadcast to all */
};

struct placement_loop {
    size_t connections;
    unsigned busy; /* thousandths of the time in which its thread worked lately */
};

/* FILL: the first that is not full; when all are, the least busy. SPREAD: the one with the fewest connections. Of equals the
 * first. `count` is not 0. */
unsigned placement_choose(enum placement placement, const struct placement_loop loops[], unsigned count);

#endif
