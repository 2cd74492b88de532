/* message.h - a message from one user to another: checked, stored, then answered and passed on. */
#ifndef CHAT_MESSAGE_H
#define CHAT_MESSAGE_H

#include "event.h"
#include "seated.h"

/* An event to the seats of all of the user's devices but `except` (0: all). */
void message_pass_on(struct shard *shard, struct user *user, struct event *event, struct slice body, uint64_t except);

void message_free_pool(struct shard *shard);

#endif
