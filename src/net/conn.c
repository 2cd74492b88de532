/* conn.c - a connection's stages, its input, and the calls of its owner. */
#include "conn_internal.h"
#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <unistd.h>

enum {
    CLOSE_LINGER_MS = 5000,
    HOLD_MS = 20,       /* longer than most answers take, shorter than anybody notices */
    SILENCE_MS = 30000, /* output that the peer's machine has not acknowledged for so long means that it is gone */
};

/* Stages */

static void deadline_reached(struct timer *timer)
{
    struct conn *conn = net_container_of(timer, struct conn, deadline);

    if (conn->stage == STAGE_CONNECTING)
        remote_late(conn);
    else if (conn->stage == STAGE_OPEN)
        conn_mark_dirty(conn); /* what was held back */
    else
        conn_end(conn, CONN_TIMED_OUT);
}

enum err conn_new(struct loop *loop, struct tls_context *context, size_t out_cap, struct conn **out)
{
    struct conn *conn = loop->freeing ? NULL : calloc(1, sizeof *conn);

    if (!conn) {
        tls_unref(&context);
        return loop->freeing ? ERR_STOPPED : ERR_MEMORY;
    }
    conn->loop = loop;
    conn->context = context;
    conn->out_cap = out_cap;
    conn->deadline.fire = deadline_reached;
    buf_init(&conn->plain, out_cap);
    buf_init(&conn->cipher, LOOP_STAGED_CAP);
    TAILQ_INSERT_TAIL(&loop->conns, conn, all);
    *out = conn;
    return OK;
}

void conn_free(struct conn *conn)
{
    TAILQ_REMOVE(&conn->loop->conns, conn, all);
    if (conn->dirty)
        TAILQ_REMOVE(&conn->loop->dirty, conn, dirties);
    handshakes_leave(conn);
    timer_stop(&conn->loop->timers, &conn->deadline);
    watch_close(&conn->watch);
    tls_close(&conn->tls);
    tls_unref(&conn->context);
    remote_drop(conn);
    buf_free(&conn->plain);
    buf_free(&conn->cipher);
    free(conn);
}

/* Without TCP_NODELAY a handshake's last flight and the first record cost a delayed acknowledgement, 40 ms. */
static void set_options(int fd)
{
    int on = 1, silence = SILENCE_MS;

    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &silence, sizeof silence);
}

enum err conn_start(struct conn *conn, int fd, int64_t due)
{
    enum err err = watch_new(conn->loop, fd, conn_ready, conn, &conn->watch);

    if (!err)
        err = tls_open(&conn->tls, conn->context, &conn->loop->staged, NULL);
    if (!err)
        err = timer_start(&conn->loop->timers, &conn->deadline, due);
    if (err)
        return err;
    set_options(fd);
    conn->stage = STAGE_HANDSHAKE;
    conn_update_watch(conn);
    return OK;
}

static void handshake(struct conn *conn);

enum err conn_start_client(struct conn *conn)
{
    struct sockaddr_storage address;
    const char *host = remote_host(conn->remote);
    enum err err = tls_open(&conn->tls, conn->context, &conn->loop->staged, address_parse(host, 0, &address) ? NULL : host);

    if (err)
        return err;
    set_options(watch_fd(conn->watch));
    conn->stage = STAGE_HANDSHAKE;
    handshake(conn);
    conn_send_staged(conn);
    conn_update_watch(conn);
    return OK;
}

void conn_end(struct conn *conn, enum conn_end end)
{
    if (conn->stage == STAGE_ENDED)
        return;
    conn->end = conn->stage == STAGE_CLOSING ? CONN_CLOSED : end;
    conn->stage = STAGE_ENDED;
    timer_stop(&conn->loop->timers, &conn->deadline);
    handshakes_leave(conn);
    watch_close(&conn->watch);
    buf_free(&conn->plain);
    buf_free(&conn->cipher);
    conn_account(conn);
    TAILQ_INSERT_TAIL(&conn->loop->ended, conn, endeds);
    loop_touch(conn->loop);
}

void conns_tell_ended(struct loop *loop)
{
    struct conn *conn;

    while ((conn = TAILQ_FIRST(&loop->ended)) != NULL) {
        TAILQ_REMOVE(&loop->ended, conn, endeds);
        if (conn->ops)
            conn->ops->closed(conn->ctx, conn->end);
        conn_free(conn);
    }
}

void conns_end_all(struct loop *loop)
{
    struct conn *conn;

    loop->freeing = true;
    TAILQ_FOREACH(conn, &loop->conns, all)
    conn_end(conn, CONN_RESET);
    conns_tell_ended(loop);
}

/* Input */

static void fail_tls(struct conn *conn)
{
    conn_send_staged(conn); /* our alert */
    conn_end(conn, CONN_TLS_FAILED);
}

