/*
 * state.h - what the writer keeps in memory so that storing a message is one INSERT: the newest id, conversations, highest
 * numbers of devices, counts of what waits.
 *
 * All of it follows from what is on disk and is rebuilt from there: at open, and after a group was rolled back. Highest numbers
 * are written to the device's row now and then (devices_flush) together with the id up to which they are complete
 * (`numbers_through`); what came later is read from the end of the message table, so that they are exact after a crash.
 * Bounded: conversations and counts are direct-mapped, a newcomer takes the slot; clean devices are dropped when there are many.
 */
#ifndef STORE_SQLITE_STATE_H
#define STORE_SQLITE_STATE_H

#include "base/err.h"
#include "base/map.h"
#include "members.h"

struct database;

struct conversation {
    uint64_t low, high; /* accounts; low < high */
    uint64_t id;        /* 0: the slot is empty */
    uint64_t newest;    /* id of its last message, 0 if none */
    uint64_t written;   /* state.commits when it last was */
};

struct waiting {
    uint64_t account; /* 0: the slot is empty */
    uint64_t count;   /* messages that others sent and the account has not acknowledged */
};

struct device {
    uint64_t id, last_number;
    int64_t used;
    bool dirty;
    struct device *next_dirty;
};

struct state {
    bool loaded; /* agrees with the disk; if not, only what needs none of it is answered */
    uint64_t last_id;
    uint64_t committed; /* last_id at the latest commit */
    uint64_t commits;   /* so many */
    unsigned spread;    /* conversations written since the latest */
    uint64_t numbers_through;
    uint64_t tidy_cursor; /* tidying has looked at messages up to here */
    struct conversation *conversations;
    struct waiting *waiting;
    struct members members;
    struct map devices;
    struct device *dirty;
    size_t dirty_count;
};

enum err state_init(struct state *state);
void state_free(struct state *state);

/* Forgets everything, then reads it again. ERR_NOT_STORED leaves `loaded` false. */
enum err state_reload(struct database *db);

/* A place in a direct-mapped cache, from two numbers; take what is left modulo its size. */
size_t state_mix(uint64_t a, uint64_t b);

/* The conversation of two users, made if there is none. The pointer holds until the next call. ERR_UNKNOWN_USER. */
enum err conversation_get(struct database *db, uint64_t one, uint64_t other, struct conversation **out);

/* A new one, with its members; *id 0: it gets one. */
enum err conversation_insert(struct database *db, int64_t low, int64_t high, uint64_t *id);
/* A message with this id was stored in it. */
void conversation_wrote(struct state *state, struct conversation *conversation, uint64_t id);

/* Makes sure that one more may wait. ERR_CAP. */
enum err waiting_check(struct database *db, uint64_t account, uint64_t quota);
void waiting_added(struct database *db, uint64_t account);
bool waiting_known(struct database *db, uint64_t account);
void waiting_removed(struct database *db, uint64_t account, uint64_t count);

/* ERR_NOT_FOUND if there is no such device. The pointer holds until the next flush. */
enum err device_get(struct database *db, uint64_t id, struct device **out);
void device_sent(struct database *db, struct device *device, uint64_t number, int64_t time);
void device_used(struct database *db, struct device *device, int64_t time);
void device_forget(struct database *db, uint64_t id);
/* Those of an account, rows and all, but for `keep`; 0: for none. */
enum err devices_forget(struct database *db, uint64_t account, uint64_t keep);
void devices_drop(struct state *state); /* from memory; what is dirty is lost */
/* A flush is due: many devices, or many messages since the last. */
bool devices_due(const struct database *db);
/* Inside a transaction: writes what is dirty. */
enum err devices_flush(struct database *db);

#endif
