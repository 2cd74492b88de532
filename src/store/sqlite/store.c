/*
 * store.c - the embedded store from outside: a queue that any thread adds to, and the thread that takes whatever is in it,
 * executes it as one group and posts the results home.
 *
 * An operation counts against the cap of the queue from its submission until it has been executed. The longer a commit takes, the
 * larger the next group: nothing waits to make groups large.
 */
#include "backup.h"
#include "checkpoint.h"
#include "group.h"
#include "thread.h"
#include "verbs.h"
#include <assert.h>
#include <stdlib.h>

struct sqlite_store {
    struct store store;
    struct database db;
    struct checkpointer checkpointer;
    struct backup backup;
    struct group group;
    bool manual;
    pthread_t thread;

    pthread_mutex_t mutex; /* of what follows */
    pthread_cond_t wake;
    struct task *first, **end;
    size_t bytes, cap;
    bool stopping;
};

static struct store_op *op_of(struct task *task)
{
    return (struct store_op *)((char *)task - offsetof(struct store_op, task));
}

static void come_home(struct task *task)
{
    struct store_op *op = op_of(task);
    op->done(op);
}

/* Moves what waits, up to a full group, into the group. True if there is any. */
static bool take(struct sqlite_store *store)
{
    struct group *group = &store->group;
    group->count = 0;
    while (store->first != NULL && group->count < GROUP_MOST) {
        struct task *task = store->first;
        store->first = task->next;
        group->ops[group->count++] = op_of(task);
    }
    if (store->first == NULL)
        store->end = &store->first;
    return group->count > 0;
}

struct chain {
    struct strand *home;
    struct task *first, *last;
};

static void add_to_chain(struct chain *chain, struct store_op *op)
{
    op->task.next = NULL;
    if (chain->first == NULL)
        chain->first = &op->task;
    else
        chain->last->next = &op->task;
    chain->last = &op->task;
    chain->home = op->home;
}

static void post_chain(struct chain *chain)
{
    if (chain->first != NULL)
        chain->home->post(chain->home, chain->first, chain->last);
    *chain = (struct chain){0};
}

/* One post per home, for as many homes as there are slots. */
static void post_results(struct sqlite_store *store)
{
    const struct group *group = &store->group;
    enum { HOMES = 32 };
    struct chain chains[HOMES] = {0};
    size_t homes = 0;
    for (size_t i = 0; i < group->count; i++) {
        struct store_op *op = group->ops[i];
        if (verbs[op->verb].aside && op->err == OK) {
            backup_submit(&store->backup, op);
            continue;
        }
        size_t place = 0;
        while (place < homes && chains[place].home != op->home)
            place++;
        if (place == HOMES)
            post_chain(&chains[--place]);
        else if (place == homes)
            homes++;
        add_to_chain(&chains[place], op);
    }
    for (size_t i = 0; i < homes; i++)
        post_chain(&chains[i]);
}

static void execute(struct sqlite_store *store)
{
    struct group *group = &store->group;
    size_t bytes = 0;
    for (size_t i = 0; i < group->count; i++)
        bytes += verb_bytes(group->ops[i]);
    group_execute(group, &store->db);
    pthread_mutex_lock(&store->mutex);
    store->bytes -= bytes;
    pthread_mutex_unlock(&store->mutex);
    post_results(store);
    group_settle(group, &store->db);
    if (!store->db.in_memory && sqlite3_get_autocommit(store->db.handle))
        checkpoint_after_commit(&store->checkpointer, &store->db);
}

static void *work(void *argument)
{
    struct sqlite_store *store = argument;
    for (;;) {
        pthread_mutex_lock(&store->mutex);
        while (store->first == NULL && !store->stopping)
            pthread_cond_wait(&store->wake, &store->mutex);
        bool any = take(store);
        pthread_mutex_unlock(&store->mutex);
        if (!any)
            return NULL;
        execute(store);
    }
}

static bool turn(struct sqlite_store *store)
{
    pthread_mutex_lock(&store->mutex);
    bool any = take(store);
    pthread_mutex_unlock(&store->mutex);
    if (any)
        execute(store);
    return any;
}

