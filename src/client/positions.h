/*
 * positions.h - what has been received, per conversation: it keeps anything from being delivered twice, and knows what to
 * acknowledge.
 *
 * A position is the highest id received in a conversation. They are kept in order of their last use, so that a resume names the
 * most recent ones and a full table forgets the oldest. `horizon` is that of the last CaughtUp: the server has sent everything up
 * to it, so that positions at or below it are only kept while there are few. Pure.
 */
#ifndef CLIENT_POSITIONS_H
#define CLIENT_POSITIONS_H

#include "base/map.h"

enum { POSITIONS_MOST = 65536, POSITIONS_EASY = 4096, POSITIONS_FRAME = 2000 };

struct position {
    struct position *older, *newer;
    struct position *next_due;
    bool due; /* to be acknowledged */
    uint64_t conversation, id;
};

struct positions {
    struct map map;
    struct position *oldest, *newest;
    struct position *first_due, *last_due;
    uint64_t horizon;
    bool caught_up; /* once: the horizon says something, also when it is 0 */
};

void positions_init(struct positions *positions, const uint64_t seed[2]);
void positions_free(struct positions *positions);

/* OK: it is new, and now received. ERR_EXISTS: it was delivered before. Both make an acknowledgement due. ERR_MEMORY. */
enum err positions_note(struct positions *positions, uint64_t conversation, uint64_t id);

void positions_caught_up(struct positions *positions, uint64_t horizon);

/* The next position to acknowledge, or NULL; it is then due no more. Valid until the next call of positions_note. */
const struct position *positions_take_due(struct positions *positions);

/* Positions above the horizon, the most recent first, `most` of them; returns how many. */
size_t positions_since_horizon(const struct positions *positions, const struct position *out[], size_t most);

#endif
