/* ended.c - see ended.h. */
#include "ended.h"

void ended_init(struct ended *ended)
{
    pthread_mutex_init(&ended->lock, NULL);
    ended->count = 0;
}

void ended_free(struct ended *ended)
{
    pthread_mutex_destroy(&ended->lock);
}

uint64_t ended_count(struct ended *ended)
{
    pthread_mutex_lock(&ended->lock);
    uint64_t count = ended->count;
    pthread_mutex_unlock(&ended->lock);
    return count;
}

void ended_add(struct ended *ended, uint64_t device)
{
    pthread_mutex_lock(&ended->lock);
    ended->devices[ended->count++ % ENDED_KEPT] = device;
    pthread_mutex_unlock(&ended->lock);
}

bool ended_since(struct ended *ended, uint64_t before, uint64_t device)
{
    bool found = false;
    pthread_mutex_lock(&ended->lock);
    uint64_t first = ended->count > ENDED_KEPT ? ended->count - ENDED_KEPT : 0;
    for (uint64_t i = before > first ? before : first; !found && i < ended->count; i++)
        found = ended->devices[i % ENDED_KEPT] == device;
    pthread_mutex_unlock(&ended->lock);
    return found;
}
