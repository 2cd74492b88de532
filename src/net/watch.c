/* watch.c - a uv_poll_t with an owner that may leave before libuv lets go. */
#include "net/watch.h"
#include "loop_internal.h"
#include <stdlib.h>
#include <unistd.h>

_Static_assert((int)WATCH_READ == (int)UV_READABLE && (int)WATCH_WRITE == (int)UV_WRITABLE, "the same bits");

struct watch {
    uv_poll_t poll;
    struct loop *loop;
    watch_ready *ready;
    void *owner;
    int fd, events;
};

static void watch_event(uv_poll_t *poll, int status, int events)
{
    struct watch *watch = poll->data;

    if (status < 0)
        watch->events = 0; /* libuv has stopped it */
    watch->ready(watch->owner, events, status < 0);
}

static void watch_closed(uv_handle_t *handle)
{
    free(handle->data);
}

enum err watch_new(struct loop *loop, int fd, watch_ready *ready, void *owner, struct watch **out)
{
    struct watch *watch = calloc(1, sizeof *watch);
    enum err err = ERR_MEMORY;

    if (watch) {
        *watch = (struct watch){.loop = loop, .ready = ready, .owner = owner, .fd = fd};
        err = uv_poll_init(&loop->uv, &watch->poll, fd) == 0 ? OK : ERR_SYSTEM;
    }
    if (err) {
        free(watch);
        close(fd);
        return err;
    }
    watch->poll.data = watch;
    *out = watch;
    return OK;
}

void watch_close(struct watch **pointer)
{
    struct watch *watch = *pointer;

    *pointer = NULL;
    if (!watch)
        return;
    uv_close((uv_handle_t *)&watch->poll, watch_closed);
    close(watch->fd);
    loop_touch(watch->loop);
}

void watch_set(struct watch *watch, int events)
{
    if (events == watch->events)
        return;
    watch->events = events;
    if (events)
        uv_poll_start(&watch->poll, events, watch_event);
    else
        uv_poll_stop(&watch->poll);
    loop_touch(watch->loop);
}

int watch_fd(const struct watch *watch)
{
    return watch->fd;
}
