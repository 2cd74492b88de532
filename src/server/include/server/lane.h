/*
 * lane.h - one event loop and all that lives on it: its shard of the chat, its hub of sessions, its connections.
 *
 * Built and freed while it does not run. From lane_start() or lane_run() on, only the calls marked "any
 * thread" are allowed, each of which posts to the loop. It ends in two steps, because no lane may end while another one's
 * clients still write to it: lane_drain() tells its clients and reports when they are gone; lane_finish() ends the loop when the
 * store has answered everything.
 */
#ifndef SERVER_LANE_H
#define SERVER_LANE_H

#include "chat/chat.h"
#include "net/conn.h"
#include "server/caps.h"
#include "server/config.h"
#include "session/session.h"
#include <stdatomic.h>

struct lane;

/* What the buffers of all connections may hold together, whichever lanes they are on. */
struct lane_memory {
    size_t most, share; /* share: of one lane */
    atomic_size_t held;
    void (*press)(void *ctx); /* there is too much, but not on this lane: lane_weigh() the others */
    void *ctx;
};

/* All outlive the lane. */
struct lane_parts {
    unsigned index;
    struct chat *chat;
    struct caps *caps;
    struct pool *pool;    /* for giving memory back */
    size_t output_buffer; /* per connection */
    struct lane_memory *memory;
    void (*empty)(void *ctx); /* after lane_drain: no connection is left; on the lane's thread, once */
    void *ctx;
};

/* A bare loop. ERR_MEMORY, ERR_SYSTEM. */
enum err lane_new(struct lane **out);
/* Makes it part of the chat. ERR_MEMORY; whatever was made so far goes with lane_free_sessions(), chat_free(), lane_free(). */
enum err lane_equip(struct lane *lane, const struct lane_parts *parts, const struct session_settings *sessions,
                    struct tls_context *tls);
/* After its loop has ended (or never ran), in this order around chat_free(). Both take lanes that are NULL or half-built. */
void lane_free_sessions(struct lane *lane);
void lane_free(struct lane **lane);

struct loop *lane_loop(struct lane *lane);
struct shard *lane_shard(struct lane *lane);
struct hub *lane_hub(struct lane *lane);

/* On a thread of its own, or on this one until it has finished. */
enum err lane_start(struct lane *lane);
void lane_run(struct lane *lane);
/* Waits for the thread, if there is one. True if everything had come home; else chat and sessions must not be freed. */
bool lane_join(struct lane *lane);

/* Any thread, while the lane runs or before. A connection that was accepted and counted (caps): it is to live here. Takes the
 * descriptor. */
void lane_take(struct lane *lane, int fd, const struct conn_peer *peer);

/* Any thread. With those that are on their way. */
size_t lane_connections(const struct lane *lane);
/* Any thread. Those of them that have not done their handshake yet. */
size_t lane_entering(const struct lane *lane);
/* Any thread, from lane_start() or lane_run() on: what its thread has worked since it began. */
int64_t lane_cpu_ns(const struct lane *lane);

/* Any thread. New settings; `tls` for new connections. ERR_MEMORY. */
enum err lane_configure(struct lane *lane, const struct session_settings *sessions, struct tls_context *tls);
/* Any thread, once. No new connections; clients are told goodbye, and cut off after five seconds. */
void lane_drain(struct lane *lane);
/* Any thread, once. After lane_drain, once every lane is empty. */
void lane_finish(struct lane *lane);
/* Any thread, once. Cuts off who is still there. */
void lane_hurry(struct lane *lane);
/* Any thread. Wakes it, so that it sees how much memory all hold. */
void lane_weigh(struct lane *lane);

#endif
