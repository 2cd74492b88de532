/*
 * import.h - accounts from a credentials file, before the server serves.
 *
 * Runs an event loop of its own on the calling thread and returns when every good line is an account on disk, or at SIGTERM or
 * SIGINT with those that are. Bad lines and second lines of a name are logged with file and line and left out. Accounts that
 * exist are left alone and cost nothing; the rest is hashed on several threads. The store is loaded here, which it can be but
 * once: it must be opened anew for serving.
 */
#ifndef SERVER_IMPORT_H
#define SERVER_IMPORT_H

#include "crypto/password.h"
#include "store/store.h"

struct import_order {
    const char *path; /* of the file, for the log */
    struct store *store;
    unsigned threads;
    const struct password_cost *cost;
};

/* `text` is the file's content. ERR_STOPPED (a signal), ERR_NOT_STORED, ERR_MEMORY, ERR_SYSTEM, and the store's errors. */
enum err import_credentials(const struct import_order *order, struct slice text);

#endif
