/* statefile.h - how the files of the state directory are read, replaced and locked. `dir` is its descriptor. */
#ifndef CLIENT_STATEFILE_H
#define CLIENT_STATEFILE_H

#include "base/buf.h"

enum { STATEFILE_NAME = 256 };

/* Appends the content. ERR_NOT_FOUND, ERR_SYSTEM; the buffer's. */
enum err statefile_read(int dir, const char *name, struct buf *out);
/* As a whole: temporary name, fsync, rename. Only for whoever holds the lock that goes with the name. ERR_SYSTEM. */
enum err statefile_replace(int dir, const char *name, struct slice content);
/* A descriptor that holds the lock until it is closed, or -1; `wait` for it or not. */
int statefile_lock(int dir, const char *name, bool wait);
/* Cuts the next line off `rest`; false at the end. */
bool statefile_line(struct slice *rest, struct slice *line);

#endif
