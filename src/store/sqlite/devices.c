/* devices.c - devices: the verbs, and their highest numbers and times of use, kept in memory and written now and then (state.h).
 */
#include "verbs.h"
#include <stdlib.h>

enum {
    FLUSH_MESSAGES = 32768, /* since the last flush: what a start after a crash reads again */
    FLUSH_DIRTY = 8192,
    KEEP_CLEAN = 65536, /* devices in memory that need not be */
};
static const int64_t USED_STEP_MS = 60 * 1000; /* sending counts as use, to this precision */

static void mark(struct state *state, struct device *device)
{
    if (device->dirty)
        return;
    device->dirty = true;
    device->next_dirty = state->dirty;
    state->dirty = device;
    state->dirty_count++;
}

enum err device_get(struct database *db, uint64_t id, struct device **out)
{
    struct device *device = map_get_u64(&db->state.devices, id);
    if (device == NULL) {
        sqlite3_stmt *row = db_bind(db, SQL_DEVICE_BY_ID, (int64_t)id);
        if (!db_row(db, row))
            return db->failed ? ERR_NOT_STORED : ERR_NOT_FOUND;
        struct device found = {id, (uint64_t)sqlite3_column_int64(row, 0), sqlite3_column_int64(row, 1), false, NULL};
        sqlite3_reset(row);
        device = malloc(sizeof *device);
        if (device == NULL)
            return ERR_MEMORY;
        *device = found;
        if (map_put_u64(&db->state.devices, id, device) != OK) {
            free(device);
            return ERR_MEMORY;
        }
    }
    *out = device;
    return OK;
}

void device_sent(struct database *db, struct device *device, uint64_t number, int64_t time)
{
    mark(&db->state, device);
    if (number > device->last_number)
        device->last_number = number;
    if (time > device->used + USED_STEP_MS)
        device->used = time;
}

void device_used(struct database *db, struct device *device, int64_t time)
{
    if (time > device->used) {
        mark(&db->state, device);
        device->used = time;
    }
}

static void unlink_dirty(struct state *state, const struct device *device)
{
    struct device **link = &state->dirty;
    while (*link != device)
        link = &(*link)->next_dirty;
    *link = device->next_dirty;
    state->dirty_count--;
}

void device_forget(struct database *db, uint64_t id)
{
    struct device *device = map_remove_u64(&db->state.devices, id);
    if (device != NULL && device->dirty)
        unlink_dirty(&db->state, device);
    free(device);
}

void devices_drop(struct state *state)
{
    struct device *device;
    for (size_t i = 0; (device = map_next(&state->devices, &i)) != NULL;)
        free(device);
    map_free(&state->devices);
    state->dirty = NULL;
    state->dirty_count = 0;
}

bool devices_due(const struct database *db)
{
    const struct state *state = &db->state;
    return state->loaded && state->dirty_count > 0 &&
           (state->dirty_count >= FLUSH_DIRTY || state->last_id - state->numbers_through >= FLUSH_MESSAGES);
}

enum err devices_flush(struct database *db)
{
    struct state *state = &db->state;
    for (struct device *device; (device = state->dirty) != NULL;) {
        enum err err =
            db_run(db, db_bind(db, SQL_DEVICE_UPDATE, (int64_t)device->id, (int64_t)device->last_number, device->used));
        if (err != OK)
            return err;
        state->dirty = device->next_dirty;
        state->dirty_count--;
        device->dirty = false;
    }
    if (state->numbers_through != state->last_id) {
        enum err err = db_run(db, db_bind(db, SQL_META_SET, META_NUMBERS_THROUGH, (int64_t)state->last_id));
        if (err != OK)
            return err;
        state->numbers_through = state->last_id;
    }
    if (map_count(&state->devices) > KEEP_CLEAN)
        devices_drop(state);
    return OK;
}

static enum err drop_surplus(struct database *db, struct store_device_create *create, uint64_t made)
{
    enum { MOST = sizeof create->dropped / sizeof create->dropped[0] };
    uint64_t dropped[MOST];
    unsigned count = 0;
    sqlite3_stmt *row = db_bind(db, SQL_DEVICE_SURPLUS, (int64_t)create->account, (int64_t)made, MOST, create->keep - 1);
    while (db_row(db, row))
        dropped[count++] = (uint64_t)sqlite3_column_int64(row, 0);
    enum err err = db->failed ? ERR_NOT_STORED : OK;
    for (unsigned i = 0; err == OK && i < count; i++) {
        err = db_run(db, db_bind(db, SQL_DEVICE_DELETE, (int64_t)dropped[i]));
        device_forget(db, dropped[i]);
    }
    if (err == OK) {
        memcpy(create->dropped, dropped, count * sizeof dropped[0]);
        create->dropped_count = count;
    }
    return err;
}

