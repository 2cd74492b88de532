/*
 * request.h - requests that are answered later, with their number, through participant_ops.answer.
 *
 * Between begin and end the participant's struct stays, even if its owner has left; then the answer goes nowhere.
 */
#ifndef CHAT_REQUEST_H
#define CHAT_REQUEST_H

#include "seated.h"

static inline void request_begin(struct participant *participant)
{
    participant_hold(participant);
    participant->unanswered++;
}

void request_answer(struct participant *participant, uint64_t number, const struct chat_answer *answer);

static inline void request_end(struct participant *participant)
{
    participant_release(participant);
}

/* Begin, an error on a later turn, and end. */
void request_refuse(struct participant *participant, uint64_t number, enum err err);

#endif
