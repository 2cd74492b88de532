/* logins.c - when accounts were online last, wrong passwords, and signs of life. */
#include "replay.h"
#include "verbs.h"

/* Who is online needs no earlier interval: only the last one is ever asked for. */
enum err login_insert(struct database *db, uint64_t account, int64_t time, uint64_t id)
{
    enum err err = db_run(db, db_bind(db, SQL_LOGIN_SUPERSEDE, (int64_t)account));
    return err == OK ? db_run(db, db_bind(db, SQL_LOGIN_OPEN, (int64_t)account, time, (int64_t)id)) : err;
}

enum err login_open(struct database *db, struct store_op *op)
{
    struct store_login_open *open = (struct store_login_open *)op;
    enum err err = login_insert(db, open->account, open->time, 0);
    if (err == OK) {
        open->login = (uint64_t)sqlite3_last_insert_rowid(db->handle);
        log_login_opened(db, open->login, open->account, open->time);
    }
    return err == ERR_NOT_FOUND ? ERR_UNKNOWN_USER : err;
}

enum err login_close(struct database *db, struct store_op *op)
{
    struct store_login_close *close = (struct store_login_close *)op;
    enum err err = db_run(db, db_bind(db, SQL_LOGIN_CLOSE, (int64_t)close->login, close->time));
    if (err == OK)
        log_login_closed(db, close->login, close->time);
    return err;
}

enum err login_failures(struct database *db, struct store_op *op)
{
    struct store_failures *failures = (struct store_failures *)op;
    sqlite3_stmt *statement = db->statements[SQL_FAILURES_CLEAR];
    if (failures->count > 0)
        statement = db_bind(db, SQL_FAILURES_SET, failures->count, failures->blocked_until, failures->time);
    db_bind_text(statement, failures->count > 0 ? 4 : 1, failures->name);
    return db_run(db, statement);
}

enum err login_alive(struct database *db, struct store_op *op)
{
    struct store_alive *alive = (struct store_alive *)op;
    enum err err = db_run(db, db_bind(db, SQL_META_SET, META_ALIVE, alive->time));
    return err == OK ? devices_flush(db) : err;
}
