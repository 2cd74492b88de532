/* members.c - see members.h. */
#include "members.h"
#include "database.h"
#include <stdlib.h>

enum { SLOTS = 65536 };

enum err members_init(struct members *members)
{
    *members = (struct members){.slots = calloc(SLOTS, sizeof *members->slots)};
    return members->slots != NULL ? OK : ERR_MEMORY;
}

void members_free(struct members *members)
{
    free(members->slots);
    *members = (struct members){0};
}

void members_forget(struct members *members)
{
    memset(members->slots, 0, SLOTS * sizeof *members->slots);
    members->dirty = NULL;
}

enum err members_flush(struct database *db)
{
    struct members *members = &db->state.members;
    for (struct member *member; (member = members->dirty) != NULL;) {
        const int64_t account = (int64_t)member->account, conversation = (int64_t)member->conversation;
        enum err err = db_run(db, db_bind(db, SQL_ADVANCE, account, conversation, (int64_t)member->received));
        if (err != OK)
            return err;
        members->dirty = member->next_dirty;
        member->dirty = false;
    }
    return OK;
}

static struct member *slot_of(struct database *db, uint64_t account, uint64_t conversation)
{
    return &db->state.members.slots[state_mix(account, conversation) % SLOTS];
}

static bool holds(const struct member *slot, uint64_t account, uint64_t conversation)
{
    return slot->account == account && slot->conversation == conversation && account != 0;
}

static enum err load(struct database *db, uint64_t account, uint64_t conversation, struct member *out)
{
    struct member found = {.account = account, .conversation = conversation};
    sqlite3_stmt *row = db_bind(db, SQL_MEMBERSHIP, (int64_t)account, (int64_t)conversation);
    if (!db_row(db, row))
        return db->failed ? ERR_NOT_STORED : ERR_NOT_FOUND;
    int64_t received = sqlite3_column_int64(row, 0), other = sqlite3_column_int64(row, 1);
    sqlite3_reset(row);
    found.received = (uint64_t)received;
    found.other = (uint64_t)other;
    found.last = (uint64_t)db_number(db, db_bind(db, SQL_NEWEST_FROM, (int64_t)conversation, other), 0);
    if (found.last > found.received && !db->failed)
        found.unread =
            (uint64_t)db_number(db, db_bind(db, SQL_COUNT_RANGE, (int64_t)conversation, other, received, (int64_t)found.last), 0);
    if (db->failed)
        return ERR_NOT_STORED;
    *out = found;
    return OK;
}

enum err member_get(struct database *db, uint64_t account, uint64_t conversation, struct member **out)
{
    struct member *slot = slot_of(db, account, conversation);
    if (!holds(slot, account, conversation)) {
        enum err err = slot->dirty ? members_flush(db) : OK;
        if (err == OK)
            err = load(db, account, conversation, slot);
        if (err != OK)
            return err;
    }
    *out = slot;
    return OK;
}

void member_sent_to(struct database *db, uint64_t account, uint64_t conversation, uint64_t id)
{
    struct member *slot = slot_of(db, account, conversation);
    if (!holds(slot, account, conversation))
        return;
    slot->last = id;
    slot->unread++;
}

enum err member_received(struct database *db, struct member *member, uint64_t id, uint64_t *count)
{
    struct members *members = &db->state.members;
    uint64_t got = member->unread;
    if (id < member->last && got > 0) {
        got = (uint64_t)db_number(db,
                                  db_bind(db, SQL_COUNT_RANGE, (int64_t)member->conversation, (int64_t)member->other,
                                          (int64_t)member->received, (int64_t)id),
                                  0);
        if (db->failed)
            return ERR_NOT_STORED;
    }
    member->unread -= got < member->unread ? got : member->unread;
    member->received = id;
    if (!member->dirty)
        member->next_dirty = members->dirty, members->dirty = member;
    member->dirty = true;
    *count = got;
    return OK;
}
