/*
 * import.c - see import.h.
 *
 * Two passes. The first lists the good lines and lets the store strike out the names it has. The second keeps a fixed number of
 * accounts in flight, each a `struct slot`: hashed by a worker, created by the store, then the slot takes the next. Everything
 * but the hashing happens on this thread's loop.
 */
#include "server/import.h"
#include "base/arena.h"
#include "base/log.h"
#include "base/map.h"
#include "base/world.h"
#include "crypto/token.h"
#include "net/loop.h"
#include "net/workers.h"
#include "server/credentials.h"
#include "server/progress.h"
#include "server/signals.h"
#include <stdlib.h>

struct entry {
    struct entry *next;
    struct credential credential;
    bool exists;
};

struct import;

struct slot {
    struct job job;
    struct store_account_create create;
    struct import *import;
    const struct entry *entry;
    enum err err;
    char hash[PASSWORD_HASH_SIZE];
};

struct import {
    const struct import_order *order;
    struct arena arena;
    struct map names; /* to entries */
    struct entry *first, **last;
    size_t bad, existing, created;

    const struct entry *next;
    struct loop *loop;
    struct workers *workers;
    struct signals signals;
    struct progress progress;
    struct slot *slots;
    size_t slot_count, busy;
    enum err err; /* the first; nothing new is begun after it */
};

/* ---- first pass ---- */

static void log_bad(const struct import *import, unsigned line, const char *why)
{
    log_event(LOG_WARN, "credentials_line_ignored", log_str("file", import->order->path), log_int("line", line),
              log_str("why", why));
}

static enum err list_entry(struct import *import, const struct credential *credential)
{
    struct entry *twin = map_get(&import->names, name_slice(&credential->name));
    if (twin != NULL) {
        import->bad++;
        log_bad(import, credential->line, "the name has a line before this one, which counts");
        return OK;
    }
    struct entry *entry = arena_zalloc(&import->arena, sizeof *entry);
    if (entry == NULL)
        return ERR_MEMORY;
    entry->credential = *credential;
    *import->last = entry;
    import->last = &entry->next;
    return map_put(&import->names, name_slice(&entry->credential.name), entry);
}

static enum err list_entries(struct import *import, struct slice text)
{
    struct credentials cursor = {.text = text};
    struct credential credential;
    const char *why = "";
    for (;;) {
        enum err err = credentials_next(&cursor, &credential, &why);
        if (err == ERR_NOT_FOUND)
            return OK;
        if (err == ERR_INVALID) {
            import->bad++;
            log_bad(import, cursor.line, why);
            continue;
        }
        err = list_entry(import, &credential);
        if (err != OK)
            return err;
    }
}

static enum err strike_out(void *ctx, uint64_t account, struct slice name, bool disabled, int64_t last_online)
{
    struct import *import = ctx;
    struct entry *entry = map_get(&import->names, name);
    if (entry != NULL && !entry->exists) {
        entry->exists = true;
        import->existing++;
    }
    return OK;
}

static enum err ignore_block(void *ctx, uint64_t account, uint64_t other)
{
    return OK;
}

static enum err ignore_failures(void *ctx, struct slice name, unsigned count, int64_t blocked_until)
{
    return OK;
}

/* ---- second pass ---- */

static void slot_begin(struct slot *slot);

static void import_fail(struct import *import, enum err err)
{
    if (import->err == OK)
        import->err = err;
}

/* Idle now: takes the next entry, or ends the loop when it was the last. */
static void slot_idle(struct slot *slot)
{
    struct import *import = slot->import;
    import->busy--;
    slot_begin(slot);
    if (import->busy == 0)
        loop_stop(import->loop);
}

static void slot_created(struct store_op *op)
{
    struct slot *slot = (struct slot *)((char *)op - offsetof(struct slot, create.op));
    struct import *import = slot->import;
    if (op->err == OK)
        import->created++;
    else if (op->err != ERR_NAME_TAKEN)
        import_fail(import, op->err);
    progress_step(&import->progress, world_mono_ms(loop_world(import->loop)));
    slot_idle(slot);
}

