/*
 * call.h - one connection of an administrator: a request line in, an answer out.
 *
 * Whoever works on a call holds it (call_hold) and must end with call_done() or call_refuse(), on the loop, exactly once; the
 * peer may have gone by then, which changes nothing for the worker. Memory: the call is freed when it is answered (or its peer
 * has gone) and nobody holds it.
 */
#ifndef CONTROL_CALL_H
#define CONTROL_CALL_H

#include "chat/administration.h"
#include "control/control.h"
#include "net/watch.h"
#include "wire/validate.h"

enum {
    CALLS_MAX = 8,
    REQUEST_MAX = 1024,
    REST_MAX = 1 << 20, /* of a request beyond that, read and dropped so that its sender gets the answer and not a reset */
    ANSWER_MAX = 64 << 20,
    REST_MS = 1000,
    PATIENCE_MS = 10000, /* for the request; and so long may a reader stand still */
};

struct control {
    struct control_parts parts;
    struct control_lane *lanes;
    struct watch *watch;
    struct call *calls;
    unsigned call_count;
    struct timer rest;  /* after a connection could not be accepted */
    int64_t started_ms; /* mono */
    uint64_t copies;    /* names their files */
};

struct call {
    struct control *control;
    struct call *next, **place;
    struct watch *watch; /* NULL: the peer has gone */
    struct timer patience;
    struct buf in, out;
    bool asked, answered, finished; /* finished: the answer is out, and the rest of the request may come */
    size_t dropped;
    unsigned holds;
    int file; /* to be passed along with the first byte of the answer, or -1 */
    /* the request, for its handler */
    const struct command *command;
    struct name name;
    struct slice password; /* in `in` */
    /* what handlers need while they work */
    struct administration administration;
    struct store_backup backup;
    char path[4096];
    struct gather *gather;
};

void call_new(struct control *control, int fd);
void call_free(struct call *call);

static inline void call_hold(struct call *call)
{
    call->holds++;
}

/* Ends the answer, and the hold of whoever worked on it. */
void call_done(struct call *call);
void call_refuse(struct call *call, enum err err);
void call_refuse_text(struct call *call, const char *code, const char *text);

#endif
