/* turn.c - see turn.h: the loop, reading and writing. */
#include "turn.h"
#include "turn_tls.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

enum { EVENTS = 512, RECORD = 16384 };

#define OUT_MOST ((size_t)4 << 30) /* stored messages for somebody who was offline for long come all at once */

void stop(const char *format, ...)
{
    va_list values;
    va_start(values, format);
    fprintf(stderr, "%s: ", program_invocation_short_name);
    vfprintf(stderr, format, values);
    fputc('\n', stderr);
    va_end(values);
    exit(1);
}

int64_t clock_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

void raise_file_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return;
    limit.rlim_cur = limit.rlim_max < 20000 ? limit.rlim_max : 20000;
    setrlimit(RLIMIT_NOFILE, &limit);
}

void turn_init(struct turn *turn, SSL_CTX *tls, const struct link_ops *ops)
{
    turn->epoll = epoll_create1(EPOLL_CLOEXEC);
    if (turn->epoll < 0)
        stop("no epoll: %s", strerror(errno));
    turn->tls = tls;
    turn->ops = ops;
    buf_init(&turn->wire, OUT_MOST);
}

void turn_watch(struct turn *turn, int fd, struct source *source)
{
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = source};
    if (epoll_ctl(turn->epoll, EPOLL_CTL_ADD, fd, &event) != 0)
        stop("cannot watch: %s", strerror(errno));
}

static void wait_for(struct link *link, bool writable)
{
    struct epoll_event event = {.events = EPOLLIN | (writable ? EPOLLOUT : 0u), .data.ptr = &link->source};
    if (writable != link->waits && epoll_ctl(link->turn->epoll, EPOLL_CTL_MOD, link->fd, &event) != 0)
        stop("cannot watch: %s", strerror(errno));
    link->waits = writable;
}

static void mark(struct link *link)
{
    if (link->dirty)
        return;
    link->dirty = true;
    link->next_dirty = link->turn->dirty;
    link->turn->dirty = link;
}

struct buf *link_out(struct link *link)
{
    mark(link);
    return &link->out;
}

void link_write(struct link *link, const void *data, size_t len)
{
    if (buf_append(link_out(link), data, len) != OK)
        stop("no memory for output");
}

void link_close(struct link *link)
{
    if (link->fd < 0)
        return;
    SSL_free(link->ssl);
    close(link->fd);
    link->fd = -1;
    link->open = false;
    buf_free(&link->in);
    buf_free(&link->out);
    buf_free(&link->unsent);
}

static void lost(struct link *link)
{
    link_close(link);
    link->turn->ops->closed(link);
}

/* Whole frames are read where they lie; what is left over waits in `in`. */
static void take(struct link *link, struct slice bytes)
{
    bool joined = buf_len(&link->in) > 0;
    if (joined && buf_append(&link->in, bytes.data, bytes.len) != OK)
        stop("a frame without an end");
    struct slice all = joined ? buf_slice(&link->in) : bytes;
    size_t used = link->turn->ops->arrived(link, all);
    if (link->fd < 0)
        return;
    if (joined)
        buf_consume(&link->in, used);
    else if (used < bytes.len && buf_append(&link->in, bytes.data + used, bytes.len - used) != OK)
        stop("no memory for input");
    buf_shrink(&link->in);
}

static void opened(struct link *link)
{
    link->open = true;
    link->turn->ops->opened(link);
}

static void take_tls(struct link *link, struct slice bytes)
{
    struct turn *turn = link->turn;
    size_t len;
    link->cipher = bytes;
    while (link->fd >= 0) {
        enum tls_said said = tls_said(link, turn->plain, sizeof turn->plain, &len);
        if (!link->open && said != TLS_OVER && SSL_is_init_finished(link->ssl))
            opened(link);
        if (buf_len(&link->unsent) > 0)
            mark(link);
        if (said == TLS_OVER)
            lost(link);
        if (said != TLS_DATA)
            break;
        take(link, slice_of(turn->plain, len));
    }
}

