/*
 * cursor.h - a participant's place in each conversation that moved since its horizon, and what of it was acknowledged.
 *
 * Conversations without a cursor stand at the horizon. cursor_get() makes one on demand.
 */
#ifndef CHAT_CURSOR_H
#define CHAT_CURSOR_H

#include "seated.h"

struct cursor {
    uint64_t conversation;
    uint64_t sent;              /* everything up to this id has been sent, or is the participant's own */
    uint64_t passed;            /* the last one that was sent, and waits for an acknowledgement */
    uint64_t received;          /* acknowledged by the client */
    uint64_t stored;            /* of that, what the store knows */
    uint64_t own, own_previous; /* own message that became known before the one in front of it */
    bool held;                  /* stopped at a message that may not be seen now */
};

void cursor_begin(struct participant *participant);
/* The participant leaves: stores what was acknowledged, at once; no cursors are left. */
void cursor_end(struct participant *participant);

struct cursor *cursor_get(struct participant *participant, uint64_t conversation); /* NULL without memory */
void cursor_restore(struct participant *participant, const struct store_position *position);

void cursor_move(struct cursor *cursor, uint64_t id);
void cursor_own(struct cursor *cursor, uint64_t id, uint64_t previous);

/* Everything up to the horizon has been sent: cursors move up to it, and those with nothing left to say go. */
void cursor_forget(struct participant *participant, uint64_t horizon);
void cursor_drop_all(struct participant *participant);
bool cursor_beyond(const struct participant *participant, uint64_t horizon);

/* Ends all holds; false if there was none. */
bool cursor_release(struct participant *participant);

#endif
