/* introduction.c - see chat/introduction.h. */
#include "chat/introduction.h"

#include "event.h"
#include "introductions.h"
#include "visibility.h"

#include <assert.h>
#include <stdlib.h>

/* A request that has not been settled, of the participant that asked. */
struct introduction {
    struct introduction *next;
    struct participant *asker;
    struct user *asked;
    struct timer timer;
    uint8_t channel[CHANNEL_SIZE];
};

/*
 * A channel between two people of whom the one who asked for it blocks the other. Signals of it pass all the same, or nothing
 * could come of what the one who blocks has wished for. Both participants have it, as long as they stay.
 */
struct invitation {
    struct invitation *next;
    const struct user *with;
    uint8_t channel[CHANNEL_SIZE];
};

static const struct slice nothing = {NULL, 0};

/* An event to those seats of a user that can hold private channels; to one device of them, or to all (0). Returns how many. */
static unsigned tell_devices(struct shard *shard, struct user *user, uint64_t device, struct event *event, struct slice body)
{
    struct seat_list seats = {0}; /* not the shard's: an event handled at once may tell somebody in turn */
    unsigned told = 0;
    if (user_seats(user, &seats) != OK)
        return 0;
    for (size_t i = 0; i < seats.count; i++) {
        const struct seat *seat = &seats.at[i];
        if (!seat->can_private || (device != 0 && seat->device != device))
            continue;
        event->slot = seat->slot;
        event->generation = seat->generation;
        shard_send(shard, seat->shard, event, body);
        told++;
    }
    seat_list_free(&seats);
    return told;
}

static struct event event_of(enum event_kind kind, const struct participant *from, const uint8_t channel[CHANNEL_SIZE])
{
    struct event event = {.kind = kind, .sender = from->user->id, .device = from->device};
    memcpy(event.channel, channel, CHANNEL_SIZE);
    return event;
}

static enum err find_other(struct participant *participant, struct slice name, struct user **other)
{
    struct user *user = directory_find(participant->shard->chat->directory, name);
    if (user == NULL)
        return ERR_UNKNOWN_USER;
    if (user == participant->user)
        return ERR_SELF;
    *other = user;
    return OK;
}

/* ---- invitations ---- */

static bool invited(const struct participant *participant, const struct user *with, const uint8_t channel[CHANNEL_SIZE])
{
    for (const struct invitation *invitation = participant->invitations; invitation != NULL; invitation = invitation->next)
        if (invitation->with == with && memcmp(invitation->channel, channel, CHANNEL_SIZE) == 0)
            return true;
    return false;
}

/* All but the newest so many. */
static void forget_invitations(struct participant *participant, unsigned left)
{
    struct invitation **link = &participant->invitations;
    while (*link != NULL && left-- > 0)
        link = &(*link)->next;
    for (struct invitation *rest = *link, *next; rest != NULL; rest = next) {
        next = rest->next;
        free(rest);
    }
    *link = NULL;
}

/* The answerer has accepted. */
static void note_invitation(struct participant *participant, const struct user *with, const uint8_t channel[CHANNEL_SIZE])
{
    struct invitation *invitation = calloc(1, sizeof *invitation);
    if (invitation == NULL)
        return; /* then the channel is not made, as if there were no way */
    forget_invitations(participant, INTRODUCTIONS_MAX - 1);
    *invitation = (struct invitation){.next = participant->invitations, .with = with};
    memcpy(invitation->channel, channel, CHANNEL_SIZE);
    participant->invitations = invitation;
}

/* ---- the asker's side ---- */

static struct introduction **find(struct participant *asker, const uint8_t channel[CHANNEL_SIZE])
{
    struct introduction **link = &asker->introductions;
    while (*link != NULL && memcmp((*link)->channel, channel, CHANNEL_SIZE) != 0)
        link = &(*link)->next;
    return link;
}

static bool asked_already(const struct participant *asker, const struct user *user)
{
    for (const struct introduction *introduction = asker->introductions; introduction != NULL; introduction = introduction->next)
        if (introduction->asked == user)
            return true;
    return false;
}

static void take_out(struct introduction **link)
{
    struct introduction *introduction = *link;
    assert(introduction != NULL);
    *link = introduction->next;
    introduction->asker->introduction_count--;
    timer_stop(introduction->asker->shard->world->timers, &introduction->timer);
    free(introduction);
}

