/* presence.c - see presence.h. */
#include "presence.h"

#include "event.h"

#include "base/log.h"

#include <stdlib.h>

/*
 * One interval of the login history, from the first seat to the last. The store gives it an id; should the user go before that id
 * is known, whoever learns it closes the interval.
 */
struct stay {
    struct store_login_open open;
    struct store_login_close close;
    struct user *user;
    struct shard *shard; /* where the operation under way comes home */
    /* under the user's stripe lock */
    bool opened, ended;
    int64_t end;
};

static void stay_closed(struct store_op *op)
{
    struct stay *stay = (struct stay *)((char *)op - offsetof(struct stay, close));
    shard_came_home(stay->shard);
    free(stay);
}

static void stay_close(struct stay *stay, struct shard *shard)
{
    stay->shard = shard;
    stay->close.op = (struct store_op){.verb = STORE_LOGIN_CLOSE, .done = stay_closed};
    stay->close.login = stay->open.login;
    stay->close.time = stay->end;
    shard_submit_later(shard, &stay->close.op);
}

static void stay_opened(struct store_op *op)
{
    struct stay *stay = (struct stay *)op;
    struct shard *shard = stay->shard;
    shard_came_home(shard);
    if (op->err != OK)
        log_event(LOG_WARN, "login_not_recorded", log_slice("user", user_name(stay->user)), log_str("error", err_name(op->err)));
    pthread_mutex_lock(&stay->user->stripe->lock);
    bool ended = stay->ended;
    stay->opened = true;
    pthread_mutex_unlock(&stay->user->stripe->lock); /* unless it has ended, another shard may close and free it from here on */
    if (ended)
        stay_close(stay, shard);
}

static void stay_begin(struct stay *stay, struct participant *participant)
{
    stay->shard = participant->shard;
    stay->open.op = (struct store_op){.verb = STORE_LOGIN_OPEN, .done = stay_opened};
    stay->open.account = participant->user->id;
    stay->open.time = participant->joined_ms;
    shard_submit_later(participant->shard, &stay->open.op);
}

static bool seat_room(struct user *user)
{
    if (user->seat_count < user->seat_room)
        return true;
    unsigned room = user->seat_room ? user->seat_room * 2 : 2;
    struct seat *seats = realloc(user->seats, room * sizeof *seats);
    if (seats == NULL)
        return false;
    user->seats = seats;
    user->seat_room = room;
    return true;
}

static void link_online(struct user *user)
{
    struct stripe *stripe = user->stripe;
    user->online_next = stripe->online;
    user->online_link = &stripe->online;
    if (user->online_next != NULL)
        user->online_next->online_link = &user->online_next;
    stripe->online = user;
}

static void unlink_online(struct user *user)
{
    *user->online_link = user->online_next;
    if (user->online_next != NULL)
        user->online_next->online_link = user->online_link;
    user->online_next = NULL;
    user->online_link = NULL;
}

static void announce(struct shard *shard, struct user *user, uint64_t version)
{
    struct event event = {.kind = EVENT_PRESENCE, .sender = user->id, .version = version};
    shard_publish(shard, &event, slice_of(NULL, 0));
}

static void send_farewell(struct shard *shard, const struct seat *seat, enum farewell why)
{
    struct event event = {.kind = EVENT_FAREWELL, .slot = seat->slot, .generation = seat->generation, .reason = why};
    shard_send(shard, seat->shard, &event, slice_of(NULL, 0));
}

/* Seats of one device, or of all but one. */
struct whom {
    uint64_t only; /* 0: any */
    uint64_t but;  /* 0: none is left out */
};

static bool is_meant(const struct seat *seat, struct whom whom)
{
    return (whom.only == 0 || seat->device == whom.only) && (whom.but == 0 || seat->device != whom.but);
}

/* The farewell may get lost on the bus: the seat remembers it. */
static void condemn(struct user *user, struct whom whom, enum farewell why)
{
    pthread_mutex_lock(&user->stripe->lock);
    for (unsigned i = 0; i < user->seat_count; i++)
        if (is_meant(&user->seats[i], whom))
            user->seats[i].leave = (uint8_t)(why + 1);
    pthread_mutex_unlock(&user->stripe->lock);
}

/* How many there were. */
static unsigned expel(struct shard *shard, struct user *user, struct whom whom, enum farewell why)
{
    unsigned count = 0;
    condemn(user, whom, why);
    if (user_seats(user, &shard->seats) != OK)
        return 0;
    for (size_t i = 0; i < shard->seats.count; i++) {
        if (!is_meant(&shard->seats.at[i], whom))
            continue;
        send_farewell(shard, &shard->seats.at[i], why);
        count++;
    }
    return count;
}

bool presence_condemned(struct participant *participant, enum farewell *why)
{
    struct user *user = participant->user;
    unsigned leave = 0;
    pthread_mutex_lock(&user->stripe->lock);
    for (unsigned i = 0; i < user->seat_count; i++)
        if (user->seats[i].shard == participant->shard->index && user->seats[i].slot == participant->slot)
            leave = user->seats[i].leave;
    pthread_mutex_unlock(&user->stripe->lock);
    if (leave != 0)
        *why = (enum farewell)(leave - 1);
    return leave != 0;
}

