/*
 * schema.c - the schema, version by version.
 *
 * Messages lie in the order in which they arrived, so that storing one touches the end of the table; the index orders them by
 * conversation and sender, and holds what paging and recognising a resent message look at, so that neither reads bodies. A
 * conversation is a pair of users (low < high); what a member has received is a position in it, not a copy of the messages.
 */
#include "schema.h"
#include "database.h"
#include <stdio.h>

static const char version_1[] = "CREATE TABLE meta(key INTEGER PRIMARY KEY, value INTEGER NOT NULL) STRICT;"
                                "CREATE TABLE account("
                                " id INTEGER PRIMARY KEY AUTOINCREMENT,"
                                " name TEXT NOT NULL UNIQUE,"
                                " password TEXT NOT NULL,"
                                " created INTEGER NOT NULL,"
                                " disabled INTEGER NOT NULL DEFAULT 0) STRICT;"
                                "CREATE TABLE device("
                                " id INTEGER PRIMARY KEY AUTOINCREMENT,"
                                " account INTEGER NOT NULL REFERENCES account,"
                                " token BLOB NOT NULL UNIQUE,"
                                " created INTEGER NOT NULL,"
                                " used INTEGER NOT NULL,"
                                " last_number INTEGER NOT NULL DEFAULT 0) STRICT;"
                                "CREATE INDEX device_account ON device(account);"
                                "CREATE INDEX device_used ON device(used);"
                                "CREATE TABLE failure("
                                " name TEXT PRIMARY KEY,"
                                " count INTEGER NOT NULL,"
                                " blocked_until INTEGER NOT NULL,"
                                " time INTEGER NOT NULL) STRICT, WITHOUT ROWID;"
                                "CREATE INDEX failure_time ON failure(time);"
                                "CREATE TABLE login("
                                " id INTEGER PRIMARY KEY AUTOINCREMENT,"
                                " account INTEGER NOT NULL REFERENCES account,"
                                " began INTEGER NOT NULL,"
                                " ended INTEGER) STRICT;"
                                "CREATE INDEX login_account ON login(account, ended);"
                                "CREATE INDEX login_ended ON login(ended);"
                                "CREATE TABLE block("
                                " account INTEGER NOT NULL REFERENCES account,"
                                " other INTEGER NOT NULL REFERENCES account,"
                                " time INTEGER NOT NULL,"
                                " PRIMARY KEY(account, other)) STRICT, WITHOUT ROWID;"
                                "CREATE TABLE conversation("
                                " id INTEGER PRIMARY KEY,"
                                " low INTEGER NOT NULL REFERENCES account,"
                                " high INTEGER NOT NULL REFERENCES account,"
                                " UNIQUE(low, high)) STRICT;"
                                "CREATE TABLE member("
                                " account INTEGER NOT NULL REFERENCES account,"
                                " conversation INTEGER NOT NULL REFERENCES conversation,"
                                " received INTEGER NOT NULL DEFAULT 0,"
                                " PRIMARY KEY(account, conversation)) STRICT, WITHOUT ROWID;"
                                "CREATE TABLE message("
                                " id INTEGER PRIMARY KEY,"
                                " conversation INTEGER NOT NULL,"
                                " sender INTEGER NOT NULL,"
                                " device INTEGER NOT NULL,"
                                " number INTEGER NOT NULL,"
                                " time INTEGER NOT NULL,"
                                " body BLOB NOT NULL) STRICT;"
                                "CREATE INDEX message_order ON message(conversation, sender, id, device, number);";

/* There may be a redo log beside it, which an older server would overlook. */
static const char version_2[] = "INSERT OR IGNORE INTO meta(key, value) VALUES(4, 0);";

const char *const schema_steps[] = {version_1, version_2};
const size_t schema_version = sizeof schema_steps / sizeof schema_steps[0];

/* "eash" */
static const int application = 0x65617368;

static enum err read_number(sqlite3 *handle, const char *sql, int64_t *out)
{
    sqlite3_stmt *statement = NULL;
    int code = sqlite3_prepare_v2(handle, sql, -1, &statement, NULL);
    if (code == SQLITE_OK)
        code = sqlite3_step(statement);
    if (code == SQLITE_ROW)
        *out = sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    if (code == SQLITE_ROW || code == SQLITE_DONE)
        return OK;
    const char *path = sqlite3_db_filename(handle, "main");
    if ((code & 0xff) == SQLITE_NOTADB)
        return refuse(ERR_INVALID, "%s is not a database", path);
    if ((code & 0xff) == SQLITE_CORRUPT)
        return refuse(ERR_INVALID, "%s is damaged: %s", path, sqlite3_errmsg(handle));
    return refuse(ERR_SYSTEM, "cannot read %s: %s", path, sqlite3_errmsg(handle));
}

enum err schema_check(sqlite3 *handle, size_t version)
{
    int64_t found = 0, owner = 0, tables = 0;
    enum err err = read_number(handle, "PRAGMA user_version", &found);
    if (err == OK)
        err = read_number(handle, "PRAGMA application_id", &owner);
    if (err == OK)
        err = read_number(handle, "SELECT count(*) FROM sqlite_schema", &tables);
    if (err != OK)
        return err;
    const char *path = sqlite3_db_filename(handle, "main");
    if (owner != application && (owner != 0 || found != 0 || tables != 0))
        return refuse(ERR_INVALID, "%s is the database of another program", path);
    if (found < 0 || (uint64_t)found > version)
        return refuse(ERR_VERSION, "%s was written by a newer earshot (schema %lld, this one knows %zu)", path, (long long)found,
                      version);
    return OK;
}

static int migrate_one(sqlite3 *handle, const char *step, size_t version)
{
    char mark[96];
    snprintf(mark, sizeof mark, "PRAGMA application_id = %d; PRAGMA user_version = %zu;", application, version);
    int code = sqlite3_exec(handle, "BEGIN IMMEDIATE", NULL, NULL, NULL);
    if (code == SQLITE_OK)
        code = sqlite3_exec(handle, step, NULL, NULL, NULL);
    if (code == SQLITE_OK)
        code = sqlite3_exec(handle, mark, NULL, NULL, NULL);
    if (code == SQLITE_OK)
        code = sqlite3_exec(handle, "COMMIT", NULL, NULL, NULL);
    return code;
}

enum err schema_migrate(sqlite3 *handle, const char *const *steps, size_t count)
{
    int64_t version = 0;
    enum err err = read_number(handle, "PRAGMA user_version", &version);
    for (size_t i = (size_t)version; err == OK && i < count; i++) {
        if (migrate_one(handle, steps[i], i + 1) == SQLITE_OK)
            continue;
        err = refuse(ERR_SYSTEM, "cannot bring %s to schema %zu: %s", sqlite3_db_filename(handle, "main"), i + 1,
                     sqlite3_errmsg(handle));
        sqlite3_exec(handle, "ROLLBACK", NULL, NULL, NULL);
    }
    return err;
}
