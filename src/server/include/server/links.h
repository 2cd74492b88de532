/*
 * links.h - the connections of one loop, each between a conn and a session: bytes go up, frames come down.
 *
 * A link lives from accept to the connection's `closed`; its session from the end of the TLS handshake. Everything on the
 * loop's thread.
 */
#ifndef SERVER_LINKS_H
#define SERVER_LINKS_H

#include "net/conn.h"
#include "server/caps.h"
#include "session/session.h"

struct link;

struct links {
    struct hub *hub;
    struct caps *caps;
    struct link *first;
    size_t count;
};

/* A new connection, which is owned or ended in here. */
void links_accept(struct links *links, struct conn *conn);

/* Ends those that hold most memory in their buffers until `bytes` of it are free. */
void links_shed(struct links *links, size_t bytes);

/* Ends connections at once: those that have no session yet, or all. They are gone after a turn of the loop. */
void links_abort(struct links *links, bool all);

#endif
