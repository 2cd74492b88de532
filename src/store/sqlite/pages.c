/*
 * pages.c - reading messages, a page at a time, in order of id across conversations.
 *
 * What is wanted from a conversation is one or two runs of the index (by sender, so that the account's own unanswered messages
 * cost nothing). The first id of each run is looked up; then the runs are read in the order of their first ids, each only as
 * far as the `limit` smallest ids found so far, which are kept in a heap. Only what is in the page is then read in full.
 */
#include "verbs.h"
#include <stdlib.h>

enum { MOST_ROWS = 4096 };

struct run {
    uint64_t conversation, sender, receiver;
    uint64_t first; /* wanted ids begin here */
};

struct pick {
    uint64_t id;
    const struct run *run;
};

struct query {
    struct database *db;
    struct store_page *page;
    bool all; /* also the account's own, and what was received before */
    struct run *runs;
    size_t run_count, run_size;
    struct pick *picks; /* a heap, the largest id on top; one more than fit on the page */
    size_t pick_count, pick_most;
};

static bool wanted(const struct query *query, const struct run *run, sqlite3_stmt *row)
{
    bool own = run->sender == query->page->account;
    return !own || (uint64_t)sqlite3_column_int64(row, 1) != query->page->device;
}

static sqlite3_stmt *read_run(const struct query *query, const struct run *run, uint64_t after)
{
    return db_bind(query->db, SQL_RANGE, (int64_t)run->conversation, (int64_t)run->sender, (int64_t)after);
}

static enum err add_run(struct query *query, struct run run, uint64_t after)
{
    struct database *db = query->db;
    sqlite3_stmt *row = read_run(query, &run, after);
    bool found = false;
    while (!found && db_row(db, row))
        found = wanted(query, &run, row);
    if (!found)
        return db->failed ? ERR_NOT_STORED : OK;
    run.first = (uint64_t)sqlite3_column_int64(row, 0);
    sqlite3_reset(row);
    if (query->run_count == query->run_size) {
        size_t size = query->run_size > 0 ? query->run_size * 2 : 16;
        struct run *runs = realloc(query->runs, size * sizeof *runs);
        if (runs == NULL)
            return ERR_MEMORY;
        query->runs = runs;
        query->run_size = size;
    }
    query->runs[query->run_count++] = run;
    return OK;
}

static enum err find_runs(struct query *query)
{
    struct database *db = query->db;
    uint64_t account = query->page->account, after = query->page->after;
    enum err err = members_flush(db);
    sqlite3_stmt *row = db_bind(db, SQL_MEMBERSHIPS, (int64_t)account);
    while (err == OK && db_row(db, row)) {
        uint64_t conversation = (uint64_t)sqlite3_column_int64(row, 0), other = (uint64_t)sqlite3_column_int64(row, 1);
        uint64_t received = (uint64_t)sqlite3_column_int64(row, 2);
        uint64_t from = query->all || after > received ? after : received;
        err = add_run(query, (struct run){conversation, other, account, 0}, from);
        if (err == OK && query->all)
            err = add_run(query, (struct run){conversation, account, other, 0}, from);
    }
    sqlite3_reset(row);
    return err == OK && db->failed ? ERR_NOT_STORED : err;
}

static int by_first(const void *one, const void *other)
{
    uint64_t a = ((const struct run *)one)->first, b = ((const struct run *)other)->first;
    return (a > b) - (a < b);
}

static int by_id(const void *one, const void *other)
{
    uint64_t a = ((const struct pick *)one)->id, b = ((const struct pick *)other)->id;
    return (a > b) - (a < b);
}

static void sift_down(struct pick *picks, size_t count)
{
    struct pick moving = picks[0];
    size_t place = 0;
    for (size_t child; (child = 2 * place + 1) < count; place = child) {
        if (child + 1 < count && picks[child + 1].id > picks[child].id)
            child++;
        if (picks[child].id <= moving.id)
            break;
        picks[place] = picks[child];
    }
    picks[place] = moving;
}

/* False: this id and those above it do not get onto the page. */
static bool pick(struct query *query, struct pick new)
{
    struct pick *picks = query->picks;
    if (query->pick_count == query->pick_most) {
        if (new.id >= picks[0].id)
            return false;
        picks[0] = new;
        sift_down(picks, query->pick_count);
        return true;
    }
    size_t place = query->pick_count++;
    for (; place > 0 && picks[(place - 1) / 2].id < new.id; place = (place - 1) / 2)
        picks[place] = picks[(place - 1) / 2];
    picks[place] = new;
    return true;
}

