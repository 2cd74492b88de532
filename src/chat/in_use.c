/* in_use.c - see in_use.h. */
#include "in_use.h"

#include <stdlib.h>

struct note {
    struct store_devices_used store;
    struct shard *shard;
    uint64_t devices[];
};

static void noted(struct store_op *op)
{
    struct note *note = (struct note *)op;
    shard_came_home(note->shard);
    free(note);
}

static void submit(struct shard *shard, const struct seat_list *seats)
{
    struct note *note = seats->count > 0 ? malloc(sizeof *note + seats->count * sizeof note->devices[0]) : NULL;
    if (note == NULL)
        return;
    note->shard = shard;
    note->store = (struct store_devices_used){
        .op = {.verb = STORE_DEVICES_USED, .done = noted},
        .devices = note->devices,
        .count = seats->count,
        .time = world_wall_ms(shard->world),
    };
    for (size_t i = 0; i < seats->count; i++)
        note->devices[i] = seats->at[i].device;
    shard_submit(shard, &note->store.op);
}

void in_use_note(struct shard *shard, struct user *user)
{
    if (user_seats(user, &shard->seats) == OK)
        submit(shard, &shard->seats);
}

void in_use_note_all(struct shard *shard)
{
    if (directory_online(shard->chat->directory, &shard->users) != OK)
        return;
    for (size_t i = 0; i < shard->users.count; i++)
        in_use_note(shard, shard->users.at[i]);
}
