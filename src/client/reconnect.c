/* reconnect.c - see reconnect.h. */
#include "reconnect.h"

void reconnect_init(struct reconnect *reconnect)
{
    *reconnect = (struct reconnect){.ceiling_ms = RECONNECT_FIRST_MS, .online_since = -1};
}

void reconnect_online(struct reconnect *reconnect, const struct world *world)
{
    reconnect->online_since = world_mono_ms(world);
}

static int64_t jitter(const struct world *world, int64_t most)
{
    return (int64_t)(world_random_u64(world) % (uint64_t)(most + 1));
}

int64_t reconnect_pause(struct reconnect *reconnect, const struct world *world, unsigned retry_after)
{
    if (reconnect->online_since >= 0 && world_mono_ms(world) - reconnect->online_since >= RECONNECT_LASTED_MS)
        reconnect->ceiling_ms = RECONNECT_FIRST_MS;
    reconnect->online_since = -1;
    int64_t pause = jitter(world, reconnect->ceiling_ms);
    reconnect->ceiling_ms = reconnect->ceiling_ms * 2 < RECONNECT_MOST_MS ? reconnect->ceiling_ms * 2 : RECONNECT_MOST_MS;
    if (retry_after > 0)
        pause = (int64_t)(retry_after < RECONNECT_OBEY_S ? retry_after : RECONNECT_OBEY_S) * 1000 + jitter(world, 1000);
    return pause;
}
