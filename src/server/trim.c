/* trim.c - see server/trim.h. */
#include "server/trim.h"

#ifdef __GLIBC__
#include <malloc.h>

static void work(struct job *job)
{
    malloc_trim(0);
}
#else
static void work(struct job *job)
{
}
#endif

static void done(struct job *job)
{
    ((struct trim *)((char *)job - offsetof(struct trim, job)))->under_way = false;
}

void trim_init(struct trim *trim, struct pool *pool, const struct world *world)
{
    *trim = (struct trim){.pool = pool, .world = world};
}

void trim_note(struct trim *trim, size_t held)
{
    if (held > trim->most)
        trim->most = held;
    if (trim->most - held < TRIM_BYTES || trim->under_way)
        return;
    int64_t now = world_mono_ms(trim->world);
    if (now < trim->next)
        return;
    trim->job = (struct job){.home = trim->world->strand, .work = work, .done = done};
    if (pool_submit(trim->pool, &trim->job) != OK)
        return; /* at the end of a later turn */
    trim->under_way = true;
    trim->most = held;
    trim->next = now + TRIM_REST_MS;
}
