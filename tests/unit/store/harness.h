/*
 * harness.h - what the store's tests share: a directory of their own, a strand that is run by hand, and one function per verb
 * that submits, waits and says how it went. Works with a manual store and with one that has threads.
 */
#ifndef TEST_STORE_HARNESS_H
#define TEST_STORE_HARNESS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <ftw.h>
#include <pthread.h>
#include <unistd.h>

#include "store/sqlite.h"

struct home {
    struct strand strand;
    pthread_mutex_t mutex;
    pthread_cond_t posted;
    struct task *first, **end;
};

struct fixture {
    struct store *store;
    struct home home;
    char dir[64], path[80];
    const char *vfs;
    bool threads;
    size_t queue_bytes;
};

static inline void home_post(struct strand *strand, struct task *first, struct task *last)
{
    struct home *home = (struct home *)strand;
    pthread_mutex_lock(&home->mutex);
    last->next = NULL;
    *home->end = first;
    home->end = &last->next;
    pthread_cond_signal(&home->posted);
    pthread_mutex_unlock(&home->mutex);
}

/* Runs one posted task; waits for it if told to. */
static inline bool home_run(struct home *home, bool wait)
{
    pthread_mutex_lock(&home->mutex);
    while (wait && home->first == NULL)
        pthread_cond_wait(&home->posted, &home->mutex);
    struct task *task = home->first;
    if (task != NULL && (home->first = task->next) == NULL)
        home->end = &home->first;
    pthread_mutex_unlock(&home->mutex);
    if (task != NULL)
        task->run(task);
    return task != NULL;
}

static inline enum err fixture_try_open(struct fixture *f, const char **why)
{
    struct store_sqlite_config config = {f->path, f->queue_bytes ? f->queue_bytes : 1 << 24, !f->threads, f->vfs};
    return store_sqlite_open(&config, &f->store, why);
}

static inline void fixture_open(struct fixture *f)
{
    const char *why = "";
    enum err err = fixture_try_open(f, &why);
    if (err != OK)
        fail_msg("cannot open: %s: %s", err_name(err), why);
}

static inline void fixture_reopen(struct fixture *f)
{
    store_stop(&f->store);
    fixture_open(f);
}

static inline struct fixture *fixture_new(void)
{
    struct fixture *f = calloc(1, sizeof *f);
    assert_non_null(f);
    f->home.strand.post = home_post;
    f->home.end = &f->home.first;
    pthread_mutex_init(&f->home.mutex, NULL);
    pthread_cond_init(&f->home.posted, NULL);
    snprintf(f->dir, sizeof f->dir, "/tmp/earshot-store-XXXXXX");
    assert_non_null(mkdtemp(f->dir));
    snprintf(f->path, sizeof f->path, "%s/earshot.db", f->dir);
    return f;
}

static inline int remove_one(const char *path, const struct stat *info, int kind, struct FTW *where)
{
    return remove(path);
}

static inline void fixture_free(struct fixture *f)
{
    store_stop(&f->store);
    nftw(f->dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
    free(f);
}

static inline int set_up(void **state)
{
    struct fixture *f = fixture_new();
    fixture_open(f);
    *state = f;
    return 0;
}

static inline int set_up_closed(void **state)
{
    *state = fixture_new();
    return 0;
}

static inline int tear_down(void **state)
{
    fixture_free(*state);
    return 0;
}

/* An op's own `done` marks it by clearing its home. */
static inline void op_done(struct store_op *op)
{
    op->home = NULL;
}

static inline void begin(struct fixture *f, struct store_op *op, enum store_verb verb)
{
    *op = (struct store_op){.verb = verb, .done = op_done, .home = &f->home.strand};
    store_submit(f->store, op);
    assert_non_null(op->home); /* never done inside */
}

static inline enum err finish(struct fixture *f, struct store_op *op)
{
    if (!f->threads)
        store_sqlite_turn(f->store);
    while (op->home != NULL) {
        if (!home_run(&f->home, f->threads))
            fail_msg("an operation was not answered");
    }
    return op->err;
}

static inline enum err execute(struct fixture *f, struct store_op *op, enum store_verb verb)
{
    begin(f, op, verb);
    return finish(f, op);
}

static inline uint64_t make_account(struct fixture *f, const char *name)
{
    struct store_account_create create = {.name = slice_str(name), .password = "hash", .time = 1};
    assert_int_equal(execute(f, &create.op, STORE_ACCOUNT_CREATE), OK);
    assert_true(create.account > 0);
    return create.account;
}

static inline struct store_device_create device_of(uint64_t account, uint8_t token, int64_t time, unsigned keep)
{
    struct store_device_create create = {.account = account, .time = time, .keep = keep};
    memset(create.token, token, sizeof create.token);
    return create;
}

static inline uint64_t make_device(struct fixture *f, uint64_t account, uint8_t token)
{
    struct store_device_create create = device_of(account, token, 1, 0);
    assert_int_equal(execute(f, &create.op, STORE_DEVICE_CREATE), OK);
    return create.device;
}

static inline struct store_append message_of(uint64_t sender, uint64_t receiver, uint64_t device, uint64_t number)
{
    return (struct store_append){
        .sender = sender, .receiver = receiver, .device = device, .number = number, .body = slice_str("hello"), .time = 1000};
}

/* Stores a message and returns its id. */
static inline uint64_t send_text(struct fixture *f, uint64_t sender, uint64_t receiver, const char *text)
{
    struct store_append append = message_of(sender, receiver, 0, 0);
    append.body = slice_str(text);
    assert_int_equal(execute(f, &append.op, STORE_APPEND), OK);
    return append.id;
}

static inline struct store_page page_of(uint64_t account, uint64_t after, unsigned limit)
{
    struct store_page page = {.account = account, .after = after, .limit = limit, .limit_bytes = 1 << 20};
    arena_init(&page.arena, 4 << 20, 0);
    return page;
}

/* The texts on one page, with spaces between: "one two". */
static inline const char *texts(const struct store_page *page)
{
    static char line[4096];
    size_t len = 0;
    line[0] = '\0';
    for (size_t i = 0; i < page->count; i++)
        len += (size_t)snprintf(line + len, sizeof line - len, "%s%.*s", i > 0 ? " " : "", (int)page->rows[i].body.len,
                                (const char *)page->rows[i].body.data);
    return line;
}

static inline void expect_page(struct fixture *f, enum store_verb verb, uint64_t account, uint64_t after, const char *expected)
{
    struct store_page page = page_of(account, after, 100);
    assert_int_equal(execute(f, &page.op, verb), OK);
    assert_string_equal(texts(&page), expected);
    assert_false(page.more);
    arena_free(&page.arena);
}

static inline void advance(struct fixture *f, uint64_t account, uint64_t conversation, uint64_t id)
{
    struct store_position position = {conversation, id};
    struct store_advance op = {.account = account, .positions = &position, .count = 1};
    assert_int_equal(execute(f, &op.op, STORE_ADVANCE), OK);
}

#endif
