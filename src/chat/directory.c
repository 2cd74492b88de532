/* directory.c - see directory.h. */
#include "directory.h"

#include "chat/login.h"

#include <stdlib.h>

static struct stripe *stripe_of_name(struct directory *directory, struct slice name)
{
    return &directory->stripes[map_hash(directory->seed, name) % DIRECTORY_STRIPES];
}

static struct stripe *stripe_of_id(struct directory *directory, uint64_t id)
{
    return &directory->stripes[id % DIRECTORY_STRIPES];
}

struct slice user_name(const struct user *user)
{
    return slice_of(user->name, user->name_len);
}

enum err directory_new(struct random *random, struct directory **out)
{
    struct directory *directory = calloc(1, sizeof *directory);
    if (directory == NULL)
        return ERR_MEMORY;
    random->fill(random, directory->seed, sizeof directory->seed);
    for (size_t i = 0; i < DIRECTORY_STRIPES; i++) {
        pthread_mutex_init(&directory->stripes[i].lock, NULL);
        map_init(&directory->stripes[i].by_name, directory->seed);
        map_init(&directory->stripes[i].by_id, directory->seed);
    }
    *out = directory;
    return OK;
}

static void user_free(struct user *user)
{
    free(user->blocked);
    free(user->seats);
    free(user);
}

void directory_free(struct directory **directory)
{
    if (*directory == NULL)
        return;
    for (size_t i = 0; i < DIRECTORY_STRIPES; i++) {
        struct stripe *stripe = &(*directory)->stripes[i];
        struct user *user;
        for (size_t iter = 0; (user = map_next(&stripe->by_name, &iter)) != NULL;)
            user_free(user);
        map_free(&stripe->by_name);
        map_free(&stripe->by_id);
        pthread_mutex_destroy(&stripe->lock);
    }
    free(*directory);
    *directory = NULL;
}

/* Into both maps or neither. */
static enum err enter(struct directory *directory, struct user *user)
{
    struct stripe *stripe = user->stripe, *other = stripe_of_id(directory, user->id);
    pthread_mutex_lock(&stripe->lock);
    enum err err = map_get(&stripe->by_name, user_name(user)) ? ERR_NAME_TAKEN : map_put(&stripe->by_name, user_name(user), user);
    pthread_mutex_unlock(&stripe->lock);
    if (err != OK)
        return err;
    pthread_mutex_lock(&other->lock);
    err = map_put_u64(&other->by_id, user->id, user);
    pthread_mutex_unlock(&other->lock);
    if (err != OK) {
        pthread_mutex_lock(&stripe->lock);
        map_remove(&stripe->by_name, user_name(user));
        pthread_mutex_unlock(&stripe->lock);
    }
    return err;
}

enum err directory_add(struct directory *directory, uint64_t id, struct slice name, struct user **out)
{
    struct user *user = calloc(1, sizeof *user + name.len + 1);
    if (user == NULL)
        return ERR_MEMORY;
    user->id = id;
    user->index = directory->indexes++;
    user->name_len = (uint8_t)name.len;
    memcpy(user->name, name.data, name.len);
    user->stripe = stripe_of_name(directory, name);
    enum err err = enter(directory, user);
    if (err != OK) {
        user_free(user);
        return err;
    }
    directory->accounts++;
    *out = user;
    return OK;
}

struct user *directory_find(struct directory *directory, struct slice name)
{
    struct stripe *stripe = stripe_of_name(directory, name);
    pthread_mutex_lock(&stripe->lock);
    struct user *user = map_get(&stripe->by_name, name);
    pthread_mutex_unlock(&stripe->lock);
    return user;
}

struct user *directory_by_id(struct directory *directory, uint64_t id)
{
    struct stripe *stripe = stripe_of_id(directory, id);
    pthread_mutex_lock(&stripe->lock);
    struct user *user = map_get_u64(&stripe->by_id, id);
    pthread_mutex_unlock(&stripe->lock);
    return user;
}

static bool grow(void **at, size_t *room, size_t need, size_t size)
{
    if (need <= *room)
        return true;
    size_t wanted = *room ? *room * 2 : 16;
    while (wanted < need)
        wanted *= 2;
    void *bigger = realloc(*at, wanted * size);
    if (bigger == NULL)
        return false;
    *at = bigger;
    *room = wanted;
    return true;
}

enum err user_list_add(struct user_list *list, struct user *user)
{
    if (!grow((void **)&list->at, &list->room, list->count + 1, sizeof(struct user *)))
        return ERR_MEMORY;
    list->at[list->count++] = user;
    return OK;
}

static enum err online_in(struct stripe *stripe, struct user_list *list)
{
    enum err err = OK;
    for (struct user *user = stripe->online; user != NULL && err == OK; user = user->online_next)
        err = user_list_add(list, user);
    return err;
}

