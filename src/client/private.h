/*
 * private.h - private channels of one client: who asks, who is asked, what is open. docs/PRIVATE.md has the protocol.
 *
 * Without sockets: the world gives time and randomness, `struct transport` the channels, `struct private_ops` the way to the
 * server and to the user. One thread. privates_wish only notes what the user wants; events come from timers, from the transport's
 * callbacks and from the functions that tell what the server said.
 *
 * Between two users there is one channel at most, and one request that waits here. A channel goes
 *
 *     ASKED (we asked) or ANSWERED (we said yes) -> CONNECTING -> PROVING -> OPEN
 *
 * and ends in exactly one of: an error that answers the request which began it, or, once open, private_closed.
 */
#ifndef CLIENT_PRIVATE_H
#define CLIENT_PRIVATE_H

#include "base/world.h"
#include "contacts.h"
#include "earshot/client.h"
#include "outbox.h"
#include "transport.h"
#include "wire/codec.h"

struct privates;

struct private_ops {
    void (*event)(void *ctx, const struct earshot_event *event);
    /* To the server: STARTPRIVATE, ANSWERPRIVATE, STOPPRIVATE or SIGNAL. Its end comes as privates_answered, unless this fails.
     */
    enum err (*ask)(void *ctx, const struct request *what, struct slice body);
    void (*idle)(void *ctx); /* nothing waits for an answer any more */
};

struct private_options {
    const struct world *world;
    const struct private_ops *ops;
    void *ctx;
    const struct transport *transport;
    void *transport_ctx;
    const struct identity *identity;
    struct contacts *contacts;
    const struct name *self; /* known by the time the client is online */
};

enum { PRIVATE_CHANNELS = 64, PRIVATE_REQUESTS = 64, PRIVATE_RELAYS = 16 };

/* Keeps what the options point to. ERR_MEMORY. */
enum err privates_new(const struct private_options *options, struct privates **out);
/* Without events; the other ends of open channels are told. Takes NULL. */
void privates_free(struct privates **privates);

/* What a user wants, with the number that its answer carries. ERR_CAP, ERR_MEMORY. */
enum err privates_wish(struct privates *privates, const struct request *what, struct slice body);
/* Wishes and texts without an answer. */
size_t privates_unanswered(const struct privates *privates);

/* What the server said. `error` EARSHOT_OK for Done. */
void privates_answered(struct privates *privates, const struct request *request, enum earshot_error error, const char *text);
void privates_request(struct privates *privates, const Earshot__PrivateRequest *request);
void privates_settled(struct privates *privates, const Earshot__PrivateSettled *settled);
void privates_signal(struct privates *privates, const Earshot__Signal *signal);
void privates_server_lost(struct privates *privates);

/* Stops everything and tells the other ends; answers what has no answer. More may begin afterwards. */
void privates_end(struct privates *privates, const char *reason);

#endif
