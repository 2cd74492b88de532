/*
 * chat.h - the messenger itself: accounts and login, presence, delivery, broadcast, blocks, visibility. No bytes, no sockets.
 *
 * One `struct chat` per server; one `struct shard` of it per event loop. All calls with a shard, or with something that came from
 * it, are made on its loop's thread; callbacks come on it too, never inside the call that asked for them. Shards reach each
 * other through the bus, the disk through the store; both are injected, and so are the clock and randomness.
 *
 * The way of a connection: login.h decides who it is, participant.h makes it part of the conversation, until it leaves.
 */
#ifndef CHAT_CHAT_H
#define CHAT_CHAT_H

#include "base/world.h"
#include "bus/bus.h"
#include "crypto/password.h"
#include "store/store.h"

/* May change while serving: chat_configure() replaces them as a whole. */
struct chat_settings {
    int64_t block_duration_ms;  /* account block after three wrong passwords in a row */
    bool registration_open;     /* may an unknown name create an account */
    unsigned failures_a_minute; /* wrong passwords and unknown names per address; 0: no limit */
    unsigned devices;           /* kept per account; 0: no limit */
    uint64_t quota;             /* messages that may wait for one user; 0: no limit */
    int64_t retention_ms;       /* messages, once received; 0: for ever */
    int64_t device_ms;          /* tokens unused for so long expire; 0: never */
    int64_t private_ms;         /* so long a request for a private channel may wait for its answer */
    struct password_cost cost;
};

extern const struct chat_settings chat_settings_default;

/* All outlive the chat. */
struct chat_parts {
    unsigned shards;
    struct store *store;
    struct bus *bus;   /* with at least as many places as shards */
    struct pool *pool; /* for hashing */
    struct random *random;
    struct clock *clock;
};

struct chat;
struct shard;

/* Loads accounts, blocks and failures from the store. ERR_MEMORY and the store's errors. */
enum err chat_new(const struct chat_parts *parts, const struct chat_settings *settings, struct chat **out);

/* No shard may run any more, and every store operation must have come home. Takes NULL. */
void chat_free(struct chat **chat);

/* From any thread. ERR_MEMORY leaves the old ones in force. */
enum err chat_configure(struct chat *chat, const struct chat_settings *settings);

/* Before its loop runs; `world` must outlive the chat. Attaches the shard to the bus place of its index. */
enum err shard_new(struct chat *chat, unsigned index, const struct world *world, struct shard **out);

/* Stops the shard's timers, so that its loop can end. */
void shard_stop(struct shard *shard);

/* For the end of the turn: hands over what was staged for other shards, and for the store. */
void shard_flush(struct shard *shard);

/* Operations of the shard that have not come home yet; at 0 its loop may stop. */
size_t shard_in_flight(const struct shard *shard);

/* Memory, in bytes, that its participants take beside a fixed amount (participant_held() of each). */
size_t shard_held(const struct shard *shard);

struct chat_counters {
    uint64_t accounts, users_online, sessions;
    uint64_t accepted, delivered; /* messages since the start: stored; passed to devices */
    uint64_t hashed;              /* passwords since the start, right or wrong */
};
/* Any thread. */
void chat_count(struct chat *chat, struct chat_counters *counters);

#endif
