/*
 * members.h - how far each member of a conversation has received, kept in memory so that an acknowledgement is a record in the
 * redo log and no statement.
 *
 * Positions that have moved are written to their rows before the database is committed, and before a statement reads those rows
 * (members_flush). Direct-mapped: a newcomer takes the slot. What is unread is counted along with the position, for as long
 * as the member stays in memory.
 */
#ifndef STORE_SQLITE_MEMBERS_H
#define STORE_SQLITE_MEMBERS_H

#include "base/err.h"
#include <stdbool.h>
#include <stdint.h>

struct database;

struct member {
    uint64_t account, conversation; /* account 0: the slot is empty */
    uint64_t other;                 /* account of the other one */
    uint64_t received;
    uint64_t last, unread; /* newest message from the other; how many of them are not received */
    bool dirty;
    struct member *next_dirty;
};

struct members {
    struct member *slots;
    struct member *dirty;
};

enum err members_init(struct members *members);
void members_free(struct members *members);
void members_forget(struct members *members); /* what is dirty is lost */

/* Inside a transaction, if anything is dirty. ERR_NOT_STORED. */
enum err members_flush(struct database *db);

/* The pointer holds until the next call. ERR_NOT_FOUND: the account is not a member of the conversation. */
enum err member_get(struct database *db, uint64_t account, uint64_t conversation, struct member **out);

/* A message was stored for it. */
void member_sent_to(struct database *db, uint64_t account, uint64_t conversation, uint64_t id);

/* Moves its position on; *count: messages that it received thereby. */
enum err member_received(struct database *db, struct member *member, uint64_t id, uint64_t *count);

#endif
