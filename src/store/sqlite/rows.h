/*
 * rows.h - messages of the group under way that are given to the database together: what SQLite does once a statement costs as
 * much as the insertion of a row.
 *
 * They wait until there are enough of them, until any other statement is bound (it may look at messages), or for the end of the
 * group. Which of them the database refused cannot be told then: so the group is tried again with `singly` (group.c). Their
 * bodies stay the caller's, and have to stay where they are for so long.
 */
#ifndef STORE_SQLITE_ROWS_H
#define STORE_SQLITE_ROWS_H

#include "base/err.h"
#include "base/slice.h"
#include <stdbool.h>
#include <stdint.h>

struct database;

enum { ROWS_MOST = 16, ROWS_SOME = 4 };

struct row {
    int64_t id, conversation, sender, device, number, time;
    struct slice body;
};

struct rows {
    struct row waiting[ROWS_MOST];
    size_t count;
    bool singly; /* nothing waits */
    bool lost;   /* some could not be inserted, perhaps for another operation's statement: the group has failed */
};

/* ERR_NOT_STORED: this one, or one that waited. */
enum err rows_add(struct database *db, const struct row *row);
/* ERR_NOT_STORED: some of this group were lost, now or before. */
enum err rows_flush(struct database *db);
/* They are rolled back with the rest. */
void rows_drop(struct database *db);

#endif
