/*
 * group.h - operations executed together: written together if any of them writes.
 *
 * A transaction stays open over many groups. If all that a group wrote is in the redo log, that is enough, and the log is synced
 * if somebody will be told (redo.h); otherwise, or if the log cannot be written, the transaction is committed. If that fails too,
 * those that write fail with ERR_NOT_STORED, the state in memory is read again, and those that only read are answered anew, for
 * what they saw of the others never was. One that meets a damaged place in the database fails alone: the group is tried again
 * without it.
 */
#ifndef STORE_SQLITE_GROUP_H
#define STORE_SQLITE_GROUP_H

#include "database.h"

enum { GROUP_MOST = 2048 };

struct group {
    struct store_op *ops[GROUP_MOST];
    bool left_out[GROUP_MOST];
    size_t count;
    bool failing; /* the last commit failed: logged once, and again when it has recovered */
};

/* Sets every op's err. */
void group_execute(struct group *group, struct database *db);

/* After the group has been answered: commits what has gathered, if that is due. */
void group_settle(struct group *group, struct database *db);

#endif
