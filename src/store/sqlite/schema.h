/*
 * schema.h - the versions of the schema and the way from one to the next.
 *
 * Step i (from 0) leads from version i to i + 1, in a transaction of its own together with the version. A step that has been
 * released is never changed: another is added.
 */
#ifndef STORE_SQLITE_SCHEMA_H
#define STORE_SQLITE_SCHEMA_H

#include "base/err.h"
#include <sqlite3.h>
#include <stddef.h>

extern const char *const schema_steps[];
extern const size_t schema_version; /* how many there are */

/* Is this ours, and of a version up to `version`? Changes nothing. ERR_VERSION, ERR_INVALID, ERR_SYSTEM; see refusal(). */
enum err schema_check(sqlite3 *handle, size_t version);

/* Takes the database to version `count`. */
enum err schema_migrate(sqlite3 *handle, const char *const *steps, size_t count);

#endif