static void handshake(struct conn *conn)
{
    enum err err = tls_handshake(&conn->tls);

    if (err == ERR_AGAIN)
        return;
    if (err) {
        fail_tls(conn);
        return;
    }
    if (conn->remote && remote_keep_certificate(conn)) {
        conn_end(conn, CONN_TLS_FAILED);
        return;
    }
    timer_stop(&conn->loop->timers, &conn->deadline);
    conn->stage = STAGE_OPEN;
    conn_send_staged(conn);
    if (conn->stage == STAGE_OPEN && conn->ops->open)
        conn->ops->open(conn->ctx, conn);
}

/* The owner may close or abort inside `data`: the stage tells. */
static void read_records(struct conn *conn)
{
    uint8_t *plain = conn->loop->plain;
    enum err err = OK;

    while (conn->stage == STAGE_OPEN && err == OK) {
        size_t len;
        err = tls_read(&conn->tls, plain, LOOP_PLAIN_SIZE, &len);
        if (err == OK)
            conn->ops->data(conn->ctx, slice_of(plain, len));
    }
    if (err == ERR_STOPPED) {
        tls_finish(&conn->tls);
        conn_send_staged(conn);
        conn_end(conn, CONN_CLOSED);
    } else if (err && err != ERR_AGAIN) {
        fail_tls(conn);
    }
}

static void take_input(struct conn *conn, struct slice bytes)
{
    if (conn->stage == STAGE_CLOSING)
        return; /* read only to see the end */
    tls_feed(&conn->tls, bytes);
    if (conn->stage == STAGE_HANDSHAKE)
        handshake(conn);
    if (conn->stage == STAGE_OPEN)
        read_records(conn);
    if (conn->stage != STAGE_ENDED)
        conn_send_staged(conn);
    buf_clear(&conn->loop->staged);
}

bool conn_receive(struct conn *conn)
{
    ssize_t count = recv(watch_fd(conn->watch), conn->loop->receive, LOOP_RECEIVE_SIZE, 0);

    if (count > 0)
        take_input(conn, slice_of(conn->loop->receive, (size_t)count));
    else if (count == 0)
        conn_end(conn, conn->mute ? CONN_RESET : CONN_CLOSED);
    else if (errno != EAGAIN && errno != EINTR)
        conn_end(conn, CONN_RESET);
    return count > 0;
}

void conn_ready(void *owner, int events, bool broken)
{
    struct conn *conn = owner;

    if (conn->stage == STAGE_CONNECTING) {
        remote_ready(conn);
        return;
    }
    if (broken) {
        /* What arrived before the error is still there. */
        while (!conn->paused && conn->stage != STAGE_ENDED && conn_receive(conn))
            ;
        conn_end(conn, CONN_RESET);
        return;
    }
    if (events & WATCH_WRITE)
        conn_flush(conn);
    if ((events & WATCH_READ) && conn->paused && conn->stage == STAGE_OPEN) {
        conn->blocked = true;
        conn_update_watch(conn);
        return;
    }
    if ((events & WATCH_READ) && conn->stage != STAGE_ENDED && (conn->stage != STAGE_HANDSHAKE || handshakes_admit(conn)))
        conn_receive(conn);
}

/* The owner's calls */

enum err conn_accept(struct loop *loop, struct tls_context *tls, int fd, const struct conn_peer *peer, int timeout_ms,
                     size_t out_cap, const struct conn_ops *ops, void *ctx, struct conn **out)
{
    struct conn *conn;
    enum err err = conn_new(loop, tls, out_cap, &conn);

    if (err) {
        close(fd);
        return err;
    }
    err = conn_start(conn, fd, loop_now(loop) + timeout_ms);
    if (err) {
        conn_free(conn);
        return err;
    }
    conn->peer = *peer;
    conn->ops = ops;
    conn->ctx = ctx;
    *out = conn;
    return OK;
}

void conn_pause(struct conn *conn)
{
    conn->paused = true;
}

void conn_unpause(struct conn *conn)
{
    conn->paused = conn->blocked = false;
    conn_update_watch(conn);
}

void conn_hold(struct conn *conn)
{
    struct timers *timers = &conn->loop->timers;

    if (!conn->dirty || conn->stage != STAGE_OPEN || timer_start(timers, &conn->deadline, loop_now(conn->loop) + HOLD_MS))
        return;
    conn->dirty = false;
    TAILQ_REMOVE(&conn->loop->dirty, conn, dirties);
}

void conn_close(struct conn *conn)
{
    int64_t due = loop_now(conn->loop) + CLOSE_LINGER_MS;

    if (conn->stage == STAGE_CLOSING)
        return;
    if (conn->stage != STAGE_OPEN || conn->mute || timer_start(&conn->loop->timers, &conn->deadline, due)) {
        conn_end(conn, CONN_CLOSED);
        return;
    }
    conn->stage = STAGE_CLOSING;
    conn_mark_dirty(conn);
    conn_update_watch(conn);
}

void conn_abort(struct conn *conn)
{
    conn_end(conn, CONN_RESET);
}

const char *conn_peer_address(const struct conn *conn)
{
    return conn->peer.address;
}

uint16_t conn_peer_port(const struct conn *conn)
{
    return conn->peer.port;
}
