/*
 * bus.h - byte messages between event loops, and later between server nodes. What they mean is src/chat's business.
 *
 * A place is a loop, numbered from 0. bus_send() and bus_publish() are called on the loop of `from`: they copy the bytes into a
 * staging vector per destination; bus_flush(), at the end of the turn, hands each vector over under one lock and wakes its place
 * once. Messages from one place to another arrive in order, in `receive`, on the destination's strand; never inside the sending
 * call.
 *
 * The bus is a hint, not a record: a destination that does not keep up (its inbox at the cap) loses messages and is told so by
 * `missed` before the next one that arrives. Whoever needs more certainty reads the store.
 */
#ifndef BUS_BUS_H
#define BUS_BUS_H

#include "base/slice.h"
#include "base/strand.h"

struct bus;

struct bus_place {
    void *ctx;
    struct strand *strand;
    void (*receive)(void *ctx, struct slice message); /* valid during the call, 8-byte aligned */
    void (*missed)(void *ctx);
};

struct bus_ops {
    void (*attach)(struct bus *bus, unsigned place, const struct bus_place *how);
    void (*send)(struct bus *bus, unsigned from, unsigned to, const struct slice parts[], size_t count);
    void (*flush)(struct bus *bus, unsigned from);
    void (*free)(struct bus **bus);
};

struct bus {
    const struct bus_ops *ops;
    unsigned places;
};

/* Once per place, before the first message to it. `how` is copied. */
static inline void bus_attach(struct bus *bus, unsigned place, const struct bus_place *how)
{
    bus->ops->attach(bus, place, how);
}

/* One message of several parts, to one place (which may be `from` itself). */
static inline void bus_send(struct bus *bus, unsigned from, unsigned to, const struct slice parts[], size_t count)
{
    bus->ops->send(bus, from, to, parts, count);
}

/* To every place, `from` included. */
static inline void bus_publish(struct bus *bus, unsigned from, const struct slice parts[], size_t count)
{
    for (unsigned to = 0; to < bus->places; to++)
        bus_send(bus, from, to, parts, count);
}

static inline void bus_flush(struct bus *bus, unsigned from)
{
    bus->ops->flush(bus, from);
}

static inline void bus_free(struct bus **bus)
{
    if (*bus != NULL)
        (*bus)->ops->free(bus);
}

/* Within one process. inbox_cap: bytes that may wait at a place. ERR_MEMORY. */
enum err bus_local_new(unsigned places, size_t inbox_cap, struct bus **out);

#endif
