/* surplus.c - see surplus.h. */
#include "surplus.h"

enum { FIRST_MS = 1000, HASH_MS = 10, MOST_MS = 60 * 1000 };

unsigned surplus_wait(struct surplus *surplus, int64_t now)
{
    int64_t told = atomic_load(&surplus->told), next;
    do {
        next = (told > now + FIRST_MS ? told : now + FIRST_MS) + HASH_MS;
        if (next > now + MOST_MS)
            next = now + MOST_MS;
    } while (!atomic_compare_exchange_weak(&surplus->told, &told, next));
    return (unsigned)((next - now) / 1000);
}
