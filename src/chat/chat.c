/* chat.c - the chat as a whole: made from what the store remembers, configured, counted, freed. */
#include "chat/chat.h"

#include "announcement.h"
#include "delivery.h"
#include "guard.h"
#include "housekeeping.h"
#include "message.h"
#include "shard.h"

#include <stdlib.h>

const struct chat_settings chat_settings_default = {
    .block_duration_ms = 60 * 1000,
    .registration_open = true,
    .failures_a_minute = 300,
    .devices = 32,
    .quota = 1000000,
    .retention_ms = 30LL * 24 * 3600 * 1000,
    .device_ms = 90LL * 24 * 3600 * 1000,
    .private_ms = 60 * 1000,
    .cost = {.passes = 2, .memory = 19 * 1024 * 1024},
};

static enum err load_account(void *ctx, uint64_t account, struct slice name, bool disabled, int64_t last_online)
{
    struct chat *chat = ctx;
    struct user *user;
    enum err err = directory_add(chat->directory, account, name, &user);
    if (err != OK)
        return err;
    user->disabled = disabled;
    user->last_online = last_online;
    return OK;
}

static enum err load_block(void *ctx, uint64_t account, uint64_t other)
{
    struct chat *chat = ctx;
    struct user *user = directory_by_id(chat->directory, account);
    return user ? user_set_blocked(user, other, true) : OK;
}

/* The store knows the end of a block by the wall clock. If that was set back meanwhile, the block lasts its duration once more
 * and not until the clock is where it was. */
static enum err load_failures(void *ctx, struct slice name, unsigned count, int64_t blocked_until)
{
    struct chat *chat = ctx;
    struct clock *clock = chat->parts.clock;
    int64_t now = clock->mono_ms(clock);
    int64_t left = blocked_until - clock->wall_ms(clock), longest = atomic_load(&chat->settings)->block_duration_ms;
    bool known = directory_find(chat->directory, name) != NULL;
    if (blocked_until == 0)
        return guard_restore(chat->guard, name, known, count, 0, now);
    if (left <= 0)
        return OK; /* it is over, and counting begins anew */
    return guard_restore(chat->guard, name, known, count, now + (left < longest ? left : longest), now);
}

static enum err chat_load(struct chat *chat)
{
    const struct store_reader reader = {chat, load_account, load_block, load_failures};
    return store_load(chat->parts.store, &reader);
}

enum err chat_new(const struct chat_parts *parts, const struct chat_settings *settings, struct chat **out)
{
    struct chat *chat = calloc(1, sizeof *chat);
    if (chat == NULL)
        return ERR_MEMORY;
    chat->parts = *parts;
    pthread_mutex_init(&chat->configuring, NULL);
    ended_init(&chat->ended);
    chat->shards = calloc(parts->shards, sizeof(struct shard *));
    enum err err = chat->shards ? chat_configure(chat, settings) : ERR_MEMORY;
    if (err == OK)
        err = directory_new(parts->random, &chat->directory);
    if (err == OK)
        err = guard_new(parts->random, &settings->cost, parts->store, &chat->guard);
    if (err == OK)
        err = chat_load(chat);
    if (err != OK) {
        chat_free(&chat);
        return err;
    }
    *out = chat;
    return OK;
}

static void shard_free(struct shard *shard)
{
    if (shard == NULL)
        return;
    message_free_pool(shard);
    housekeeping_free(shard);
    announcements_free(shard);
    buf_free(&shard->memo);
    user_list_free(&shard->users);
    seat_list_free(&shard->seats);
    free(shard->slots);
    free(shard);
}

void chat_free(struct chat **out)
{
    struct chat *chat = *out;
    if (chat == NULL)
        return;
    for (unsigned i = 0; chat->shards && i < chat->parts.shards; i++)
        shard_free(chat->shards[i]);
    for (size_t i = 0; i < chat->retired_count; i++)
        free(chat->retired[i]);
    free(chat->retired);
    free(atomic_load(&chat->settings));
    guard_free(&chat->guard);
    directory_free(&chat->directory);
    pthread_mutex_destroy(&chat->configuring);
    ended_free(&chat->ended);
    free(chat->shards);
    free(chat);
    *out = NULL;
}

/* A shard may be reading the old settings at this moment: they are kept until the end. Reloads are rare. */
static enum err replace_settings(struct chat *chat, struct chat_settings *settings)
{
    struct chat_settings **retired = realloc(chat->retired, (chat->retired_count + 1) * sizeof *retired);
    if (retired == NULL)
        return ERR_MEMORY;
    chat->retired = retired;
    struct chat_settings *old = atomic_exchange(&chat->settings, settings);
    if (old != NULL)
        chat->retired[chat->retired_count++] = old;
    return OK;
}

enum err chat_configure(struct chat *chat, const struct chat_settings *settings)
{
    struct chat_settings *copy = malloc(sizeof *copy);
    if (copy == NULL)
        return ERR_MEMORY;
    *copy = *settings;
    pthread_mutex_lock(&chat->configuring);
    enum err err = replace_settings(chat, copy);
    pthread_mutex_unlock(&chat->configuring);
    if (err != OK)
        free(copy);
    return err;
}

void chat_count(struct chat *chat, struct chat_counters *counters)
{
    counters->accounts = chat->directory->accounts;
    counters->users_online = chat->directory->users_online;
    counters->sessions = chat->directory->sessions;
    counters->accepted = counters->delivered = counters->hashed = 0;
    for (unsigned i = 0; i < chat->parts.shards; i++) {
        if (chat->shards[i] == NULL)
            continue;
        counters->accepted += atomic_load_explicit(&chat->shards[i]->tally.accepted, memory_order_relaxed);
        counters->delivered += atomic_load_explicit(&chat->shards[i]->tally.delivered, memory_order_relaxed);
        counters->hashed += atomic_load_explicit(&chat->shards[i]->tally.hashed, memory_order_relaxed);
    }
}
