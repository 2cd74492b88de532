/*
 * map.h - a hash map from byte strings or 64-bit numbers to pointers.
 *
 * Open addressing; SipHash-2-4 for strings, a multiplication for numbers, both keyed per map (peers choose the keys). Keys are
 * not copied: a key's bytes must live as long as its entry (usually inside the value). Not thread-safe. Iteration order is
 * unspecified but does not depend on addresses, so a run with the same seed repeats itself; the map must not change during an
 * iteration, except by map_iter_remove.
 */
#ifndef BASE_MAP_H
#define BASE_MAP_H

#include "base/err.h"
#include "base/slice.h"

struct map_entry;

struct map {
    struct map_entry *entries;
    size_t count, used, size;
    uint64_t seed[2];
};

/* `seed` from injected randomness. */
void map_init(struct map *map, const uint64_t seed[2]);
void map_free(struct map *map); /* the map's own memory, not the values */

/* Value under the key, or NULL. */
void *map_get(const struct map *map, struct slice key);
void *map_get_u64(const struct map *map, uint64_t key);

/* Insert or replace; value must not be NULL. ERR_MEMORY leaves the map as it was. One map has one kind of key. */
enum err map_put(struct map *map, struct slice key, void *value);
enum err map_put_u64(struct map *map, uint64_t key, void *value);

/* Removed value, or NULL if there was none. */
void *map_remove(struct map *map, struct slice key);
void *map_remove_u64(struct map *map, uint64_t key);

static inline size_t map_count(const struct map *map)
{
    return map->count;
}

/* Bytes of its own memory. */
size_t map_held(const struct map *map);

/* for (size_t i = 0; (value = map_next(map, &i)) != NULL;) ... */
void *map_next(const struct map *map, size_t *iter);
/* Removes the entry that the last map_next gave. */
void map_iter_remove(struct map *map, size_t *iter);

/* The keyed hash itself, for striping. */
uint64_t map_hash(const uint64_t seed[2], struct slice key);

#endif
