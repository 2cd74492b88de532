/*
 * announcement.c - what a shard's participants are told of the coming and going of others.
 *
 * A participant who is told costs a write to its connection. When thousands come back at once, a write for each of them to each
 * of the others would be all that the loop does. So there is a pause behind each round, longer the more there are to tell, and
 * what changes meanwhile is told together in the next; to few participants everything is told at once. A round of much to many
 * goes on over several turns, with a portion of the participants in each.
 *
 * For each user the shard remembers the version of its presence that it told last. So announcements that come late or twice say
 * nothing, one that is overtaken during its round is left to the next, and after some were lost on the bus every user whose
 * version is another is told: participants who have asked who is there know exactly what has been announced since, and it must
 * not lie.
 */
#include "announcement.h"

#include "event.h"
#include "seated.h"
#include "visibility.h"

#include "base/log.h"

#include <stdlib.h>

enum {
    TOLD_PER_MS = 10, /* so many seats cost a pause of one millisecond, */
    PAUSE_MOST_MS = 1000,
    PORTION = 32 * 1024, /* users told times participants, in one turn: a few milliseconds */
    PORTION_LEAST = 64,  /* participants */
};

struct told {
    uint32_t version; /* of the user's presence */
    bool changed;     /* is in `changed` */
};

struct news {
    struct user *user;
    uint64_t version;
    bool online;
};

struct announcements {
    struct shard *shard;
    struct told *told; /* by the users' index */
    uint32_t told_room;
    struct user_list changed; /* for the next round */
    struct news *round;       /* the round under way */
    size_t round_count, round_room;
    uint32_t next; /* slot in the round */
    struct timer timer;
    int64_t due; /* no round before */
};

/* ---- one round ---- */

static void tell_slots(struct shard *shard, const struct news *news, uint32_t first, uint32_t end)
{
    buf_clear(&shard->memo);
    for (uint32_t i = first; i < end; i++) {
        struct participant *viewer = shard->slots[i].participant;
        if (viewer != NULL && viewer->user != news->user && may_see(viewer->user, news->user, ACT_PRESENCE))
            viewer->ops->presence(viewer->ctx, user_name(news->user), news->online, &shard->memo);
    }
}

static struct news look(struct user *user)
{
    pthread_mutex_lock(&user->stripe->lock);
    struct news news = {user, user->presence_version, user->seat_count > 0};
    pthread_mutex_unlock(&user->stripe->lock);
    return news;
}

/* The next participants in turn are told all. True when that were the last. */
static bool tell_portion(struct announcements *announcements)
{
    struct shard *shard = announcements->shard;
    size_t portion = PORTION / (announcements->round_count > 0 ? announcements->round_count : 1);
    if (portion < PORTION_LEAST)
        portion = PORTION_LEAST;
    uint32_t first = announcements->next, left = shard->slot_count - first;
    uint32_t end = first + (left < portion ? left : (uint32_t)portion);
    for (size_t i = 0; i < announcements->round_count; i++)
        if (look(announcements->round[i].user).version == announcements->round[i].version) /* else the next round says it */
            tell_slots(shard, &announcements->round[i], first, end);
    announcements->next = end;
    return end == shard->slot_count;
}

static bool round_room(struct announcements *announcements)
{
    size_t wanted = announcements->changed.count;
    if (wanted <= announcements->round_room)
        return true;
    struct news *round = realloc(announcements->round, wanted * 2 * sizeof *round);
    if (round == NULL)
        return false;
    announcements->round = round;
    announcements->round_room = wanted * 2;
    return true;
}

/* Without memory what changed waits for the next try. */
static void begin_round(struct announcements *announcements)
{
    announcements->next = 0;
    announcements->round_count = 0;
    if (!round_room(announcements))
        return;
    for (size_t i = 0; i < announcements->changed.count; i++) {
        struct news news = look(announcements->changed.at[i]);
        struct told *told = &announcements->told[news.user->index];
        told->changed = false;
        if (told->version != (uint32_t)news.version)
            announcements->round[announcements->round_count++] = news;
        told->version = (uint32_t)news.version;
    }
    announcements->changed.count = 0;
}

static void set_timer(struct announcements *announcements, int64_t due)
{
    struct shard *shard = announcements->shard;
    if (timer_start(shard->world->timers, &announcements->timer, due) != OK)
        log_event(LOG_ERROR, "presence_late"); /* until the next event */
}

