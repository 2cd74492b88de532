/*
 * conn.h - one connection: TCP, TLS on top, bytes in and out. It knows nothing of messages.
 *
 * Everything on the loop's thread. Callbacks never run inside a call to conn_*; they come from the loop. After `closed` (exactly
 * once, also after conn_close) the connection is freed and must not be touched.
 *
 * Input: `data` gets plaintext as it is decrypted and returns nothing; the bytes are valid during the call. conn_pause() stops
 * reading from the socket (back pressure). A paused connection may not notice that its peer has gone unless there is output to
 * send.
 *
 * Output: conn_write() copies into one buffer per connection; the loop encrypts and writes it once at the end of the turn, so
 * several frames share a record and a system call. conn_pending() counts plaintext and ciphertext not yet taken by the kernel.
 * Beyond the cap given at creation conn_write() returns ERR_CAP and appends nothing: the owner decides (close, or wait for
 * `drained`, called when pending falls to a quarter of the cap or less after it had been above half).
 *
 * conn_close() flushes what is pending, with close_notify, waits until the peer has closed too (or what was sent could be lost),
 * all for at most 5 seconds, then closes; no `data` comes any more. conn_abort() closes now. Both may be called in any stage and
 * inside any callback but `closed`; conn_write() outside of the time between `open` and conn_close() returns ERR_STOPPED.
 */
#ifndef NET_CONN_H
#define NET_CONN_H

#include "base/slice.h"
#include "net/loop.h"
#include "net/tls.h"

struct conn;

enum conn_end {
    CONN_CLOSED,       /* by the peer, cleanly (close_notify or FIN) or by conn_close */
    CONN_RESET,        /* by the network (reset, silence for 30 s), or by conn_abort */
    CONN_TLS_FAILED,   /* not TLS 1.3, or a broken record */
    CONN_TIMED_OUT,    /* no TCP connection or TLS handshake in time */
    CONN_REFUSED,      /* nobody listens there */
    CONN_UNREACHABLE,  /* no route to it */
    CONN_NOT_RESOLVED, /* no address for that host */
    CONN_NO_RESOLVER,  /* nobody who would know the address answers */
};

struct conn_ops {
    void (*open)(void *ctx, struct conn *conn); /* handshake done; conn_write may be called from now on */
    void (*data)(void *ctx, struct slice bytes);
    void (*drained)(void *ctx);
    void (*closed)(void *ctx, enum conn_end end);
};

/*
 * Connects: resolves (off the loop thread), tries each address in turn, handshakes. In all at most timeout_ms. The name goes
 * out as SNI unless it is an address. `out_cap` bytes of output at most. ERR_MEMORY, ERR_SYSTEM at once; all else by `closed`.
 */
enum err conn_connect(struct loop *loop, struct tls_context *tls, const char *host, uint16_t port, int timeout_ms, size_t out_cap,
                      const struct conn_ops *ops, void *ctx, struct conn **out);

enum { CONN_ADDRESS_SIZE = 46 }; /* the longest IPv6 address with the NUL */

struct conn_peer {
    char address[CONN_ADDRESS_SIZE]; /* without port: "192.0.2.7" or "2001:db8::1"; "" if unknown */
    uint16_t port;
};

/*
 * The server's side, on a socket that a listener accepted, also one of another loop. The handshake may take timeout_ms; `open`
 * comes after it. Takes the descriptor and a reference to the context, on failure too. ERR_MEMORY, ERR_SYSTEM, ERR_STOPPED: there
 * is no connection, and no callback comes.
 */
enum err conn_accept(struct loop *loop, struct tls_context *tls, int fd, const struct conn_peer *peer, int timeout_ms,
                     size_t out_cap, const struct conn_ops *ops, void *ctx, struct conn **out);

enum err conn_write(struct conn *conn, struct slice bytes);
size_t conn_pending(const struct conn *conn);
size_t conn_held(const struct conn *conn); /* memory that this takes, at the end of the last turn */
/* What was written in this turn may go out with what is written next: it waits for that, for 20 ms at most. */
void conn_hold(struct conn *conn);
void conn_pause(struct conn *conn);
void conn_unpause(struct conn *conn);
void conn_close(struct conn *conn);
void conn_abort(struct conn *conn);

/* Lives as long as the connection. */
const char *conn_peer_address(const struct conn *conn);
uint16_t conn_peer_port(const struct conn *conn);

/* Client side, from `open` on: the server's certificate (DER; lives as long as the connection), and whether a CA that the
 * context trusts vouches for it and it names `host` of conn_connect (RFC 6125). A self-signed certificate that was itself
 * given as CA counts as vouched for, whatever name it carries. */
struct slice conn_peer_certificate(const struct conn *conn);
bool conn_peer_verified(const struct conn *conn);

#endif