void presence_end_device(struct shard *shard, struct user *user, uint64_t device)
{
    ended_add(&shard->chat->ended, device);
    (void)expel(shard, user, (struct whom){.only = device}, FAREWELL_REVOKED);
}

enum { FORMER_MOST = 4 }; /* seats of one device: more than one only for a moment */

/* Under the lock, so that of two that join at once on two loops one finds the other. */
static unsigned former_seats(const struct participant *participant, struct seat former[FORMER_MOST])
{
    struct user *user = participant->user;
    unsigned count = 0;
    for (unsigned i = 0; i < user->seat_count && count < FORMER_MOST && participant->device != 0; i++) {
        if (user->seats[i].device != participant->device)
            continue;
        user->seats[i].leave = FAREWELL_REPLACED + 1;
        former[count++] = user->seats[i];
    }
    return count;
}

unsigned presence_expel_all(struct shard *shard, struct user *user, enum farewell why)
{
    return expel(shard, user, (struct whom){0}, why);
}

unsigned presence_revoke(struct shard *shard, struct user *user, uint64_t spared, uint64_t begun)
{
    pthread_mutex_lock(&user->stripe->lock); /* of two at once the later has the last word, but spares nobody */
    if (user->revoked > begun)
        spared = 0;
    user->spared = spared; /* first: who reads the new number must not find an earlier one's */
    user->revoked = ++shard->chat->revocations;
    pthread_mutex_unlock(&user->stripe->lock);
    return expel(shard, user, (struct whom){.but = spared}, FAREWELL_REVOKED);
}

bool presence_revoked(const struct user *user, uint64_t begun, uint64_t device)
{
    return user->revoked > begun && (device == 0 || user->spared != device);
}

/* Under the lock. The user's first seat begins `stay` (which may be NULL: no memory, no history). */
static enum err sit_locked(struct participant *participant, struct stay *stay, bool *first)
{
    struct user *user = participant->user;
    if (!seat_room(user))
        return ERR_MEMORY;
    user->seats[user->seat_count++] = (struct seat){participant->shard->index, participant->slot,        participant->generation,
                                                    participant->device,       participant->can_private, 0};
    *first = user->seat_count == 1;
    if (*first) {
        user->presence_version++;
        user->stay = stay;
        link_online(user);
    }
    return OK;
}

enum err presence_sit(struct participant *participant)
{
    struct user *user = participant->user;
    struct shard *shard = participant->shard;
    struct directory *directory = shard->chat->directory;
    struct seat former[FORMER_MOST];
    struct stay *stay = calloc(1, sizeof *stay);
    bool first = false;
    pthread_mutex_lock(&user->stripe->lock);
    unsigned former_count = former_seats(participant, former);
    enum err err = sit_locked(participant, stay, &first);
    uint64_t version = user->presence_version;
    pthread_mutex_unlock(&user->stripe->lock);
    if (err != OK || !first)
        free(stay);
    if (err != OK)
        return err;
    directory->sessions++;
    for (unsigned i = 0; i < former_count; i++)
        send_farewell(shard, &former[i], FAREWELL_REPLACED);
    if (first) {
        directory->users_online++;
        if (stay != NULL) {
            stay->user = user;
            stay_begin(stay, participant);
        }
        announce(shard, user, version);
    }
    return OK;
}

/* Under the lock. Returns the stay to close now, or NULL. */
static struct stay *rise_locked(struct participant *participant, int64_t now, bool *last)
{
    struct user *user = participant->user;
    unsigned i = 0;
    while (user->seats[i].shard != participant->shard->index || user->seats[i].slot != participant->slot ||
           user->seats[i].generation != participant->generation)
        i++;
    user->seats[i] = user->seats[--user->seat_count];
    *last = user->seat_count == 0;
    if (!*last)
        return NULL;
    free(user->seats);
    user->seats = NULL;
    user->seat_room = 0;
    user->presence_version++;
    user->last_online = now;
    unlink_online(user);
    struct stay *stay = user->stay;
    user->stay = NULL;
    if (stay == NULL)
        return NULL;
    stay->ended = true;
    stay->end = now;
    return stay->opened ? stay : NULL;
}

void presence_rise(struct participant *participant)
{
    struct user *user = participant->user;
    struct shard *shard = participant->shard;
    bool last;
    pthread_mutex_lock(&user->stripe->lock);
    struct stay *stay = rise_locked(participant, world_wall_ms(shard->world), &last);
    uint64_t version = user->presence_version;
    pthread_mutex_unlock(&user->stripe->lock);
    shard->chat->directory->sessions--;
    if (stay != NULL)
        stay_close(stay, shard);
    if (last) {
        shard->chat->directory->users_online--;
        announce(shard, user, version);
    }
}