static void readable(struct link *link)
{
    struct turn *turn = link->turn;
    ssize_t count = recv(link->fd, turn->net, sizeof turn->net, 0);
    if (count < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (count <= 0)
        lost(link);
    else if (link->ssl != NULL)
        take_tls(link, slice_of(turn->net, (size_t)count));
    else
        take(link, slice_of(turn->net, (size_t)count));
}

static bool send_from(struct link *link, struct buf *buf)
{
    ssize_t count = send(link->fd, buf_data(buf), buf_len(buf), MSG_NOSIGNAL);
    if (count < 0 && errno != EAGAIN && errno != EINTR) {
        lost(link);
        return false;
    }
    buf_consume(buf, count > 0 ? (size_t)count : 0);
    return true;
}

static void encrypt(struct link *link)
{
    link->turn->flushing = buf_len(&link->unsent) == 0 ? link : NULL;
    while (buf_len(&link->out) > 0) {
        size_t len = buf_len(&link->out) < RECORD ? buf_len(&link->out) : RECORD;
        tls_say(link, slice_of(buf_data(&link->out), len));
        buf_consume(&link->out, len);
    }
    link->turn->flushing = NULL;
}

/* What the kernel does not take of a turn's ciphertext waits in the connection's own buffer. */
static void send_wire(struct link *link, struct buf *wire)
{
    if (send_from(link, wire) && buf_append(&link->unsent, buf_data(wire), buf_len(wire)) != OK)
        stop("no memory for output");
    buf_clear(wire);
}

static void send_all(struct link *link)
{
    struct buf *from = link->ssl == NULL ? &link->out : &link->unsent;
    if (link->ssl != NULL && link->open)
        encrypt(link);
    if (buf_len(&link->turn->wire) > 0)
        send_wire(link, &link->turn->wire);
    else if (buf_len(from) > 0 && !link->waits)
        send_from(link, from);
    if (link->fd < 0)
        return;
    wait_for(link, buf_len(from) > 0);
    buf_shrink(&link->out);
    buf_shrink(&link->unsent);
}

static void flush(struct link *link)
{
    link->dirty = false;
    if (link->fd < 0 || (!link->open && link->ssl == NULL))
        return;
    if (link->open && link->turn->ops->flushing != NULL) {
        link->dirty = true; /* what it adds now goes out now */
        link->turn->ops->flushing(link);
        link->dirty = false;
    }
    send_all(link);
}

static void connected(struct link *link)
{
    int error = 0;
    socklen_t len = sizeof error;
    if (getsockopt(link->fd, SOL_SOCKET, SO_ERROR, &error, &len) != 0 || error != 0)
        stop("cannot connect: %s", strerror(error));
    if (link->ssl == NULL)
        opened(link);
    else
        take_tls(link, slice_of(NULL, 0)); /* makes the client hello */
}

static void link_ready(struct source *source, unsigned events)
{
    struct link *link = (struct link *)source;
    if (link->fd >= 0 && (events & EPOLLOUT)) {
        bool connecting = !link->open && buf_len(&link->unsent) == 0;
        wait_for(link, false);
        if (connecting)
            connected(link);
        mark(link);
    }
    if (link->fd >= 0 && (events & (EPOLLIN | EPOLLHUP | EPOLLERR)))
        readable(link);
}

static void prepare(struct turn *turn, struct link *link, int fd)
{
    int one = 1;
    *link = (struct link){.source = {link_ready}, .turn = turn, .fd = fd, .dirty = link->dirty, .next_dirty = link->next_dirty};
    buf_init(&link->in, (size_t)1 << 17);
    buf_init(&link->out, OUT_MOST);
    buf_init(&link->unsent, OUT_MOST);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    if (turn->tls != NULL)
        tls_begin(link);
    turn_watch(turn, fd, &link->source);
}

void turn_adopt(struct turn *turn, struct link *link, int fd)
{
    prepare(turn, link, fd);
    if (turn->tls == NULL)
        opened(link);
}

void turn_connect(struct turn *turn, struct link *link, in_addr_t from, uint16_t port)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct sockaddr_in mine = {.sin_family = AF_INET, .sin_addr.s_addr = from};
    int one = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        stop("no socket: %s", strerror(errno));
    setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof one);
    if (from != 0 && bind(fd, (struct sockaddr *)&mine, sizeof mine) != 0)
        stop("cannot bind: %s", strerror(errno));
    if (connect(fd, (struct sockaddr *)&to, sizeof to) != 0 && errno != EINPROGRESS)
        stop("cannot connect: %s", strerror(errno));
    prepare(turn, link, fd);
    wait_for(link, true);
}

void turn_run(struct turn *turn)
{
    struct epoll_event events[EVENTS];
    while (!turn->stopped) {
        int count = epoll_wait(turn->epoll, events, EVENTS, -1);
        for (int i = 0; i < count; i++) {
            struct source *source = events[i].data.ptr;
            source->ready(source, events[i].events);
        }
        if (turn->ending != NULL)
            turn->ending(turn);
        while (turn->dirty != NULL) {
            struct link *link = turn->dirty;
            turn->dirty = link->next_dirty;
            flush(link);
        }
    }
}
