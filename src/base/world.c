#include "base/world.h"
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>
#include <time.h>

uint64_t world_random_u64(const struct world *world)
{
    uint64_t number;
    world->random->fill(world->random, &number, sizeof number);
    return number;
}

static int64_t read_ms(clockid_t id)
{
    struct timespec now = {0};
    clock_gettime(id, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int64_t system_wall_ms(struct clock *clock)
{
    return read_ms(CLOCK_REALTIME);
}

static int64_t system_mono_ms(struct clock *clock)
{
    return read_ms(CLOCK_MONOTONIC);
}

static void system_fill(struct random *random, void *data, size_t len)
{
    for (unsigned char *next = data; len > 0;) {
        ssize_t got = getrandom(next, len, 0);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            abort(); /* no randomness, no secrets: there is nothing safe to go on with */
        next += got;
        len -= (size_t)got;
    }
}

struct clock system_clock = {system_wall_ms, system_mono_ms};
struct random system_random = {system_fill};
