/*
 * introduction.h - bringing two devices together for a private channel: the request, its answer, and signals between them.
 *
 * A request is kept by the asker's participant until it is settled: by the first answer, by a time limit, or because the asker
 * takes it back or leaves. Signals need no record here: they go to one device of one user, as long as that user may be asked, and
 * a client ignores those of channels it knows nothing of. Only what a user accepts who is blocked by the asker is remembered, by
 * channel, so that they can signal on it. docs/PRIVATE.md.
 */
#ifndef CHAT_INTRODUCTION_H
#define CHAT_INTRODUCTION_H

#include "chat/participant.h"

enum {
    INTRODUCTIONS_MAX = 16, /* unsettled requests of one participant */
    SIGNAL_MAX = 20000,     /* bytes of a signal's payload */
};

/* ERR_UNKNOWN_USER, ERR_SELF, ERR_BLOCKED, ERR_OFFLINE, ERR_NO_PRIVATE (neither this device or no device of theirs can),
 * ERR_USAGE (asked already, or too many at once), ERR_MEMORY. */
enum err introduction_ask(struct participant *asker, struct slice name, const uint8_t channel[CHANNEL_SIZE]);
/* ERR_NO_PRIVATE: there is no such request (any more). */
enum err introduction_cancel(struct participant *asker, const uint8_t channel[CHANNEL_SIZE]);

struct introduction_answer {
    struct slice name; /* who asked */
    uint64_t device;   /* on which device */
    const uint8_t *channel, *nonce;
    bool accept;
};

/* What became of it comes as private_settled. ERR_UNKNOWN_USER, ERR_NO_PRIVATE (the asker has gone). */
enum err introduction_answer(struct participant *answerer, const struct introduction_answer *answer);

/* ERR_UNKNOWN_USER, ERR_SELF, ERR_BLOCKED, ERR_OFFLINE, ERR_TOO_LONG. */
enum err introduction_signal(struct participant *from, struct slice name, uint64_t device, const uint8_t channel[CHANNEL_SIZE],
                             struct slice payload);

#endif
