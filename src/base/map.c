/*
 * map.c - open addressing with linear probing. A removed entry leaves a mark behind only where a later one may have been
 * pushed past it; `used` counts entries and marks, stays under three quarters of the size, and a rebuild sweeps the marks
 * away, so that any number of insertions and removals costs the same.
 */
#include "base/map.h"
#include <assert.h>
#include <stdlib.h>

enum { LEAST_SIZE = 8 };

struct map_entry {
    uint64_t hash;
    uint64_t number;    /* the key, if keys are numbers; else 0 */
    struct slice bytes; /* the key, if keys are strings; else empty */
    void *value;        /* NULL: free */
};

static const char removed_mark;
#define REMOVED ((void *)(uintptr_t)&removed_mark)

static bool holds_value(const struct map_entry *entry)
{
    return entry->value != NULL && entry->value != REMOVED;
}

void map_init(struct map *map, const uint64_t seed[2])
{
    *map = (struct map){.seed = {seed[0], seed[1]}};
}

void map_free(struct map *map)
{
    free(map->entries);
    uint64_t seed[2] = {map->seed[0], map->seed[1]};
    map_init(map, seed);
}

size_t map_held(const struct map *map)
{
    return map->size * sizeof map->entries[0];
}

static struct map_entry key_of_bytes(const struct map *map, struct slice bytes)
{
    return (struct map_entry){.hash = map_hash(map->seed, bytes), .bytes = bytes};
}

/* Multiplication by a secret odd number, after Dietzfelbinger and others (1997): two numbers chosen without knowing it meet as
 * rarely as by chance. */
static struct map_entry key_of_number(const struct map *map, uint64_t number)
{
    unsigned __int128 product = (unsigned __int128)(number ^ map->seed[0]) * (map->seed[1] | 1);
    return (struct map_entry){.hash = (uint64_t)product ^ (uint64_t)(product >> 64), .number = number};
}

static bool same_key(const struct map_entry *a, const struct map_entry *b)
{
    return a->hash == b->hash && a->number == b->number && slice_equal(a->bytes, b->bytes);
}

static struct map_entry *find(const struct map *map, const struct map_entry *key)
{
    if (map->count == 0)
        return NULL;
    size_t mask = map->size - 1;
    for (size_t i = key->hash & mask; map->entries[i].value != NULL; i = (i + 1) & mask) {
        struct map_entry *entry = &map->entries[i];
        if (holds_value(entry) && same_key(entry, key))
            return entry;
    }
    return NULL;
}

/* Where a key that is not in the map goes. */
static struct map_entry *vacant(struct map_entry *entries, size_t size, uint64_t hash)
{
    size_t i = hash & (size - 1);
    while (holds_value(&entries[i]))
        i = (i + 1) & (size - 1);
    return &entries[i];
}

/* A table for one more entry, without marks, at most half full. */
static enum err rebuild(struct map *map)
{
    size_t size = LEAST_SIZE;
    while (size / 2 < map->count + 1)
        size *= 2;
    struct map_entry *entries = calloc(size, sizeof *entries);
    if (entries == NULL)
        return ERR_MEMORY;
    for (size_t i = 0; i < map->size; i++) {
        if (holds_value(&map->entries[i]))
            *vacant(entries, size, map->entries[i].hash) = map->entries[i];
    }
    free(map->entries);
    map->entries = entries;
    map->size = size;
    map->used = map->count;
    return OK;
}

static enum err put(struct map *map, struct map_entry entry)
{
    assert(entry.value != NULL);
    struct map_entry *place = find(map, &entry);
    if (place != NULL) {
        *place = entry; /* the key too: the old one may lie in the old value */
        return OK;
    }
    if (map->used + 1 > map->size / 4 * 3) {
        enum err err = rebuild(map);
        if (err != OK)
            return err;
    }
    place = vacant(map->entries, map->size, entry.hash);
    map->used += place->value == NULL;
    map->count++;
    *place = entry;
    return OK;
}

static void vacate(struct map *map, struct map_entry *entry)
{
    size_t mask = map->size - 1, i = (size_t)(entry - map->entries);
    *entry = (struct map_entry){.value = REMOVED};
    map->count--;
    if (map->entries[(i + 1) & mask].value != NULL)
        return;
    /* Nothing was pushed past here: this mark and those right before it are not needed. */
    for (; map->entries[i].value == REMOVED; i = (i - 1) & mask) {
        map->entries[i].value = NULL;
        map->used--;
    }
}

static void *take(struct map *map, struct map_entry key)
{
    struct map_entry *entry = find(map, &key);
    if (entry == NULL)
        return NULL;
    void *value = entry->value;
    vacate(map, entry);
    return value;
}

void *map_get(const struct map *map, struct slice key)
{
    struct map_entry wanted = key_of_bytes(map, key), *entry = find(map, &wanted);
    return entry != NULL ? entry->value : NULL;
}

void *map_get_u64(const struct map *map, uint64_t key)
{
    struct map_entry wanted = key_of_number(map, key), *entry = find(map, &wanted);
    return entry != NULL ? entry->value : NULL;
}

enum err map_put(struct map *map, struct slice key, void *value)
{
    struct map_entry entry = key_of_bytes(map, key);
    entry.value = value;
    return put(map, entry);
}

enum err map_put_u64(struct map *map, uint64_t key, void *value)
{
    struct map_entry entry = key_of_number(map, key);
    entry.value = value;
    return put(map, entry);
}

void *map_remove(struct map *map, struct slice key)
{
    return take(map, key_of_bytes(map, key));
}

void *map_remove_u64(struct map *map, uint64_t key)
{
    return take(map, key_of_number(map, key));
}

void *map_next(const struct map *map, size_t *iter)
{
    while (*iter < map->size) {
        const struct map_entry *entry = &map->entries[(*iter)++];
        if (holds_value(entry))
            return entry->value;
    }
    return NULL;
}

void map_iter_remove(struct map *map, size_t *iter)
{
    assert(*iter > 0 && *iter <= map->size && holds_value(&map->entries[*iter - 1]));
    vacate(map, &map->entries[*iter - 1]);
}
