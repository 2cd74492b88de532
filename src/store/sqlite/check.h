/* check.h - looking for damage in a database. */
#ifndef STORE_SQLITE_CHECK_H
#define STORE_SQLITE_CHECK_H

#include "base/err.h"
#include <sqlite3.h>

/* Pages and rows, for at most so long (0: to the end); what was not reached by then counts as good, and the log says so.
 * ERR_INVALID, ERR_SYSTEM; see refusal(). */
enum err check_damage(sqlite3 *handle, int most_ms);

#endif
