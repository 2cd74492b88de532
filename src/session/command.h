/*
 * command.h - the table of commands: one row per request of the protocol is its whole contract, one gate enforces it.
 *
 * To add a command: a message in proto/earshot.proto, a row in command.c, a handler, a transcript (docs/FIRST-COMMAND.md).
 */
#ifndef SESSION_COMMAND_H
#define SESSION_COMMAND_H

#include "connected.h"

struct request {
    uint64_t number; /* 0: wants no answer */
    const Earshot__ClientFrame *frame;
};

struct command {
    const char *name;
    unsigned states; /* in which it is allowed */
    unsigned cost;   /* against the rate limit */
    unsigned size;   /* of the frame at most, bytes */
    bool activity;   /* puts the inactivity timeout off */
    /* OK: it has answered, or will. Anything else is answered by the gate. */
    enum err (*handle)(struct session *session, const struct request *request);
};

/* Row of a frame's body; NULL for a request that this version does not know. */
const struct command *command_find(Earshot__ClientFrame__BodyCase body);

/* Checks a frame against its row, and has it handled or refused. */
void gate_pass(struct session *session, const Earshot__ClientFrame *frame, size_t size);

/* What a request turned out to cost beyond its row. */
void gate_charge(struct session *session, size_t cost);

enum err cmd_hello(struct session *session, const struct request *request);
enum err cmd_identify(struct session *session, const struct request *request);
enum err cmd_login(struct session *session, const struct request *request);
enum err cmd_register(struct session *session, const struct request *request);
enum err cmd_resume(struct session *session, const struct request *request);
enum err cmd_message(struct session *session, const struct request *request);
enum err cmd_broadcast(struct session *session, const struct request *request);
enum err cmd_whoelse(struct session *session, const struct request *request);
enum err cmd_whoelsesince(struct session *session, const struct request *request);
enum err cmd_block(struct session *session, const struct request *request);
enum err cmd_unblock(struct session *session, const struct request *request);
enum err cmd_logout(struct session *session, const struct request *request);
enum err cmd_received(struct session *session, const struct request *request);
enum err cmd_ping(struct session *session, const struct request *request);
enum err cmd_startprivate(struct session *session, const struct request *request);
enum err cmd_answerprivate(struct session *session, const struct request *request);
enum err cmd_stopprivate(struct session *session, const struct request *request);
enum err cmd_signal(struct session *session, const struct request *request);
enum err cmd_password(struct session *session, const struct request *request);

#endif
