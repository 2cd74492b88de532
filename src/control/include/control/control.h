/*
 * control.h - the administrator's way in: a Unix socket in the data directory, and the commands that come through it.
 *
 * Only root and the user that the server runs as may use it: the file's mode says so, the directory's too, and the kernel is
 * asked who has connected. A connection is one request and its answer:
 *
 *     -> disable alice\n                          COMMAND [USER [PASSWORD to the end of the line]]
 *     <- {"sessions":2}\n{"done":true}\n          rows, one JSON object a line, then how it went:
 *                                                 {"done":true} or {"error":"unknown_user","text":"..."}
 *
 * Everything on the loop of the first lane. Requests, connections and answers have caps; who is slow to ask or to read is cut
 * off. Commands are rows of one table (command.c).
 */
#ifndef CONTROL_CONTROL_H
#define CONTROL_CONTROL_H

#include "base/buf.h"
#include "net/loop.h"
#include "session/session.h"

struct control;

/* A lane, as far as an administrator looks into it. */
struct control_lane {
    struct strand *strand;
    struct hub *hub;
};

struct control_count {
    uint64_t connections; /* now */
    uint64_t refused;     /* by the limits, since the start */
    unsigned lanes_used;  /* that have connections */
};

/* All outlive the control, which copies the array. */
struct control_parts {
    const char *path; /* of the socket */
    const char *data; /* directory, for a copy that is being made */
    struct loop *loop;
    struct shard *shard; /* of the same lane */
    struct chat *chat;
    struct store *store;
    const struct control_lane *lanes;
    unsigned lane_count;
    void (*count)(void *ctx, struct control_count *out);
    void *ctx;
};

/* Listens. ERR_MEMORY; ERR_SYSTEM with a sentence in `why`. */
enum err control_open(const struct control_parts *parts, struct control **out, struct buf *why);
/* On the loop: the server stops. No more requests; those under way may still be answered. Takes NULL. */
void control_drain(struct control *control);
/* After all lanes and the store have ended, before the loop is freed. Takes NULL. */
void control_free(struct control **control);

#endif
