/*
 * participant.h - one logged-in device, as the messenger knows it: what it may ask, and what it is told.
 *
 * A participant belongs to its shard. It exists from participant_join() to participant_leave(), after which no callback comes.
 * Callbacks may call participant_*() but not leave; whoever wants to go says so after the callback (the session does it at the
 * end of its turn).
 */
#ifndef CHAT_PARTICIPANT_H
#define CHAT_PARTICIPANT_H

#include "base/buf.h"
#include "chat/login.h"

struct participant;

enum farewell {
    FAREWELL_REPLACED, /* the same device joined again */
    FAREWELL_REVOKED,  /* the account or device may no longer be logged in */
    FAREWELL_KICKED,   /* an administrator ends the session */
};

struct chat_message {
    uint64_t conversation, id;
    struct slice from, to, body;
    int64_t time_ms;
    bool stored; /* it waited for this login */
};

struct chat_answer {
    enum err err;
    uint64_t id;          /* of a message */
    int64_t time_ms;      /* of a message */
    uint64_t searched;    /* of a message whose number had to be looked for: steps that took, see store_append */
    unsigned retry_after; /* seconds; 0 if waiting does not help, or nobody knows */
};

/* Introductions for private channels: chat/introduction.h has the verbs. */
enum { CHANNEL_SIZE = 16, NONCE_SIZE = 16 };

enum settlement { SETTLED_ACCEPTED, SETTLED_DECLINED, SETTLED_EXPIRED, SETTLED_CANCELLED };

struct chat_private {
    struct slice with;          /* the other user */
    uint64_t device;            /* the other end's; settled: 0 if accepted on another device */
    const uint8_t *channel;     /* CHANNEL_SIZE */
    struct slice content;       /* settled: the answerer's nonce, may be empty; signal: the payload */
    enum settlement settlement; /* settled */
};

/*
 * Told to the participant. `memo` is scratch shared by all participants of the shard that get the same event: empty for the
 * first, who may leave its encoding there for the others.
 */
struct participant_ops {
    void (*answer)(void *ctx, uint64_t number, const struct chat_answer *answer);
    void (*message)(void *ctx, const struct chat_message *message);
    void (*broadcast)(void *ctx, const struct chat_message *broadcast, struct buf *memo);
    void (*presence)(void *ctx, struct slice name, bool online, struct buf *memo);
    void (*private_request)(void *ctx, const struct chat_private *request);
    void (*private_settled)(void *ctx, const struct chat_private *settled);
    void (*signal)(void *ctx, const struct chat_private *signal);
    void (*caught_up)(void *ctx, uint64_t horizon);
    void (*farewell)(void *ctx, enum farewell why); /* must leave soon */
    bool (*congested)(void *ctx);                   /* too much output waits: no more stored messages for now */
};

/* What a resumed device already has. */
struct resume {
    bool continues;                         /* the same run that had `horizon` and `positions` */
    uint64_t horizon;                       /* everything stored up to this was sent to it */
    const struct store_position *positions; /* and per conversation up to these */
    size_t count;
    bool can_private; /* capability: private channels */
};

/* Presence, and delivery of what waits, begin. A participant of the same device is told FAREWELL_REPLACED. ERR_MEMORY;
 * ERR_WRONG_PASSWORD: the account was disabled or got another password, or the device was logged out, while this login was
 * under way. */
enum err participant_join(struct shard *shard, const struct login *who, const struct resume *resume,
                          const struct participant_ops *ops, void *ctx, struct participant **out);
/* The last one of a user takes it offline. `forget`: the device's token ends too (logout). Takes a pointer to NULL. */
void participant_leave(struct participant **participant, bool forget);

struct slice participant_name(const struct participant *participant);
uint64_t participant_device(const struct participant *participant);
int64_t participant_joined_ms(const struct participant *participant); /* wall */

size_t participant_held(const struct participant *participant); /* memory of what is remembered about conversations */

/* The output is no longer congested. */
void participant_drained(struct participant *participant);

/* Answered through ops->answer, with the same number, when it is done. */
void participant_message(struct participant *participant, uint64_t number, struct slice to, struct slice body);
void participant_block(struct participant *participant, uint64_t number, struct slice name, bool on);
/* Another password, see login_change_password(); one at a time: else, at once, ERR_RATE_LIMITED. ERR_UNAVAILABLE. Copies what it
 * is given. */
enum err participant_password(struct participant *participant, uint64_t number, struct slice current, struct slice another,
                              const char *address);
/* Of those, how many have no answer yet. */
size_t participant_unanswered(const struct participant *participant);

/* To everyone online who may see it. delivered: users; withheld: somebody online was left out. */
enum err participant_broadcast(struct participant *participant, struct slice body, unsigned *delivered, bool *withheld);

/* Names, sorted, in an array from `arena`; the names themselves live for ever. seconds < 0: who is online now; else: who was at
 * any time in the last `seconds`. ERR_MEMORY. */
enum err participant_who(struct participant *participant, int64_t seconds, struct arena *arena, struct slice **names,
                         size_t *count);

/* How many there are in all. */
size_t participant_accounts(const struct participant *participant);

/* Has it been sent messages that it has not acknowledged? */
bool participant_unacknowledged(const struct participant *participant);

/* Delivery acknowledgements: received up to and including `id`. What was never sent is ignored. */
void participant_received(struct participant *participant, uint64_t conversation, uint64_t id);

#endif
