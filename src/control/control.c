/* control.c - see control/control.h: the socket, who may use it, beginning and end. */
#include "control/control.h"
#include "base/log.h"
#include "call.h"
#include "net/local.h"
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static bool may_use(uid_t user)
{
    return user == 0 || user == geteuid();
}

static void refuse(int fd, const char *code, const char *text)
{
    (void)!dprintf(fd, "{\"error\":\"%s\",\"text\":\"%s\"}\n", code, text);
    close(fd);
}

static void rested(struct timer *timer)
{
    struct control *control = (struct control *)((char *)timer - offsetof(struct control, rest));
    watch_set(control->watch, WATCH_READ);
}

/* Out of descriptors, most likely: the socket stays readable, and the loop must not spin on it. */
static void rest(struct control *control)
{
    const struct world *world = loop_world(control->parts.loop);
    control->rest.fire = rested;
    watch_set(control->watch, 0);
    (void)timer_start(world->timers, &control->rest, world_mono_ms(world) + REST_MS);
}

static void acceptable(void *owner, int events, bool broken)
{
    struct control *control = owner;
    int fd;
    uid_t user;
    enum err err = ERR_SYSTEM;
    while (!broken && (err = local_accept(watch_fd(control->watch), &fd, &user)) == OK) {
        if (!may_use(user)) {
            static struct log_limit limit;
            log_event_limited(&limit, world_mono_ms(loop_world(control->parts.loop)), LOG_WARN, "control_refused",
                              log_int("uid", user));
            refuse(fd, "refused", "Only root and the server's own user may do that.");
        } else if (control->call_count >= CALLS_MAX) {
            refuse(fd, "unavailable", "Too many at once.");
        } else {
            call_new(control, fd);
        }
    }
    if (err != ERR_AGAIN)
        rest(control);
}

/* What a crash has left of a copy that was being made. */
static void remove_leftovers(const char *data)
{
    char path[4096];
    DIR *folder = opendir(data);
    const struct dirent *entry;
    while (folder != NULL && (entry = readdir(folder)) != NULL) {
        size_t len = strlen(entry->d_name);
        if (strncmp(entry->d_name, "backup-", 7) != 0 || len < 8 || strstr(entry->d_name, ".partial") == NULL)
            continue;
        if ((size_t)snprintf(path, sizeof path, "%s/%s", data, entry->d_name) < sizeof path)
            unlink(path);
    }
    if (folder != NULL)
        closedir(folder);
}

static enum err listen_there(struct control *control, struct buf *why)
{
    int fd;
    if (local_listen(control->parts.path, &fd) != OK) {
        (void)buf_printf(why, "cannot listen on %s: %s", control->parts.path, strerror(errno));
        return ERR_SYSTEM;
    }
    enum err err = watch_new(control->parts.loop, fd, acceptable, control, &control->watch);
    if (err == OK)
        watch_set(control->watch, WATCH_READ);
    return err;
}

enum err control_open(const struct control_parts *parts, struct control **out, struct buf *why)
{
    struct control *control = calloc(1, sizeof *control);
    struct control_lane *lanes = calloc(parts->lane_count, sizeof *lanes);
    char *path = strdup(parts->path), *data = strdup(parts->data);
    if (control == NULL || lanes == NULL || path == NULL || data == NULL) {
        free(control);
        free(lanes);
        free(path);
        free(data);
        return ERR_MEMORY;
    }
    memcpy(lanes, parts->lanes, parts->lane_count * sizeof *lanes);
    control->parts = *parts;
    control->parts.path = path;
    control->parts.data = data;
    control->lanes = lanes;
    control->started_ms = world_mono_ms(loop_world(parts->loop));
    remove_leftovers(data);
    enum err err = listen_there(control, why);
    if (err != OK)
        control_free(&control);
    else
        *out = control;
    return err;
}

void control_drain(struct control *control)
{
    if (control == NULL || control->watch == NULL)
        return;
    unlink(control->parts.path);
    timer_stop(loop_world(control->parts.loop)->timers, &control->rest);
    watch_close(&control->watch);
}

void control_free(struct control **out)
{
    struct control *control = *out;
    if (control == NULL)
        return;
    control_drain(control);
    while (control->calls != NULL) {
        if (control->calls->path[0] != '\0')
            unlink(control->calls->path); /* a copy that was complete when nobody was there any more to take it */
        call_free(control->calls);
    }
    free(control->lanes);
    free((char *)control->parts.path);
    free((char *)control->parts.data);
    free(control);
    *out = NULL;
}
