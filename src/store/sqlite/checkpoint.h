/*
 * checkpoint.h - moving the write-ahead log into the database file, off the commit path.
 *
 * When the log has grown, a thread with a connection of its own moves what is there while the writer goes on. The log can begin
 * anew only when all of it has been moved, which under load the thread never reaches; so when little is left, the writer
 * moves the rest between two groups. If the disk is so slow that the log grows in spite of that, the writer waits.
 */
#ifndef STORE_SQLITE_CHECKPOINT_H
#define STORE_SQLITE_CHECKPOINT_H

#include "database.h"
#include <pthread.h>

struct checkpointer {
    sqlite3 *handle; /* the thread's; NULL: there is no thread, the writer does it all */
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t wake, idle;
    bool wanted, stopping; /* wanted: until the pass is over */
    int moved;             /* frames, by the thread's latest pass; 0: it failed; -1: none since the log began */
    int seen, next;        /* the writer's: frames after its latest commit, and at which to do something */
    bool failing;
};

/* ERR_SYSTEM; see refusal(). */
enum err checkpoint_start(struct checkpointer *checkpointer, const struct store_sqlite_config *config, bool threaded);
void checkpoint_stop(struct checkpointer *checkpointer);

/* The writer calls it after each commit. */
void checkpoint_after_commit(struct checkpointer *checkpointer, struct database *db);

#endif
