/*
 * connect.c - the client's way to a socket: resolve the name (on libuv's threads), try the addresses in turn, each with its share
 * of the time that is left, then hand over to the handshake. Afterwards it keeps what identifies the server.
 */
#include "conn_internal.h"
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <unistd.h>

enum { ADDRESSES_MAX = 16 };

/* In flight until libuv calls back; the connection may be gone by then. */
struct lookup {
    uv_getaddrinfo_t request;
    struct conn *conn;
};

struct remote {
    char *host;
    uint16_t port;
    int64_t due; /* of it all */
    struct lookup *lookup;
    struct sockaddr_storage *addresses; /* not tried yet: [next, count) */
    size_t next, count;
    enum conn_end failure; /* the most telling one so far */
    uint8_t *certificate;
    size_t certificate_len;
    bool verified;
};

const char *remote_host(const struct remote *remote)
{
    return remote->host;
}

static void forget_lookup(struct remote *remote)
{
    if (remote->lookup) {
        remote->lookup->conn = NULL;
        uv_cancel((uv_req_t *)&remote->lookup->request);
        remote->lookup = NULL;
    }
}

void remote_drop(struct conn *conn)
{
    struct remote *remote = conn->remote;

    conn->remote = NULL;
    if (!remote)
        return;
    forget_lookup(remote);
    OPENSSL_free(remote->certificate);
    free(remote->addresses);
    free(remote->host);
    free(remote);
}

/* Trying addresses */

/* A refusal says more than silence, silence more than "no route". */
static void note_failure(struct remote *remote, int error)
{
    bool no_route = error == ENETUNREACH || error == EHOSTUNREACH || error == ENETDOWN || error == EHOSTDOWN;
    if (error == ECONNREFUSED)
        remote->failure = CONN_REFUSED;
    else if (error == ETIMEDOUT && remote->failure != CONN_REFUSED)
        remote->failure = CONN_TIMED_OUT;
    else if (no_route && remote->failure == CONN_RESET)
        remote->failure = CONN_UNREACHABLE;
}

/* Starts on one address; false if that failed at once. */
static bool try_address(struct conn *conn, const struct sockaddr_storage *address)
{
    struct remote *remote = conn->remote;
    int fd = socket(address->ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int64_t now = loop_now(conn->loop), share = (remote->due - now) / (int64_t)(remote->count - remote->next + 1);

    if (fd < 0)
        return false;
    if (connect(fd, (const struct sockaddr *)address, address_len(address)) && errno != EINPROGRESS) {
        note_failure(remote, errno);
        close(fd);
        return false;
    }
    if (watch_new(conn->loop, fd, conn_ready, conn, &conn->watch))
        return false;
    if (timer_start(&conn->loop->timers, &conn->deadline, now + share)) {
        watch_close(&conn->watch);
        return false;
    }
    address_text(address, conn->peer.address);
    conn->peer.port = address_port(address);
    watch_set(conn->watch, WATCH_WRITE);
    return true;
}

static void try_next(struct conn *conn)
{
    struct remote *remote = conn->remote;

    while (remote->next < remote->count)
        if (try_address(conn, &remote->addresses[remote->next++]))
            return;
    conn_end(conn, remote->failure);
}

/* A port of the ephemeral range on this very machine, where nobody listens, can connect to itself. */
static bool is_self(int fd)
{
    struct sockaddr_storage here = {0}, there = {0};
    socklen_t here_len = sizeof here, there_len = sizeof there;

    return getsockname(fd, (struct sockaddr *)&here, &here_len) == 0 &&
           getpeername(fd, (struct sockaddr *)&there, &there_len) == 0 && address_equal(&here, &there);
}

void remote_ready(struct conn *conn)
{
    int fd = watch_fd(conn->watch), error = 0;
    socklen_t len = sizeof error;

    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len))
        error = errno;
    if (!error && is_self(fd))
        error = ECONNREFUSED;
    if (error) {
        note_failure(conn->remote, error);
        watch_close(&conn->watch);
        try_next(conn);
        return;
    }
    free(conn->remote->addresses);
    conn->remote->addresses = NULL;
    if (timer_start(&conn->loop->timers, &conn->deadline, conn->remote->due) || conn_start_client(conn))
        conn_end(conn, CONN_RESET);
}

void remote_late(struct conn *conn)
{
    if (!conn->watch) { /* still resolving */
        conn_end(conn, CONN_TIMED_OUT);
        return;
    }
    note_failure(conn->remote, ETIMEDOUT);
    watch_close(&conn->watch);
    try_next(conn);
}

