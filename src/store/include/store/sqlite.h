/*
 * sqlite.h - the embedded store: one SQLite database, one thread that writes it, whatever is queued as one transaction.
 *
 * WAL, synchronous=FULL. The schema has a version (user_version) and migrations; a newer one is refused. Checkpoints run on a
 * connection and thread of their own, off the commit path. A lock file beside the database ("PATH.lock") keeps a second server
 * out; other programs may read the database while it is served. Backups are made on a connection and thread of their own.
 */
#ifndef STORE_SQLITE_H
#define STORE_SQLITE_H

#include "store/store.h"

struct store_sqlite_config {
    const char *path;   /* database file; created 0600. ":memory:": none, nothing survives (simulations) */
    size_t queue_bytes; /* of inputs waiting; beyond it ops fail with ERR_CAP */
    bool manual;        /* no threads: nothing runs until store_sqlite_turn(); for simulations and tests */
    const char *vfs;    /* SQLite VFS by name, for fault injection in tests; NULL: the default */
    int check_ms;       /* how long to look for damage at the start; 0: not at all */
};

/* ERR_SYSTEM, ERR_VERSION (from a newer earshot), ERR_INVALID (not a database, or damaged). *why: a sentence for people
 * (thread-local, until the next call). */
enum err store_sqlite_open(const struct store_sqlite_config *config, struct store **out, const char **why);

/* Is this file, which nobody uses, a whole database that can be served? Looks at all of it. Same errors as opening it. */
enum err store_sqlite_check(const char *path, const char **why);

/* This file, which was checked, is to take the place of a later state of the same database: what is stored in it from now on gets
 * ids above all that were given there. ERR_SYSTEM. */
enum err store_sqlite_adopt(const char *path, int64_t now_ms, const char **why);

/* manual: executes and commits all that is queued (as one group, up to some thousands), posts the results. True if there was any.
 */
bool store_sqlite_turn(struct store *store);

#endif
