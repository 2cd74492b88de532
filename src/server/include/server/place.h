/*
 * place.h - the data directory: made if missing, and held by one server at a time.
 *
 * The lock is on the file earshotd.lock in it and ends with the process, however that ends.
 */
#ifndef SERVER_PLACE_H
#define SERVER_PLACE_H

#include "base/buf.h"
#include <sys/types.h>

/* Makes the directory with its parents, each 0700. ERR_SYSTEM with a sentence in `why`. */
enum err place_make(const char *directory, struct buf *why);

/* For a server that becomes another user: gives away a directory of root's in which there is nothing yet. ERR_SYSTEM with a
 * sentence in `why`: it belongs to somebody else, or is in use; what is in it is not given away unasked. */
enum err place_give(const char *directory, uid_t uid, gid_t gid, const char *name, struct buf *why);

/* Takes the lock; *fd keeps it. ERR_EXISTS (another server has it), ERR_SYSTEM, with a sentence in `why`. */
enum err place_lock(const char *directory, int *fd, struct buf *why);

/* Root restores for a server that is somebody else, who has to be able to take the locks after that: an open lock file in the
 * directory becomes its owner's. False with errno. */
bool place_lend(const char *directory, int lock);

/* DIRECTORY/NAME. ERR_CAP if that does not fit. */
enum err place_path(const char *directory, const char *name, char *out, size_t size);

#endif
