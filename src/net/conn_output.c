/*
 * conn_output.c - from conn_write() to the kernel.
 *
 * What is written in a turn gathers in one buffer per connection; at the end of the turn it is encrypted into the loop's staging
 * buffer and sent. Only what the kernel does not take is kept, and nothing more is encrypted until that has gone, so that a slow
 * peer costs no more than its cap and one chunk. Buffers are given back when empty.
 */
#include "conn_internal.h"
#include <assert.h>
#include <errno.h>
#include <sys/socket.h>

enum { CHUNK = 64 * 1024 }; /* encrypted and sent at once */

void conn_mark_dirty(struct conn *conn)
{
    if (conn->dirty)
        return;
    conn->dirty = true;
    TAILQ_INSERT_TAIL(&conn->loop->dirty, conn, dirties);
    if (conn->stage == STAGE_OPEN)
        timer_stop(&conn->loop->timers, &conn->deadline); /* of a hold */
    loop_touch(conn->loop);
}

enum err conn_write(struct conn *conn, struct slice bytes)
{
    enum err err;

    if (conn->stage != STAGE_OPEN)
        return ERR_STOPPED;
    if (bytes.len > conn->out_cap || conn_pending(conn) > conn->out_cap - bytes.len)
        return ERR_CAP;
    if (conn->mute)
        return OK; /* nobody will read it; `closed` is under way */
    err = buf_append(&conn->plain, bytes.data, bytes.len);
    if (err)
        return err;
    conn->above_half = conn->above_half || conn_pending(conn) > conn->out_cap / 2;
    conn_mark_dirty(conn);
    return OK;
}

size_t conn_pending(const struct conn *conn)
{
    return buf_len(&conn->plain) + buf_len(&conn->cipher);
}

void conn_account(struct conn *conn)
{
    size_t held = conn->plain.size + conn->cipher.size;

    conn->loop->held += held - conn->held; /* wraps to a difference */
    conn->held = held;
}

size_t conn_held(const struct conn *conn)
{
    return conn->held;
}

void conn_update_watch(struct conn *conn)
{
    int events = 0;

    if (!conn->watch || conn->stage == STAGE_CONNECTING)
        return;
    if ((!conn->blocked || conn->stage == STAGE_CLOSING) && !conn->waiting)
        events |= WATCH_READ;
    if (buf_len(&conn->cipher) > 0)
        events |= WATCH_WRITE;
    watch_set(conn->watch, events);
}

/* The peer has gone. What it sent before is still worth reading; the end will show there. */
static void output_lost(struct conn *conn)
{
    conn->mute = true;
    buf_free(&conn->plain);
    buf_free(&conn->cipher);
    if (conn->paused || conn->stage == STAGE_CLOSING)
        conn_end(conn, CONN_RESET);
}

/* How much the kernel took: 0 when it is full or the connection is lost. */
static size_t send_some(struct conn *conn, struct slice bytes)
{
    ssize_t count = send(watch_fd(conn->watch), bytes.data, bytes.len, MSG_NOSIGNAL);

    if (count >= 0)
        return (size_t)count;
    if (errno != EAGAIN && errno != EINTR && errno != ENOBUFS)
        output_lost(conn);
    return 0;
}

void conn_send_staged(struct conn *conn)
{
    struct buf *staged = &conn->loop->staged;

    if (buf_len(staged) > 0 && buf_len(&conn->cipher) == 0 && !conn->mute && conn->watch)
        buf_consume(staged, send_some(conn, buf_slice(staged)));
    if (buf_len(staged) > 0 && !conn->mute && conn->stage != STAGE_ENDED) {
        if (buf_append(&conn->cipher, buf_data(staged), buf_len(staged)))
            conn_end(conn, CONN_RESET);
        else
            conn_update_watch(conn);
    }
    buf_clear(staged);
}

/* True when the kernel has all that was encrypted. */
static bool send_kept(struct conn *conn)
{
    if (buf_len(&conn->cipher) > 0)
        buf_consume(&conn->cipher, send_some(conn, buf_slice(&conn->cipher)));
    return buf_len(&conn->cipher) == 0 && conn->stage != STAGE_ENDED;
}

/* True when all of it is encrypted and sent. */
static bool send_plain(struct conn *conn)
{
    while (buf_len(&conn->plain) > 0) {
        struct slice chunk = buf_slice(&conn->plain);
        if (chunk.len > CHUNK)
            chunk.len = CHUNK;
        if (tls_write(&conn->tls, chunk)) {
            buf_clear(&conn->loop->staged);
            conn_end(conn, CONN_TLS_FAILED);
            return false;
        }
        buf_consume(&conn->plain, chunk.len);
        conn_send_staged(conn);
        if (buf_len(&conn->cipher) > 0 || conn->mute || conn->stage == STAGE_ENDED)
            return false;
    }
    return true;
}

static void say_goodbye(struct conn *conn)
{
    if (!conn->notified) {
        conn->notified = true;
        tls_finish(&conn->tls);
        conn_send_staged(conn);
    }
    if (!conn->shut && conn->stage == STAGE_CLOSING && buf_len(&conn->cipher) == 0) {
        conn->shut = true;
        shutdown(watch_fd(conn->watch), SHUT_WR);
    }
}

void conn_flush(struct conn *conn)
{
    assert(buf_len(&conn->loop->staged) == 0);
    if (conn->stage == STAGE_ENDED || conn->stage == STAGE_CONNECTING)
        return;
    if (send_kept(conn) && send_plain(conn) && conn->stage == STAGE_CLOSING)
        say_goodbye(conn);
    if (conn->stage == STAGE_ENDED)
        return;
    buf_shrink(&conn->plain);
    buf_shrink(&conn->cipher);
    conn_account(conn);
    conn_update_watch(conn);
    conn->above_half = conn->above_half || conn_pending(conn) > conn->out_cap / 2; /* encryption adds a little */
    if (conn->above_half && conn->stage == STAGE_OPEN && !conn->mute && conn_pending(conn) <= conn->out_cap / 4) {
        conn->above_half = false;
        conn->loop->drained = true;
        if (conn->ops->drained)
            conn->ops->drained(conn->ctx);
    }
}

/* Only those that are dirty now: `drained` may write again. Unless it takes the last of them away: then until there is none. */
void conns_flush(struct loop *loop)
{
    struct conn *last = TAILQ_LAST(&loop->dirty, conn_list), *conn = NULL;

    while (conn != last && (conn = TAILQ_FIRST(&loop->dirty)) != NULL) {
        TAILQ_REMOVE(&loop->dirty, conn, dirties);
        conn->dirty = false;
        conn_flush(conn);
    }
}