/* Tells all who were asked; those of them that did not accept it themselves learn only that it is over. */
static void tell_asked(struct introduction *introduction, enum settlement settlement, uint64_t accepted_by, struct slice nonce)
{
    struct participant *asker = introduction->asker;
    struct event event = event_of(EVENT_PRIVATE_SETTLED, asker, introduction->channel);
    event.reason = settlement;
    event.receiver = accepted_by;
    tell_devices(asker->shard, introduction->asked, 0, &event, nonce);
}

static void tell_asker(struct introduction *introduction, enum settlement settlement, uint64_t device, struct slice nonce)
{
    struct participant *asker = introduction->asker;
    const struct chat_private settled = {
        .with = user_name(introduction->asked),
        .device = device,
        .channel = introduction->channel,
        .content = nonce,
        .settlement = settlement,
    };
    asker->ops->private_settled(asker->ctx, &settled);
}

static void expire(struct timer *timer)
{
    struct introduction *introduction = (struct introduction *)((char *)timer - offsetof(struct introduction, timer));
    tell_asked(introduction, SETTLED_EXPIRED, 0, nothing);
    tell_asker(introduction, SETTLED_EXPIRED, 0, nothing);
    take_out(find(introduction->asker, introduction->channel));
}

static enum err remember(struct participant *asker, struct user *user, const uint8_t channel[CHANNEL_SIZE])
{
    struct shard *shard = asker->shard;
    struct introduction *introduction = calloc(1, sizeof *introduction);
    if (introduction == NULL)
        return ERR_MEMORY;
    introduction->asker = asker;
    introduction->asked = user;
    introduction->timer.fire = expire;
    memcpy(introduction->channel, channel, CHANNEL_SIZE);
    enum err err =
        timer_start(shard->world->timers, &introduction->timer, world_mono_ms(shard->world) + shard_settings(shard)->private_ms);
    if (err != OK) {
        free(introduction);
        return err;
    }
    introduction->next = asker->introductions;
    asker->introductions = introduction;
    asker->introduction_count++;
    return OK;
}

enum err introduction_ask(struct participant *asker, struct slice name, const uint8_t channel[CHANNEL_SIZE])
{
    struct user *user;
    enum err err = find_other(asker, name, &user);
    if (err != OK)
        return err;
    if (!may_see(asker->user, user, ACT_PRIVATE))
        return ERR_BLOCKED;
    if (!user_online(user))
        return ERR_OFFLINE;
    if (!asker->can_private)
        return ERR_NO_PRIVATE;
    if (asked_already(asker, user) || *find(asker, channel) != NULL || asker->introduction_count >= INTRODUCTIONS_MAX)
        return ERR_USAGE;
    err = remember(asker, user, channel);
    if (err != OK)
        return err;
    struct event event = event_of(EVENT_PRIVATE_REQUEST, asker, channel);
    if (tell_devices(asker->shard, user, 0, &event, nothing) > 0)
        return OK;
    take_out(find(asker, channel));
    return ERR_NO_PRIVATE;
}

enum err introduction_cancel(struct participant *asker, const uint8_t channel[CHANNEL_SIZE])
{
    struct introduction **link = find(asker, channel);
    if (*link == NULL)
        return ERR_NO_PRIVATE;
    tell_asked(*link, SETTLED_CANCELLED, 0, nothing);
    take_out(link);
    return OK;
}

void introduction_cancel_all(struct participant *asker)
{
    while (asker->introductions != NULL)
        introduction_cancel(asker, asker->introductions->channel);
    forget_invitations(asker, 0);
}

/* There is no such request any more. */
static void tell_late(struct shard *shard, struct user *answerer, const struct event *answer)
{
    struct event late = {.kind = EVENT_PRIVATE_SETTLED, .sender = answer->receiver, .reason = SETTLED_EXPIRED};
    memcpy(late.channel, answer->channel, CHANNEL_SIZE);
    tell_devices(shard, answerer, answer->device, &late, nothing);
}

