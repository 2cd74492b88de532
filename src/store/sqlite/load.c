/* load.c - telling what is in memory while serving. */
#include "verbs.h"

static enum err tell_accounts(struct database *db, const struct store_reader *reader)
{
    sqlite3_stmt *row = db->statements[SQL_LOAD_ACCOUNTS];
    enum err err = OK;
    while (err == OK && db_row(db, row)) {
        struct slice name = slice_of(sqlite3_column_blob(row, 1), (size_t)sqlite3_column_bytes(row, 1));
        err = reader->account(reader->ctx, (uint64_t)sqlite3_column_int64(row, 0), name, sqlite3_column_int(row, 2) != 0,
                              sqlite3_column_int64(row, 3));
    }
    sqlite3_reset(row);
    return err;
}

static enum err tell_blocks(struct database *db, const struct store_reader *reader)
{
    sqlite3_stmt *row = db->statements[SQL_LOAD_BLOCKS];
    enum err err = OK;
    while (err == OK && db_row(db, row))
        err = reader->block(reader->ctx, (uint64_t)sqlite3_column_int64(row, 0), (uint64_t)sqlite3_column_int64(row, 1));
    sqlite3_reset(row);
    return err;
}

static enum err tell_failures(struct database *db, const struct store_reader *reader)
{
    sqlite3_stmt *row = db->statements[SQL_LOAD_FAILURES];
    enum err err = OK;
    while (err == OK && db_row(db, row)) {
        struct slice name = slice_of(sqlite3_column_blob(row, 0), (size_t)sqlite3_column_bytes(row, 0));
        err = reader->failures(reader->ctx, name, (unsigned)sqlite3_column_int64(row, 1), sqlite3_column_int64(row, 2));
    }
    sqlite3_reset(row);
    return err;
}

enum err load_all(struct database *db, const struct store_reader *reader)
{
    db->failed = false;
    enum err err = tell_accounts(db, reader);
    if (err == OK && !db->failed)
        err = tell_blocks(db, reader);
    if (err == OK && !db->failed)
        err = tell_failures(db, reader);
    if (!db->failed)
        return err;
    return (db->failure & 0xff) == SQLITE_CORRUPT ? ERR_INVALID : ERR_SYSTEM;
}
