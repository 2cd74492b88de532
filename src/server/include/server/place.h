/*
 * place.h - the data directory: made if missing, and held by one server at a time.
 *
 * The lock is on the file earshotd.lock in it and ends with the process, however that ends.
 */
#ifndef SERVER_PLACE_H
#define SERVER_PLACE_H

#include "base/buf.h"

/* Makes the directory with its parents, each 0700. ERR_SYSTEM with a sentence in `why`. */
enum err place_make(const char *directory, struct buf *why);

/* Takes the lock; *fd keeps it. ERR_EXISTS (another server has it), ERR_SYSTEM, with a sentence in `why`. */
enum err place_lock(const char *directory, int *fd, struct buf *why);

/* DIRECTORY/NAME. ERR_CAP if that does not fit. */
enum err place_path(const char *directory, const char *name, char *out, size_t size);

#endif
