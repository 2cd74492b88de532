/*
 * listener.c - accepting, within the descriptors there are.
 *
 * When there are no descriptors left, the spare one is closed to take a connection and drop it at once: the peer learns that it
 * is refused, and the loop does not spin on a socket that stays readable.
 */
#include "net/listener.h"
#include "address.h"
#include "base/log.h"
#include "loop_internal.h"
#include "net/watch.h"
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum {
    BACKLOG = 4096,
    ACCEPTS_PER_TURN = 64,
    REST_MS = 100,        /* without even a spare descriptor, or without memory */
    COMPLAINT_MS = 10000, /* between two log lines about that */
};

struct listener {
    struct loop *loop;
    struct watch *watch;
    listener_take *take;
    void *ctx;
    int spare;
    uint16_t port;
    struct timer rest;
    int64_t complained; /* when; 0: never */
    int64_t dropped;    /* since then */
};

/* Accepting */

static void complain(struct listener *listener, int error)
{
    int64_t now = loop_now(listener->loop);

    listener->dropped++;
    if (listener->complained && now - listener->complained < COMPLAINT_MS)
        return;
    log_event(LOG_ERROR, "connections_dropped", log_str("error", strerror(error)), log_int("port", listener->port),
              log_int("count", listener->dropped));
    listener->complained = now;
    listener->dropped = 0;
}

static void rested(struct timer *timer)
{
    struct listener *listener = net_container_of(timer, struct listener, rest);

    watch_set(listener->watch, WATCH_READ);
}

static int open_spare(void)
{
    return open("/dev/null", O_RDONLY | O_CLOEXEC);
}

/* Nothing left to accept with: false if it has to rest. */
static bool drop_one(struct listener *listener, int error)
{
    int fd = -1;

    complain(listener, error);
    if (listener->spare >= 0 && (error == EMFILE || error == ENFILE)) {
        close(listener->spare);
        fd = accept4(watch_fd(listener->watch), NULL, NULL, SOCK_CLOEXEC);
        if (fd >= 0)
            close(fd);
        listener->spare = -1;
    }
    if (listener->spare < 0)
        listener->spare = open_spare();
    return fd >= 0;
}

static void rest(struct listener *listener)
{
    if (timer_start(&listener->loop->timers, &listener->rest, loop_now(listener->loop) + REST_MS) == OK)
        watch_set(listener->watch, 0);
}

static bool passing(int error)
{
    return error == EINTR || error == ECONNABORTED || error == EPROTO || error == EPERM || error == ENETDOWN ||
           error == ENOPROTOOPT || error == EHOSTDOWN || error == ENONET || error == EHOSTUNREACH || error == EOPNOTSUPP ||
           error == ENETUNREACH;
}

static void acceptable(void *owner, int events, bool broken)
{
    struct listener *listener = owner;

    if (broken)
        rest(listener);
    for (int i = 0; i < ACCEPTS_PER_TURN && !broken; i++) {
        struct sockaddr_storage peer = {0};
        socklen_t len = sizeof peer;
        int fd = accept4(watch_fd(listener->watch), (struct sockaddr *)&peer, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0) {
            struct conn_peer who = {.port = address_port(&peer)};
            address_text(&peer, who.address);
            listener->take(listener->ctx, fd, &who);
        } else if (errno == EAGAIN) {
            return;
        } else if (!passing(errno) && !drop_one(listener, errno)) {
            rest(listener);
            return;
        }
    }
}

/* Opening */

static int bind_to(int fd, const struct sockaddr_storage *address)
{
    int on = 1;

    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (address->ss_family == AF_INET6)
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
    return bind(fd, (const struct sockaddr *)address, address_len(address));
}

/* A listening socket, or -1 and errno. */
static int open_socket(const struct sockaddr_storage *address)
{
    int fd = socket(address->ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return -1;
    if (bind_to(fd, address) || listen(fd, BACKLOG)) {
        int error = errno;
        close(fd);
        errno = error;
        return -1;
    }
    return fd;
}

static enum err fail(const char **why, const char *host, uint16_t port, const char *reason)
{
    static _Thread_local char sentence[256];

    snprintf(sentence, sizeof sentence, "cannot listen on %s port %u: %s", host, (unsigned)port, reason);
    *why = sentence;
    return ERR_SYSTEM;
}

static enum err find_address(const char *host, uint16_t port, struct sockaddr_storage *out, const char **why)
{
    const struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE};
    struct addrinfo *found, *best;
    int failed;

    if (address_parse(host, port, out))
        return OK;
    failed = getaddrinfo(host, NULL, &hints, &found);
    if (failed)
        return fail(why, host, port, gai_strerror(failed));
    for (best = found; best->ai_next && best->ai_family != AF_INET; best = best->ai_next)
        ;
    memcpy(out, best->ai_addr, best->ai_addrlen);
    address_set_port(out, port);
    freeaddrinfo(found);
    return OK;
}

static enum err start(struct listener *listener, int fd, const char **why)
{
    struct sockaddr_storage bound = {0};
    socklen_t len = sizeof bound;
    enum err err;

    getsockname(fd, (struct sockaddr *)&bound, &len);
    listener->port = address_port(&bound);
    listener->spare = open_spare();
    listener->rest.fire = rested;
    err = watch_new(listener->loop, fd, acceptable, listener, &listener->watch);
    if (err) {
        *why = "cannot watch the listening socket";
        return err;
    }
    watch_set(listener->watch, WATCH_READ);
    return OK;
}

enum err listener_bind(const char *host, uint16_t *port, int *out, const char **why)
{
    struct sockaddr_storage address = {0};
    socklen_t len = sizeof address;
    enum err err = find_address(host, *port, &address, why);
    int fd = err ? -1 : open_socket(&address);

    if (fd < 0)
        return err ? err : fail(why, host, *port, strerror(errno));
    getsockname(fd, (struct sockaddr *)&address, &len);
    *port = address_port(&address);
    *out = fd;
    return OK;
}

enum err listener_adopt(struct loop *loop, int fd, listener_take *take, void *ctx, struct listener **out, const char **why)
{
    struct listener *listener = calloc(1, sizeof *listener);
    enum err err;

    if (!listener) {
        close(fd);
        *why = "out of memory";
        return ERR_MEMORY;
    }
    *listener = (struct listener){loop, .take = take, .ctx = ctx, .spare = -1};
    err = start(listener, fd, why);
    if (err) {
        listener_close(&listener);
        return err;
    }
    *out = listener;
    return OK;
}

enum err listener_open(struct loop *loop, const char *host, uint16_t port, listener_take *take, void *ctx, struct listener **out,
                       const char **why)
{
    int fd;
    enum err err = listener_bind(host, &port, &fd, why);

    return err ? err : listener_adopt(loop, fd, take, ctx, out, why);
}

uint16_t listener_port(const struct listener *listener)
{
    return listener->port;
}

void listener_close(struct listener **pointer)
{
    struct listener *listener = *pointer;

    *pointer = NULL;
    if (!listener)
        return;
    timer_stop(&listener->loop->timers, &listener->rest);
    watch_close(&listener->watch);
    if (listener->spare >= 0)
        close(listener->spare);
    free(listener);
}
