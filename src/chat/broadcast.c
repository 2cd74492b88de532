/* broadcast.c - to everyone online, not stored. */
#include "chat/participant.h"

#include "event.h"
#include "seated.h"
#include "visibility.h"

enum err participant_broadcast(struct participant *participant, struct slice body, unsigned *delivered, bool *withheld)
{
    struct shard *shard = participant->shard;
    struct user *sender = participant->user;
    enum err err = directory_online(shard->chat->directory, &shard->users);
    if (err != OK)
        return err;
    unsigned reached = 0, left_out = 0;
    for (size_t i = 0; i < shard->users.count; i++) {
        struct user *user = shard->users.at[i];
        if (user == sender)
            continue;
        if (may_see(sender, user, ACT_BROADCAST))
            reached++;
        else
            left_out++;
    }
    struct event event = {.kind = EVENT_BROADCAST, .sender = sender->id, .time_ms = world_wall_ms(shard->world)};
    shard_publish(shard, &event, body);
    *delivered = reached;
    *withheld = left_out > 0;
    return OK;
}

void broadcast_on_event(struct shard *shard, const struct event *event, struct slice body)
{
    struct user *sender = directory_by_id(shard->chat->directory, event->sender);
    if (sender == NULL)
        return;
    struct chat_message broadcast = {.from = user_name(sender), .body = body, .time_ms = event->time_ms};
    buf_clear(&shard->memo);
    for (uint32_t i = 0; i < shard->slot_count; i++) {
        struct participant *viewer = shard->slots[i].participant;
        if (viewer != NULL && viewer->user != sender && may_see(sender, viewer->user, ACT_BROADCAST))
            viewer->ops->broadcast(viewer->ctx, &broadcast, &shard->memo);
    }
}
