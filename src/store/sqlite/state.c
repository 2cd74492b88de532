/* state.c - see state.h: making, rebuilding and dropping it; the conversations and the counts of what waits. */
#include "state.h"
#include "database.h"
#include "replay.h"
#include <stdlib.h>

enum { SLOTS = 65536 }; /* of each of the two direct-mapped caches; 3 MB in all, touched as they are used */

enum err state_init(struct state *state)
{
    static const uint64_t seed[2] = {0, 0}; /* the keys are ours: nobody can choose them to collide */
    map_init(&state->devices, seed);
    state->conversations = calloc(SLOTS, sizeof *state->conversations);
    state->waiting = calloc(SLOTS, sizeof *state->waiting);
    if (members_init(&state->members) != OK)
        return ERR_MEMORY;
    return state->conversations != NULL && state->waiting != NULL ? OK : ERR_MEMORY;
}

void state_free(struct state *state)
{
    devices_drop(state);
    members_free(&state->members);
    free(state->conversations);
    free(state->waiting);
    *state = (struct state){0};
}

/* A device that sent something since its row was last written. */
static enum err load_device(struct state *state, sqlite3_stmt *row)
{
    struct device *device = calloc(1, sizeof *device);
    if (device == NULL)
        return ERR_MEMORY;
    int64_t sent = sqlite3_column_int64(row, 1), written = sqlite3_column_int64(row, 3);
    int64_t time = sqlite3_column_int64(row, 2), used = sqlite3_column_int64(row, 4);
    *device = (struct device){
        .id = (uint64_t)sqlite3_column_int64(row, 0),
        .last_number = (uint64_t)(sent > written ? sent : written),
        .used = time > used ? time : used,
        .dirty = true,
        .next_dirty = state->dirty,
    };
    if (map_put_u64(&state->devices, device->id, device) != OK) {
        free(device);
        return ERR_MEMORY;
    }
    state->dirty = device;
    state->dirty_count++;
    return OK;
}

enum err state_reload(struct database *db)
{
    struct state *state = &db->state;
    state->loaded = false;
    state->tidy_cursor = 0;
    memset(state->conversations, 0, SLOTS * sizeof *state->conversations);
    memset(state->waiting, 0, SLOTS * sizeof *state->waiting);
    members_forget(&state->members);
    devices_drop(state);
    db->failed = false;
    uint64_t kept = (uint64_t)db_number(db, db_bind(db, SQL_META, META_LAST_ID), 0);
    uint64_t stored = (uint64_t)db_number(db, db->statements[SQL_LAST_ID], 0);
    state->last_id = state->committed = kept > stored ? kept : stored;
    state->spread = 0;
    state->commits++;
    state->numbers_through = (uint64_t)db_number(db, db_bind(db, SQL_META, META_NUMBERS_THROUGH), 0);
    if (db->failed)
        return ERR_NOT_STORED;
    sqlite3_stmt *row = db_bind(db, SQL_TAIL, (int64_t)state->numbers_through);
    while (db_row(db, row)) {
        if (load_device(state, row) != OK) {
            sqlite3_reset(row);
            return ERR_NOT_STORED;
        }
    }
    state->loaded = !db->failed;
    return state->loaded ? OK : ERR_NOT_STORED;
}

size_t state_mix(uint64_t a, uint64_t b)
{
    uint64_t hash = (a + 0x9e3779b97f4a7c15u) * 0xbf58476d1ce4e5b9u ^ (b + 0x632be59bd9b4e019u) * 0x94d049bb133111ebu;
    return (size_t)(hash ^ hash >> 32);
}

enum err conversation_insert(struct database *db, int64_t low, int64_t high, uint64_t *id)
{
    enum err err = db_run(db, db_bind(db, SQL_CONVERSATION_CREATE, low, high, (int64_t)*id));
    if (err != OK)
        return err == ERR_NOT_FOUND ? ERR_UNKNOWN_USER : err;
    int64_t made = sqlite3_last_insert_rowid(db->handle);
    err = db_run(db, db_bind(db, SQL_MEMBER_CREATE, low, high, made));
    if (err == OK)
        *id = (uint64_t)made;
    return err;
}

enum err conversation_get(struct database *db, uint64_t one, uint64_t other, struct conversation **out)
{
    uint64_t low = one < other ? one : other, high = one < other ? other : one;
    struct conversation *slot = &db->state.conversations[state_mix(low, high) % SLOTS];
    if (slot->id == 0 || slot->low != low || slot->high != high) {
        slot->id = 0;
        struct conversation found = {.low = low, .high = high};
        found.id = (uint64_t)db_number(db, db_bind(db, SQL_CONVERSATION_FIND, (int64_t)low, (int64_t)high), 0);
        if (found.id == 0 && !db->failed) {
            enum err err = conversation_insert(db, (int64_t)low, (int64_t)high, &found.id);
            if (err != OK)
                return err;
            log_conversation(db, found.id, low, high);
        }
        int64_t from_low = db_number(db, db_bind(db, SQL_NEWEST_FROM, (int64_t)found.id, (int64_t)low), 0);
        int64_t from_high = db_number(db, db_bind(db, SQL_NEWEST_FROM, (int64_t)found.id, (int64_t)high), 0);
        if (db->failed)
            return ERR_NOT_STORED;
        found.newest = (uint64_t)(from_low > from_high ? from_low : from_high);
        *slot = found;
    }
    *out = slot;
    return OK;
}

void conversation_wrote(struct state *state, struct conversation *conversation, uint64_t id)
{
    conversation->newest = state->last_id = id;
    if (conversation->written != state->commits)
        state->spread++;
    conversation->written = state->commits;
}

static struct waiting *waiting_slot(struct database *db, uint64_t account)
{
    return &db->state.waiting[account % SLOTS];
}

bool waiting_known(struct database *db, uint64_t account)
{
    return waiting_slot(db, account)->account == account;
}

enum err waiting_check(struct database *db, uint64_t account, uint64_t quota)
{
    if (quota == 0)
        return OK;
    struct waiting *slot = waiting_slot(db, account);
    if (slot->account != account) {
        int64_t count = members_flush(db) == OK ? db_number(db, db_bind(db, SQL_WAITING, (int64_t)account), 0) : 0;
        if (db->failed)
            return ERR_NOT_STORED;
        *slot = (struct waiting){account, (uint64_t)count};
    }
    return slot->count >= quota ? ERR_CAP : OK;
}

void waiting_added(struct database *db, uint64_t account)
{
    if (waiting_known(db, account))
        waiting_slot(db, account)->count++;
}

void waiting_removed(struct database *db, uint64_t account, uint64_t count)
{
    struct waiting *slot = waiting_slot(db, account);
    if (waiting_known(db, account))
        slot->count -= count < slot->count ? count : slot->count;
}
