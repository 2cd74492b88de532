/*
 * listener.h - accepting connections on one address.
 *
 * A listener belongs to a loop; what it accepts may live on any (conn_accept). `take` gets each connection's descriptor, which it
 * owns from then on, and the address it comes from; it must not close the listener.
 *
 * "::" means IPv6 only. When descriptors run out, new connections are closed at once and the log says connections_dropped, every
 * ten seconds at most.
 */
#ifndef NET_LISTENER_H
#define NET_LISTENER_H

#include "net/conn.h"

struct listener;

typedef void listener_take(void *ctx, int fd, const struct conn_peer *peer);

/* The socket alone, which listens from then on: connections wait until a listener accepts them. For a process that gives up its
 * rights in between. host: an IP address in text, or "localhost" (a name is resolved synchronously: only at start); *port: 0 is
 * any, and is what became of it. ERR_SYSTEM with *why. */
enum err listener_bind(const char *host, uint16_t *port, int *fd, const char **why);
/* A listener on such a socket, which it takes, also on failure. ERR_SYSTEM, ERR_MEMORY with *why. */
enum err listener_adopt(struct loop *loop, int fd, listener_take *take, void *ctx, struct listener **out, const char **why);
/* Both at once. */
enum err listener_open(struct loop *loop, const char *host, uint16_t port, listener_take *take, void *ctx, struct listener **out,
                       const char **why);
uint16_t listener_port(const struct listener *listener);
/* Stops accepting; connections live on. Takes NULL. */
void listener_close(struct listener **listener);

#endif
