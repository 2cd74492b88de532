/*
 * connected.h - what a session and its hub are inside src/session. Others see session/session.h.
 */
#ifndef SESSION_CONNECTED_H
#define SESSION_CONNECTED_H

#include "session/session.h"
#include "wire/codec.h"
#include "wire/validate.h"

enum session_state {
    STATE_NEW = 1,     /* nothing heard yet */
    STATE_GREETED = 2, /* said hello */
    STATE_ONLINE = 4,  /* logged in */
    STATE_ENDING = 8,  /* goodbye has been said */
};

struct hub {
    const struct world *world;
    struct shard *shard;
    struct session_settings settings;
    struct arena arena;        /* of the frame being handled */
    struct buf out;            /* of the frame being written */
    struct session *sessions;  /* all */
    struct session *postponed; /* with something to do at the end of the turn */
    size_t count;
    size_t held; /* memory of all sessions' input and lists */
    bool stopping;
};

struct session {
    struct hub *hub;
    const struct session_link *ops;
    void *link; /* NULL once it is gone */
    struct session *next, **prev;
    struct session *next_postponed;
    bool is_postponed;
    enum session_state state;
    struct buf in;
    struct participant *participant;
    struct credentials *credentials; /* cmd_login.c: a login under way */
    struct listing *listing;         /* cmd_who.c: an answer that waits for room in the output */
    size_t held;                     /* memory of input and listing, as last counted into the hub's */
    struct timer timer;
    int64_t opened_ms, heard_ms, command_ms; /* mono */
    int64_t lenience_ms;                     /* see end_inactive() */
    int64_t frame_ms;                        /* since when a frame has been incomplete; 0: none is */
    uint64_t written, goal;                  /* bytes given to the link; and how many of them it has to be rid of */
    int64_t goal_ms;                         /* since when; 0: nothing waits */
    int64_t tokens_ms, light_ms;             /* when the buckets (gate.c) were last looked at */
    double tokens, light;
    uint64_t logout_number;
    unsigned failed_logins;
    bool can_private, paused;
    bool resting;        /* it sent so much that it is not read for a moment (gate.c) */
    bool leaving;        /* it asked to be logged out, and waits for its answers */
    bool forget;         /* the device's token ends with the session */
    bool cut;            /* no more writing: goodbye has been said, the reader is too slow, or the link gone */
    bool closing;        /* the link has been asked to close */
    const char *address; /* the link's */
};

/* A command: the inactivity timeout begins anew. */
static inline void session_active(struct session *session)
{
    session->command_ms = world_mono_ms(session->hub->world);
    session->lenience_ms = 0;
}

/* patience.c: the deadlines. ERR_MEMORY. */
enum err patience_begin(struct session *session);
/* The input ends in an incomplete frame, or not; another one than the last time? */
void patience_frame(struct session *session, bool incomplete, bool another);
/* Looks again in `ms` at the latest. */
void patience_within(struct session *session, int64_t ms);
/* The settings have changed: a deadline may be sooner now. */
void patience_reconsider(struct session *session);

/* gate.c: the session rests for so long still; 0: no longer. */
int64_t gate_rest_ms(const struct session *session, int64_t now);

/* cmd_logout.c: what was asked before has been answered. */
void logout_finish(struct session *session);

/* Says goodbye; the end of the turn does the rest. */
void session_end(struct session *session, Earshot__Goodbye__Reason reason, const char *text);
/* Handles buffered input at the end of the turn, if any; the link reads on. */
void session_go_on(struct session *session);
/* A login came to nothing because the link had gone: frees the session. */
void session_end_detached(struct session *session);
/* cmd_who.c: writes more of a long answer, if there is one; forgets it. */
void listing_go_on(struct session *session);
void listing_drop(struct session *session);
size_t listing_held(const struct session *session);
/* May another request be handled now? */
bool session_ready(const struct session *session);

#endif
