/* placement.c - see placement.h. */
#include "server/placement.h"
#include <stdbool.h>

static bool is_full(const struct placement_loop *loop)
{
    return loop->busy >= PLACEMENT_FULL_BUSY || loop->connections >= PLACEMENT_FULL_CONNECTIONS;
}

static size_t busy(const struct placement_loop *loop)
{
    return loop->busy;
}

static size_t connections(const struct placement_loop *loop)
{
    return loop->connections;
}

static unsigned least(const struct placement_loop loops[], unsigned count, size_t (*figure)(const struct placement_loop *loop))
{
    unsigned best = 0;
    for (unsigned i = 1; i < count; i++)
        if (figure(&loops[i]) < figure(&loops[best]))
            best = i;
    return best;
}

unsigned placement_choose(enum placement placement, const struct placement_loop loops[], unsigned count)
{
    if (placement == PLACEMENT_SPREAD)
        return least(loops, count, connections);
    for (unsigned i = 0; i < count; i++)
        if (!is_full(&loops[i]))
            return i;
    return least(loops, count, busy);
}