bool store_sqlite_turn(struct store *base)
{
    struct sqlite_store *store = (struct sqlite_store *)base;
    assert(store->manual);
    bool any = false;
    while (turn(store))
        any = true;
    return any;
}

/* Under the mutex. */
static enum err enqueue(struct sqlite_store *store, struct store_op *op)
{
    size_t bytes = verb_bytes(op);
    if (store->stopping)
        return ERR_STOPPED;
    if (bytes > store->cap - store->bytes)
        return ERR_CAP;
    *store->end = &op->task;
    store->end = &op->task.next;
    store->bytes += bytes;
    return OK;
}

static void submit(struct store *base, struct store_op *first, struct store_op *last)
{
    struct sqlite_store *store = (struct sqlite_store *)base;
    struct task *task = &first->task, *rejected = NULL, **end = &rejected;
    pthread_mutex_lock(&store->mutex);
    bool was_empty = store->first == NULL;
    for (bool more = true; more;) {
        struct store_op *op = op_of(task);
        assert(op->verb < STORE_VERB_COUNT && op->done != NULL && op->home != NULL);
        more = op != last;
        task = op->task.next;
        op->task = (struct task){NULL, come_home};
        op->err = enqueue(store, op);
        if (op->err != OK) {
            *end = &op->task;
            end = &op->task.next;
        }
    }
    bool wake = was_empty && store->first != NULL;
    pthread_mutex_unlock(&store->mutex);
    if (wake)
        pthread_cond_signal(&store->wake);
    while (rejected != NULL) {
        struct store_op *op = op_of(rejected);
        rejected = op->task.next;
        strand_post(op->home, &op->task);
    }
}

static enum err load(struct store *base, const struct store_reader *reader)
{
    return load_all(&((struct sqlite_store *)base)->db, reader);
}

/* So that the next start need not read the end of the log, nor the redo log. If it fails, it will. */
static void flush(struct database *db)
{
    db->failed = false;
    db->clean = db->state.loaded && db_begin(db) == OK && devices_flush(db) == OK && db_commit(db) == OK;
    if (!db->clean)
        db_rollback(db);
}

static void destroy(struct sqlite_store *store)
{
    pthread_cond_destroy(&store->wake);
    pthread_mutex_destroy(&store->mutex);
    database_close(&store->db);
    free(store);
}

static void stop(struct store **base)
{
    struct sqlite_store *store = (struct sqlite_store *)*base;
    pthread_mutex_lock(&store->mutex);
    store->stopping = true;
    pthread_mutex_unlock(&store->mutex);
    pthread_cond_signal(&store->wake);
    if (store->manual)
        store_sqlite_turn(&store->store);
    else
        pthread_join(store->thread, NULL);
    backup_stop(&store->backup);
    checkpoint_stop(&store->checkpointer);
    flush(&store->db);
    destroy(store);
    *base = NULL;
}

static const struct store_ops operations = {load, submit, stop};

enum err store_sqlite_open(const struct store_sqlite_config *config, struct store **out, const char **why)
{
    struct sqlite_store *store = calloc(1, sizeof *store);
    *why = refusal();
    if (store == NULL)
        return refuse(ERR_MEMORY, "no memory for the database");
    store->store.ops = &operations;
    store->manual = config->manual;
    store->cap = config->queue_bytes;
    store->end = &store->first;
    pthread_mutex_init(&store->mutex, NULL);
    pthread_cond_init(&store->wake, NULL);
    enum err err = database_open(&store->db, config);
    bool threaded = !config->manual && !store->db.in_memory;
    if (err == OK)
        err = checkpoint_start(&store->checkpointer, config, threaded);
    if (err == OK && !config->manual && thread_start(&store->thread, "store", work, store) != OK) {
        err = refuse(ERR_SYSTEM, "cannot start a thread");
        checkpoint_stop(&store->checkpointer);
    }
    if (err == OK && backup_init(&store->backup, config) != OK) {
        stop((struct store *[]){&store->store});
        return refuse(ERR_MEMORY, "no memory for the database");
    }
    if (err != OK) {
        destroy(store);
        return err;
    }
    *out = &store->store;
    return OK;
}
