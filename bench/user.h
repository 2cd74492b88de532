/*
 * user.h - one user of the load: a connection, who it is, and what it has counted.
 *
 * What a user says goes through a tongue, earshot's protocol or the limit's; what it hears comes back through user_*(), which
 * check that each message arrives once and in order, and tell the workload. Deliveries are acknowledged as libearshot does it:
 * cumulatively, with whatever else goes out, or 100 ms after the last time.
 */
#ifndef BENCH_USER_H
#define BENCH_USER_H

#include "turn.h"

struct load;

enum { STAMP_SIZE = 24, BODY_MOST = 16384, ACKNOWLEDGE_MS = 100 };

struct user {
    struct link link;
    struct load *load;
    unsigned index;
    bool online, welcome, due, listed;
    uint64_t number;           /* of the last request */
    uint64_t unanswered;       /* messages under way */
    uint32_t sent, expected;   /* sequence of what it sends; of what it has to hear next */
    uint64_t conversation, id; /* of the last message it got, to be acknowledged */
    int64_t connecting;        /* when it began to */
    int64_t next_acknowledgement;
    struct user *next_due;
};

/* A protocol. `hear` gets what has arrived and says how much of it made whole frames. */
struct tongue {
    const char *name;
    void (*login)(struct user *user);
    void (*message)(struct user *user, unsigned to, struct slice body);
    void (*broadcast)(struct user *user, struct slice body);
    void (*received)(struct user *user);
    void (*ping)(struct user *user);
    size_t (*hear)(struct user *user, struct slice bytes);
};

extern const struct tongue tongue_earshot, tongue_limit;

/* Speaking: stamped with the sequence number and the time from which it counts. */
void user_send(struct user *user, unsigned to, uint32_t sequence, int64_t when);
void user_broadcast(struct user *user, uint32_t sequence, int64_t when);
void user_connect(struct user *user);
void user_acknowledge_late(struct load *load); /* now and then: those that had nothing else to say */

/* Hearing, from the tongues. */
void user_welcomed(struct user *user);
void user_caught_up(struct user *user);
void user_accepted(struct user *user);
void user_heard(struct user *user, struct slice body, bool acknowledged);

extern const struct link_ops user_ops;

#endif
