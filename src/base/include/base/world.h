/*
 * world.h - what a part of the program knows of the outside, injected.
 *
 * Time, timers, randomness and the strand it runs on. A loop gives its own; a simulation gives fakes, and two days pass in
 * milliseconds. Everything above src/net takes the time from here and nowhere else.
 */
#ifndef BASE_WORLD_H
#define BASE_WORLD_H

#include "base/strand.h"
#include "base/timer.h"

struct clock {
    int64_t (*wall_ms)(struct clock *clock); /* milliseconds since 1970 UTC; may jump */
    int64_t (*mono_ms)(struct clock *clock); /* never goes back; arbitrary start */
};

struct random {
    void (*fill)(struct random *random, void *data, size_t len);
};

struct world {
    struct clock *clock;
    struct timers *timers;
    struct random *random;
    struct strand *strand;
};

static inline int64_t world_wall_ms(const struct world *world)
{
    return world->clock->wall_ms(world->clock);
}

static inline int64_t world_mono_ms(const struct world *world)
{
    return world->clock->mono_ms(world->clock);
}

uint64_t world_random_u64(const struct world *world);

/* The system's own: CLOCK_REALTIME, CLOCK_MONOTONIC, getrandom(2). Safe from any thread. */
extern struct clock system_clock;
extern struct random system_random;

#endif
