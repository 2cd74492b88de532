/* query.c - binding and running statements; see database.h. */
#include "database.h"
#include <assert.h>

sqlite3_stmt *db_bind_all(struct database *db, enum statement which, const int64_t *values, size_t count)
{
    sqlite3_stmt *statement = db->statements[which];
    if (db->rows.count > 0)   /* it may look at them */
        (void)rows_flush(db); /* sets `failed` */
    for (size_t i = 0; i < count; i++)
        sqlite3_bind_int64(statement, (int)i + 1, values[i]);
    return statement;
}

void db_bind_text(sqlite3_stmt *statement, int place, struct slice text)
{
    sqlite3_bind_text64(statement, place, text.len > 0 ? (const char *)text.data : "", text.len, SQLITE_STATIC, SQLITE_UTF8);
}

void db_bind_blob(sqlite3_stmt *statement, int place, struct slice blob)
{
    /* A NULL pointer would be the value NULL. */
    sqlite3_bind_blob64(statement, place, blob.len > 0 ? (const void *)blob.data : "", blob.len, SQLITE_STATIC);
}

static enum err judge(struct database *db, int code)
{
    switch (code) {
    case SQLITE_DONE:
    case SQLITE_ROW:
        return OK;
    case SQLITE_CONSTRAINT_UNIQUE:
    case SQLITE_CONSTRAINT_PRIMARYKEY:
    case SQLITE_CONSTRAINT_ROWID:
        return ERR_EXISTS;
    case SQLITE_CONSTRAINT_FOREIGNKEY:
        return ERR_NOT_FOUND;
    }
    if ((code & 0xff) == SQLITE_CONSTRAINT)
        return ERR_INVALID;
    db->failed = true;
    db->failure = code;
    return ERR_NOT_STORED;
}

bool db_row(struct database *db, sqlite3_stmt *statement)
{
    int code = sqlite3_step(statement);
    if (code == SQLITE_ROW)
        return true;
    sqlite3_reset(statement);
    judge(db, code);
    return false;
}

enum err db_run(struct database *db, sqlite3_stmt *statement)
{
    int code = sqlite3_step(statement);
    sqlite3_reset(statement);
    return judge(db, code);
}

int64_t db_number(struct database *db, sqlite3_stmt *statement, int64_t otherwise)
{
    if (!db_row(db, statement))
        return otherwise;
    int64_t number = sqlite3_column_type(statement, 0) == SQLITE_NULL ? otherwise : sqlite3_column_int64(statement, 0);
    sqlite3_reset(statement);
    return number;
}

int db_changes(const struct database *db)
{
    return sqlite3_changes(db->handle);
}

enum err db_begin(struct database *db)
{
    return sqlite3_get_autocommit(db->handle) ? db_run(db, db->statements[SQL_BEGIN]) : OK;
}

static uint64_t new_generation(void)
{
    uint64_t generation = 0;
    sqlite3_randomness(sizeof generation, &generation);
    return generation & INT64_MAX;
}

enum err db_commit(struct database *db)
{
    struct state *state = &db->state;
    bool in_use = redo_in_use(&db->redo);
    assert(db->rows.count == 0);
    uint64_t generation = in_use ? new_generation() : 0;
    enum err err = members_flush(db);
    if (err == OK && in_use)
        err = db_run(db, db_bind(db, SQL_META_SET, META_REDO, (int64_t)generation));
    if (err == OK)
        err = db_run(db, db->statements[SQL_COMMIT]);
    if (err != OK) {
        redo_bar(&db->redo);
        return err;
    }
    if (in_use)
        redo_void(&db->redo, generation);
    state->committed = state->last_id;
    state->spread = 0;
    state->commits++;
    return OK;
}

/* What is committed at once costs less the more messages share a page, and holds up the next group the longer. */
bool db_due(const struct database *db)
{
    enum { MESSAGES = 16384, CONVERSATIONS = 1024 };
    const struct state *state = &db->state;
    return state->loaded &&
           (state->last_id - state->committed >= MESSAGES || state->spread >= CONVERSATIONS || db->redo.end > REDO_SIZE / 2);
}

void db_rollback(struct database *db)
{
    rows_drop(db);
    /* SQLite may have rolled back by itself. */
    if (sqlite3_get_autocommit(db->handle) == 0) {
        sqlite3_step(db->statements[SQL_ROLLBACK]);
        sqlite3_reset(db->statements[SQL_ROLLBACK]);
    }
}
