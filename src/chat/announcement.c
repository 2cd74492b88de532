/*
 * announcement.c - what a shard's participants are told of the coming and going of others.
 *
 * A participant who is told costs a write to its connection. When thousands come back at once, a write for each of them to each
 * of the others would be all that the loop does. So there is a pause behind each round, longer the more there are to tell, and
 * what changes meanwhile is told together in the next; to few participants everything is told at once.
 *
 * For each user the shard remembers the version of its presence that it told last. What is told is the state at that moment, so
 * announcements that come late or twice say nothing, and after some were lost on the bus every user whose version is
 * another is told: participants who have asked who is there know exactly what has been announced since, and it must not lie.
 */
#include "announcement.h"

#include "event.h"
#include "seated.h"
#include "visibility.h"

#include "base/log.h"

#include <stdlib.h>

enum { TOLD_PER_MS = 10, PAUSE_MOST_MS = 1000 }; /* so many seats cost a pause of one millisecond */

struct told {
    uint32_t version; /* of the user's presence */
    bool changed;     /* is in shard->changed */
};

/* NULL without memory. */
static struct told *told_of(struct shard *shard, const struct user *user)
{
    if (user->index >= shard->told_room) {
        uint32_t room = shard->told_room ? shard->told_room : 64;
        while (room <= user->index)
            room *= 2;
        struct told *told = realloc(shard->told, room * sizeof *told);
        if (told == NULL)
            return NULL;
        memset(told + shard->told_room, 0, (room - shard->told_room) * sizeof *told);
        shard->told = told;
        shard->told_room = room;
    }
    return &shard->told[user->index];
}

static void tell_all(struct shard *shard, struct user *user, bool online)
{
    buf_clear(&shard->memo);
    for (uint32_t i = 0; i < shard->slot_count; i++) {
        struct participant *viewer = shard->slots[i].participant;
        if (viewer != NULL && viewer->user != user && may_see(viewer->user, user, ACT_PRESENCE))
            viewer->ops->presence(viewer->ctx, user_name(user), online, &shard->memo);
    }
}

static void tell(struct shard *shard, struct user *user)
{
    struct told *told = &shard->told[user->index];
    pthread_mutex_lock(&user->stripe->lock);
    uint32_t version = (uint32_t)user->presence_version;
    bool online = user->seat_count > 0;
    pthread_mutex_unlock(&user->stripe->lock);
    told->changed = false;
    if (told->version == version)
        return;
    told->version = version;
    tell_all(shard, user, online);
}

static void tell_changed(struct shard *shard)
{
    struct user_list *changed = &shard->changed;
    for (size_t i = 0; i < changed->count; i++)
        tell(shard, changed->at[i]);
    changed->count = 0;
    uint32_t pause = shard->slot_count / TOLD_PER_MS;
    shard->tell_at = world_mono_ms(shard->world) + (pause < PAUSE_MOST_MS ? pause : PAUSE_MOST_MS);
}

static void time_to_tell(struct timer *timer)
{
    tell_changed((struct shard *)((char *)timer - offsetof(struct shard, tell_timer)));
}

/* To be told now, or when the pause is over. */
static void tell_soon(struct shard *shard)
{
    int64_t now = world_mono_ms(shard->world);
    shard->tell_timer.fire = time_to_tell;
    if (now < shard->tell_at && !shard->stopped &&
        (shard->tell_timer.place != 0 || timer_start(shard->world->timers, &shard->tell_timer, shard->tell_at) == OK))
        return;
    timer_stop(shard->world->timers, &shard->tell_timer);
    tell_changed(shard);
}

/* ERR_MEMORY. */
static enum err note(struct shard *shard, struct user *user)
{
    struct told *told = told_of(shard, user);
    if (told == NULL)
        return ERR_MEMORY;
    if (told->changed)
        return OK;
    enum err err = user_list_add(&shard->changed, user);
    told->changed = err == OK;
    return err;
}

void presence_on_event(struct shard *shard, const struct event *event, struct slice body)
{
    struct user *user = directory_by_id(shard->chat->directory, event->sender);
    if (user == NULL)
        return;
    if (user->index < shard->told_room && shard->told[user->index].version == (uint32_t)event->version)
        return;
    if (note(shard, user) == OK)
        tell_soon(shard);
    else
        tell_all(shard, user, user_online(user));
}

void announcements_missed(struct shard *shard)
{
    struct user_list everybody = {0};
    enum err err = directory_everybody(shard->chat->directory, &everybody);
    for (size_t i = 0; i < everybody.count && err == OK; i++)
        err = note(shard, everybody.at[i]);
    if (err != OK)
        log_event(LOG_ERROR, "presence_incomplete", log_str("error", err_name(err)));
    user_list_free(&everybody);
    tell_soon(shard);
}

void announcements_free(struct shard *shard)
{
    timer_stop(shard->world->timers, &shard->tell_timer);
    user_list_free(&shard->changed);
    free(shard->told);
}
