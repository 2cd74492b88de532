/* accounts.c - accounts and block lists. */
#include "verbs.h"

enum err account_find(struct database *db, struct store_op *op)
{
    struct store_account_find *find = (struct store_account_find *)op;
    sqlite3_stmt *row = db->statements[SQL_ACCOUNT_FIND];
    db_bind_text(row, 1, find->name);
    if (!db_row(db, row))
        return db->failed ? ERR_NOT_STORED : ERR_UNKNOWN_USER;
    const void *password = sqlite3_column_blob(row, 1);
    size_t len = (size_t)sqlite3_column_bytes(row, 1);
    bool fits = password != NULL && len < sizeof find->password;
    if (fits) {
        memcpy(find->password, password, len);
        find->password[len] = '\0';
        find->account = (uint64_t)sqlite3_column_int64(row, 0);
        find->disabled = sqlite3_column_int(row, 2) != 0;
    }
    sqlite3_reset(row);
    return fits ? OK : ERR_INVALID;
}

static bool storable(const char *password)
{
    size_t len = strlen(password);
    return len > 0 && len < sizeof((struct store_account_find *)0)->password;
}

enum err account_create(struct database *db, struct store_op *op)
{
    struct store_account_create *create = (struct store_account_create *)op;
    if (!storable(create->password))
        return ERR_INVALID;
    sqlite3_stmt *insert = db_bind(db, SQL_ACCOUNT_CREATE, create->time);
    db_bind_text(insert, 2, create->name);
    db_bind_text(insert, 3, slice_str(create->password));
    enum err err = db_run(db, insert);
    if (err == OK)
        create->account = (uint64_t)sqlite3_last_insert_rowid(db->handle);
    return err == ERR_EXISTS ? ERR_NAME_TAKEN : err;
}

enum err account_password(struct database *db, struct store_op *op)
{
    struct store_account_password *change = (struct store_account_password *)op;
    if (!storable(change->password))
        return ERR_INVALID;
    bool rehash = change->replaces != NULL;
    sqlite3_stmt *update = db_bind(db, rehash ? SQL_ACCOUNT_REHASH : SQL_ACCOUNT_PASSWORD, (int64_t)change->account);
    db_bind_text(update, 2, slice_str(change->password));
    if (rehash)
        db_bind_text(update, 3, slice_str(change->replaces));
    enum err err = db_run(db, update);
    if (err == OK && db_changes(db) == 0)
        err = rehash ? ERR_NOT_FOUND : ERR_UNKNOWN_USER;
    return err == OK && change->forget ? devices_forget(db, change->account, change->keep) : err;
}

enum err account_disable(struct database *db, struct store_op *op)
{
    struct store_account_disable *disable = (struct store_account_disable *)op;
    enum err err = db_run(db, db_bind(db, SQL_ACCOUNT_DISABLE, (int64_t)disable->account, disable->disabled));
    return err == OK && db_changes(db) == 0 ? ERR_UNKNOWN_USER : err;
}

enum err account_block(struct database *db, struct store_op *op)
{
    struct store_block *block = (struct store_block *)op;
    int64_t account = (int64_t)block->account, other = (int64_t)block->other;
    if (!block->on) {
        enum err err = db_run(db, db_bind(db, SQL_UNBLOCK, account, other));
        return err == OK && db_changes(db) == 0 ? ERR_NOT_BLOCKED : err;
    }
    enum err err = db_run(db, db_bind(db, SQL_BLOCK, account, other, block->time));
    if (err == ERR_EXISTS)
        return ERR_ALREADY_BLOCKED;
    return err == ERR_NOT_FOUND ? ERR_UNKNOWN_USER : err;
}
