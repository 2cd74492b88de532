/*
 * check.c - see check.h.
 *
 * What cannot be found: bytes changed inside a text or a hash, for SQLite keeps no checksums of its pages. What is found: pages
 * missing, torn, zeroed or overwritten, rows that do not fit their table.
 */
#include "check.h"
#include "base/log.h"
#include "base/world.h"
#include "database.h"
#include "schema.h"

enum { STEPS = 100000 }; /* of SQLite's machine between two looks at the clock */

static int time_is_up(void *ctx)
{
    return system_clock.mono_ms(&system_clock) >= *(int64_t *)ctx;
}

/* SQLite heads what it has found with a line that says in which database; there is only the one. */
static const char *finding(const char *text)
{
    const char *next = strchr(text, '\n');
    return strncmp(text, "*** in database ", 16) == 0 && next != NULL ? next + 1 : text;
}

static enum err judge(sqlite3 *handle, sqlite3_stmt *statement, int code)
{
    const char *path = sqlite3_db_filename(handle, "main"), *found = NULL;
    if (code == SQLITE_ROW)
        found = (const char *)sqlite3_column_text(statement, 0);
    if (found != NULL && strcmp(found, "ok") == 0)
        return OK;
    if (found != NULL)
        return refuse(ERR_INVALID, "%s is damaged: %.200s", path, finding(found));
    if ((code & 0xff) == SQLITE_CORRUPT || (code & 0xff) == SQLITE_NOTADB)
        return refuse(ERR_INVALID, "%s is damaged: %s", path, sqlite3_errmsg(handle));
    return refuse(ERR_SYSTEM, "cannot read %s: %s", path, sqlite3_errmsg(handle));
}

enum err check_damage(sqlite3 *handle, int most_ms)
{
    const char *sql = most_ms > 0 ? "PRAGMA quick_check(1)" : "PRAGMA integrity_check(1)";
    int64_t end = system_clock.mono_ms(&system_clock) + most_ms;
    sqlite3_stmt *statement = NULL;
    enum err err = OK;
    if (most_ms > 0)
        sqlite3_progress_handler(handle, STEPS, time_is_up, &end);
    int code = sqlite3_prepare_v2(handle, sql, -1, &statement, NULL);
    if (code == SQLITE_OK)
        code = sqlite3_step(statement);
    if ((code & 0xff) == SQLITE_INTERRUPT)
        log_event(LOG_INFO, "database_check_incomplete", log_int("after_ms", most_ms));
    else
        err = judge(handle, statement, code);
    sqlite3_finalize(statement);
    sqlite3_progress_handler(handle, 0, NULL, NULL);
    return err;
}

static enum err check_whole(sqlite3 *handle, const char *path)
{
    sqlite3_stmt *statement = NULL;
    enum err err = schema_check(handle, schema_version);
    if (err == OK)
        err = check_damage(handle, 0);
    if (err != OK)
        return err;
    /* An empty file is a good database, but nobody's backup. */
    if (sqlite3_prepare_v2(handle, "SELECT count(*) FROM account", -1, &statement, NULL) != SQLITE_OK)
        err = refuse(ERR_INVALID, "%s is not a database of earshot", path);
    sqlite3_finalize(statement);
    return err;
}

enum err store_sqlite_check(const char *path, const char **why)
{
    const struct store_sqlite_config config = {.path = path};
    sqlite3 *handle = NULL;
    *why = refusal();
    enum err err = database_connect(&config, &handle);
    if (err == OK)
        err = check_whole(handle, path);
    sqlite3_close(handle);
    return err;
}
