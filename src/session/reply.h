/*
 * reply.h - frames from the server: answers, with the number of their request (0: nobody asked, nothing is sent), and events.
 */
#ifndef SESSION_REPLY_H
#define SESSION_REPLY_H

#include "connected.h"

/* Any frame. A reader who lets too much pile up is cut off. */
void reply_write(struct session *session, const Earshot__ServerFrame *frame);
/* Bytes encoded before. */
void reply_bytes(struct session *session, struct slice bytes);

/* Also without a number: when what it says has changed. */
void reply_greeting(struct session *session, uint64_t number);
void reply_done(struct session *session, uint64_t number);
void reply_error(struct session *session, uint64_t number, enum err err, unsigned retry_after);
void reply_accepted(struct session *session, uint64_t number, uint64_t id, int64_t time_ms);
/* One frame of them; returns how many it holds. */
size_t reply_users(struct session *session, uint64_t number, const struct slice *names, size_t count);

/* The session as a participant's owner: what the messenger tells is written to the client. `ctx` is the session. */
extern const struct participant_ops tell_ops;

#endif
