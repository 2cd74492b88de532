/*
 * glib_source.c - prepare, query, poll, check and dispatch of a GMainContext, spread over a turn of libuv.
 *
 * Before the poll (prepare) the context says which descriptors it wants and for how long it would sleep; the descriptors are put
 * into an epoll descriptor of our own, which libuv watches as one, so a descriptor that libnice closes behind our back cannot
 * upset libuv; the time goes into a uv timer. After the poll (check) the descriptors are asked and the context dispatches.
 *
 * A descriptor that was closed has left the epoll set by itself, and another may have come under its number, so the set is told
 * again of all descriptors after every dispatch, not only when the list looks different.
 *
 * The source of a loop hangs on uv_loop_t.data, which nobody else uses.
 */
#include "glib_source.h"
#include "base/log.h"
#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>
#include <uv.h>

enum { HANDLES = 4, FIRST_FDS = 16 };

struct glib_source {
    struct loop *loop;
    GMainContext *context;
    guint silence;
    int refs, epoll_fd, priority, closing;
    bool dispatching, stale;
    GPollFD *fds, *known;
    int fd_count, known_count, fd_size;
    struct glib_later *later;
    uv_poll_t poll;
    uv_timer_t timer;
    uv_prepare_t prepare;
    uv_check_t check;
};

static void nothing_poll(uv_poll_t *handle, int status, int events)
{
}

static void nothing_timer(uv_timer_t *handle)
{
}

static bool grow(struct glib_source *source, int size)
{
    GPollFD *fds = realloc(source->fds, (size_t)size * sizeof *fds), *known;

    if (!fds)
        return false;
    source->fds = fds;
    known = realloc(source->known, (size_t)size * sizeof *known);
    if (!known)
        return false;
    source->known = known;
    source->fd_size = size;
    return true;
}

/* How long the context would sleep, -1: until a descriptor is ready. */
static int query(struct glib_source *source)
{
    int timeout = -1, wanted;

    g_main_context_prepare(source->context, &source->priority);
    for (;;) {
        wanted = g_main_context_query(source->context, source->priority, &timeout, source->fds, source->fd_size);
        if (wanted <= source->fd_size || !grow(source, wanted * 2))
            break;
    }
    source->fd_count = wanted < source->fd_size ? wanted : source->fd_size;
    return timeout;
}

static bool wanted_still(const struct glib_source *source, int fd)
{
    for (int i = 0; i < source->fd_count; i++) {
        if (source->fds[i].fd == fd)
            return true;
    }
    return false;
}

/* One descriptor may be wanted several times with different events: they add up. */
static uint32_t events_of(const struct glib_source *source, int fd)
{
    uint32_t events = 0;

    for (int i = 0; i < source->fd_count; i++) {
        if (source->fds[i].fd == fd)
            events |= source->fds[i].events;
    }
    return events;
}

static void tell_epoll(struct glib_source *source)
{
    bool same = !source->stale && source->fd_count == source->known_count;

    for (int i = 0; same && i < source->fd_count; i++)
        same = source->fds[i].fd == source->known[i].fd && source->fds[i].events == source->known[i].events;
    if (same)
        return;
    for (int i = 0; i < source->known_count; i++) {
        if (!wanted_still(source, source->known[i].fd))
            epoll_ctl(source->epoll_fd, EPOLL_CTL_DEL, source->known[i].fd, NULL);
    }
    for (int i = 0; i < source->fd_count; i++) {
        int fd = source->fds[i].fd;
        struct epoll_event event = {.events = events_of(source, fd), .data.fd = fd};
        if (epoll_ctl(source->epoll_fd, EPOLL_CTL_MOD, fd, &event) && errno == ENOENT)
            epoll_ctl(source->epoll_fd, EPOLL_CTL_ADD, fd, &event);
        source->known[i] = source->fds[i];
    }
    source->known_count = source->fd_count;
    source->stale = false;
}

static void before_poll(uv_prepare_t *handle)
{
    struct glib_source *source = handle->data;
    int timeout = query(source);

    tell_epoll(source);
    uv_update_time(handle->loop);
    if (timeout >= 0)
        uv_timer_start(&source->timer, nothing_timer, (uint64_t)timeout, 0);
    else
        uv_timer_stop(&source->timer);
}

static void run_later(struct glib_source *source)
{
    while (source->later) {
        struct glib_later *first = source->later;
        source->later = first->next;
        first->run(first);
    }
}

