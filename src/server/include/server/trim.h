/*
 * trim.h - memory that was given back goes back to the system, too: the C library keeps what lies between pieces still in use.
 *
 * Of one loop, which says at the end of its turns how much its connections hold. After much of that has gone, a worker trims
 * (20 ms for 200 MiB, in which whoever allocates from the same part of memory waits), once in ten seconds at most.
 */
#ifndef SERVER_TRIM_H
#define SERVER_TRIM_H

#include "base/world.h"
#include <stdbool.h>

enum { TRIM_BYTES = 32 << 20, TRIM_REST_MS = 10 * 1000 };

struct trim {
    struct pool *pool;
    const struct world *world; /* `pool` is done with it before that of its loop is freed */
    struct job job;
    size_t most; /* held since the last one */
    int64_t next;
    bool under_way;
};

void trim_init(struct trim *trim, struct pool *pool, const struct world *world);
void trim_note(struct trim *trim, size_t held);

#endif
