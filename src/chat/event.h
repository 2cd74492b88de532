/*
 * event.h - what shards tell each other over the bus: a fixed head, then a body.
 *
 * Users go by id, participants by seat. An event for a seat whose participant has gone is dropped: what matters is in the store.
 */
#ifndef CHAT_EVENT_H
#define CHAT_EVENT_H

#include "base/slice.h"

#include <stdint.h>

enum event_kind {
    EVENT_MESSAGE,         /* a stored message, for the participant at the seat */
    EVENT_BROADCAST,       /* to all: from `sender`; its body */
    EVENT_PRESENCE,        /* to all: `sender` came or went, at `version` */
    EVENT_FAREWELL,        /* to the seat: it must leave; `reason` */
    EVENT_RELEASE,         /* to the seat: its user has unblocked `sender`, whose withheld messages may come now */
    EVENT_PRIVATE_REQUEST, /* to the seat: `sender` asks for a private channel */
    EVENT_PRIVATE_ANSWER,  /* to the asker's seat: `sender` has answered; `reason`: yes */
    EVENT_PRIVATE_SETTLED, /* to the seat: the request of or to `sender` is over; `reason` */
    EVENT_SIGNAL,          /* to the seat: from `sender`'s device */
    EVENT_KIND_COUNT
};

struct event {
    uint32_t kind, reason;
    uint32_t slot, generation;
    uint64_t sender, receiver; /* user ids */
    uint64_t conversation, id, previous;
    uint64_t version;
    int64_t time_ms;
    uint64_t device;     /* of the private ones: the other end's */
    uint8_t channel[16]; /* likewise */
};

struct shard;

/* Each handled in its own file. */
void delivery_on_message(struct shard *shard, const struct event *event, struct slice body);
void delivery_on_release(struct shard *shard, const struct event *event, struct slice body);
void broadcast_on_event(struct shard *shard, const struct event *event, struct slice body);
void presence_on_event(struct shard *shard, const struct event *event, struct slice body);
void participant_on_farewell(struct shard *shard, const struct event *event, struct slice body);
void introduction_on_request(struct shard *shard, const struct event *event, struct slice body);
void introduction_on_answer(struct shard *shard, const struct event *event, struct slice body);
void introduction_on_settled(struct shard *shard, const struct event *event, struct slice body);
void introduction_on_signal(struct shard *shard, const struct event *event, struct slice body);

#endif
