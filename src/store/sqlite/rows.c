/* rows.c - see rows.h. */
#include "database.h"

static int bind(sqlite3_stmt *statement, int place, const struct row *row)
{
    const int64_t numbers[] = {row->id, row->conversation, row->sender, row->device, row->number, row->time};
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
        sqlite3_bind_int64(statement, ++place, numbers[i]);
    db_bind_blob(statement, ++place, row->body);
    return place;
}

static enum err insert(struct database *db, enum statement which, const struct row *rows, size_t count)
{
    sqlite3_stmt *statement = db->statements[which];
    int place = 0;
    for (size_t i = 0; i < count; i++)
        place = bind(statement, place, &rows[i]);
    enum err err = db_run(db, statement);
    if (err != OK && !db->failed) {
        /* Nothing in a message can violate a constraint: somebody else has written, and what is in memory is wrong. */
        db->failed = true;
        db->failure = SQLITE_CONSTRAINT;
        err = ERR_NOT_STORED;
    }
    return err;
}

enum err rows_flush(struct database *db)
{
    const struct row *rows = db->rows.waiting;
    size_t count = db->rows.count, done = 0;
    enum err err = OK;
    db->rows.count = 0;
    for (size_t part; err == OK && done < count; done += part) {
        part = count - done >= ROWS_MOST ? ROWS_MOST : count - done >= ROWS_SOME ? ROWS_SOME : 1;
        enum statement which = part == ROWS_MOST ? SQL_APPEND_MOST : part == ROWS_SOME ? SQL_APPEND_SOME : SQL_APPEND;
        err = insert(db, which, rows + done, part);
    }
    db->rows.lost |= err != OK;
    return db->rows.lost ? ERR_NOT_STORED : OK;
}

enum err rows_add(struct database *db, const struct row *row)
{
    if (db->rows.singly)
        return insert(db, SQL_APPEND, row, 1);
    db->rows.waiting[db->rows.count++] = *row;
    return db->rows.count < ROWS_MOST ? OK : rows_flush(db);
}

void rows_drop(struct database *db)
{
    db->rows.count = 0;
    db->rows.lost = false;
}
