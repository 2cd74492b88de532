/*
 * ended.h - the devices whose tokens ended last, by a logout or because the account had too many.
 *
 * A login whose token was looked up just before that is still on its way to a seat, where nobody looking for the device's seats
 * can find it. So it notes how many had ended when it began, and asks once it is seated whether its device is among those that
 * followed: either it sees that, or whoever ended the device sees its seat. Ids of devices are never used again.
 *
 * Of more than ENDED_KEPT that end during one login the first are not known any more. Any thread.
 */
#ifndef CHAT_ENDED_H
#define CHAT_ENDED_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

enum { ENDED_KEPT = 4096 };

struct ended {
    pthread_mutex_t lock;
    uint64_t count; /* so far */
    uint64_t devices[ENDED_KEPT];
};

void ended_init(struct ended *ended);
void ended_free(struct ended *ended);

uint64_t ended_count(struct ended *ended);
/* Its token is void already. */
void ended_add(struct ended *ended, uint64_t device);
/* Is it among those that ended since there were `before`? */
bool ended_since(struct ended *ended, uint64_t before, uint64_t device);

#endif
