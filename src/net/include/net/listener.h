/*
 * listener.h - accepting connections on one address, on several loops at once (SO_REUSEPORT: the kernel spreads them).
 *
 * A listener belongs to one loop; listener_open() is called once per loop with the same address. With port 0 the first call
 * chooses; pass the port it reports to the others. Handshakes that take longer than 10 s are ended.
 *
 * New connections are offered to listener_ops.admit before anything is allocated for TLS: it may refuse them (caps), which
 * closes the socket at once (it asks, and may be asked in vain: count in `accepted`). Then `accepted` gives a connection that
 * must be conn_own()ed. These callbacks must not close the listener.
 *
 * An address that another process listens on is an error, although SO_REUSEPORT would allow it. "::" means IPv6 only.
 * When descriptors run out, new connections are closed at once and the log says connections_dropped, every ten seconds at most.
 */
#ifndef NET_LISTENER_H
#define NET_LISTENER_H

#include "net/conn.h"

struct listener;

struct listener_ops {
    bool (*admit)(void *ctx, const char *address); /* peer's address without port */
    /* The connection is not open yet: its `open` comes after the handshake, `closed` always. */
    void (*accepted)(void *ctx, struct conn *conn);
    /* Context for a new connection; a new reference, given back by the connection. */
    struct tls_context *(*tls)(void *ctx);
};

/* The socket alone, which listens from then on: connections wait until a listener accepts them. For a process that gives up its
 * rights in between. host: an IP address in text, or "localhost" (a name is resolved synchronously: only at start); *port: 0 is
 * any, and is what became of it. ERR_SYSTEM with *why. */
enum err listener_bind(const char *host, uint16_t *port, int *fd, const char **why);
/* A listener on such a socket, which it takes, also on failure. ERR_SYSTEM, ERR_MEMORY with *why. */
enum err listener_adopt(struct loop *loop, int fd, size_t out_cap, const struct listener_ops *ops, void *ctx,
                        struct listener **out, const char **why);
/* Both at once. */
enum err listener_open(struct loop *loop, const char *host, uint16_t port, size_t out_cap, const struct listener_ops *ops,
                       void *ctx, struct listener **out, const char **why);
uint16_t listener_port(const struct listener *listener);
/* Stops accepting; connections live on. Takes NULL. */
void listener_close(struct listener **listener);

#endif
