/*
 * backup.h - copying the database while it is served: a connection and a thread of its own for each copy, one at a time.
 *
 * It begins once the operation has been through the queue, so that what came before it is in the database itself. The copy is
 * made in one read transaction (VACUUM INTO), so it is of one moment, the writer goes on, and the log grows meanwhile.
 * backup_stop() gives a copy up that is being made. Without threads (manual) it is made inside the turn.
 */
#ifndef STORE_SQLITE_BACKUP_H
#define STORE_SQLITE_BACKUP_H

#include "database.h"
#include <pthread.h>
#include <stdatomic.h>

struct backup {
    char *path;
    bool threaded, impossible;
    atomic_bool stopping;
    pthread_mutex_t mutex; /* of what follows */
    bool busy, joinable;
    pthread_t thread;
    struct store_op *op;
};

enum err backup_init(struct backup *backup, const struct store_sqlite_config *config);
/* Waits until the copy is over. Takes what backup_init() never saw. */
void backup_stop(struct backup *backup);

/* Begins the copy; its result is posted. */
void backup_submit(struct backup *backup, struct store_op *op);

#endif
