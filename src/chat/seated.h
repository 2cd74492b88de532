/*
 * seated.h - what a participant is inside src/chat. Its owner sees chat/participant.h.
 *
 * Lives on its shard. After it has left, the struct stays until the operations it started have come home (`holds`).
 */
#ifndef CHAT_SEATED_H
#define CHAT_SEATED_H

#include "base/map.h"
#include "chat/participant.h"
#include "shard.h"

/* delivery.h explains the cursors and the modes. */
enum delivery_mode {
    DELIVERY_CATCHING_UP, /* reading the store; events only say that there is more */
    DELIVERY_STALLED,     /* the output is congested; as above, but waiting for it */
    DELIVERY_LIVE,        /* events are delivered as they come */
};

struct participant {
    struct shard *shard;
    struct user *user;
    uint64_t device;
    const struct participant_ops *ops; /* NULL once it has left */
    void *ctx;
    uint32_t slot, generation;
    uint64_t last_number; /* of a message stored from this device before it joined */
    unsigned holds;       /* operations under way */
    unsigned unanswered;  /* of those, requests to be answered */
    bool can_private;
    bool changing;       /* its password */
    struct user *recent; /* whom it last wrote to or heard from, mostly the next one, too; NULL: nobody yet */
    /* delivery.c */
    enum delivery_mode mode;
    bool again;     /* something came while catching up */
    bool fresh;     /* no horizon yet: what waits is what no device has acknowledged */
    bool overdue;   /* something below the horizon may be missing: withheld by a block, or its acknowledgement got lost */
    bool pending;   /* reading what waits unacknowledged, not everything since the horizon */
    bool unchecked; /* the horizon is the client's word */
    bool in_unflushed;
    int64_t joined_ms; /* wall */
    uint64_t begun;    /* revocations there had been when its login began */
    uint64_t horizon;
    struct map cursors;
    size_t held; /* memory of the cursors, as last counted into the shard's */
    struct catch_up *catching;
    struct participant *next_unflushed;
    /* introduction.c */
    struct introduction *introductions;
    unsigned introduction_count;
    struct invitation *invitations;
};

static inline void participant_hold(struct participant *participant)
{
    participant->holds++;
}

/* Frees it if it has left and this was the last. */
void participant_release(struct participant *participant);

#endif
