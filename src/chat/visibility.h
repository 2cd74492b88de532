/*
 * visibility.h - the one place that decides who may reach or see whom.
 *
 * `actor` wants something of `subject`: that a message arrives there, or to learn that the subject is online. Every path asks, at
 * the moment of acting and again at the moment of delivering: online, stored, queued. docs/VISIBILITY.md has the table in words,
 * and tests generate every cell of it.
 */
#ifndef CHAT_VISIBILITY_H
#define CHAT_VISIBILITY_H

#include "directory.h"

enum act {
    ACT_MESSAGE,      /* the actor's message arrives at the subject */
    ACT_BROADCAST,    /* the actor's broadcast arrives at the subject */
    ACT_PRIVATE,      /* the actor asks the subject for a private channel */
    ACT_PRESENCE,     /* the actor is told when the subject comes and goes */
    ACT_WHOELSE,      /* the actor sees the subject among those online */
    ACT_WHOELSESINCE, /* the actor sees the subject among those who were */
    ACT_COUNT
};

bool may_see(struct user *actor, struct user *subject, enum act act);

#endif
