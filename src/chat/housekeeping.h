/* housekeeping.h - shard 0's chores: the sign of life that dates a crash, what could not be stored before, and the removal of
 * what need not be kept. */
#ifndef CHAT_HOUSEKEEPING_H
#define CHAT_HOUSEKEEPING_H

#include "shard.h"

enum err housekeeping_start(struct shard *shard);
void housekeeping_stop(struct shard *shard);
void housekeeping_free(struct shard *shard);

#endif
