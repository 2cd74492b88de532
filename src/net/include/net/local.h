/*
 * local.h - Unix sockets in the file system: to be reached by programs of this machine, and by nobody that the path keeps out.
 *
 * The path may be longer than a socket's address has room for. Descriptors are close-on-exec; the server's do not block.
 */
#ifndef NET_LOCAL_H
#define NET_LOCAL_H

#include "base/err.h"
#include <stdbool.h>
#include <sys/types.h>

/* Takes the place of a socket that is there (whoever calls knows that nobody serves it). Only its owner may connect (0600).
 * ERR_SYSTEM with errno. */
enum err local_listen(const char *path, int *fd);

/* ERR_AGAIN: nobody waits; ERR_SYSTEM. *peer: who connected, as the kernel knows it. */
enum err local_accept(int listener, int *fd, uid_t *peer);

/* Blocks until it is there. ERR_NOT_FOUND: nobody listens; ERR_SYSTEM, with errno for both. */
enum err local_connect(const char *path, int *fd);

#endif
