/*
 * links.h - the connections of one loop, each between a conn and a session: bytes go up, frames come down.
 *
 * A link lives from links_accept() to the connection's `closed`; its session from the end of the TLS handshake. Everything on
 * the loop's thread unless it says otherwise.
 */
#ifndef SERVER_LINKS_H
#define SERVER_LINKS_H

#include "net/conn.h"
#include "server/caps.h"
#include "session/session.h"
#include <stdatomic.h>

struct link;

struct links {
    struct loop *loop;
    struct hub *hub;
    struct caps *caps;
    size_t output_buffer; /* per connection */
    struct link *first;
    atomic_size_t count;    /* with those that are expected */
    atomic_size_t entering; /* of these, the ones without a session: expected, or in the handshake */
};

/* Any thread: a connection is on its way here, which links_accept() or links_refuse() will get. */
void links_expect(struct links *links);

/* An expected connection, counted by caps_enter(). Takes the descriptor and the reference to the context. */
void links_accept(struct links *links, struct tls_context *tls, int fd, const struct conn_peer *peer);
void links_refuse(struct links *links, int fd, const struct conn_peer *peer);

/* Ends those that hold most memory in their buffers until `bytes` of it are free. */
void links_shed(struct links *links, size_t bytes);

/* Ends connections at once: those that have no session yet, or all. They are gone after a turn of the loop. */
void links_abort(struct links *links, bool all);

#endif
