/* announcement.h - what a shard's participants are told of the coming and going of others. The events: event.h. */
#ifndef CHAT_ANNOUNCEMENT_H
#define CHAT_ANNOUNCEMENT_H

#include "shard.h"

/* Before anybody sits here: what happened until now is no news to those who will. */
void announcements_begin(struct shard *shard);
/* Announcements to this shard were lost: tells what changed. */
void announcements_missed(struct shard *shard);
/* Nothing is told any more. */
void announcements_stop(struct shard *shard);
void announcements_free(struct shard *shard);

#endif
