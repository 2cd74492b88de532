/*
 * arena.h - a bump allocator with a cap, reset after each unit of work.
 *
 * For what lives as long as one frame, one command, one page of rows. Memory is kept in chunks across resets up to `keep`
 * bytes, so the steady state allocates nothing. Alignment is that of max_align_t. NULL when the cap or memory is exhausted;
 * arena_failed() then stays true until the reset. Not thread-safe.
 */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include "base/slice.h"

struct arena_chunk;

struct arena {
    struct arena_chunk *chunks;
    size_t used, cap, keep;
    bool failed;
};

void arena_init(struct arena *arena, size_t cap, size_t keep);
void arena_free(struct arena *arena);
void arena_reset(struct arena *arena);

void *arena_alloc(struct arena *arena, size_t len);               /* not cleared */
void *arena_zalloc(struct arena *arena, size_t len);              /* cleared */
void *arena_array(struct arena *arena, size_t count, size_t len); /* cleared; checks the product */
struct slice arena_copy(struct arena *arena, struct slice slice); /* data is NULL on failure */

static inline bool arena_failed(const struct arena *arena)
{
    return arena->failed;
}

#endif