void introduction_on_answer(struct shard *shard, const struct event *event, struct slice body)
{
    struct participant *asker = shard_at(shard, event->slot, event->generation);
    struct user *answerer = directory_by_id(shard->chat->directory, event->sender);
    struct introduction **link = asker ? find(asker, event->channel) : NULL;
    if (answerer == NULL)
        return;
    if (link == NULL || *link == NULL || (*link)->asked != answerer) {
        tell_late(shard, answerer, event);
        return;
    }
    enum settlement settlement = event->reason ? SETTLED_ACCEPTED : SETTLED_DECLINED;
    uint64_t device = event->reason ? event->device : 0;
    if (event->reason && !may_see(answerer, asker->user, ACT_PRIVATE))
        note_invitation(asker, answerer, event->channel);
    tell_asked(*link, settlement, device, body);
    tell_asker(*link, settlement, device, body);
    take_out(find(asker, event->channel));
}

/* ---- the other side ---- */

void introduction_on_request(struct shard *shard, const struct event *event, struct slice body)
{
    struct participant *asked = shard_at(shard, event->slot, event->generation);
    struct user *asker = directory_by_id(shard->chat->directory, event->sender);
    if (asked == NULL || asker == NULL || !may_see(asker, asked->user, ACT_PRIVATE))
        return;
    const struct chat_private request = {.with = user_name(asker), .device = event->device, .channel = event->channel};
    asked->ops->private_request(asked->ctx, &request);
}

void introduction_on_settled(struct shard *shard, const struct event *event, struct slice body)
{
    struct participant *asked = shard_at(shard, event->slot, event->generation);
    struct user *asker = directory_by_id(shard->chat->directory, event->sender);
    if (asked == NULL || asker == NULL)
        return;
    bool here = event->reason == SETTLED_ACCEPTED && event->receiver == asked->device;
    if (here && !may_see(asked->user, asker, ACT_PRIVATE))
        note_invitation(asked, asker, event->channel);
    const struct chat_private settled = {
        .with = user_name(asker),
        .device = here ? event->device : 0,
        .channel = event->channel,
        .content = here ? body : nothing,
        .settlement = (enum settlement)event->reason,
    };
    asked->ops->private_settled(asked->ctx, &settled);
}

enum err introduction_answer(struct participant *answerer, const struct introduction_answer *answer)
{
    struct user *asker;
    enum err err = find_other(answerer, answer->name, &asker);
    if (err != OK)
        return err;
    struct event event = event_of(EVENT_PRIVATE_ANSWER, answerer, answer->channel);
    event.reason = answer->accept;
    event.receiver = asker->id;
    if (answer->device == 0)
        return ERR_NO_PRIVATE;
    if (tell_devices(answerer->shard, asker, answer->device, &event, slice_of(answer->nonce, NONCE_SIZE)) > 0)
        return OK;
    if (may_see(answerer->user, asker, ACT_PRIVATE))
        return ERR_NO_PRIVATE;
    tell_late(answerer->shard, answerer->user, &event); /* as if the asker were there: a block hides whether it is */
    return OK;
}

/* ---- signals ---- */

enum err introduction_signal(struct participant *from, struct slice name, uint64_t device, const uint8_t channel[CHANNEL_SIZE],
                             struct slice payload)
{
    struct user *to;
    enum err err = find_other(from, name, &to);
    if (err != OK)
        return err;
    if (payload.len > SIGNAL_MAX)
        return ERR_TOO_LONG;
    bool free_to = may_see(from->user, to, ACT_PRIVATE);
    if (!free_to && !invited(from, to, channel))
        return ERR_BLOCKED;
    struct event event = event_of(EVENT_SIGNAL, from, channel);
    bool told = device != 0 && tell_devices(from->shard, to, device, &event, payload) > 0;
    return told || !free_to ? OK : ERR_OFFLINE; /* a block hides whether they are there */
}

void introduction_on_signal(struct shard *shard, const struct event *event, struct slice body)
{
    struct participant *to = shard_at(shard, event->slot, event->generation);
    struct user *from = directory_by_id(shard->chat->directory, event->sender);
    if (to == NULL || from == NULL || (!may_see(from, to->user, ACT_PRIVATE) && !invited(to, from, event->channel)))
        return;
    if (to->ops->congested(to->ctx)) /* nobody can be flooded off the server with what they never asked for */
        return;
    const struct chat_private signal = {
        .with = user_name(from), .device = event->device, .channel = event->channel, .content = body};
    to->ops->signal(to->ctx, &signal);
}
