/* backup.c - see backup.h. */
#include "backup.h"
#include "base/log.h"
#include "thread.h"
#include "verbs.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { STEPS = 20000 }; /* of SQLite's machine between two looks at `stopping` */

enum err backup_init(struct backup *backup, const struct store_sqlite_config *config)
{
    char *path = strdup(config->path);
    if (path == NULL)
        return ERR_MEMORY;
    *backup = (struct backup){.path = path, .threaded = !config->manual};
    backup->impossible = strcmp(path, ":memory:") == 0;
    pthread_mutex_init(&backup->mutex, NULL);
    return OK;
}

/* It writes nothing, but what was acknowledged before it has to be in the database. */
enum err backup_begin(struct database *db, struct store_op *op)
{
    return OK;
}

/* ---- one copy ---- */

static int is_stopping(void *ctx)
{
    return ((struct backup *)ctx)->stopping;
}

static enum err copy_into(sqlite3 *handle, const char *path)
{
    sqlite3_stmt *vacuum = NULL;
    int code = sqlite3_prepare_v2(handle, "VACUUM main INTO ?1", -1, &vacuum, NULL);
    if (code == SQLITE_OK)
        code = sqlite3_bind_text(vacuum, 1, path, -1, SQLITE_STATIC);
    if (code == SQLITE_OK)
        code = sqlite3_step(vacuum);
    sqlite3_finalize(vacuum);
    if (code == SQLITE_DONE)
        return OK;
    if ((code & 0xff) == SQLITE_INTERRUPT)
        return ERR_STOPPED;
    log_event(LOG_ERROR, "backup_failed", log_str("reason", sqlite3_errmsg(handle)), log_int("code", code));
    return ERR_NOT_STORED;
}

/* From the copy itself: so it says what is in it, not what should be. */
static enum err read_mark(const char *path, uint64_t *mark)
{
    const struct store_sqlite_config config = {.path = path};
    sqlite3 *handle = NULL;
    sqlite3_stmt *row = NULL;
    enum err err = database_connect(&config, &handle);
    if (err != OK)
        return ERR_NOT_STORED;
    if (sqlite3_prepare_v2(handle, "SELECT max(id) FROM message", -1, &row, NULL) == SQLITE_OK && sqlite3_step(row) == SQLITE_ROW)
        *mark = (uint64_t)sqlite3_column_int64(row, 0);
    else
        err = ERR_NOT_STORED;
    sqlite3_finalize(row);
    sqlite3_close(handle);
    return err;
}

static enum err fill(struct backup *backup, int file, struct store_backup *op)
{
    const struct store_sqlite_config config = {.path = backup->path};
    struct stat info;
    sqlite3 *handle = NULL;
    if (database_connect(&config, &handle) != OK)
        return ERR_NOT_STORED;
    sqlite3_progress_handler(handle, STEPS, is_stopping, backup);
    enum err err = copy_into(handle, op->path);
    sqlite3_close(handle);
    if (err == OK)
        err = read_mark(op->path, &op->mark);
    if (err == OK && (fsync(file) != 0 || fstat(file, &info) != 0))
        err = ERR_NOT_STORED;
    if (err == OK)
        op->bytes = (uint64_t)info.st_size;
    return err;
}

static enum err make(struct backup *backup, struct store_backup *op)
{
    int file = open(op->path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (file < 0)
        return errno == EEXIST ? ERR_EXISTS : ERR_NOT_STORED;
    enum err err = fill(backup, file, op);
    close(file);
    if (err != OK)
        unlink(op->path);
    return err;
}

/* ---- when and where ---- */

static void finish(struct backup *backup, struct store_op *op, enum err err)
{
    pthread_mutex_lock(&backup->mutex);
    backup->busy = false;
    backup->op = NULL;
    pthread_mutex_unlock(&backup->mutex);
    op->err = err;
    strand_post(op->home, &op->task);
}

static void *work(void *argument)
{
    struct backup *backup = argument;
    struct store_op *op = backup->op;
    finish(backup, op, make(backup, (struct store_backup *)op));
    return NULL;
}

/* A thread that has finished is joined by the next one that begins. */
static enum err begin(struct backup *backup, struct store_op *op)
{
    if (backup->impossible || backup->busy)
        return ERR_UNAVAILABLE;
    if (backup->stopping)
        return ERR_STOPPED;
    if (backup->joinable)
        pthread_join(backup->thread, NULL);
    backup->joinable = false;
    backup->op = op;
    if (backup->threaded && thread_start(&backup->thread, "backup", work, backup) != OK)
        return ERR_UNAVAILABLE;
    backup->joinable = backup->threaded;
    backup->busy = true;
    return OK;
}

void backup_submit(struct backup *backup, struct store_op *op)
{
    pthread_mutex_lock(&backup->mutex);
    enum err err = begin(backup, op);
    pthread_mutex_unlock(&backup->mutex);
    if (err != OK) { /* else the thread has it, and it may be gone already */
        op->err = err;
        strand_post(op->home, &op->task);
    } else if (!backup->threaded) {
        finish(backup, op, make(backup, (struct store_backup *)op));
    }
}

void backup_stop(struct backup *backup)
{
    if (backup->path == NULL)
        return;
    pthread_mutex_lock(&backup->mutex);
    backup->stopping = true;
    bool joinable = backup->joinable;
    pthread_mutex_unlock(&backup->mutex);
    if (joinable)
        pthread_join(backup->thread, NULL);
    pthread_mutex_destroy(&backup->mutex);
    free(backup->path);
    backup->path = NULL;
}
