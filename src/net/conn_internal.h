/*
 * conn_internal.h - what a connection is made of.
 *
 *     resolving, connecting (client) -> handshake -> open -> closing -> ended
 *
 * `ended` is where every connection gets to exactly once, through conn_end(): the socket is closed at once, but the owner is told
 * and the memory freed at the end of the turn (conns_tell_ended). So whoever holds a struct conn * inside a turn may keep it
 * until then, and has to look at the stage after every callback.
 *
 * Files: conn.c stages, input and the public calls; handshakes.c when a handshake may go on; conn_output.c buffers and flushing;
 * connect.c the client's way to a socket.
 */
#ifndef NET_CONN_INTERNAL_H
#define NET_CONN_INTERNAL_H

#include "address.h"
#include "loop_internal.h"
#include "net/conn.h"
#include "net/watch.h"
#include "tls_filter.h"

enum conn_stage { STAGE_CONNECTING, STAGE_HANDSHAKE, STAGE_OPEN, STAGE_CLOSING, STAGE_ENDED };

struct remote; /* the client's side: see connect.c */

struct conn {
    TAILQ_ENTRY(conn) all, dirties, endeds, waitings;
    struct loop *loop;
    const struct conn_ops *ops;
    void *ctx;
    struct watch *watch; /* owns the socket */
    struct tls_context *context;
    struct tls_filter tls;
    struct buf plain;  /* written by the owner, not encrypted yet */
    struct buf cipher; /* encrypted, not taken by the kernel */
    size_t out_cap;
    size_t held;           /* memory of the two, as it was last counted into the loop's */
    struct timer deadline; /* of the stage */
    struct remote *remote; /* NULL on the server's side */
    enum conn_stage stage;
    enum conn_end end;
    bool paused;
    bool blocked;    /* paused, and something has come since: it is not watched for reading */
    bool waiting;    /* for its turn to go on with the handshake */
    bool dirty;      /* to be flushed at the end of the turn */
    bool above_half; /* `drained` is due when pending has fallen */
    bool notified;   /* close_notify is sent */
    bool shut;       /* FIN is sent */
    bool mute;       /* the kernel refused output: it is dropped, what can still be read is read */
    struct conn_peer peer;
};

/* A connection on no socket yet. Takes the reference to the context, on failure too. */
enum err conn_new(struct loop *loop, struct tls_context *context, size_t out_cap, struct conn **out);
void conn_free(struct conn *conn);

/* TCP is there: takes the descriptor, handshakes until `due`. Failure ends nothing: the caller does. */
enum err conn_start(struct conn *conn, int fd, int64_t due);
/* Same, for a client's connection whose socket is watched already. */
enum err conn_start_client(struct conn *conn);
void conn_ready(void *owner, int events, bool broken);

/* Ends it, if it has not ended yet. */
void conn_end(struct conn *conn, enum conn_end end);

/* One read, and what follows from it; true if it gave bytes. */
bool conn_receive(struct conn *conn);

/* handshakes.c */
/* There is something to read in a handshake: may it be read now? If not, the connection waits and is not watched meanwhile. */
bool handshakes_admit(struct conn *conn);
void handshakes_leave(struct conn *conn);
/* Begins a turn: those who waited longest. */
void handshakes_turn(struct loop *loop);

/* connect.c */
void remote_ready(struct conn *conn);
void remote_late(struct conn *conn);
void remote_drop(struct conn *conn);
const char *remote_host(const struct remote *remote);
/* After the handshake, before `open`: keeps the certificate and the verdict on it. ERR_MEMORY. */
enum err remote_keep_certificate(struct conn *conn);

/* conn_output.c */
void conn_mark_dirty(struct conn *conn);
/* Gives staged ciphertext to the kernel, keeps what it does not take. */
void conn_send_staged(struct conn *conn);
void conn_flush(struct conn *conn);
void conn_update_watch(struct conn *conn);
void conn_account(struct conn *conn);

/* For the loop. */
void conns_tell_ended(struct loop *loop);
void conns_flush(struct loop *loop);
void conns_end_all(struct loop *loop);

#endif
