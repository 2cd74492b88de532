/* links.c - see links.h. */
#include "server/links.h"
#include "base/log.h"
#include <stdlib.h>
#include <unistd.h>

enum { HANDSHAKE_MS = 10000 };

struct link {
    struct link *next, **place; /* in the list */
    struct links *links;
    struct conn *conn;
    struct session *session; /* NULL before the handshake is done */
    bool shed;
};

/* ---- what a session asks of its link ---- */

static enum err link_write(void *ctx, struct slice bytes)
{
    struct link *link = ctx;
    return conn_write(link->conn, bytes);
}

static size_t link_pending(void *ctx)
{
    struct link *link = ctx;
    return conn_pending(link->conn);
}

static void link_hold(void *ctx)
{
    struct link *link = ctx;
    conn_hold(link->conn);
}

static void link_pause(void *ctx, bool paused)
{
    struct link *link = ctx;
    if (paused)
        conn_pause(link->conn);
    else
        conn_unpause(link->conn);
}

static void link_close(void *ctx)
{
    struct link *link = ctx;
    conn_close(link->conn);
}

static const struct session_link session_ops = {link_write, link_pending, link_hold, link_pause, link_close};

/* ---- what a connection tells its link ---- */

static void opened(void *ctx, struct conn *conn)
{
    struct link *link = ctx;
    if (session_open(link->links->hub, &session_ops, link, conn_peer_address(conn), &link->session) != OK)
        conn_abort(conn);
    else
        link->links->entering--;
}

static void received(void *ctx, struct slice bytes)
{
    struct link *link = ctx;
    if (link->session != NULL)
        session_input(link->session, bytes);
}

static void drained(void *ctx)
{
    struct link *link = ctx;
    if (link->session != NULL)
        session_drained(link->session);
}

static void closed(void *ctx, enum conn_end end)
{
    struct link *link = ctx;
    struct links *links = link->links;
    if (link->session != NULL)
        session_closed(link->session);
    else
        links->entering--;
    caps_leave(links->caps, conn_peer_address(link->conn));
    *link->place = link->next;
    if (link->next != NULL)
        link->next->place = link->place;
    links->count--;
    free(link);
}

static const struct conn_ops conn_ops = {opened, received, drained, closed};

void links_expect(struct links *links)
{
    links->count++;
    links->entering++;
}

static void forget(struct links *links, const struct conn_peer *peer)
{
    caps_leave(links->caps, peer->address);
    links->count--;
    links->entering--;
}

void links_refuse(struct links *links, int fd, const struct conn_peer *peer)
{
    close(fd);
    forget(links, peer);
}

void links_accept(struct links *links, struct tls_context *tls, int fd, const struct conn_peer *peer)
{
    struct link *link = calloc(1, sizeof *link);
    if (link == NULL) {
        tls_unref(&tls);
        links_refuse(links, fd, peer);
        return;
    }
    link->links = links;
    if (conn_accept(links->loop, tls, fd, peer, HANDSHAKE_MS, links->output_buffer, &conn_ops, link, &link->conn) != OK) {
        free(link);
        forget(links, peer);
        return;
    }
    link->next = links->first;
    link->place = &links->first;
    if (link->next != NULL)
        link->next->place = &link->next;
    links->first = link;
}

static size_t held_by(const struct link *link)
{
    if (link->shed)
        return 0;
    return conn_held(link->conn) + (link->session != NULL ? session_held(link->session) : 0);
}

static struct link *hungriest(struct links *links)
{
    struct link *found = NULL;
    for (struct link *link = links->first; link != NULL; link = link->next)
        if (held_by(link) > (found != NULL ? held_by(found) : 0))
            found = link;
    return found;
}

void links_shed(struct links *links, size_t bytes)
{
    static struct log_limit limit;
    struct link *link = hungriest(links);
    while (link != NULL) {
        size_t held = held_by(link);
        log_event_limited(&limit, world_mono_ms(loop_world(links->loop)), LOG_WARN, "connection_shed",
                          log_str("peer", conn_peer_address(link->conn)), log_int("bytes", (int64_t)held));
        link->shed = true;
        conn_abort(link->conn);
        if (held >= bytes)
            return;
        bytes -= held;
        link = hungriest(links);
    }
}

void links_abort(struct links *links, bool all)
{
    /* `closed` never comes inside conn_abort, so the list stands still. */
    for (struct link *link = links->first; link != NULL; link = link->next)
        if (all || link->session == NULL)
            conn_abort(link->conn);
}
