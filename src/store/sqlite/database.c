/* database.c - see database.h. */
#include "database.h"
#include "check.h"
#include "replay.h"
#include "schema.h"
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/file.h>
#include <unistd.h>

/* How long to wait for a person's sqlite3 shell that holds the lock: at first, and while it goes on holding it. */
enum { BUSY_MS = 2000, STILL_BUSY_MS = 20 };

static _Thread_local char refusal_text[512];

enum err refuse(enum err err, const char *format, ...)
{
    va_list values;
    va_start(values, format);
    vsnprintf(refusal_text, sizeof refusal_text, format, values);
    va_end(values);
    return err;
}

const char *refusal(void)
{
    return refusal_text;
}

/* The caches in memory are right only while nobody else writes. */
static enum err take_lock(struct database *db, const char *path)
{
    char name[4096];
    if ((size_t)snprintf(name, sizeof name, "%s.lock", path) >= sizeof name)
        return refuse(ERR_SYSTEM, "the path of the database is too long");
    db->lock = open(name, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (db->lock < 0)
        return refuse(ERR_SYSTEM, "cannot create %s: %s", name, strerror(errno));
    if (flock(db->lock, LOCK_EX | LOCK_NB) == 0)
        return OK;
    if (errno == EWOULDBLOCK)
        return refuse(ERR_SYSTEM, "%s is in use by another server", path);
    return refuse(ERR_SYSTEM, "cannot lock %s: %s", name, strerror(errno));
}

/* SQLite gives its other files the rights of this one. */
static enum err create_private(const char *path)
{
    int file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (file < 0)
        return refuse(ERR_SYSTEM, "cannot open %s: %s", path, strerror(errno));
    close(file);
    return OK;
}

static enum err unusable(sqlite3 *handle, const char *path)
{
    int code = sqlite3_errcode(handle) & 0xff;
    if (code == SQLITE_NOTADB)
        return refuse(ERR_INVALID, "%s is not a database", path);
    if (code == SQLITE_CORRUPT)
        return refuse(ERR_INVALID, "%s is damaged: %s", path, sqlite3_errmsg(handle));
    return refuse(ERR_SYSTEM, "cannot use %s: %s", path, sqlite3_errmsg(handle));
}

/* SQLite counts what it allocates, under a mutex, and nobody asks. */
static void stop_counting_memory(void)
{
    sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
}

/* Before anything else of SQLite's; later it is refused, and SQLite goes on counting. */
static void configure_library(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, stop_counting_memory);
}

enum err database_connect(const struct store_sqlite_config *config, sqlite3 **out)
{
    sqlite3 *handle = NULL;
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE | SQLITE_OPEN_EXRESCODE;
    enum err err = OK;
    configure_library();
    if (sqlite3_open_v2(config->path, &handle, flags, config->vfs) != SQLITE_OK)
        err = handle != NULL ? unusable(handle, config->path) : refuse(ERR_MEMORY, "no memory for the database");
    if (err == OK)
        sqlite3_busy_timeout(handle, BUSY_MS);
    if (err != OK)
        sqlite3_close(handle);
    else
        *out = handle;
    return err;
}

void db_expect_busy(struct database *db, bool busy)
{
    sqlite3_busy_timeout(db->handle, busy ? STILL_BUSY_MS : BUSY_MS);
}

static enum err configure(struct database *db, const char *path)
{
    static const char pragmas[] = "PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA trusted_schema = OFF;"
                                  "PRAGMA temp_store = MEMORY; PRAGMA cache_size = -32768; PRAGMA wal_autocheckpoint = 0;"
                                  "PRAGMA journal_size_limit = 67108864;";
    sqlite3_stmt *mode = NULL;
    bool ok = sqlite3_prepare_v2(db->handle, "PRAGMA journal_mode = WAL", -1, &mode, NULL) == SQLITE_OK &&
              sqlite3_step(mode) == SQLITE_ROW;
    const char *text = ok ? (const char *)sqlite3_column_text(mode, 0) : NULL;
    bool usable = text != NULL && (db->in_memory || strcmp(text, "wal") == 0);
    sqlite3_finalize(mode);
    if (ok && !usable)
        return refuse(ERR_SYSTEM, "%s: this file system cannot hold the database (no shared memory)", path);
    if (!ok || sqlite3_exec(db->handle, pragmas, NULL, NULL, NULL) != SQLITE_OK)
        return unusable(db->handle, path);
    return OK;
}

