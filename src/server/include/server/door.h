/*
 * door.h - where connections come in: it listens on every address, on the first lane's loop, and says which lane has each.
 *
 * Everything on that loop's thread.
 */
#ifndef SERVER_DOOR_H
#define SERVER_DOOR_H

#include "server/caps.h"
#include "server/lane.h"
#include "server/placement.h"

struct door;

/* All outlive the door. */
struct door_parts {
    struct lane **lanes;
    unsigned lane_count;
    struct caps *caps;
    enum placement placement;
};

/* ERR_MEMORY. */
enum err door_new(const struct door_parts *parts, struct door **out);
/* Takes a listening socket (listener_bind), also on failure. CONFIG_ADDRESSES at most. ERR_SYSTEM, ERR_MEMORY with *why. */
enum err door_listen(struct door *door, int fd, const char **why);
/* No new connections. */
void door_close(struct door *door);
/* Takes a pointer to NULL, too. */
void door_free(struct door **door);

#endif
