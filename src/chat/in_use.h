/*
 * in_use.h - devices that are connected are in use, though they may only listen for months.
 *
 * The store knows when a device logged in and when it sent something. What it decides by that it must be told before: which
 * device goes for a new one, and which has not been used for too long. Without memory, or if the store cannot, nothing is told.
 */
#ifndef CHAT_IN_USE_H
#define CHAT_IN_USE_H

#include "shard.h"

/* All that the user is connected with, before the next operation that this shard submits. */
void in_use_note(struct shard *shard, struct user *user);

/* Everybody's. */
void in_use_note_all(struct shard *shard);

#endif
