/*
 * reconnect.h - how long to wait before the next attempt: exponential backoff with full jitter, so that the clients of a server
 * that comes back do not arrive together.
 *
 * The ceiling starts at 0.2 s and doubles up to 10 s; a connection that lasted a second starts it anew. A server that says when
 * to come back is obeyed, an hour at most, with a little jitter on top.
 */
#ifndef CLIENT_RECONNECT_H
#define CLIENT_RECONNECT_H

#include "base/world.h"

enum { RECONNECT_FIRST_MS = 200, RECONNECT_MOST_MS = 10000, RECONNECT_LASTED_MS = 1000, RECONNECT_OBEY_S = 3600 };

struct reconnect {
    int64_t ceiling_ms;
    int64_t online_since; /* -1: not online */
};

void reconnect_init(struct reconnect *reconnect);
void reconnect_online(struct reconnect *reconnect, const struct world *world);

/* The connection, or the attempt, is over: milliseconds until the next. retry_after: seconds that the server asked for, or 0. */
int64_t reconnect_pause(struct reconnect *reconnect, const struct world *world, unsigned retry_after);

#endif
