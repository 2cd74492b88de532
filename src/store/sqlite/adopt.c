/*
 * adopt.c - before a backup takes the place of the database that it was made of.
 *
 * Clients that were connected remember ids which the backup does not reach, and drop what is not above them. So its ids go on
 * from the microseconds since 1970: no server stores a million messages a second, so none that was given before is above that.
 * They stay whole numbers in JavaScript's floating point for two hundred years.
 *
 * A backup that is above that already was numbered by a clock that was ahead, or this one is behind. Then they go on after a gap
 * that is larger than what any server stores from one backup to the next.
 */
#include "database.h"
#include <inttypes.h>
#include <stdio.h>

static const int64_t gap = INT64_C(1) << 32;

static enum err raise_ids(sqlite3 *handle, const char *path, int64_t now_ms)
{
    char sql[480];
    /* Without a journal beside the file, which the next attempt would take for its own. */
    snprintf(sql, sizeof sql,
             "PRAGMA journal_mode = MEMORY;"
             "INSERT INTO meta(key, value) SELECT %d, CASE WHEN last < %" PRId64 " THEN %" PRId64 " ELSE last + %" PRId64 " END"
             " FROM (SELECT max(coalesce((SELECT value FROM meta WHERE key = %d), 0), coalesce(max(id), 0)) AS last FROM message)"
             " WHERE true ON CONFLICT DO UPDATE SET value = excluded.value",
             META_LAST_ID, now_ms * 1000, now_ms * 1000, gap, META_LAST_ID);
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
