/* guard.c - see guard.h. */
#include "guard.h"

#include "base/map.h"
#include "base/ring.h"

#include <arpa/inet.h>
#include <assert.h>
#include <pthread.h>
#include <stdlib.h>

enum {
    NAMES_MAX = 100000, /* that may be forgotten */
    ADDRESSES_MAX = 65536,
    WAITING_MAX = 16, /* attempts at one name */
    MINUTE_MS = 60 * 1000,
};

struct guarded {
    unsigned count;        /* failures in a row */
    int64_t failed;        /* when the last of them was */
    int64_t blocked_until; /* 0: not blocked */
    bool busy;
    bool known; /* an account has the name */
    unsigned waiting;
    struct guard_attempt *first, *last;
    struct ring idle;     /* in the guard's list while it may be forgotten */
    struct ring unstored; /* in the guard's list while its record is to be stored again */
    uint8_t name_len;
    char name[];
};

enum { ADDRESS_KEY = INET6_ADDRSTRLEN };

struct bucket {
    double failures; /* what is left of them; drains with time */
    int64_t at;
    char address[ADDRESS_KEY];
};

struct guard {
    pthread_mutex_t lock;
    struct store *store;
    struct map names, addresses;
    struct ring idle; /* longest untouched first */
    size_t idle_count;
    struct ring unstored;
    char decoy[PASSWORD_HASH_SIZE];
};

enum err guard_new(struct random *random, const struct password_cost *cost, struct store *store, struct guard **out)
{
    struct guard *guard = calloc(1, sizeof *guard);
    if (guard == NULL)
        return ERR_MEMORY;
    uint64_t seed[2];
    random->fill(random, seed, sizeof seed);
    guard->store = store;
    ring_init(&guard->idle);
    ring_init(&guard->unstored);
    pthread_mutex_init(&guard->lock, NULL);
    map_init(&guard->names, seed);
    map_init(&guard->addresses, seed);
    enum err err = password_decoy(cost, guard->decoy);
    if (err != OK) {
        guard_free(&guard);
        return err;
    }
    *out = guard;
    return OK;
}

static void free_values(struct map *map)
{
    void *value;
    for (size_t i = 0; (value = map_next(map, &i)) != NULL;)
        free(value);
    map_free(map);
}

void guard_free(struct guard **guard)
{
    if (*guard == NULL)
        return;
    free_values(&(*guard)->names);
    free_values(&(*guard)->addresses);
    pthread_mutex_destroy(&(*guard)->lock);
    free(*guard);
    *guard = NULL;
}

const char *guard_decoy(const struct guard *guard)
{
    return guard->decoy;
}

static struct slice guarded_name(const struct guarded *guarded)
{
    return slice_of(guarded->name, guarded->name_len);
}

#define GUARDED_OF(member, name) ((struct guarded *)(void *)((char *)(member)-offsetof(struct guarded, name)))

static void touch(struct guard *guard, struct guarded *guarded)
{
    guard->idle_count -= !ring_is_alone(&guarded->idle);
    ring_remove(&guarded->idle);
}

static void forget(struct guard *guard, struct guarded *guarded)
{
    touch(guard, guarded);
    ring_remove(&guarded->unstored);
    map_remove(&guard->names, guarded_name(guarded));
    free(guarded);
}

/*
 * After anything has happened to it: gone if it has nothing to say any more, or among those that may be forgotten when there are
 * too many. Counts are forgotten whether somebody has the name or not, and blocks only if not: who blocks many names must not end
 * the block of one that matters.
 */
static void settle(struct guard *guard, struct guarded *guarded)
{
    touch(guard, guarded);
    if (guarded->busy)
        return;
    if (guarded->count == 0 && ring_is_alone(&guarded->unstored)) {
        forget(guard, guarded);
    } else if (!guarded->known || guarded->blocked_until == 0) {
        ring_add(&guard->idle, &guarded->idle);
        if (++guard->idle_count > NAMES_MAX)
            forget(guard, GUARDED_OF(guard->idle.next, idle));
    }
}

/* The entry of a name, made if need be; NULL without memory. */
static struct guarded *guarded_get(struct guard *guard, struct slice name, bool known)
{
    struct guarded *guarded = map_get(&guard->names, name);
    if (guarded != NULL) {
        guarded->known = known;
        return guarded;
    }
    guarded = calloc(1, sizeof *guarded + name.len);
    if (guarded == NULL)
        return NULL;
    ring_init(&guarded->idle);
    ring_init(&guarded->unstored);
    guarded->known = known;
    guarded->name_len = (uint8_t)name.len;
    memcpy(guarded->name, name.data, name.len);
    if (map_put(&guard->names, guarded_name(guarded), guarded) != OK) {
        free(guarded);
        return NULL;
    }
    return guarded;
}