/* Is the password that was verified still the account's? Since then it may have got another one, with the end of its devices. */
static bool let_in(struct database *db, const struct store_device_create *create)
{
    if (create->password == NULL)
        return true;
    sqlite3_stmt *count = db_bind(db, SQL_ACCOUNT_HAS, (int64_t)create->account);
    db_bind_text(count, 2, slice_str(create->password));
    return db_number(db, count, 0) > 0;
}

enum err account_device_create(struct database *db, struct store_op *op)
{
    struct store_device_create *create = (struct store_device_create *)op;
    if (!let_in(db, create))
        return db->failed ? ERR_NOT_STORED : ERR_NOT_FOUND;
    /* Which one is longest unused is decided on what is in the rows. */
    if (devices_flush(db) != OK)
        return ERR_NOT_STORED;
    sqlite3_stmt *insert = db_bind(db, SQL_DEVICE_CREATE, (int64_t)create->account, create->time);
    db_bind_blob(insert, 3, slice_of(create->token, sizeof create->token));
    enum err err = db_run(db, insert);
    if (err != OK)
        return err == ERR_NOT_FOUND ? ERR_UNKNOWN_USER : err;
    uint64_t made = (uint64_t)sqlite3_last_insert_rowid(db->handle);
    create->dropped_count = 0;
    if (create->keep > 0)
        err = drop_surplus(db, create, made);
    if (err == OK)
        create->device = made;
    return err;
}

enum err account_device_find(struct database *db, struct store_op *op)
{
    struct store_device_find *find = (struct store_device_find *)op;
    sqlite3_stmt *row = db->statements[SQL_DEVICE_BY_TOKEN];
    db_bind_blob(row, 1, slice_of(find->token, sizeof find->token));
    if (!db_row(db, row))
        return db->failed ? ERR_NOT_STORED : ERR_BAD_TOKEN;
    uint64_t id = (uint64_t)sqlite3_column_int64(row, 0), account = (uint64_t)sqlite3_column_int64(row, 1);
    bool disabled = sqlite3_column_int(row, 2) != 0;
    sqlite3_reset(row);
    struct device *device;
    enum err err = db->state.loaded ? device_get(db, id, &device) : ERR_NOT_STORED;
    if (err != OK)
        return err;
    device_used(db, device, find->time);
    find->device = id;
    find->account = account;
    find->last_number = device->last_number;
    find->disabled = disabled;
    return OK;
}

enum err account_devices_used(struct database *db, struct store_op *op)
{
    const struct store_devices_used *used = (struct store_devices_used *)op;
    enum err err = db->state.loaded ? OK : ERR_NOT_STORED;
    for (size_t i = 0; i < used->count && (err == OK || err == ERR_NOT_FOUND); i++) {
        struct device *device;
        err = device_get(db, used->devices[i], &device);
        if (err == OK)
            device_used(db, device, used->time);
    }
    return err == ERR_NOT_FOUND ? OK : err;
}

enum err account_device_forget(struct database *db, struct store_op *op)
{
    struct store_device_forget *forget = (struct store_device_forget *)op;
    enum err err = db_run(db, db_bind(db, SQL_DEVICE_DELETE, (int64_t)forget->device));
    if (err == OK)
        device_forget(db, forget->device);
    return err;
}

enum err devices_forget(struct database *db, uint64_t account, uint64_t keep)
{
    int64_t device;
    enum err err = OK;
    while (err == OK && (device = db_number(db, db_bind(db, SQL_DEVICE_OF, (int64_t)account, (int64_t)keep), 0)) != 0) {
        err = db_run(db, db_bind(db, SQL_DEVICE_DELETE, device));
        device_forget(db, (uint64_t)device);
    }
    return db->failed ? ERR_NOT_STORED : err;
}

enum err account_devices_forget(struct database *db, struct store_op *op)
{
    return devices_forget(db, ((struct store_devices_forget *)op)->account, 0);
}
