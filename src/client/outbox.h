/*
 * outbox.h - requests without a final answer: those that wait to be sent, and those that wait for their answer.
 *
 * One list in the order of asking. A request gets its number on the wire when it is first sent and keeps it, so that the server
 * recognises a message that is sent again. When a connection is lost everything that was in flight waits again, in the same
 * order, before what was never sent. Capped in requests and bytes. Pure: no socket, no clock.
 */
#ifndef CLIENT_OUTBOX_H
#define CLIENT_OUTBOX_H

#include "wire/codec.h"
#include "wire/validate.h"

enum { OUTBOX_REQUESTS = 10000, OUTBOX_BYTES = 16 << 20 };

/* A request's kind is the body of its ClientFrame, REQUEST(MESSAGE) and so on, */
#define REQUEST(body) EARSHOT__CLIENT_FRAME__BODY_##body
/* or one of these, which never go to the server: see private.h. */
enum { REQUEST_PRIVATE = -3, REQUEST_TRUST, REQUEST_VERIFY };

struct request {
    struct request *previous, *next;
    int64_t id;      /* what the caller knows it by */
    uint64_t number; /* on the wire; 0: never sent */
    int kind;
    bool in_flight; /* sent on the present connection */
    bool repeated;  /* sent before on an earlier one */
    bool accept;
    struct name user;
    uint64_t seconds;
    uint64_t device;     /* of private channels: the other end's */
    uint8_t channel[16]; /* and which */
    uint8_t *users;      /* names that came so far, each with its NUL */
    size_t users_len, users_size, user_count;
    size_t body_len;
    uint8_t body[];
};

struct outbox {
    struct request *first, *last;
    struct request *unsent;                   /* the first that is not in flight */
    size_t count, bytes, in_flight, messages; /* messages: those that carry text, broadcasts too */
    size_t users_bytes;
    int64_t next_id;
};

void outbox_init(struct outbox *outbox);
void outbox_free(struct outbox *outbox);

/* Copies the fields that say what is asked; its id is what->id, or the next one if that is 0. ERR_CAP, ERR_MEMORY. */
enum err outbox_add(struct outbox *outbox, const struct request *what, struct slice body, int64_t *id);

void outbox_sent(struct outbox *outbox, struct request *request, uint64_t number);
/* It was sent, and waits again in its place. */
void outbox_again(struct outbox *outbox, struct request *request);
/* In flight under that number, or NULL. */
struct request *outbox_find(const struct outbox *outbox, uint64_t number);
/* Takes it out of the box; the caller frees it. */
void outbox_take(struct outbox *outbox, struct request *request);
void request_free(struct request **request);

/* One more name of the answer to whoelse. ERR_CAP when all such answers together are beyond OUTBOX_BYTES; ERR_MEMORY. */
enum err outbox_add_user(struct outbox *outbox, struct request *request, const struct name *user);

#endif
