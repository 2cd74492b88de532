/*
 * verbs.h - the table of verbs: one row and one handler each.
 *
 * A handler runs on the store thread, inside the group's transaction if the group writes; it fills the op's outputs and returns
 * the op's error. Only its first write may violate a constraint: then nothing of the op stays and the group goes on.
 */
#ifndef STORE_SQLITE_VERBS_H
#define STORE_SQLITE_VERBS_H

#include "database.h"

struct verb {
    const char *name;
    enum err (*run)(struct database *db, struct store_op *op);
    size_t size;                                /* of its struct */
    size_t (*extra)(const struct store_op *op); /* bytes of inputs outside it; NULL: none */
    bool writes;                                /* needs a transaction, is lost if that fails */
    bool logged;                                /* what it writes is in the redo log: no need to commit */
    bool relaxed;                               /* and promised to nobody: no need to sync, what follows will */
    bool aside;                                 /* goes on elsewhere once it is committed: backup.h */
};

extern const struct verb verbs[STORE_VERB_COUNT];

/* What an op counts against queue_bytes. */
size_t verb_bytes(const struct store_op *op);

enum err account_find(struct database *db, struct store_op *op);
enum err account_create(struct database *db, struct store_op *op);
enum err account_password(struct database *db, struct store_op *op);
enum err account_disable(struct database *db, struct store_op *op);
enum err account_device_create(struct database *db, struct store_op *op);
enum err account_device_find(struct database *db, struct store_op *op);
enum err account_devices_used(struct database *db, struct store_op *op);
enum err account_device_forget(struct database *db, struct store_op *op);
enum err account_devices_forget(struct database *db, struct store_op *op);
enum err account_block(struct database *db, struct store_op *op);
enum err message_append(struct database *db, struct store_op *op);
enum err message_advance(struct database *db, struct store_op *op);
/* The message of an operation that was executed before, as it came out then. ERR_INVALID: that cannot be. */
enum err login_insert(struct database *db, uint64_t account, int64_t time, uint64_t id); /* id 0: a new one */
enum err message_restore(struct database *db, const struct store_append *append, uint64_t id, uint64_t conversation);
/* The account has received so far; nothing if it is not a member. */
enum err message_received(struct database *db, uint64_t account, struct store_position to);
enum err page_pending(struct database *db, struct store_op *op);
enum err page_since(struct database *db, struct store_op *op);
enum err login_open(struct database *db, struct store_op *op);
enum err login_close(struct database *db, struct store_op *op);
enum err login_failures(struct database *db, struct store_op *op);
enum err login_alive(struct database *db, struct store_op *op);
enum err tidy(struct database *db, struct store_op *op);
enum err backup_begin(struct database *db, struct store_op *op);

/* store_load(): ERR_INVALID if damaged, ERR_SYSTEM, or the reader's. */
enum err load_all(struct database *db, const struct store_reader *reader);

#endif
