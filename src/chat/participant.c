/* participant.c - joining, leaving, and what a participant asks that memory alone can answer. */
#include "chat/participant.h"

#include "delivery.h"
#include "event.h"
#include "introductions.h"
#include "presence.h"
#include "seated.h"
#include "visibility.h"

#include <stdlib.h>

struct slice participant_name(const struct participant *participant)
{
    return user_name(participant->user);
}

uint64_t participant_device(const struct participant *participant)
{
    return participant->device;
}

int64_t participant_joined_ms(const struct participant *participant)
{
    return participant->joined_ms;
}

size_t participant_unanswered(const struct participant *participant)
{
    return participant->unanswered;
}

void participant_release(struct participant *participant)
{
    if (--participant->holds > 0 || participant->ops != NULL)
        return;
    delivery_free(participant);
    free(participant);
}

struct forget_op {
    struct store_device_forget forget;
    struct shard *shard;
    struct user *user;
};

static void device_forgotten(struct store_op *op)
{
    struct forget_op *forget = (struct forget_op *)op;
    shard_came_home(forget->shard);
    if (op->err == OK) /* not before: its token could be looked up until now */
        presence_end_device(forget->shard, forget->user, forget->forget.device);
    free(forget);
}

static void forget_device(struct shard *shard, struct user *user, uint64_t device)
{
    struct forget_op *forget = device != 0 ? calloc(1, sizeof *forget) : NULL;
    if (forget == NULL)
        return;
    forget->shard = shard;
    forget->user = user;
    forget->forget.op = (struct store_op){.verb = STORE_DEVICE_FORGET, .done = device_forgotten};
    forget->forget.device = device;
    shard_submit(shard, &forget->forget.op);
}

/* It logged in with what has been made void meanwhile, by an administrator, by another password, or with its device. Asked once
 * it is seated: either this sees it, or whoever made it void and then looks at the seats sees this one. */
static bool revoked(struct shard *shard, const struct login *who)
{
    return who->user->disabled || presence_revoked(who->user, who->begun, who->device) ||
           ended_since(&shard->chat->ended, who->ended, who->device);
}

enum err participant_join(struct shard *shard, const struct login *who, const struct resume *resume,
                          const struct participant_ops *ops, void *ctx, struct participant **out)
{
    struct participant *participant = calloc(1, sizeof *participant);
    if (participant == NULL)
        return ERR_MEMORY;
    participant->shard = shard;
    participant->user = who->user;
    participant->device = who->device;
    participant->last_number = who->last_number;
    participant->ops = ops;
    participant->ctx = ctx;
    participant->can_private = resume->can_private;
    participant->begun = who->begun;
    participant->joined_ms = world_wall_ms(shard->world);
    enum err err = shard_seat(shard, participant, &participant->slot, &participant->generation);
    if (err == OK) {
        err = presence_sit(participant);
        if (err != OK)
            shard_unseat(shard, participant->slot);
    }
    if (err == OK && revoked(shard, who)) {
        shard_unseat(shard, participant->slot);
        presence_rise(participant);
        forget_device(shard, who->user, who->device);
        err = ERR_WRONG_PASSWORD;
    }
    if (err != OK) {
        free(participant);
        return err;
    }
    participant_hold(participant); /* its owner's */
    delivery_begin(participant, resume);
    *out = participant;
    return OK;
}

void participant_leave(struct participant **out, bool forget)
{
    struct participant *participant = *out;
    if (participant == NULL)
        return;
    *out = NULL;
    struct shard *shard = participant->shard;
    introduction_cancel_all(participant);
    delivery_end(participant);
    shard_unseat(shard, participant->slot);
    presence_rise(participant);
    if (forget)
        forget_device(shard, participant->user, participant->device);
    participant->ops = NULL;
    participant_release(participant);
}

void participant_on_farewell(struct shard *shard, const struct event *event, struct slice body)
{
    struct participant *participant = shard_at(shard, event->slot, event->generation);
    if (participant != NULL)
        participant->ops->farewell(participant->ctx, (enum farewell)event->reason);
}

size_t participant_accounts(const struct participant *participant)
{
    return participant->shard->chat->directory->accounts;
}

static int by_name(const void *a, const void *b)
{
    const struct slice *x = a, *y = b;
    size_t least = x->len < y->len ? x->len : y->len;
    int order = memcmp(x->data, y->data, least);
    return order != 0 ? order : (x->len > y->len) - (x->len < y->len);
}

enum err participant_who(struct participant *participant, int64_t seconds, struct arena *arena, struct slice **names,
                         size_t *count)
{
    struct shard *shard = participant->shard;
    struct directory *directory = shard->chat->directory;
    int64_t now = world_wall_ms(shard->world);
    int64_t since = seconds > now / 1000 ? 0 : now - seconds * 1000;
    enum act act = seconds < 0 ? ACT_WHOELSE : ACT_WHOELSESINCE;
    enum err err =
        seconds < 0 ? directory_online(directory, &shard->users) : directory_online_since(directory, since, &shard->users);
    if (err != OK)
        return err;
    struct slice *found = arena_array(arena, shard->users.count + 1, sizeof *found);
    if (found == NULL)
        return ERR_MEMORY;
    size_t n = 0;
    for (size_t i = 0; i < shard->users.count; i++) {
        struct user *user = shard->users.at[i];
        if (user != participant->user && may_see(participant->user, user, act))
            found[n++] = user_name(user);
    }
    qsort(found, n, sizeof *found, by_name);
    *names = found;
    *count = n;
    return OK;
}
