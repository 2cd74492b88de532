/* checkpoint.c - see checkpoint.h. */
#include "checkpoint.h"
#include "base/log.h"
#include "thread.h"

/* In frames of 4 KiB. */
enum {
    BEGIN_AT = 4096,  /* 16 MiB: the thread starts */
    SMALL_REST = 512, /* the writer does this much itself */
    FINISH_AT = 8192, /* or whatever is left when the log has this length */
    WAIT_AT = 12288,
    STEP = 1024, /* until the next attempt after one that could not free the log */
};

static int pass(struct checkpointer *checkpointer, sqlite3 *handle)
{
    int length = 0, moved = 0;
    int code = sqlite3_wal_checkpoint_v2(handle, NULL, SQLITE_CHECKPOINT_PASSIVE, &length, &moved);
    /* Busy: a person's sqlite3 shell is at it. */
    bool ok = code == SQLITE_OK || (code & 0xff) == SQLITE_BUSY;
    if (!ok && !checkpointer->failing)
        log_event(LOG_ERROR, "checkpoint_failing", log_str("reason", sqlite3_errstr(code)), log_int("code", code));
    checkpointer->failing = !ok;
    return code == SQLITE_OK && moved > 0 ? moved : 0;
}

static void *work(void *argument)
{
    struct checkpointer *checkpointer = argument;
    pthread_mutex_lock(&checkpointer->mutex);
    for (;;) {
        while (!checkpointer->wanted && !checkpointer->stopping)
            pthread_cond_wait(&checkpointer->wake, &checkpointer->mutex);
        if (checkpointer->stopping)
            break;
        pthread_mutex_unlock(&checkpointer->mutex);
        int moved = pass(checkpointer, checkpointer->handle);
        pthread_mutex_lock(&checkpointer->mutex);
        checkpointer->moved = moved;
        checkpointer->wanted = false;
        pthread_cond_signal(&checkpointer->idle);
    }
    pthread_mutex_unlock(&checkpointer->mutex);
    return NULL;
}

enum err checkpoint_start(struct checkpointer *checkpointer, const struct store_sqlite_config *config, bool threaded)
{
    *checkpointer = (struct checkpointer){.moved = -1, .next = BEGIN_AT};
    pthread_mutex_init(&checkpointer->mutex, NULL);
    pthread_cond_init(&checkpointer->wake, NULL);
    pthread_cond_init(&checkpointer->idle, NULL);
    if (!threaded)
        return OK;
    enum err err = database_connect(config, &checkpointer->handle);
    /* A connection that has read nothing does not know yet that there is a log. */
    if (err == OK && sqlite3_exec(checkpointer->handle, "SELECT count(*) FROM sqlite_schema", NULL, NULL, NULL) != SQLITE_OK)
        err = refuse(ERR_SYSTEM, "cannot read %s: %s", config->path, sqlite3_errmsg(checkpointer->handle));
    if (err == OK && thread_start(&checkpointer->thread, "checkpoint", work, checkpointer) != OK) {
        err = refuse(ERR_SYSTEM, "cannot start a thread");
    }
    if (err != OK) {
        sqlite3_close(checkpointer->handle);
        checkpointer->handle = NULL;
        checkpoint_stop(checkpointer);
    }
    return err;
}

void checkpoint_stop(struct checkpointer *checkpointer)
{
    if (checkpointer->handle != NULL) {
        pthread_mutex_lock(&checkpointer->mutex);
        checkpointer->stopping = true;
        pthread_cond_signal(&checkpointer->wake);
        pthread_mutex_unlock(&checkpointer->mutex);
        pthread_join(checkpointer->thread, NULL);
        sqlite3_close(checkpointer->handle);
        checkpointer->handle = NULL;
    }
    pthread_cond_destroy(&checkpointer->idle);
    pthread_cond_destroy(&checkpointer->wake);
    pthread_mutex_destroy(&checkpointer->mutex);
}

/* What the writer has to do, decided between two passes of the thread. */
enum step { GO_ON, FINISH, LATER };

static enum step decide(struct checkpointer *checkpointer, int frames)
{
    enum step step = GO_ON;
    pthread_mutex_lock(&checkpointer->mutex);
    while (checkpointer->wanted && frames >= WAIT_AT)
        pthread_cond_wait(&checkpointer->idle, &checkpointer->mutex);
    int rest = frames - checkpointer->moved;
    if (checkpointer->wanted) {
        step = GO_ON;
    } else if (checkpointer->moved == 0) {
        step = LATER;
    } else if (checkpointer->moved > 0 && (rest <= SMALL_REST || frames >= FINISH_AT)) {
        step = FINISH;
    } else {
        checkpointer->wanted = true;
        pthread_cond_signal(&checkpointer->wake);
    }
    if (step != GO_ON)
        checkpointer->moved = -1;
    pthread_mutex_unlock(&checkpointer->mutex);
    return step;
}

void checkpoint_after_commit(struct checkpointer *checkpointer, struct database *db)
{
    if (db->frames < checkpointer->seen)
        checkpointer->next = BEGIN_AT; /* it has begun anew */
    checkpointer->seen = db->frames;
    if (db->frames < checkpointer->next)
        return;
    enum step step = checkpointer->handle == NULL ? FINISH : decide(checkpointer, db->frames);
    if (step == FINISH)
        pass(checkpointer, db->handle);
    if (step != GO_ON)
        checkpointer->next = db->frames + STEP;
}