static enum err prepare(struct database *db, const char *path)
{
    for (int i = 0; i < SQL_COUNT; i++) {
        if (sqlite3_prepare_v3(db->handle, statements[i], -1, SQLITE_PREPARE_PERSISTENT, &db->statements[i], NULL) != SQLITE_OK)
            return unusable(db->handle, path);
    }
    return OK;
}

/* What the last run left open ended when it was last known to live. */
static enum err close_logins(struct database *db, const char *path)
{
    enum err err = db_begin(db);
    int64_t alive = db_number(db, db_bind(db, SQL_META, META_ALIVE), 0);
    if (err == OK && !db->failed)
        err = db_run(db, db_bind(db, SQL_LOGINS_CLOSE_ALL, alive));
    if (err == OK && !db->failed)
        err = db_commit(db);
    if (err == OK && !db->failed)
        return OK;
    err = unusable(db->handle, path);
    db_rollback(db);
    return err;
}

/* What the last run had not committed yet. From here on there is another generation, whatever lies in the redo log. */
static enum err catch_up(struct database *db, const char *path)
{
    db->failed = false;
    uint64_t generation = (uint64_t)db_number(db, db_bind(db, SQL_META, META_REDO), 0);
    if (db->failed)
        return unusable(db->handle, path);
    if (redo_find(&db->redo, generation) != OK)
        return refuse(ERR_SYSTEM, "cannot read %s", db->redo.path);
    if (recover(db) != OK)
        return db->failed ? unusable(db->handle, path) : refuse(ERR_INVALID, "%s is damaged", db->redo.path);
    db->redo.stray = db->redo.vfs != NULL;
    return close_logins(db, path);
}

static int count_frames(void *context, sqlite3 *handle, const char *name, int frames)
{
    struct database *db = context;
    db->frames = frames;
    return SQLITE_OK;
}

static enum err set_up(struct database *db, const struct store_sqlite_config *config)
{
    enum err err = database_connect(config, &db->handle);
    if (err == OK)
        err = schema_check(db->handle, schema_version);
    if (err == OK && config->check_ms > 0 && !db->in_memory)
        err = check_damage(db->handle, config->check_ms);
    /* Matters only for a file that is still empty, and must come before everything that fills it. */
    if (err == OK && sqlite3_exec(db->handle, "PRAGMA auto_vacuum = INCREMENTAL", NULL, NULL, NULL) != SQLITE_OK)
        err = unusable(db->handle, config->path);
    if (err == OK)
        err = configure(db, config->path);
    if (err == OK)
        err = schema_migrate(db->handle, schema_steps, schema_version);
    if (err == OK)
        err = prepare(db, config->path);
    if (err != OK)
        return err;
    if (!db->in_memory)
        sqlite3_wal_hook(db->handle, count_frames, db);
    return catch_up(db, config->path);
}

enum err database_open(struct database *db, const struct store_sqlite_config *config)
{
    configure_library();
    *db = (struct database){.lock = -1, .in_memory = strcmp(config->path, ":memory:") == 0};
    enum err err = state_init(&db->state);
    if (err != OK)
        refuse(err, "no memory for the database");
    if (err == OK && !db->in_memory)
        err = take_lock(db, config->path);
    if (err == OK && !db->in_memory)
        err = create_private(config->path);
    if (err == OK && (err = redo_init(&db->redo, db->in_memory ? NULL : config->path, config->vfs)) != OK)
        refuse(err, "no memory for the database");
    if (err == OK)
        err = set_up(db, config);
    if (err != OK)
        database_close(db);
    return err;
}

void database_close(struct database *db)
{
    for (int i = 0; i < SQL_COUNT; i++)
        sqlite3_finalize(db->statements[i]);
    sqlite3_close(db->handle);
    redo_close(&db->redo, db->clean);
    if (db->lock >= 0)
        close(db->lock);
    state_free(&db->state);
    *db = (struct database){.lock = -1};
}
