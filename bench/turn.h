/*
 * turn.h - one epoll loop over TCP connections, plain or TLS 1.3, for the limit and for the load alike: as little as it takes.
 *
 * One thread. A turn is: wait, read once from whatever is readable, let `ending` run, write once to each connection that has
 * something to say. OpenSSL works over a BIO without memory of its own; buffers are given back when they are empty. What cannot
 * go on (no memory, no epoll) ends the program: see stop().
 *
 *     turn_init(&turn, tls, &ops);  turn_connect(&turn, &user->link, from, to);  turn_run(&turn);
 */
#ifndef BENCH_TURN_H
#define BENCH_TURN_H

#include "base/buf.h"

#include <netinet/in.h>
#include <openssl/ssl.h>

/* What epoll knows. */
struct source {
    void (*ready)(struct source *source, unsigned events);
};

struct link {
    struct source source;
    struct turn *turn;
    int fd; /* -1: closed */
    bool open, dirty, waits;
    SSL *ssl;
    struct slice cipher; /* what OpenSSL has yet to read */
    struct buf in;       /* the beginning of a frame */
    struct buf out;      /* what the turn's end will send, in the clear */
    struct buf unsent;   /* as it goes on the wire: what the kernel did not take, or what a handshake says */
    struct link *next_dirty;
};

struct link_ops {
    void (*opened)(struct link *link);
    size_t (*arrived)(struct link *link, struct slice bytes); /* says how many of them made whole frames */
    void (*flushing)(struct link *link);                      /* last chance to add to what goes out; may be NULL */
    void (*closed)(struct link *link);                        /* by the other side */
};

struct turn {
    int epoll;
    SSL_CTX *tls; /* NULL: plain */
    const struct link_ops *ops;
    void (*ending)(struct turn *turn); /* before anything is sent; may be NULL */
    struct link *dirty;
    bool stopped;
    struct link *flushing;
    struct buf wire;
    uint8_t net[65536], plain[16384];
};

/* The contexts: TLS 1.3 alone, buffers released, no tickets; a server brings certificate and key (PEM). */
SSL_CTX *tls_server(const char *certificate, const char *key);
SSL_CTX *tls_client(void);

void turn_init(struct turn *turn, SSL_CTX *tls, const struct link_ops *ops);
void turn_watch(struct turn *turn, int fd, struct source *source);
void turn_run(struct turn *turn); /* until `stopped` */

/* A connection that was accepted, or one to be made from an address of this machine (0: any) to another. */
void turn_adopt(struct turn *turn, struct link *link, int fd);
void turn_connect(struct turn *turn, struct link *link, in_addr_t from, uint16_t port);

/* Appends to what goes out at the end of the turn. */
void link_write(struct link *link, const void *data, size_t len);
struct buf *link_out(struct link *link); /* the same, for those who write in place */
void link_close(struct link *link);      /* now; not told to `closed` */

/* Many connections need many files: as many as the system lets us have, 20,000 at most. */
void raise_file_limit(void);

int64_t clock_ns(void); /* monotonic */

_Noreturn void stop(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
