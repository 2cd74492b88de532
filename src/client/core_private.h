/* core_private.h - what the files of the core share: core.c (its life), wishes.c, login.c, requests.c, incoming.c, pulse.c. */
#ifndef CLIENT_CORE_PRIVATE_H
#define CLIENT_CORE_PRIVATE_H

#include "core.h"
#include "positions.h"
#include "private.h"
#include "reconnect.h"
#include "wire/codec.h"
#include <stddef.h>

enum {
    CORE_OUT_CAP = 1 << 20,      /* encoded and not yet taken by the connection */
    CORE_OUT_HIGH = 128 << 10,   /* beyond this, requests wait in the outbox */
    CORE_IN_FLIGHT = 512,        /* requests */
    CORE_ACK_MS = 100,           /* between acknowledgements with nothing else to send */
    CORE_LOGIN_MS = 30000,       /* for the server's answers until Welcome */
    CORE_GOODBYE_MS = 5000,      /* for Goodbye after Logout */
    CORE_GIVE_UP_MS = 30000,     /* for a connection to come back when a logout waits for it */
    CORE_UNANSWERED_MS = 90000,  /* for the next answer when a logout waits for it; and again on another connection */
    CORE_SILENCE_MS = 10000,     /* beyond the heartbeat, after a ping */
    CORE_FRAME_MS = 30000,       /* from a frame's first byte to its last */
    CORE_PAUSE_MOST_S = 60,      /* when the server asks to go slower */
    CORE_HEARTBEAT_MOST_S = 600, /* whatever the server says */
    CORE_FIRST_NUMBER = 16,      /* of requests; lower ones are for logging in */
    CORE_TEXT = 1024,
    CORE_KEEP = 16384, /* buffers larger than this are given back when empty */
};

enum core_state {
    CORE_IDLE,       /* not started */
    CORE_CONNECTING, /* TCP, TLS, trust: the link's business */
    CORE_LOGIN,
    CORE_ASKING, /* the login waits for an answer of the user's; the connection may be gone */
    CORE_ONLINE,
    CORE_LEAVING, /* Logout is sent */
    CORE_WAITING, /* for the next attempt */
    CORE_CLOSED,
};

enum login_step { LOGIN_NONE, LOGIN_IDENTIFY, LOGIN_PASSWORD, LOGIN_REGISTER, LOGIN_RESUME };

enum question { QUESTION_NONE, QUESTION_USER, QUESTION_PASSWORD, QUESTION_ACCOUNT };

struct client_core {
    const struct world *world;
    const struct core_ops *ops;
    void *ctx;
    char *server, *client;
    bool register_unknown, ask_register;

    struct name user; /* len 0: not known */
    char password[WIRE_PASSWORD_MAX + 1];
    size_t password_len; /* 0: not known */
    bool password_typed; /* given as an answer, so that another may be asked for */
    struct token token;
    bool has_token;

    enum core_state state;
    bool up;         /* a connection is open */
    bool was_online; /* in this run */
    enum login_step step;
    uint64_t login_number;
    enum question question;
    bool answered;      /* the question; acted on by the timer */
    bool wants_account; /* the user agreed to a new account */
    bool asks_if_open;  /* a register is under way only to learn whether the server takes new accounts */

    struct buf in, out;
    bool secret_out;          /* `out` holds a password or a token */
    struct arena frame, text; /* a frame being handled, or being made; strings of an event */
    uint64_t number;          /* highest used for a request by this device */
    struct outbox outbox;
    struct privates *privates; /* NULL: without private channels */
    struct positions positions;
    struct reconnect reconnect;
    int64_t paused_until; /* the server asked to go slower */

    int64_t heartbeat_ms, last_sent, last_received, ping_sent; /* ping_sent -1: none without an answer */
    int64_t patience_ms, active_ms, active_sent;               /* how soon the server logs out who is idle, 0: never */
    bool anew;                                                 /* the connection was given up because nothing was answered */
    bool another_frame;                                        /* one was taken out of what has just come */
    int64_t next_ack;
    int64_t logout_id; /* 0: not asked for */
    int64_t progress;  /* while it waits: when it was asked for, or the last answer came */
    struct timer soon, pulse, active, slow, deadline, retry, giving_up;
};

#define CORE_OF(timer, member) ((struct client_core *)(void *)((char *)(timer)-offsetof(struct client_core, member)))

/* core.c */
void core_soon(struct client_core *core);
void core_start_timer(struct client_core *core, struct timer *timer, int64_t after_ms);
void core_emit(struct client_core *core, const struct earshot_event *event);
/* A peer's text made fit for an event, until the next core_emit. */
const char *core_text(struct client_core *core, ProtobufCBinaryData bytes, const char *otherwise);
void core_finish(struct client_core *core, const struct earshot_event *closed);
void core_finish_error(struct client_core *core, enum earshot_error error, const char *text, unsigned retry_after);
void core_connect(struct client_core *core);
/* The connection cannot go on; whether there is another attempt follows from the state. */
void core_drop(struct client_core *core, const char *text, unsigned retry_after);
enum err core_write(struct client_core *core, Earshot__ClientFrame *frame);
void core_flush(struct client_core *core);

/* wishes.c */
enum err core_add_privates(struct client_core *core, const struct core_options *options);

/* login.c */
void login_begin(struct client_core *core);
void login_answered_question(struct client_core *core);
void login_answer(struct client_core *core, const Earshot__ServerFrame *frame);

/* requests.c */
/* Whether there is such a request to the server. */
bool requests_have(int kind);
/* Whether it is one of private channels, whose answer is not for the user. */
bool requests_are_private(int kind);
/* Protocol positions in core->frame; NULL without memory. */
Earshot__Position **requests_positions(struct client_core *core, const struct position *const from[], size_t count);
void requests_send(struct client_core *core);
void requests_answer(struct client_core *core, const Earshot__ServerFrame *frame);
void requests_fail(struct client_core *core, struct request *request, enum earshot_error error, const char *text);
/* The connection is lost: everything waits again, but for what must not be done twice. */
void requests_lost(struct client_core *core);
/* The device is another one: what was sent before cannot be recognised when sent again. */
void requests_device_changed(struct client_core *core);
void requests_fail_all(struct client_core *core, const char *text);

/* incoming.c */
void incoming_frame(struct client_core *core, const Earshot__ServerFrame *frame);

/* pulse.c: heartbeats. */
void pulse_start(struct client_core *core);
void pulse_stop(struct client_core *core);
void pulse_fire(struct timer *timer);
/* The user has given a command of which the server sees nothing. */
void pulse_active(struct client_core *core);
/* So soon the server logs out who is idle. Also while we are online, when its settings have changed. */
void pulse_patience(struct client_core *core, int64_t ms);
void pulse_active_fire(struct timer *timer);

#endif
