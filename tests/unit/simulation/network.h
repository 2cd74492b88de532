/*
 * network.h - the server's sessions on a stage, and a network of wires between them and clients.
 *
 * A wire carries bytes in both directions after a latency, in order, in pieces of any size. It can be cut (both ends are told),
 * or fall silent (nobody is told, nothing arrives any more): what a network does to people. The server can crash: all wires are
 * cut, what was under way is lost, and a new chat begins from the store.
 */
#ifndef TEST_NETWORK_H
#define TEST_NETWORK_H

#include "base/buf.h"
#include "session/session.h"
#include "world.h"

/* The client's end. Called from timers only. */
struct wire_ops {
    void (*opened)(void *ctx);
    void (*data)(void *ctx, struct slice bytes);
    void (*lost)(void *ctx); /* the wire is gone: it must not be used again */
};

struct pipe {
    struct buf bytes;
    struct timer timer;
};

struct wire {
    struct wire *next, **link;
    struct network *network;
    unsigned shard;
    struct session *session;    /* NULL: not yet, or no more */
    const struct wire_ops *ops; /* NULL: the client has hung up */
    void *ctx;
    unsigned owner;                /* whose it is: the caller's number */
    int64_t latency, silent_since; /* -1: it works */
    bool opened, paused, closing, above_half;
    struct pipe up, down;
    struct timer opening, closed;
};

struct network {
    struct stage *stage;
    struct session_settings settings;
    struct hub *hubs[STAGE_SHARDS]; /* NULL: the server is down */
    struct wire *wires;
    unsigned changes; /* of anything that has to do with who is connected */
};

void network_open(struct network *network, struct stage *stage, const struct session_settings *settings);
void network_close(struct network *network);

/* It opens, or is lost, a little later. */
struct wire *network_connect(struct network *network, unsigned owner, const struct wire_ops *ops, void *ctx);
enum err wire_write(struct wire *wire, struct slice bytes);
void wire_hang_up(struct wire *wire); /* what was written still arrives */

void wire_cut(struct wire *wire);
void wire_silence(struct wire *wire);

/* The server stops dead, and starts again. */
void network_crash(struct network *network);
/* The server says goodbye to all; some time later, with network_restart(), another one begins. */
void network_shutdown(struct network *network);
void network_restart(struct network *network);

#endif