static enum err online_since_in(struct stripe *stripe, int64_t since, struct user_list *list)
{
    enum err err = OK;
    struct user *user;
    for (size_t iter = 0; err == OK && (user = map_next(&stripe->by_name, &iter)) != NULL;)
        if (user->seat_count > 0 || (user->last_online > 0 && user->last_online >= since))
            err = user_list_add(list, user);
    return err;
}

static enum err everybody_in(struct stripe *stripe, struct user_list *list)
{
    struct user *user;
    enum err err = OK;
    for (size_t iter = 0; err == OK && (user = map_next(&stripe->by_name, &iter)) != NULL;)
        err = user_list_add(list, user);
    return err;
}

enum err directory_everybody(struct directory *directory, struct user_list *list)
{
    enum err err = OK;
    list->count = 0;
    for (size_t i = 0; i < DIRECTORY_STRIPES && err == OK; i++) {
        pthread_mutex_lock(&directory->stripes[i].lock);
        err = everybody_in(&directory->stripes[i], list);
        pthread_mutex_unlock(&directory->stripes[i].lock);
    }
    return err;
}

enum err directory_online(struct directory *directory, struct user_list *list)
{
    enum err err = OK;
    list->count = 0;
    for (size_t i = 0; i < DIRECTORY_STRIPES && err == OK; i++) {
        pthread_mutex_lock(&directory->stripes[i].lock);
        err = online_in(&directory->stripes[i], list);
        pthread_mutex_unlock(&directory->stripes[i].lock);
    }
    return err;
}

enum err directory_online_since(struct directory *directory, int64_t since, struct user_list *list)
{
    enum err err = OK;
    list->count = 0;
    for (size_t i = 0; i < DIRECTORY_STRIPES && err == OK; i++) {
        pthread_mutex_lock(&directory->stripes[i].lock);
        err = online_since_in(&directory->stripes[i], since, list);
        pthread_mutex_unlock(&directory->stripes[i].lock);
    }
    return err;
}

enum err user_seats(struct user *user, struct seat_list *list)
{
    enum err err = OK;
    pthread_mutex_lock(&user->stripe->lock);
    list->count = 0;
    if (!grow((void **)&list->at, &list->room, user->seat_count, sizeof *list->at)) {
        err = ERR_MEMORY;
    } else if (user->seat_count > 0) {
        memcpy(list->at, user->seats, user->seat_count * sizeof *list->at);
        list->count = user->seat_count;
    }
    pthread_mutex_unlock(&user->stripe->lock);
    return err;
}

bool user_online(struct user *user)
{
    pthread_mutex_lock(&user->stripe->lock);
    bool online = user->seat_count > 0;
    pthread_mutex_unlock(&user->stripe->lock);
    return online;
}

/* Index of the first id that is not less. */
static unsigned blocked_place(const struct user *user, uint64_t id)
{
    unsigned low = 0, high = user->blocked_count;
    while (low < high) {
        unsigned middle = (low + high) / 2;
        if (user->blocked[middle] < id)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

bool user_blocks(struct user *user, const struct user *other)
{
    if (user->blocked_count == 0)
        return false;
    pthread_mutex_lock(&user->stripe->lock);
    unsigned place = blocked_place(user, other->id);
    bool found = place < user->blocked_count && user->blocked[place] == other->id;
    pthread_mutex_unlock(&user->stripe->lock);
    return found;
}

static enum err blocked_insert(struct user *user, unsigned place, uint64_t id)
{
    size_t room = user->blocked_room;
    if (!grow((void **)&user->blocked, &room, user->blocked_count + 1, sizeof *user->blocked))
        return ERR_MEMORY;
    user->blocked_room = (unsigned)room;
    memmove(user->blocked + place + 1, user->blocked + place, (user->blocked_count - place) * sizeof *user->blocked);
    user->blocked[place] = id;
    user->blocked_count++;
    return OK;
}

enum err user_set_blocked(struct user *user, uint64_t other, bool on)
{
    enum err err = OK;
    pthread_mutex_lock(&user->stripe->lock);
    unsigned place = blocked_place(user, other);
    bool found = place < user->blocked_count && user->blocked[place] == other;
    if (on && !found) {
        err = blocked_insert(user, place, other);
    } else if (!on && found) {
        memmove(user->blocked + place, user->blocked + place + 1, (user->blocked_count - place - 1) * sizeof *user->blocked);
        user->blocked_count--;
    }
    pthread_mutex_unlock(&user->stripe->lock);
    return err;
}

void user_list_free(struct user_list *list)
{
    free(list->at);
    *list = (struct user_list){0};
}

void seat_list_free(struct seat_list *list)
{
    free(list->at);
    *list = (struct seat_list){0};
}
