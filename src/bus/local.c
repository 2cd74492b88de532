/*
 * local.c - the bus inside one process.
 *
 * Each place has an inbox (a byte vector under a mutex) and, for each destination, a staging vector that only its own loop
 * touches. A flush appends a staged vector to the inbox under one lock, or swaps the two when the inbox is empty; the destination
 * is woken once until it has drained. A record is a 64-bit length and the message, padded to 8 bytes.
 */
#include "bus/bus.h"

#include <pthread.h>
#include <stdlib.h>

enum { RECORD_ALIGN = 8 };

struct vector {
    uint8_t *bytes;
    size_t len, size;
};

struct inbox {
    struct task wake; /* first: the strand gives it back */
    struct bus_place how;
    pthread_mutex_t lock;
    struct vector waiting; /* under lock */
    bool woken, missed;    /* under lock */
    struct vector reading; /* the destination's own */
};

struct staged {
    struct vector vector;
    bool missed;
};

struct local {
    struct bus bus;
    size_t inbox_cap;
    struct inbox *inboxes;
    struct staged *staged; /* [from * places + to] */
};

static void vector_free(struct vector *vector)
{
    free(vector->bytes);
    *vector = (struct vector){0};
}

static bool vector_room(struct vector *vector, size_t len)
{
    if (vector->len + len <= vector->size)
        return true;
    size_t size = vector->size ? vector->size : 4096;
    while (size < vector->len + len)
        size *= 2;
    uint8_t *bytes = realloc(vector->bytes, size);
    if (bytes == NULL)
        return false;
    vector->bytes = bytes;
    vector->size = size;
    return true;
}

/* A burst must not hold its memory for ever. */
static void vector_trim(struct vector *vector)
{
    vector->len = 0;
    if (vector->size > 1 << 20)
        vector_free(vector);
}

static void inbox_read(struct inbox *inbox)
{
    struct vector *reading = &inbox->reading;
    for (size_t at = 0; at < reading->len;) {
        uint64_t len;
        memcpy(&len, reading->bytes + at, sizeof len);
        at += sizeof len;
        inbox->how.receive(inbox->how.ctx, slice_of(reading->bytes + at, len));
        at += (len + RECORD_ALIGN - 1) / RECORD_ALIGN * RECORD_ALIGN;
    }
    vector_trim(reading);
}

static void inbox_wake(struct task *task)
{
    struct inbox *inbox = (struct inbox *)task;
    pthread_mutex_lock(&inbox->lock);
    struct vector filled = inbox->waiting;
    inbox->waiting = inbox->reading;
    inbox->reading = filled;
    bool missed = inbox->missed;
    inbox->missed = false;
    inbox->woken = false;
    pthread_mutex_unlock(&inbox->lock);
    if (missed)
        inbox->how.missed(inbox->how.ctx);
    inbox_read(inbox);
}

static void local_attach(struct bus *bus, unsigned place, const struct bus_place *how)
{
    ((struct local *)bus)->inboxes[place].how = *how;
}

static void local_send(struct bus *bus, unsigned from, unsigned to, const struct slice parts[], size_t count)
{
    struct local *local = (struct local *)bus;
    struct staged *staged = &local->staged[from * bus->places + to];
    uint64_t len = 0;
    for (size_t i = 0; i < count; i++)
        len += parts[i].len;
    size_t need = sizeof len + (len + RECORD_ALIGN - 1) / RECORD_ALIGN * RECORD_ALIGN;
    struct vector *vector = &staged->vector;
    if (vector->len + need > local->inbox_cap || !vector_room(vector, need)) {
        staged->missed = true;
        return;
    }
    uint8_t *at = vector->bytes + vector->len;
    memcpy(at, &len, sizeof len);
    at += sizeof len;
    for (size_t i = 0; i < count; i++) {
        if (parts[i].len > 0)
            memcpy(at, parts[i].data, parts[i].len);
        at += parts[i].len;
    }
    memset(at, 0, (size_t)(vector->bytes + vector->len + need - at));
    vector->len += need;
}

static void hand_over(struct local *local, struct inbox *inbox, struct staged *staged)
{
    struct vector *from = &staged->vector;
    pthread_mutex_lock(&inbox->lock);
    inbox->missed |= staged->missed;
    if (inbox->waiting.len == 0) {
        struct vector empty = inbox->waiting;
        inbox->waiting = *from;
        *from = empty;
    } else if (inbox->waiting.len + from->len <= local->inbox_cap && vector_room(&inbox->waiting, from->len)) {
        if (from->len > 0)
            memcpy(inbox->waiting.bytes + inbox->waiting.len, from->bytes, from->len);
        inbox->waiting.len += from->len;
    } else {
        inbox->missed = true;
    }
    bool wake = !inbox->woken;
    inbox->woken = true;
    pthread_mutex_unlock(&inbox->lock);
    staged->missed = false;
    vector_trim(from);
    if (wake)
        strand_post(inbox->how.strand, &inbox->wake);
}

static void local_flush(struct bus *bus, unsigned from)
{
    struct local *local = (struct local *)bus;
    for (unsigned to = 0; to < bus->places; to++) {
        struct staged *staged = &local->staged[from * bus->places + to];
        if (staged->vector.len > 0 || staged->missed)
            hand_over(local, &local->inboxes[to], staged);
    }
}

static void local_free(struct bus **bus)
{
    struct local *local = (struct local *)*bus;
    unsigned places = local->bus.places;
    for (unsigned i = 0; local->staged && i < places * places; i++)
        vector_free(&local->staged[i].vector);
    for (unsigned i = 0; local->inboxes && i < places; i++) {
        vector_free(&local->inboxes[i].waiting);
        vector_free(&local->inboxes[i].reading);
        pthread_mutex_destroy(&local->inboxes[i].lock);
    }
    free(local->staged);
    free(local->inboxes);
    free(local);
    *bus = NULL;
}

static const struct bus_ops local_ops = {
    .attach = local_attach,
    .send = local_send,
    .flush = local_flush,
    .free = local_free,
};

enum err bus_local_new(unsigned places, size_t inbox_cap, struct bus **out)
{
    struct local *local = calloc(1, sizeof *local);
    if (local == NULL)
        return ERR_MEMORY;
    local->bus = (struct bus){&local_ops, places};
    local->inbox_cap = inbox_cap;
    local->inboxes = calloc(places, sizeof *local->inboxes);
    local->staged = calloc((size_t)places * places, sizeof *local->staged);
    struct bus *bus = &local->bus;
    if (local->inboxes == NULL || local->staged == NULL) {
        local->bus.places = 0;
        local_free(&bus);
        return ERR_MEMORY;
    }
    for (unsigned i = 0; i < places; i++) {
        pthread_mutex_init(&local->inboxes[i].lock, NULL);
        local->inboxes[i].wake.run = inbox_wake;
    }
    *out = bus;
    return OK;
}
