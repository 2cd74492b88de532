/* placement.c - see placement.h. */
#include "server/placement.h"

void placement_see(struct placement_loop *loop, unsigned busy, unsigned passed_ms)
{
    if (busy >= PLACEMENT_CALM_BUSY) {
        loop->calm_ms = 0;
        loop->hot = loop->hot || busy >= PLACEMENT_FULL_BUSY;
        return;
    }
    unsigned left = PLACEMENT_CALM_MS - loop->calm_ms;
    loop->calm_ms += passed_ms < left ? passed_ms : left;
    if (loop->calm_ms == PLACEMENT_CALM_MS)
        loop->hot = false;
}

static bool is_full(const struct placement_loop *loop)
{
    return loop->hot || loop->connections >= PLACEMENT_FULL_CONNECTIONS || loop->entering >= PLACEMENT_FULL_ENTERING;
}

static size_t entering(const struct placement_loop *loop)
{
    return loop->entering;
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
    return least(loops, count, entering);
}
