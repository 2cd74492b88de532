/* introductions.h - what the rest of src/chat needs of chat/introduction.h. */
#ifndef CHAT_INTRODUCTIONS_H
#define CHAT_INTRODUCTIONS_H

#include "seated.h"

/* The participant leaves. */
void introduction_cancel_all(struct participant *asker);

#endif