/* Resolving */

static void keep_addresses(struct remote *remote, const struct addrinfo *found)
{
    remote->addresses = calloc(ADDRESSES_MAX, sizeof remote->addresses[0]);
    for (; found && remote->addresses && remote->count < ADDRESSES_MAX; found = found->ai_next) {
        struct sockaddr_storage *address = &remote->addresses[remote->count++];
        memcpy(address, found->ai_addr, found->ai_addrlen);
        address_set_port(address, remote->port);
    }
}

static void resolved(uv_getaddrinfo_t *request, int status, struct addrinfo *found)
{
    struct lookup *lookup = request->data;
    struct conn *conn = lookup->conn;

    free(lookup);
    if (conn) {
        conn->remote->lookup = NULL;
        if (status == 0 && found)
            keep_addresses(conn->remote, found);
        if (conn->remote->count == 0)
            conn_end(conn, status == UV_EAI_AGAIN ? CONN_NO_RESOLVER : CONN_NOT_RESOLVED);
        else if (conn->stage == STAGE_CONNECTING)
            try_next(conn);
    }
    uv_freeaddrinfo(found);
}

static enum err start_lookup(struct conn *conn)
{
    const struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    struct lookup *lookup = calloc(1, sizeof *lookup);
    int failed;

    if (!lookup)
        return ERR_MEMORY;
    lookup->conn = conn;
    lookup->request.data = lookup;
    failed = uv_getaddrinfo(&conn->loop->uv, &lookup->request, resolved, conn->remote->host, NULL, &hints);
    conn->remote->lookup = failed ? NULL : lookup;
    if (failed)
        free(lookup);
    loop_touch(conn->loop);
    /* libuv itself refuses names that cannot be (too long, not IDNA): told like any other that is not there. */
    if (failed && failed != UV_ENOMEM)
        conn_end(conn, CONN_NOT_RESOLVED);
    return failed == UV_ENOMEM ? ERR_MEMORY : OK;
}

static enum err start_connecting(struct conn *conn)
{
    struct remote *remote = conn->remote;
    struct sockaddr_storage address;
    enum err err = timer_start(&conn->loop->timers, &conn->deadline, remote->due);

    if (err)
        return err;
    if (!address_parse(remote->host, remote->port, &address))
        return start_lookup(conn);
    remote->addresses = calloc(1, sizeof address);
    if (!remote->addresses)
        return ERR_MEMORY;
    remote->addresses[0] = address;
    remote->count = 1;
    try_next(conn);
    return OK;
}

static enum err remote_new(struct conn *conn, const char *host, uint16_t port, int64_t due)
{
    struct remote *remote = calloc(1, sizeof *remote);
    char *copy = strdup(host);

    if (!remote || !copy) {
        free(remote);
        free(copy);
        return ERR_MEMORY;
    }
    *remote = (struct remote){.host = copy, .port = port, .due = due, .failure = CONN_RESET};
    conn->remote = remote;
    return OK;
}

enum err conn_connect(struct loop *loop, struct tls_context *tls, const char *host, uint16_t port, int timeout_ms, size_t out_cap,
                      const struct conn_ops *ops, void *ctx, struct conn **out)
{
    struct conn *conn;
    enum err err = conn_new(loop, tls_ref(tls), out_cap, &conn);

    if (err)
        return err;
    err = remote_new(conn, host, port, loop_now(loop) + timeout_ms);
    if (!err)
        err = start_connecting(conn);
    if (err) {
        conn_free(conn);
        return err;
    }
    conn->ops = ops;
    conn->ctx = ctx;
    *out = conn;
    return OK;
}

/* Who it is */

enum err remote_keep_certificate(struct conn *conn)
{
    struct remote *remote = conn->remote;
    X509 *peer = SSL_get0_peer_certificate(conn->tls.ssl);
    int len = peer ? i2d_X509(peer, &remote->certificate) : -1;

    if (len < 0)
        return ERR_MEMORY;
    remote->certificate_len = (size_t)len;
    remote->verified = tls_peer_verified(&conn->tls, conn->context, remote->host);
    return OK;
}

struct slice conn_peer_certificate(const struct conn *conn)
{
    return conn->remote ? slice_of(conn->remote->certificate, conn->remote->certificate_len) : slice_of(NULL, 0);
}

bool conn_peer_verified(const struct conn *conn)
{
    return conn->remote && conn->remote->verified;
}