/* Goes on with the round, or begins one if it is time; then sees to it that the rest gets its turn. */
static void go_on(struct announcements *announcements)
{
    struct shard *shard = announcements->shard;
    int64_t now = world_mono_ms(shard->world);
    bool under_way = announcements->round_count > 0;
    if (!under_way && now >= announcements->due) {
        begin_round(announcements);
        under_way = announcements->round_count > 0;
    }
    if (under_way && tell_portion(announcements)) {
        uint32_t pause = shard->slot_count / TOLD_PER_MS;
        announcements->round_count = 0;
        announcements->due = now + (pause < PAUSE_MOST_MS ? pause : PAUSE_MOST_MS);
    }
    if (announcements->round_count > 0)
        set_timer(announcements, now);
    else if (announcements->changed.count > 0)
        set_timer(announcements, announcements->due > now ? announcements->due : now + 1);
}

static void fired(struct timer *timer)
{
    go_on((struct announcements *)((char *)timer - offsetof(struct announcements, timer)));
}

/* ---- what changed ---- */

static struct announcements *announcements_of(struct shard *shard)
{
    if (shard->announcements == NULL) {
        shard->announcements = calloc(1, sizeof *shard->announcements);
        if (shard->announcements != NULL) {
            shard->announcements->shard = shard;
            shard->announcements->timer.fire = fired;
        }
    }
    return shard->announcements;
}

/* NULL without memory. */
static struct told *told_of(struct announcements *announcements, const struct user *user)
{
    if (user->index >= announcements->told_room) {
        uint32_t room = announcements->told_room ? announcements->told_room : 64;
        while (room <= user->index)
            room *= 2;
        struct told *told = realloc(announcements->told, room * sizeof *told);
        if (told == NULL)
            return NULL;
        memset(told + announcements->told_room, 0, (room - announcements->told_room) * sizeof *told);
        announcements->told = told;
        announcements->told_room = room;
    }
    return &announcements->told[user->index];
}

/* ERR_MEMORY. */
static enum err note(struct announcements *announcements, struct user *user)
{
    struct told *told = told_of(announcements, user);
    if (told == NULL)
        return ERR_MEMORY;
    if (told->changed)
        return OK;
    enum err err = user_list_add(&announcements->changed, user);
    told->changed = err == OK;
    return err;
}

static bool is_told(const struct announcements *announcements, const struct user *user, uint64_t version)
{
    return user->index < announcements->told_room && announcements->told[user->index].version == (uint32_t)version;
}

void presence_on_event(struct shard *shard, const struct event *event, struct slice body)
{
    struct announcements *announcements = announcements_of(shard);
    struct user *user = directory_by_id(shard->chat->directory, event->sender);
    if (user == NULL || shard->stopped || (announcements != NULL && is_told(announcements, user, event->version)))
        return;
    if (announcements != NULL && note(announcements, user) == OK) {
        if (announcements->timer.place == 0)
            go_on(announcements);
    } else {
        const struct news news = look(user);
        tell_slots(shard, &news, 0, shard->slot_count);
    }
}

void announcements_missed(struct shard *shard)
{
    struct announcements *announcements = announcements_of(shard);
    struct user_list everybody = {0};
    enum err err = announcements != NULL ? directory_everybody(shard->chat->directory, &everybody) : ERR_MEMORY;
    for (size_t i = 0; i < everybody.count && err == OK; i++)
        err = note(announcements, everybody.at[i]);
    if (err != OK)
        log_event(LOG_ERROR, "presence_incomplete", log_str("error", err_name(err)));
    user_list_free(&everybody);
    if (announcements != NULL && announcements->timer.place == 0 && !shard->stopped)
        go_on(announcements);
}

void announcements_begin(struct shard *shard)
{
    struct announcements *announcements = announcements_of(shard);
    struct user_list everybody = {0};
    enum err err = announcements != NULL ? directory_everybody(shard->chat->directory, &everybody) : ERR_MEMORY;
    for (size_t i = 0; i < everybody.count && err == OK; i++) {
        struct told *told = told_of(announcements, everybody.at[i]);
        if (told == NULL)
            err = ERR_MEMORY;
        else
            told->version = (uint32_t)look(everybody.at[i]).version;
    }
    if (err != OK)
        log_event(LOG_ERROR, "presence_incomplete", log_str("error", err_name(err)));
    user_list_free(&everybody);
}

void announcements_stop(struct shard *shard)
{
    if (shard->announcements != NULL)
        timer_stop(shard->world->timers, &shard->announcements->timer);
}

void announcements_free(struct shard *shard)
{
    struct announcements *announcements = shard->announcements;
    if (announcements == NULL)
        return;
    shard->announcements = NULL;
    user_list_free(&announcements->changed);
    free(announcements->round);
    free(announcements->told);
    free(announcements);
}
