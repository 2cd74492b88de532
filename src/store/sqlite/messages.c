/* messages.c - storing a message, and how far a member has received. */
#include "replay.h"
#include "verbs.h"

/* Was this number of this device stored in this conversation before? Its id, or 0. */
static uint64_t find_duplicate(struct database *db, struct store_append *append, uint64_t conversation, int64_t *time)
{
    sqlite3_stmt *scan = db_bind(db, SQL_SENT_BEFORE, (int64_t)conversation, (int64_t)append->sender, (int64_t)append->device,
                                 (int64_t)append->number);
    int64_t id = db_number(db, scan, 0);
    append->searched = (uint64_t)sqlite3_stmt_status(scan, SQLITE_STMTSTATUS_VM_STEP, true);
    if (id != 0)
        *time = db_number(db, db_bind(db, SQL_MESSAGE, id), 0);
    return db->failed ? 0 : (uint64_t)id;
}

/* Whether the number may have been stored before. A device that was forgotten meanwhile (*device NULL) always may. */
static enum err recognise(struct database *db, const struct store_append *append, struct device **device, bool *maybe)
{
    *device = NULL;
    *maybe = false;
    if (append->device == 0 || append->number == 0)
        return OK;
    enum err err = device_get(db, append->device, device);
    if (err != OK && err != ERR_NOT_FOUND)
        return err;
    *maybe = *device == NULL || append->number <= (*device)->last_number;
    return OK;
}

static enum err insert(struct database *db, const struct store_append *append, uint64_t id, uint64_t conversation)
{
    const struct row row = {
        .id = (int64_t)id,
        .conversation = (int64_t)conversation,
        .sender = (int64_t)append->sender,
        .device = (int64_t)append->device,
        .number = (int64_t)append->number,
        .time = append->time,
        .body = append->body,
    };
    return rows_add(db, &row);
}

static enum err add(struct database *db, const struct store_append *append, uint64_t id, struct conversation *conversation,
                    struct device *device)
{
    enum err err = insert(db, append, id, conversation->id);
    if (err != OK)
        return err;
    conversation_wrote(&db->state, conversation, id);
    waiting_added(db, append->receiver);
    member_sent_to(db, append->receiver, conversation->id, id);
    if (device != NULL)
        device_sent(db, device, append->number, append->time);
    return OK;
}

enum err message_restore(struct database *db, const struct store_append *append, uint64_t id, uint64_t conversation)
{
    struct conversation *found;
    struct device *device = NULL;
    enum err err = conversation_get(db, append->sender, append->receiver, &found);
    if (err == OK && (found->id != conversation || id <= db->state.last_id))
        err = ERR_INVALID;
    if (err == OK && append->device != 0 && append->number != 0)
        err = device_get(db, append->device, &device);
    if (err == OK || err == ERR_NOT_FOUND)
        err = add(db, append, id, found, device);
    return err;
}

enum err message_append(struct database *db, struct store_op *op)
{
    struct store_append *append = (struct store_append *)op;
    if (append->sender == append->receiver)
        return ERR_SELF;
    if (append->number > INT64_MAX)
        return ERR_INVALID;
    struct conversation *conversation;
    struct device *device;
    bool maybe;
    enum err err = conversation_get(db, append->sender, append->receiver, &conversation);
    if (err == OK)
        err = recognise(db, append, &device, &maybe);
    if (err != OK)
        return err;
    int64_t time = append->time;
    uint64_t id = maybe ? find_duplicate(db, append, conversation->id, &time) : 0, previous = 0;
    if (db->failed)
        return ERR_NOT_STORED;
    append->duplicate = id != 0;
    if (id == 0 && append->only_known)
        return ERR_NOT_FOUND;
    if (id == 0) {
        err = waiting_check(db, append->receiver, append->quota);
        id = db->state.last_id + 1;
        previous = conversation->newest;
        if (err == OK)
            err = add(db, append, id, conversation, device);
        if (err != OK)
            return err;
        log_message(db, append, id, conversation->id);
    }
    append->id = id;
    append->conversation = conversation->id;
    append->previous = previous;
    append->stored_time = time;
    return OK;
}

enum err message_received(struct database *db, uint64_t account, struct store_position to)
{
    struct member *member;
    uint64_t count;
    enum err err = member_get(db, account, to.conversation, &member);
    if (err != OK || to.id <= member->received)
        return err == ERR_NOT_FOUND ? OK : err;
    err = member_received(db, member, to.id, &count);
    if (err != OK)
        return err;
    waiting_removed(db, account, count);
    log_received(db, account, to.conversation, to.id);
    return OK;
}

enum err message_advance(struct database *db, struct store_op *op)
{
    struct store_advance *advance = (struct store_advance *)op;
    enum err err = OK;
    for (size_t i = 0; err == OK && !db->failed && i < advance->count; i++) {
        if (advance->positions[i].id <= db->state.last_id && advance->positions[i].conversation <= INT64_MAX)
            err = message_received(db, advance->account, advance->positions[i]);
    }
    return db->failed ? ERR_NOT_STORED : err;
}