static enum err pick_rows(struct query *query)
{
    struct database *db = query->db;
    if (query->run_count > 1)
        qsort(query->runs, query->run_count, sizeof *query->runs, by_first);
    for (size_t i = 0; i < query->run_count; i++) {
        const struct run *run = &query->runs[i];
        if (query->pick_count == query->pick_most && run->first >= query->picks[0].id)
            break; /* nor does anything of those that follow get onto the page */
        sqlite3_stmt *row = read_run(query, run, run->first - 1);
        while (db_row(db, row)) {
            if (wanted(query, run, row) && !pick(query, (struct pick){(uint64_t)sqlite3_column_int64(row, 0), run}))
                break;
        }
        sqlite3_reset(row);
        if (db->failed)
            return ERR_NOT_STORED;
    }
    if (query->pick_count > 1)
        qsort(query->picks, query->pick_count, sizeof *query->picks, by_id);
    return OK;
}

/* ERR_CAP: the arena has no room for it. */
static enum err read_message(struct query *query, const struct pick *pick, struct store_message *out)
{
    sqlite3_stmt *row = db_bind(query->db, SQL_MESSAGE, (int64_t)pick->id);
    if (!db_row(query->db, row)) {
        /* The index has it and the table has not. */
        query->db->failed = true;
        query->db->failure = SQLITE_CORRUPT;
        return ERR_NOT_STORED;
    }
    const void *bytes = sqlite3_column_blob(row, 2);
    struct slice body = arena_copy(&query->page->arena, slice_of(bytes, (size_t)sqlite3_column_bytes(row, 2)));
    if (body.data != NULL || bytes == NULL)
        *out = (struct store_message){
            .id = pick->id,
            .conversation = pick->run->conversation,
            .sender = pick->run->sender,
            .receiver = pick->run->receiver,
            .time = sqlite3_column_int64(row, 0),
            .device = (uint64_t)sqlite3_column_int64(row, 1),
            .body = body,
        };
    sqlite3_reset(row);
    return body.data != NULL || bytes == NULL ? OK : ERR_CAP;
}

static enum err fill(struct query *query, size_t limit)
{
    struct store_page *page = query->page;
    size_t fit = query->pick_count < limit ? query->pick_count : limit, count = 0, bytes = 0;
    struct store_message *rows = arena_array(&page->arena, fit, sizeof *rows);
    if (rows == NULL && fit > 0)
        return ERR_CAP;
    for (; count < fit; count++) {
        if (count > 0 && bytes >= page->limit_bytes)
            break;
        enum err err = read_message(query, &query->picks[count], &rows[count]);
        if (err == ERR_CAP && count > 0)
            break;
        if (err != OK)
            return err;
        bytes += rows[count].body.len;
    }
    page->rows = rows;
    page->count = count;
    page->more = count < query->pick_count;
    page->horizon = query->db->state.last_id;
    return OK;
}

static enum err read_page(struct database *db, struct store_op *op, bool all)
{
    struct store_page *page = (struct store_page *)op;
    if (!db->state.loaded)
        return ERR_NOT_STORED;
    if (page->after > INT64_MAX)
        return ERR_INVALID;
    arena_reset(&page->arena); /* it may be the second attempt */
    size_t limit = page->limit == 0 ? 1 : page->limit < MOST_ROWS ? page->limit : MOST_ROWS;
    struct query query = {.db = db, .page = page, .all = all, .pick_most = limit + 1};
    query.picks = malloc(query.pick_most * sizeof *query.picks);
    enum err err = query.picks != NULL ? OK : ERR_MEMORY;
    if (err == OK && (!all || page->after < db->state.last_id)) /* else there is nothing: most resumes */
        err = find_runs(&query);
    if (err == OK)
        err = pick_rows(&query);
    if (err == OK)
        err = fill(&query, limit);
    free(query.picks);
    free(query.runs);
    return err;
}

enum err page_pending(struct database *db, struct store_op *op)
{
    return read_page(db, op, false);
}

enum err page_since(struct database *db, struct store_op *op)
{
    return read_page(db, op, true);
}
