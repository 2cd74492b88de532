/* caps.c - see caps.h. One lock around one map: it is taken a few times per connection, not per message. */
#include "server/caps.h"
#include "base/log.h"
#include "base/map.h"
#include <arpa/inet.h>
#include <pthread.h>
#include <stdlib.h>

enum { KEY_SIZE = 8, REFUSALS_EVERY_MS = 1000 };

struct place {
    uint8_t key[KEY_SIZE];
    size_t connections;
};

struct caps {
    pthread_mutex_t lock;
    struct clock *clock;
    struct map places;
    size_t connections, total, per_address;
    size_t refused; /* since the last line about it */
    uint64_t refused_ever;
    int64_t told;
};

enum err caps_new(struct random *random, struct clock *clock, struct caps **out)
{
    struct caps *caps = calloc(1, sizeof *caps);
    uint64_t seed[2];
    if (caps == NULL)
        return ERR_MEMORY;
    random->fill(random, seed, sizeof seed);
    pthread_mutex_init(&caps->lock, NULL);
    map_init(&caps->places, seed);
    caps->clock = clock;
    caps->told = clock->mono_ms(clock) - REFUSALS_EVERY_MS;
    *out = caps;
    return OK;
}

void caps_free(struct caps **caps)
{
    if (*caps == NULL)
        return;
    struct place *place;
    for (size_t i = 0; (place = map_next(&(*caps)->places, &i)) != NULL;)
        free(place);
    map_free(&(*caps)->places);
    pthread_mutex_destroy(&(*caps)->lock);
    free(*caps);
    *caps = NULL;
}

void caps_limit(struct caps *caps, size_t total, size_t per_address)
{
    pthread_mutex_lock(&caps->lock);
    caps->total = total;
    caps->per_address = per_address;
    pthread_mutex_unlock(&caps->lock);
}

/* The first half of an IPv6 address; an IPv4 address, also one mapped into IPv6, after bytes that no global IPv6 address has. */
static void make_key(const char *address, uint8_t key[KEY_SIZE])
{
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
    uint8_t bytes[16];
    memset(key, 0, KEY_SIZE);
    if (inet_pton(AF_INET, address, bytes) == 1) {
        memcpy(key + 4, bytes, 4);
    } else if (inet_pton(AF_INET6, address, bytes) == 1) {
        if (memcmp(bytes, mapped, sizeof mapped) == 0)
            memcpy(key + 4, bytes + 12, 4);
        else
            memcpy(key, bytes, KEY_SIZE);
    }
}

/* Under the lock. */
static void refused(struct caps *caps, const char *address, const char *why)
{
    int64_t now = caps->clock->mono_ms(caps->clock);
    caps->refused++;
    caps->refused_ever++;
    if (now - caps->told < REFUSALS_EVERY_MS)
        return;
    log_event(LOG_WARN, "connection_refused", log_str("peer", address), log_str("why", why),
              log_int("connections", (int64_t)caps->connections), log_int("refused", (int64_t)caps->refused));
    caps->told = now;
    caps->refused = 0;
}

/* Under the lock. NULL: none. */
static const char *objection(const struct caps *caps, const uint8_t key[KEY_SIZE])
{
    const struct place *place = map_get(&caps->places, slice_of(key, KEY_SIZE));
    if (caps->connections >= caps->total)
        return "max-connections";
    return place != NULL && place->connections >= caps->per_address ? "max-connections-per-address" : NULL;
}

/* Under the lock. NULL without memory. */
static struct place *find_or_make(struct caps *caps, const uint8_t key[KEY_SIZE])
{
    struct place *place = map_get(&caps->places, slice_of(key, KEY_SIZE));
    if (place != NULL)
        return place;
    place = calloc(1, sizeof *place);
    if (place == NULL)
        return NULL;
    memcpy(place->key, key, KEY_SIZE);
    if (map_put(&caps->places, slice_of(place->key, KEY_SIZE), place) == OK)
        return place;
    free(place);
    return NULL;
}

enum err caps_enter(struct caps *caps, const char *address)
{
    uint8_t key[KEY_SIZE];
    make_key(address, key);
    pthread_mutex_lock(&caps->lock);
    const char *why = objection(caps, key);
    struct place *place = why == NULL ? find_or_make(caps, key) : NULL;
    if (why != NULL)
        refused(caps, address, why);
    if (place != NULL) {
        place->connections++;
        caps->connections++;
    }
    pthread_mutex_unlock(&caps->lock);
    if (why != NULL)
        return ERR_CAP;
    return place != NULL ? OK : ERR_MEMORY;
}

void caps_leave(struct caps *caps, const char *address)
{
    uint8_t key[KEY_SIZE];
    make_key(address, key);
    pthread_mutex_lock(&caps->lock);
    struct place *place = map_get(&caps->places, slice_of(key, KEY_SIZE));
    if (place != NULL) {
        caps->connections--;
        if (--place->connections == 0) {
            map_remove(&caps->places, slice_of(key, KEY_SIZE));
            free(place);
        }
    }
    pthread_mutex_unlock(&caps->lock);
}

size_t caps_connections(struct caps *caps)
{
    pthread_mutex_lock(&caps->lock);
    size_t connections = caps->connections;
    pthread_mutex_unlock(&caps->lock);
    return connections;
}

uint64_t caps_refused(struct caps *caps)
{
    pthread_mutex_lock(&caps->lock);
    uint64_t refused = caps->refused_ever;
    pthread_mutex_unlock(&caps->lock);
    return refused;
}