static void after_poll(uv_check_t *handle)
{
    struct glib_source *source = handle->data;

    for (int i = 0; i < source->fd_count; i++)
        source->fds[i].revents = 0;
    /* GPollFD is made to be struct pollfd. */
    poll((struct pollfd *)(void *)source->fds, (nfds_t)source->fd_count, 0);
    if (!g_main_context_check(source->context, source->priority, source->fds, source->fd_count))
        return;
    source->refs++; /* the last peer may go in here */
    source->dispatching = true;
    g_main_context_dispatch(source->context);
    source->dispatching = false;
    run_later(source);
    glib_source_wake(source);
    glib_source_put(&source);
}

/* Making and ending */

static void handle_closed(uv_handle_t *handle)
{
    struct glib_source *source = handle->data;

    if (--source->closing > 0)
        return;
    free(source->fds);
    free(source->known);
    free(source);
}

static void stop(struct glib_source *source)
{
    uv_handle_t *const handles[HANDLES] = {(uv_handle_t *)&source->poll, (uv_handle_t *)&source->timer,
                                           (uv_handle_t *)&source->prepare, (uv_handle_t *)&source->check};

    loop_uv(source->loop)->data = NULL;
    source->closing = HANDLES;
    for (int i = 0; i < HANDLES; i++)
        uv_close(handles[i], handle_closed);
    close(source->epoll_fd);
    g_log_remove_handler("libnice", source->silence);
    g_main_context_release(source->context);
    g_main_context_unref(source->context);
}

/* What libnice has to say would appear in the midst of what somebody types. */
static void say_nothing(const gchar *domain, GLogLevelFlags level, const gchar *message, gpointer unused)
{
    log_event(LOG_DEBUG, "libnice", log_str("message", message));
}

static enum err start(struct glib_source *source)
{
    uv_loop_t *uv = loop_uv(source->loop);

    if (uv_poll_init(uv, &source->poll, source->epoll_fd))
        return ERR_SYSTEM;
    uv_timer_init(uv, &source->timer);
    uv_prepare_init(uv, &source->prepare);
    uv_check_init(uv, &source->check);
    source->poll.data = source->timer.data = source->prepare.data = source->check.data = source;
    uv_poll_start(&source->poll, UV_READABLE, nothing_poll);
    uv_prepare_start(&source->prepare, before_poll);
    uv_check_start(&source->check, after_poll);
    uv->data = source;
    source->context = g_main_context_new();
    g_main_context_acquire(source->context);
    source->silence =
        g_log_set_handler("libnice", G_LOG_LEVEL_WARNING | G_LOG_LEVEL_MESSAGE | G_LOG_LEVEL_INFO, say_nothing, NULL);
    return OK;
}

static enum err make(struct loop *loop, struct glib_source **out)
{
    struct glib_source *source = calloc(1, sizeof *source);
    enum err err = ERR_MEMORY;

    if (!source)
        return ERR_MEMORY;
    source->loop = loop;
    source->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (source->epoll_fd < 0)
        err = ERR_SYSTEM;
    else if (grow(source, FIRST_FDS))
        err = start(source);
    if (err) {
        if (source->epoll_fd >= 0)
            close(source->epoll_fd);
        free(source->fds);
        free(source->known);
        free(source);
        return err;
    }
    *out = source;
    return OK;
}

enum err glib_source_get(struct loop *loop, struct glib_source **out)
{
    struct glib_source *source = loop_uv(loop)->data;
    enum err err = OK;

    if (!source)
        err = make(loop, &source);
    if (err)
        return err;
    source->refs++;
    *out = source;
    return OK;
}

void glib_source_put(struct glib_source **pointer)
{
    struct glib_source *source = *pointer;

    *pointer = NULL;
    if (source && --source->refs == 0)
        stop(source);
}

GMainContext *glib_source_context(struct glib_source *source)
{
    return source->context;
}

void glib_source_wake(struct glib_source *source)
{
    source->stale = true;
    uv_timer_start(&source->timer, nothing_timer, 0, 0); /* the turn that it causes asks the context */
    world_mono_ms(loop_world(source->loop));             /* a foreign main loop looks again then */
}

void glib_source_later(struct glib_source *source, struct glib_later *later)
{
    if (!source->dispatching) {
        later->run(later);
        return;
    }
    later->next = source->later;
    source->later = later;
}
