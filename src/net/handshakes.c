/*
 * handshakes.c - a few handshakes a turn.
 *
 * A handshake costs a quarter of a millisecond, a message some microseconds. When thousands come back at once, as they do after a
 * restart, a turn that served every one of them would last for seconds, and those who are in would wait for it. So a turn has
 * room for HANDSHAKES_PER_TURN steps (a handshake takes two) and begins none when HANDSHAKES_NS have gone by since its first, for
 * with a large RSA key a single one takes five milliseconds. Whoever finds no room is not watched until its turn comes, first
 * come, first served. The loop does not sleep while somebody waits, so nothing is lost but the order.
 */
#include "conn_internal.h"

enum { HANDSHAKES_PER_TURN = 16, HANDSHAKES_NS = 4000000 };

static bool has_room(struct loop *loop)
{
    if (loop->handshakes == 0)
        loop->handshakes_since = uv_hrtime();
    else if (loop->handshakes >= HANDSHAKES_PER_TURN || uv_hrtime() - loop->handshakes_since > HANDSHAKES_NS)
        return false;
    loop->handshakes++;
    return true;
}

bool handshakes_admit(struct conn *conn)
{
    struct loop *loop = conn->loop;

    if (TAILQ_EMPTY(&loop->waiting) && has_room(loop))
        return true;
    conn->waiting = true;
    TAILQ_INSERT_TAIL(&loop->waiting, conn, waitings);
    conn_update_watch(conn);
    return false;
}

void handshakes_leave(struct conn *conn)
{
    if (conn->waiting)
        TAILQ_REMOVE(&conn->loop->waiting, conn, waitings);
    conn->waiting = false;
}

void handshakes_turn(struct loop *loop)
{
    struct conn *conn;

    loop->handshakes = 0;
    while ((conn = TAILQ_FIRST(&loop->waiting)) != NULL && has_room(loop)) {
        handshakes_leave(conn);
        conn_receive(conn);
        conn_update_watch(conn);
    }
    if (!TAILQ_EMPTY(&loop->waiting))
        uv_async_send(&loop->wake);
}