enum err guard_restore(struct guard *guard, struct slice name, bool known, unsigned count, int64_t blocked_until, int64_t now)
{
    struct guarded *guarded = guarded_get(guard, name, known);
    if (guarded == NULL)
        return ERR_MEMORY;
    guarded->count = count;
    guarded->failed = now;
    guarded->blocked_until = blocked_until;
    settle(guard, guarded);
    return OK;
}

/* A block that is over, and failures that are a day old, count no more. */
static void forget_old(struct guarded *guarded, int64_t now)
{
    bool blocked = guarded->blocked_until > 0;
    if (blocked ? guarded->blocked_until > now : now - guarded->failed < GUARD_MEMORY_MS)
        return;
    guarded->count = 0;
    guarded->blocked_until = 0;
}

static unsigned seconds_until(int64_t until, int64_t now)
{
    int64_t ms = until > now ? until - now : 1;
    return (unsigned)((ms + 999) / 1000);
}

static enum err wait_in_line(struct guarded *guarded, struct guard_attempt *attempt, unsigned *retry_after)
{
    if (guarded->waiting >= WAITING_MAX) {
        *retry_after = 1;
        return ERR_UNAVAILABLE;
    }
    attempt->guarded = guarded;
    attempt->next = NULL;
    if (guarded->last != NULL)
        guarded->last->next = attempt;
    else
        guarded->first = attempt;
    guarded->last = attempt;
    guarded->waiting++;
    return ERR_AGAIN;
}

/* Whose turn is next, taken out of the line; the name stays busy for it. */
static struct guard_attempt *next_in_line(struct guarded *guarded)
{
    struct guard_attempt *next = guarded->first;
    if (next == NULL) {
        guarded->busy = false;
        return NULL;
    }
    guarded->first = next->next;
    if (guarded->first == NULL)
        guarded->last = NULL;
    guarded->waiting--;
    return next;
}

static enum err begin_locked(struct guarded *guarded, struct guard_attempt *attempt, int64_t now, unsigned *retry_after)
{
    bool its_turn = attempt->guarded == guarded;
    if (guarded->busy && !its_turn)
        return wait_in_line(guarded, attempt, retry_after);
    forget_old(guarded, now);
    if (guarded->blocked_until > 0) {
        *retry_after = seconds_until(guarded->blocked_until, now);
        return ERR_ACCOUNT_BLOCKED;
    }
    guarded->busy = true;
    attempt->guarded = guarded;
    return OK;
}

static void go(struct guard_attempt *next)
{
    if (next != NULL)
        strand_post(next->home, next->go);
}

enum err guard_begin(struct guard *guard, struct slice name, bool known, struct guard_attempt *attempt, int64_t now,
                     unsigned *retry_after)
{
    struct guard_attempt *next = NULL;
    pthread_mutex_lock(&guard->lock);
    struct guarded *guarded = attempt->guarded ? attempt->guarded : guarded_get(guard, name, known);
    enum err err = ERR_UNAVAILABLE;
    *retry_after = 1;
    if (guarded != NULL)
        err = begin_locked(guarded, attempt, now, retry_after);
    if (err == ERR_ACCOUNT_BLOCKED && attempt->guarded == guarded)
        next = next_in_line(guarded); /* it had waited for this */
    if (guarded != NULL)
        settle(guard, guarded);
    pthread_mutex_unlock(&guard->lock);
    go(next);
    return err;
}

static void note(struct guarded *guarded, enum guard_outcome outcome, int64_t now, int64_t block_ms, struct guard_record *record)
{
    if (outcome == GUARD_WRONG) {
        guarded->count++;
        guarded->failed = now;
        if (guarded->count >= GUARD_FAILURES)
            guarded->blocked_until = now + block_ms;
        record->changed = true;
    } else if (outcome == GUARD_RIGHT && guarded->count > 0) {
        guarded->count = 0;
        guarded->blocked_until = 0;
        record->changed = true;
    }
    record->count = guarded->count;
    record->blocked_until = guarded->blocked_until;
}

/* With the mutex held: what is decided next is submitted later. */
static void keep(struct guard *guard, struct store_failures *failures, const struct guard_record *record, int64_t now)
{
    failures->op.verb = STORE_FAILURES;
    failures->count = record->count;
    failures->blocked_until = record->blocked_until > 0 ? failures->time + record->blocked_until - now : 0;
    store_submit(guard->store, &failures->op);
}

struct guard_record guard_end(struct guard *guard, struct guard_attempt *attempt, enum guard_outcome outcome, int64_t now,
                              int64_t block_ms, struct store_failures *failures)
{
    struct guarded *guarded = attempt->guarded;
    assert(guarded != NULL && guarded->busy);
    struct guard_record record = {0};
    pthread_mutex_lock(&guard->lock);
    note(guarded, outcome, now, block_ms, &record);
    if (record.changed)
        keep(guard, failures, &record, now);
    struct guard_attempt *next = next_in_line(guarded);
    settle(guard, guarded);
    attempt->guarded = NULL;
    pthread_mutex_unlock(&guard->lock);
    go(next);
    return record;
}