static void slot_hash(struct job *job)
{
    struct slot *slot = (struct slot *)job;
    slot->err = password_hash(slot->entry->credential.password, slot->import->order->cost, slot->hash);
}

static void slot_hashed(struct job *job)
{
    struct slot *slot = (struct slot *)job;
    struct import *import = slot->import;
    if (slot->err != OK) {
        import_fail(import, slot->err);
        slot_idle(slot);
        return;
    }
    slot->create = (struct store_account_create){
        .op = {.verb = STORE_ACCOUNT_CREATE, .done = slot_created, .home = loop_strand(import->loop)},
        .name = name_slice(&slot->entry->credential.name),
        .password = slot->hash,
        .time = world_wall_ms(loop_world(import->loop)),
    };
    store_submit(import->order->store, &slot->create.op);
}

static void slot_begin(struct slot *slot)
{
    struct import *import = slot->import;
    while (import->next != NULL && import->next->exists)
        import->next = import->next->next;
    if (import->next == NULL || import->err != OK)
        return;
    slot->entry = import->next;
    import->next = import->next->next;
    slot->job = (struct job){.home = loop_strand(import->loop), .work = slot_hash, .done = slot_hashed};
    enum err err = pool_submit(workers_pool(import->workers), &slot->job);
    if (err != OK)
        import_fail(import, err);
    else
        import->busy++;
}

static void interrupted(struct signals *signals, enum signal_meaning meaning)
{
    struct import *import = (struct import *)((char *)signals - offsetof(struct import, signals));
    if (meaning == SIGNAL_STOP)
        import_fail(import, ERR_STOPPED);
}

static enum err create_all(struct import *import)
{
    int64_t now = world_mono_ms(loop_world(import->loop));
    progress_start(&import->progress, "credentials_import", map_count(&import->names) - import->existing, now);
    for (size_t i = 0; i < import->slot_count; i++) {
        import->slots[i].import = import;
        slot_begin(&import->slots[i]);
    }
    if (import->busy > 0)
        loop_run(import->loop);
    progress_end(&import->progress);
    return import->err;
}

/* Enough accounts in flight for every worker to have one while others wait for the disk. */
static enum err second_pass(struct import *import)
{
    import->slot_count = 4 * (size_t)import->order->threads + 4;
    import->slots = calloc(import->slot_count, sizeof *import->slots);
    if (import->slots == NULL)
        return ERR_MEMORY;
    enum err err = loop_new(&import->loop);
    if (err == OK)
        err = workers_new(import->order->threads, import->slot_count, &import->workers);
    if (err == OK)
        err = signals_start(&import->signals, import->loop, interrupted);
    if (err == OK) {
        err = create_all(import);
        signals_stop(&import->signals);
    }
    workers_free(&import->workers);
    loop_free(&import->loop);
    for (size_t i = 0; i < import->slot_count; i++)
        secret_wipe(import->slots[i].hash, sizeof import->slots[i].hash);
    free(import->slots);
    return err;
}

enum err import_credentials(const struct import_order *order, struct slice text)
{
    struct import import = {.order = order};
    uint64_t seed[2];
    system_random.fill(&system_random, seed, sizeof seed);
    arena_init(&import.arena, SIZE_MAX / 2, 0);
    map_init(&import.names, seed);
    import.last = &import.first;
    struct store_reader reader = {&import, strike_out, ignore_block, ignore_failures};
    enum err err = list_entries(&import, text);
    if (err == OK)
        err = store_load(order->store, &reader);
    import.next = import.first;
    if (err == OK && map_count(&import.names) > import.existing)
        err = second_pass(&import);
    log_event(LOG_INFO, "credentials_imported", log_str("file", order->path), log_int("created", (int64_t)import.created),
              log_int("existed", (int64_t)import.existing), log_int("ignored", (int64_t)import.bad));
    map_free(&import.names);
    arena_free(&import.arena);
    return err;
}
