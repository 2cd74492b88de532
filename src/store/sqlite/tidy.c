/*
 * tidy.c - deleting what is no longer needed, a little at a time.
 *
 * Messages are looked at from the oldest on, `limit` in a step, with a cursor in memory, so that what must stay (old and never
 * received) is not looked at again in every step. A round ends at a step that saw nothing old.
 */
#include "verbs.h"
#include <stdio.h>

enum { MOST_ROWS = 1024 };

static enum err delete_rows(struct database *db, enum statement which, int64_t before, int64_t limit, struct store_tidy *tidy)
{
    enum err err = db_run(db, db_bind(db, which, before, limit));
    if (err != OK)
        return err;
    tidy->deleted += (uint64_t)db_changes(db);
    tidy->more = tidy->more || db_changes(db) == limit;
    return OK;
}

static enum err tidy_messages(struct database *db, struct store_tidy *tidy, int64_t limit)
{
    struct state *state = &db->state;
    int64_t old[MOST_ROWS];
    size_t old_count = 0, seen = 0;
    bool any_old = false;
    uint64_t cursor = state->tidy_cursor;
    sqlite3_stmt *row = db_bind(db, SQL_TIDY_SCAN, (int64_t)cursor, tidy->messages_before, limit);
    for (; db_row(db, row); seen++) {
        cursor = (uint64_t)sqlite3_column_int64(row, 0);
        bool is_old = sqlite3_column_int(row, 1) != 0, received = sqlite3_column_int(row, 2) != 0;
        any_old = any_old || is_old;
        if (is_old && received)
            old[old_count++] = (int64_t)cursor;
    }
    enum err err = db->failed ? ERR_NOT_STORED : OK;
    for (size_t i = 0; err == OK && i < old_count; i++)
        err = db_run(db, db_bind(db, SQL_TIDY_MESSAGE, old[i]));
    if (err == OK && old_count > 0)
        err = db_run(db, db_bind(db, SQL_META_SET, META_LAST_ID, (int64_t)state->last_id));
    if (err != OK)
        return err;
    bool more = any_old && seen == (size_t)limit;
    state->tidy_cursor = more ? cursor : 0;
    tidy->deleted += old_count;
    tidy->more = tidy->more || more;
    return OK;
}

/* Free pages are used again; only when they are many are some given back to the system. */
static enum err shrink(struct database *db, int64_t pages)
{
    if (db_number(db, db->statements[SQL_FREE_PAGES], 0) == 0)
        return db->failed ? ERR_NOT_STORED : OK;
    char sql[64];
    snprintf(sql, sizeof sql, "PRAGMA incremental_vacuum(%lld)", (long long)pages);
    int code = sqlite3_exec(db->handle, sql, NULL, NULL, NULL);
    if (code == SQLITE_OK)
        return OK;
    db->failed = true;
    db->failure = code;
    return ERR_NOT_STORED;
}

static enum err tidy_devices(struct database *db, struct store_tidy *tidy, int64_t limit)
{
    enum err err = delete_rows(db, SQL_TIDY_DEVICES, tidy->devices_before, limit, tidy);
    if (err == OK && db_changes(db) > 0)
        devices_drop(&db->state);
    return err;
}

enum err tidy(struct database *db, struct store_op *op)
{
    struct store_tidy *tidy = (struct store_tidy *)op;
    int64_t limit = tidy->limit == 0 ? 1 : tidy->limit < MOST_ROWS ? tidy->limit : MOST_ROWS;
    tidy->deleted = 0;
    tidy->more = false;
    /* Highest numbers must not depend on rows that go, and unused is decided on what is in the rows. */
    enum err err = devices_flush(db);
    if (err == OK)
        err = members_flush(db);
    if (err == OK)
        err = tidy_messages(db, tidy, limit);
    if (err == OK)
        err = delete_rows(db, SQL_TIDY_LOGINS, tidy->logins_before, limit, tidy);
    if (err == OK)
        err = tidy_devices(db, tidy, limit);
    if (err == OK)
        err = delete_rows(db, SQL_TIDY_FAILURES, tidy->failures_before, limit, tidy);
    if (err == OK && !tidy->more)
        err = shrink(db, limit);
    return err;
}
