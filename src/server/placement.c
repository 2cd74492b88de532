/* placement.c - see placement.h. */
#include "server/placement.h"
#include <stdbool.h>

static bool is_full(const struct placement_loop *loop)
{
    return loop->busy >= PLACEMENT_FULL_BUSY || loop->connections >= PLACEMENT_FULL_CONNECTIONS;
}

static unsigned least_busy(const struct placement_loop loops[], unsigned count)
{
    unsigned best = 0;
    for (unsigned i = 1; i < count; i++)
        if (loops[i].busy < loops[best].busy)
            best = i;
    return best;
}

static unsigned fewest_connections(const struct placement_loop loops[], unsigned count)
{
    unsigned best = 0;
    for (unsigned i = 1; i < count; i++)
        if (loops[i].connections < loops[best].connections)
            best = i;
    return best;
}

unsigned placement_choose(enum placement placement, const struct placement_loop loops[], unsigned count)
{
    if (placement == PLACEMENT_SPREAD)
        return fewest_connections(loops, count);
    for (unsigned i = 0; i < count; i++)
        if (!is_full(&loops[i]))
            return i;
    return least_busy(loops, count);
}
