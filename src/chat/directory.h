/*
 * directory.h - every account in memory: its name, whom it blocks, and where it is online.
 *
 * Users are added and never removed, so a `struct user *` is good for the life of the chat and its name and id may be read by any
 * thread. What changes is guarded by the mutex of the user's stripe; no function here calls out with a lock held, and
 * no caller may hold two stripes.
 */
#ifndef CHAT_DIRECTORY_H
#define CHAT_DIRECTORY_H

#include "base/map.h"
#include "base/slice.h"
#include "base/world.h"

#include <pthread.h>

/* Where a participant sits: its shard, and its place there. The generation tells it from an earlier one in the same slot. */
struct seat {
    unsigned shard;
    uint32_t slot, generation;
    uint64_t device;
    bool can_private;
    uint8_t leave; /* enum farewell + 1 once it has been told to leave; 0: not */
};

struct stay;  /* presence.c: an open interval of the login history */
struct block; /* block.c: a change of whom it blocks */

struct user {
    uint64_t id;
    uint32_t index; /* from 0, without gaps unless memory was short: for arrays beside the directory */
    struct stripe *stripe;
    _Atomic unsigned blocked_count; /* of `blocked`; read without the lock to skip the common case */
    _Atomic bool disabled;
    _Atomic uint64_t revoked; /* chat->revocations when all its logins ended; those that began before must not join, */
    _Atomic uint64_t spared;  /* but for those of this device; 0: of none. presence_revoke() */
    /* under stripe->lock */
    uint64_t *blocked; /* ids, sorted */
    struct seat *seats;
    unsigned seat_count, seat_room, blocked_room;
    struct user *online_next, **online_link; /* in the stripe's list, while seat_count > 0 */
    uint64_t presence_version;               /* rises with each coming and going */
    int64_t last_online;                     /* wall ms; the end of the latest login */
    struct stay *stay;
    struct block *changes; /* under way, in order */
    uint8_t name_len;
    char name[];
};

struct stripe {
    pthread_mutex_t lock;
    struct map by_name, by_id;
    struct user *online;
};

enum { DIRECTORY_STRIPES = 64 };

struct directory {
    uint64_t seed[2];
    struct stripe stripes[DIRECTORY_STRIPES];
    _Atomic uint64_t accounts, users_online, sessions;
    _Atomic uint32_t indexes;
};

/* A list that a loop keeps to collect users or seats in, without allocating each time. */
struct user_list {
    struct user **at;
    size_t count, room;
};

struct seat_list {
    struct seat *at;
    size_t count, room;
};

enum err directory_new(struct random *random, struct directory **out);
void directory_free(struct directory **directory);

/* ERR_NAME_TAKEN, ERR_MEMORY. */
enum err directory_add(struct directory *directory, uint64_t id, struct slice name, struct user **out);
struct user *directory_find(struct directory *directory, struct slice name); /* or NULL */
struct user *directory_by_id(struct directory *directory, uint64_t id);      /* or NULL */

/* Snapshots; the list is emptied first. ERR_MEMORY. */
enum err directory_everybody(struct directory *directory, struct user_list *list);
enum err directory_online(struct directory *directory, struct user_list *list);
/* Online now, or at some time at or after `since` (wall ms). */
enum err directory_online_since(struct directory *directory, int64_t since, struct user_list *list);
enum err user_seats(struct user *user, struct seat_list *list);
bool user_online(struct user *user);

enum err user_list_add(struct user_list *list, struct user *user);
bool user_blocks(struct user *user, const struct user *other);
/* ERR_MEMORY; setting what is set already is no error. */
enum err user_set_blocked(struct user *user, uint64_t other, bool on);

void user_list_free(struct user_list *list);
void seat_list_free(struct seat_list *list);

#endif
