/*
 * watch.h - a descriptor watched by a loop.
 *
 * Readiness only: who owns the watch reads and writes the descriptor itself (so send(2) can be told not to raise SIGPIPE). The
 * watch owns the descriptor. watch_close() closes it at once and never calls back again; what libuv still needs it frees by
 * itself, so the owner may go away in the same breath.
 */
#ifndef NET_WATCH_H
#define NET_WATCH_H

#include "net/loop.h"
#include <stdbool.h>

enum { WATCH_READ = 1, WATCH_WRITE = 2 };

struct watch;

/* broken: the kernel reports an error on the descriptor; it is no longer watched. */
typedef void watch_ready(void *owner, int events, bool broken);

/* Takes the descriptor, on failure too (and closes it). ERR_MEMORY, ERR_SYSTEM. */
enum err watch_new(struct loop *loop, int fd, watch_ready *ready, void *owner, struct watch **out);
void watch_close(struct watch **watch); /* takes NULL */

/* What to watch for from now on: WATCH_READ, WATCH_WRITE, both, or 0. */
void watch_set(struct watch *watch, int events);
int watch_fd(const struct watch *watch);

#endif
