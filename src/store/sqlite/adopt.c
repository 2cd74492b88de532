/*
 * adopt.c - before a backup takes the place of the database that it was made of.
 *
 * Clients that were connected remember ids which the backup does not reach, and drop what is not above them. So its ids go on
 * from the microseconds since 1970: no server stores a million messages a second, so none that was given before is above that.
 * They stay whole numbers in JavaScript's floating point for two hundred years.
 */
#include "database.h"
#include <inttypes.h>
#include <stdio.h>

static enum err raise_ids(sqlite3 *handle, const char *path, int64_t now_ms)
{
    char sql[320];
    /* Without a journal beside the file, which the next attempt would take for its own. */
    snprintf(sql, sizeof sql,
             "PRAGMA journal_mode = MEMORY;"
             "INSERT INTO meta(key, value) SELECT %d, max(%" PRId64 ", coalesce(max(id), 0)) FROM message WHERE true"
             " ON CONFLICT DO UPDATE SET value = max(value, excluded.value)",
             META_LAST_ID, now_ms * 1000);
    if (sqlite3_exec(handle, sql, NULL, NULL, NULL) == SQLITE_OK)
        return OK;
    return refuse(ERR_SYSTEM, "cannot write %s: %s", path, sqlite3_errmsg(handle));
}

enum err store_sqlite_adopt(const char *path, int64_t now_ms, const char **why)
{
    const struct store_sqlite_config config = {.path = path};
    sqlite3 *handle = NULL;
    *why = refusal();
    enum err err = database_connect(&config, &handle);
    if (err == OK)
        err = raise_ids(handle, path, now_ms);
    sqlite3_close(handle);
    return err;
}
