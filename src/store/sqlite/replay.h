/*
 * replay.h - what the operations write into the redo log, and executing it again.
 *
 * What is logged are results, not requests: a message with the id it got, a position, a new conversation, a login. Executed again
 * on the state that the database was last committed in, they lead to the same state, whatever else was asked for meanwhile.
 */
#ifndef STORE_SQLITE_REPLAY_H
#define STORE_SQLITE_REPLAY_H

#include "database.h"

struct store_append;

void log_message(struct database *db, const struct store_append *append, uint64_t id, uint64_t conversation);
void log_received(struct database *db, uint64_t account, uint64_t conversation, uint64_t id);
void log_conversation(struct database *db, uint64_t id, uint64_t low, uint64_t high);
void log_login_opened(struct database *db, uint64_t login, uint64_t account, int64_t time);
void log_login_closed(struct database *db, uint64_t login, int64_t time);

/* Back to what was committed and what is in the redo log, which is at least what was promised: rolls back, reads the state in
 * memory again, executes what is in the log, in a transaction that stays open. ERR_NOT_STORED leaves db->state.loaded false. */
enum err recover(struct database *db);

#endif
