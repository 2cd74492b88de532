/* door.c - see door.h. */
#include "server/door.h"
#include "net/listener.h"
#include "server/config.h"
#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

enum { LOOK_MS = 250 }; /* how busy the lanes are is seen anew after so long */

struct door {
    struct door_parts parts;
    struct listener *listeners[CONFIG_ADDRESSES];
    size_t listener_count;
    struct placement_loop *loops;
    int64_t *cpu_ns; /* of each lane, at the last look */
    int64_t looked_ms;
    bool looked; /* before, there is nothing to compare with: the first lane's thread has worked since the process began */
};

static void look(struct door *door)
{
    int64_t now = world_mono_ms(loop_world(lane_loop(door->parts.lanes[0]))), passed = now - door->looked_ms;
    for (unsigned i = 0; i < door->parts.lane_count; i++) {
        door->loops[i].connections = lane_connections(door->parts.lanes[i]);
        door->loops[i].entering = lane_entering(door->parts.lanes[i]);
    }
    if (door->looked && passed < LOOK_MS)
        return;
    door->looked_ms = now;
    for (unsigned i = 0; i < door->parts.lane_count; i++) {
        int64_t cpu_ns = lane_cpu_ns(door->parts.lanes[i]);
        if (door->looked)
            placement_see(&door->loops[i], (unsigned)((cpu_ns - door->cpu_ns[i]) / (passed * 1000)),
                          (unsigned)(passed < UINT_MAX ? passed : UINT_MAX));
        door->cpu_ns[i] = cpu_ns;
    }
    door->looked = true;
}

static void take(void *ctx, int fd, const struct conn_peer *peer)
{
    struct door *door = ctx;
    if (caps_enter(door->parts.caps, peer->address) != OK) {
        close(fd);
        return;
    }
    look(door);
    lane_take(door->parts.lanes[placement_choose(door->parts.placement, door->loops, door->parts.lane_count)], fd, peer);
}

enum err door_listen(struct door *door, int fd, const char **why)
{
    struct listener **place = &door->listeners[door->listener_count];
    enum err err = listener_adopt(lane_loop(door->parts.lanes[0]), fd, take, door, place, why);
    if (err == OK)
        door->listener_count++;
    return err;
}

enum err door_new(const struct door_parts *parts, struct door **out)
{
    struct door *door = calloc(1, sizeof *door);
    if (door == NULL)
        return ERR_MEMORY;
    door->parts = *parts;
    door->loops = calloc(parts->lane_count, sizeof *door->loops);
    door->cpu_ns = calloc(parts->lane_count, sizeof *door->cpu_ns);
    if (door->loops == NULL || door->cpu_ns == NULL) {
        door_free(&door);
        return ERR_MEMORY;
    }
    *out = door;
    return OK;
}

void door_close(struct door *door)
{
    for (size_t i = 0; i < door->listener_count; i++)
        listener_close(&door->listeners[i]);
}

void door_free(struct door **door)
{
    if (*door == NULL)
        return;
    door_close(*door);
    free((*door)->loops);
    free((*door)->cpu_ns);
    free(*door);
    *door = NULL;
}
