/* group.c - see group.h. */
#include "group.h"

#include "base/log.h"
#include "replay.h"
#include "verbs.h"

enum { MOST_RETRIES = 32 };

/* What is in the redo log is seen only inside the open transaction, and a failure may have ended that. */
static bool is_lost(const struct database *db)
{
    return db->redo.end > 0 && sqlite3_get_autocommit(db->handle);
}

/* True if it met what is no fault of its own. */
static bool execute_one(struct database *db, struct store_op *op)
{
    db->failed = is_lost(db);
    enum err err = db->failed ? ERR_NOT_STORED : verbs[op->verb].run(db, op);
    op->err = db->failed ? ERR_NOT_STORED : err;
    return db->failed;
}

/* Somebody will be told that some of what it writes is on disk. */
static bool is_promised(const struct group *group)
{
    for (size_t i = 0; i < group->count; i++) {
        const struct verb *verb = &verbs[group->ops[i]->verb];
        if (!group->left_out[i] && verb->writes && !verb->relaxed)
            return true;
    }
    return false;
}

/* Some of what it writes is not in the redo log. */
static bool must_commit(const struct group *group)
{
    for (size_t i = 0; i < group->count; i++) {
        const struct verb *verb = &verbs[group->ops[i]->verb];
        if (!group->left_out[i] && verb->writes && !verb->logged)
            return true;
    }
    return false;
}

static bool writes(const struct group *group)
{
    for (size_t i = 0; i < group->count; i++) {
        if (!group->left_out[i] && verbs[group->ops[i]->verb].writes)
            return true;
    }
    return false;
}

/* A read that failed may have ended the transaction; and after damage SQLite lets nothing more be written in it. */
static bool spoils_transaction(const struct database *db)
{
    return sqlite3_get_autocommit(db->handle) != 0 || (db->failure & 0xff) == SQLITE_CORRUPT;
}

/* Deleted or moved away behind our back: SQLite would go on writing into a file that no restart finds. */
static bool file_is_gone(struct database *db)
{
    int moved = 0;
    if (db->in_memory || sqlite3_file_control(db->handle, "main", SQLITE_FCNTL_HAS_MOVED, &moved) != SQLITE_OK || !moved)
        return false;
    db->failure = SQLITE_READONLY_DBMOVED;
    return true;
}

/* On failure *culprit is the operation that met it, or group->count. */
static enum err attempt(struct group *group, struct database *db, size_t *culprit)
{
    *culprit = group->count;
    if (file_is_gone(db))
        return ERR_NOT_STORED;
    if ((!db->state.loaded || is_lost(db)) && recover(db) != OK)
        return ERR_NOT_STORED;
    db->failed = false;
    if (db_begin(db) != OK)
        return ERR_NOT_STORED;
    redo_begin(&db->redo);
    for (size_t i = 0; i < group->count; i++) {
        if (group->left_out[i] || !execute_one(db, group->ops[i]))
            continue;
        if (verbs[group->ops[i]->verb].writes || spoils_transaction(db)) {
            *culprit = i;
            return ERR_NOT_STORED;
        }
    }
    db->failed = false;
    if (rows_flush(db) != OK)
        return ERR_NOT_STORED;
    if (devices_due(db) && devices_flush(db) != OK)
        return ERR_NOT_STORED;
    if (!must_commit(group) && redo_write(&db->redo, is_promised(group)) == OK)
        return OK;
    return db_commit(db) == OK ? OK : ERR_NOT_STORED;
}

/* Some codes speak of the disk or the machine, the others of what one operation touched. */
static bool concerns_all(int code)
{
    switch (code & 0xff) {
    case SQLITE_CORRUPT:
    case SQLITE_TOOBIG:
    case SQLITE_MISMATCH:
    case SQLITE_RANGE:
        return false;
    }
    return true;
}

static void note_failure(struct group *group, struct database *db, int code)
{
    if ((code & 0xff) == SQLITE_BUSY)
        db_expect_busy(db, true);
    if (!group->failing)
        log_event(LOG_ERROR, "store_failing", log_str("reason", sqlite3_errstr(code)), log_int("code", code));
    group->failing = true;
}

static void note_success(struct group *group, struct database *db)
{
    if (group->failing) {
        log_event(LOG_INFO, "store_recovered");
        db_expect_busy(db, false);
    }
    group->failing = false;
}

static void answer_reads(struct group *group, struct database *db)
{
    for (size_t i = 0; i < group->count; i++) {
        if (verbs[group->ops[i]->verb].writes)
            group->ops[i]->err = ERR_NOT_STORED;
        else
            execute_one(db, group->ops[i]);
    }
}

void group_settle(struct group *group, struct database *db)
{
    db->failed = false;
    if (!db_due(db) || db_commit(db) == OK)
        return;
    int code = db->failure;
    recover(db);
    note_failure(group, db, code);
}

void group_execute(struct group *group, struct database *db)
{
    if (is_lost(db))
        recover(db);
    memset(group->left_out, 0, group->count * sizeof group->left_out[0]);
    for (int retries = 0; writes(group); retries++) {
        size_t culprit;
        db->rows.singly = retries > 0;
        if (attempt(group, db, &culprit) == OK) {
            note_success(group, db);
            return;
        }
        int code = db->failure;
        recover(db);
        note_failure(group, db, code);
        if (concerns_all(code) || retries == MOST_RETRIES)
            break;
        if (!db->rows.singly)
            continue; /* and see whose fault it is */
        if (culprit == group->count)
            break;
        group->left_out[culprit] = true;
        group->ops[culprit]->err = ERR_NOT_STORED;
    }
    answer_reads(group, db);
}
