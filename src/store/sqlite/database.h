/*
 * database.h - the writer's connection: opened, configured, its statements prepared once, its caches beside it.
 *
 * One thread at a time: the one that opens, then the store thread (or, in manual mode, whoever calls store_sqlite_turn). A
 * statement is bound with db_bind() (integers from parameter 1 on), then either run with db_run(), or stepped with db_row()
 * until it says false; one left early is reset with sqlite3_reset(). What SQLite refuses for no fault of the values (disk full,
 * failing, damaged) sets `failed`, and the group that met it is rolled back (see group.c); a violated constraint does not.
 *
 *     sqlite3_stmt *row = db_bind(db, SQL_MESSAGE, id);
 *     if (db_row(db, row)) { ...; sqlite3_reset(row); }
 */
#ifndef STORE_SQLITE_DATABASE_H
#define STORE_SQLITE_DATABASE_H

#include "redo.h"
#include "rows.h"
#include "state.h"
#include "statements.h"
#include "store/sqlite.h"
#include <sqlite3.h>

struct database {
    sqlite3 *handle;
    sqlite3_stmt *statements[SQL_COUNT];
    int lock;       /* descriptor of the lock file, or -1 */
    int frames;     /* in the write-ahead log after the latest commit */
    bool failed;    /* the current operation met what is no fault of its own */
    int failure;    /* SQLite's code for it */
    bool in_memory; /* ":memory:" */
    bool clean;     /* nothing in the redo log counts: it can go with the end */
    struct redo redo;
    struct state state;
    struct rows rows;
};

/* As store_sqlite_open(); on failure nothing stays open. */
enum err database_open(struct database *db, const struct store_sqlite_config *config);
void database_close(struct database *db);

/* A connection with what all connections need, to a file that exists. ERR_SYSTEM. */
enum err database_connect(const struct store_sqlite_config *config, sqlite3 **out);

sqlite3_stmt *db_bind_all(struct database *db, enum statement which, const int64_t *values, size_t count);
#define db_bind(db, which, ...)                                                                                                  \
    db_bind_all(db, which, (const int64_t[]){__VA_ARGS__}, sizeof((const int64_t[]){__VA_ARGS__}) / sizeof(int64_t))

/* Text or bytes that stay valid until the statement has run. */
void db_bind_text(sqlite3_stmt *statement, int place, struct slice text);
void db_bind_blob(sqlite3_stmt *statement, int place, struct slice blob);

/* Steps: true if there is a row. Otherwise the statement is reset, and db->failed tells an end from a failure. */
bool db_row(struct database *db, sqlite3_stmt *statement);

/* Runs to the end and resets. ERR_EXISTS: a key is taken; ERR_NOT_FOUND: what it refers to is missing; ERR_INVALID: another
 * constraint; ERR_NOT_STORED. */
enum err db_run(struct database *db, sqlite3_stmt *statement);

/* The first column of the first row, `otherwise` if there is none or it is NULL. Resets. */
int64_t db_number(struct database *db, sqlite3_stmt *statement, int64_t otherwise);

/* Rows changed by the latest db_run. */
int db_changes(const struct database *db);

/* Nothing if a transaction is open. */
enum err db_begin(struct database *db);
/* Also makes void what is in the redo log. After a failure: recover() (replay.h). */
enum err db_commit(struct database *db);
void db_rollback(struct database *db);
/* Whether another program was found to hold the lock: then each group waits only a little for it. */
void db_expect_busy(struct database *db, bool busy);
/* So much has gathered in the open transaction that it should be committed. */
bool db_due(const struct database *db);

/* The sentence for store_sqlite_open's *why; returns err. */
enum err refuse(enum err err, const char *format, ...) __attribute__((format(printf, 2, 3)));
const char *refusal(void);

#endif
