#include "base/arena.h"
#include <stdalign.h>
#include <stdlib.h>

enum { ALIGNMENT = alignof(max_align_t), LEAST_CHUNK = 1024, LARGE_CHUNK = 65536 };

/* The first chunk of the list is the one being filled; behind it are full ones, and empty ones kept from before. */
struct arena_chunk {
    struct arena_chunk *next;
    size_t size, used;
    alignas(max_align_t) uint8_t bytes[];
};

void arena_init(struct arena *arena, size_t cap, size_t keep)
{
    /* Half of all memory is never to be had; without it no sum below can overflow. */
    *arena = (struct arena){.cap = cap < SIZE_MAX / 2 ? cap : SIZE_MAX / 2, .keep = keep};
}

static void free_beyond(struct arena *arena, size_t keep)
{
    size_t kept = 0;
    for (struct arena_chunk **link = &arena->chunks; *link != NULL;) {
        struct arena_chunk *chunk = *link;
        if (chunk->size <= keep - kept) {
            kept += chunk->size;
            chunk->used = 0;
            link = &chunk->next;
        } else {
            *link = chunk->next;
            free(chunk);
        }
    }
}

void arena_free(struct arena *arena)
{
    free_beyond(arena, 0);
    arena_init(arena, arena->cap, arena->keep);
}

void arena_reset(struct arena *arena)
{
    free_beyond(arena, arena->keep);
    arena->used = 0;
    arena->failed = false;
}

static struct arena_chunk *make_chunk(const struct arena *arena, size_t len)
{
    size_t size = arena->used < LARGE_CHUNK ? arena->used : LARGE_CHUNK;
    if (size < arena->keep)
        size = arena->keep;
    if (size < LEAST_CHUNK)
        size = LEAST_CHUNK;
    if (size < len)
        size = len;
    struct arena_chunk *chunk = malloc(sizeof *chunk + size);
    if (chunk != NULL)
        *chunk = (struct arena_chunk){.size = size};
    return chunk;
}

/* The chunk with room for `len` bytes is moved, or made, to the front. */
static struct arena_chunk *chunk_with_room(struct arena *arena, size_t len)
{
    struct arena_chunk *chunk = NULL;
    for (struct arena_chunk **link = &arena->chunks; *link != NULL && chunk == NULL;) {
        if (len <= (*link)->size - (*link)->used) {
            chunk = *link;
            *link = chunk->next;
        } else {
            link = &(*link)->next;
        }
    }
    if (chunk == NULL)
        chunk = make_chunk(arena, len);
    if (chunk != NULL) {
        chunk->next = arena->chunks;
        arena->chunks = chunk;
    }
    return chunk;
}

void *arena_alloc(struct arena *arena, size_t len)
{
    size_t room = arena->cap - arena->used, whole = ALIGNMENT;
    if (len > 0 && len <= room)
        whole = (len + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    struct arena_chunk *chunk = NULL;
    if (len <= room && whole <= room)
        chunk = chunk_with_room(arena, whole);
    if (chunk == NULL) {
        arena->failed = true;
        return NULL;
    }
    void *space = chunk->bytes + chunk->used;
    chunk->used += whole;
    arena->used += whole;
    return space;
}

void *arena_zalloc(struct arena *arena, size_t len)
{
    void *space = arena_alloc(arena, len);
    if (space != NULL)
        memset(space, 0, len);
    return space;
}

void *arena_array(struct arena *arena, size_t count, size_t len)
{
    size_t whole;
    if (__builtin_mul_overflow(count, len, &whole)) {
        arena->failed = true;
        return NULL;
    }
    return arena_zalloc(arena, whole);
}

struct slice arena_copy(struct arena *arena, struct slice slice)
{
    uint8_t *space = arena_alloc(arena, slice.len);
    if (space == NULL)
        return (struct slice){NULL, 0};
    if (slice.len > 0)
        memcpy(space, slice.data, slice.len);
    return slice_of(space, slice.len);
}