bool guard_forgive(struct guard *guard, struct store_failures *failures)
{
    pthread_mutex_lock(&guard->lock);
    struct guarded *guarded = map_get(&guard->names, failures->name);
    bool had = guarded != NULL && guarded->count > 0;
    if (had) {
        guarded->count = 0;
        guarded->blocked_until = 0;
        keep(guard, failures, &(struct guard_record){0}, 0);
        settle(guard, guarded);
    }
    pthread_mutex_unlock(&guard->lock);
    return had;
}

void guard_not_stored(struct guard *guard, struct slice name, bool known)
{
    pthread_mutex_lock(&guard->lock);
    struct guarded *guarded = guarded_get(guard, name, known);
    if (guarded != NULL) {
        ring_add(&guard->unstored, &guarded->unstored);
        settle(guard, guarded);
    }
    pthread_mutex_unlock(&guard->lock);
}

bool guard_store_again(struct guard *guard, int64_t now, struct store_failures *failures, char *name)
{
    pthread_mutex_lock(&guard->lock);
    bool any = !ring_is_alone(&guard->unstored);
    if (any) {
        struct guarded *guarded = GUARDED_OF(guard->unstored.next, unstored);
        ring_remove(&guarded->unstored);
        forget_old(guarded, now);
        memcpy(name, guarded->name, guarded->name_len);
        failures->name = slice_of(name, guarded->name_len);
        keep(guard, failures, &(struct guard_record){.count = guarded->count, .blocked_until = guarded->blocked_until}, now);
        settle(guard, guarded);
    }
    pthread_mutex_unlock(&guard->lock);
    return any;
}

/* ---- addresses ---- */

/* Whoever has an IPv6 address has 2^64 of them: its network is what counts. */
static struct slice address_key(const char *address, char key[ADDRESS_KEY])
{
    struct in6_addr network;
    if (inet_pton(AF_INET6, address, &network) != 1 || IN6_IS_ADDR_V4MAPPED(&network))
        return slice_of(address, strnlen(address, ADDRESS_KEY - 1));
    memset(network.s6_addr + 8, 0, 8);
    inet_ntop(AF_INET6, &network, key, ADDRESS_KEY);
    return slice_str(key);
}

static void drain(struct bucket *bucket, int64_t now, unsigned per_minute)
{
    double gone = (double)(now - bucket->at) * per_minute / MINUTE_MS;
    bucket->failures = gone > 0 && gone < bucket->failures ? bucket->failures - gone : gone > 0 ? 0 : bucket->failures;
    bucket->at = now;
}

static void sweep_addresses(struct guard *guard, int64_t now, unsigned per_minute)
{
    struct bucket *bucket;
    for (size_t i = 0; (bucket = map_next(&guard->addresses, &i)) != NULL;) {
        drain(bucket, now, per_minute);
        if (bucket->failures > 0)
            continue;
        map_iter_remove(&guard->addresses, &i);
        free(bucket);
    }
}

enum err guard_address(struct guard *guard, const char *address, int64_t now, unsigned per_minute, unsigned *retry_after)
{
    enum err err = OK;
    if (per_minute == 0)
        return OK;
    char key[ADDRESS_KEY];
    pthread_mutex_lock(&guard->lock);
    struct bucket *bucket = map_get(&guard->addresses, address_key(address, key));
    if (bucket != NULL) {
        drain(bucket, now, per_minute);
        if (bucket->failures + 1 > per_minute) {
            *retry_after = (unsigned)((bucket->failures + 1 - per_minute) * 60 / per_minute) + 1;
            err = ERR_RATE_LIMITED;
        }
    }
    pthread_mutex_unlock(&guard->lock);
    return err;
}

static struct bucket *bucket_make(struct guard *guard, struct slice key, int64_t now, unsigned per_minute)
{
    if (map_count(&guard->addresses) >= ADDRESSES_MAX)
        sweep_addresses(guard, now, per_minute);
    if (map_count(&guard->addresses) >= ADDRESSES_MAX)
        return NULL;
    struct bucket *bucket = calloc(1, sizeof *bucket);
    if (bucket == NULL)
        return NULL;
    memcpy(bucket->address, key.data, key.len);
    bucket->at = now;
    if (map_put(&guard->addresses, slice_of(bucket->address, key.len), bucket) != OK) {
        free(bucket);
        return NULL;
    }
    return bucket;
}

void guard_address_failed(struct guard *guard, const char *address, int64_t now, unsigned per_minute)
{
    if (per_minute == 0)
        return;
    char space[ADDRESS_KEY];
    struct slice key = address_key(address, space);
    pthread_mutex_lock(&guard->lock);
    struct bucket *bucket = map_get(&guard->addresses, key);
    if (bucket == NULL)
        bucket = bucket_make(guard, key, now, per_minute);
    if (bucket != NULL) {
        drain(bucket, now, per_minute);
        bucket->failures++;
    }
    pthread_mutex_unlock(&guard->lock);
}
