/*
 * redo.c - see redo.h. The file is read and written through SQLite's VFS, so that it lies, and fails, where the database does.
 *
 * A change of what is in a frame needs another magic, and another version of the schema, so that an older server does not
 * overlook what was acknowledged.
 */
#include "redo.h"
#include "base/log.h"
#include <assert.h>
#include <endian.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    MAGIC = 0x316f6472, /* "rdo1" */
    HEAD = 24,
    PATIENCE = 256,
    STEP = 1 << 20,   /* the file grows by it */
    CHUNK = 64 << 10, /* SQLite's VFS takes no more than twice that at once */
};

enum err redo_init(struct redo *redo, const char *path, const char *vfs)
{
    *redo = (struct redo){0};
    buf_init(&redo->frame, REDO_SIZE);
    if (path == NULL)
        return OK;
    redo->vfs = sqlite3_vfs_find(vfs);
    size_t size = strlen(path) + sizeof "-redo";
    redo->path = malloc(size);
    if (redo->vfs == NULL || redo->path == NULL)
        return redo->vfs == NULL ? ERR_SYSTEM : ERR_MEMORY;
    snprintf(redo->path, size, "%s-redo", path);
    return OK;
}

static void close_file(struct redo *redo)
{
    if (redo->file != NULL && redo->file->pMethods != NULL)
        redo->file->pMethods->xClose(redo->file);
    free(redo->file);
    redo->file = NULL;
    redo->filled = 0;
}

/* Named as a journal, so that it gets the database's rights, and its directory is synced with it. */
static int open_file(struct redo *redo)
{
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_MAIN_JOURNAL;
    redo->file = calloc(1, (size_t)redo->vfs->szOsFile);
    if (redo->file == NULL)
        return SQLITE_NOMEM;
    int code = redo->vfs->xOpen(redo->vfs, redo->path, redo->file, flags, NULL);
    if (code != SQLITE_OK)
        close_file(redo);
    return code;
}

static bool exists(struct redo *redo)
{
    int there = 0;
    return redo->vfs->xAccess(redo->vfs, redo->path, SQLITE_ACCESS_EXISTS, &there) != SQLITE_OK || there;
}

/* While it is being written. Asked of access(2), not of stat(2): after a look at its times Linux gives a file new ones with the
 * next write, and then its inode goes to the disk with each sync, which costs half as much again. */
static bool is_in_place(struct redo *redo)
{
    int there = 0;
    return redo->vfs->xAccess(redo->vfs, redo->path, SQLITE_ACCESS_READWRITE, &there) != SQLITE_OK || there;
}

static int write_at(struct redo *redo, const void *bytes, size_t len, size_t at)
{
    int code = SQLITE_OK;
    assert(redo->file != NULL);
    for (size_t done = 0, part; code == SQLITE_OK && done < len; done += part) {
        part = len - done < CHUNK ? len - done : CHUNK;
        code = redo->file->pMethods->xWrite(redo->file, (const char *)bytes + done, (int)part,
                                            (sqlite3_int64)at + (sqlite3_int64)done);
    }
    return code;
}

static int sync(struct redo *redo)
{
    return redo->file->pMethods->xSync(redo->file, SQLITE_SYNC_NORMAL | SQLITE_SYNC_DATAONLY);
}

/* Writes the file up to there, a step ahead. */
static int fill(struct redo *redo, size_t end)
{
    static const uint8_t zeros[CHUNK];
    size_t to = (end + STEP - 1) / STEP * STEP;
    int code = SQLITE_OK;
    for (size_t at = redo->filled; code == SQLITE_OK && at < to; at += CHUNK)
        code = write_at(redo, zeros, CHUNK, at);
    if (code == SQLITE_OK && redo->filled < to)
        code = sync(redo);
    if (code == SQLITE_OK && redo->filled < to)
        redo->filled = to;
    return code;
}

static int look_at_size(struct redo *redo)
{
    sqlite3_int64 size = 0;
    int code = redo->file->pMethods->xFileSize(redo->file, &size);
    if (code == SQLITE_OK)
        redo->filled = (size_t)size / STEP * STEP;
    return code;
}

static void note_failure(struct redo *redo, int code)
{
    if (!redo->failing)
        log_event(LOG_WARN, "redo_failing", log_str("reason", sqlite3_errstr(code)), log_int("code", code));
    redo->failing = true;
}

/* ---- writing ---- */

static int make_ready(struct redo *redo, size_t end)
{
    int code = redo->file != NULL ? SQLITE_OK : open_file(redo);
    if (code == SQLITE_OK && redo->filled == 0)
        code = look_at_size(redo);
    return code == SQLITE_OK ? fill(redo, end) : code;
}

/* For a frame that ends there. Somebody may have removed the file: what no restart finds does not count. */
static bool is_ready(struct redo *redo, size_t end)
{
    if (redo->vfs == NULL)
        return false;
    if (redo->file != NULL && !is_in_place(redo))
        close_file(redo);
    if (redo->filled >= end)
        return true;
    if ((redo->file == NULL && redo->end > 0) || (redo->patience > 0 && --redo->patience > 0))
        return false;
    int code = make_ready(redo, end);
    if (code == SQLITE_OK)
        return true;
    note_failure(redo, code);
    redo->patience = PATIENCE;
    if (redo->end == 0)
        close_file(redo);
    return false;
}

void redo_begin(struct redo *redo)
{
    static const uint8_t head[HEAD];
    buf_clear(&redo->frame);
    (void)buf_append(&redo->frame, head, sizeof head);
}

void redo_add(struct redo *redo, struct slice head, struct slice body)
{
    uint8_t *space;
    if (redo->vfs == NULL || buf_len(&redo->frame) == 0)
        return;
    if (buf_reserve(&redo->frame, head.len + body.len, &space) != OK) {
        buf_clear(&redo->frame); /* without its head it will not be written */
        return;
    }
    memcpy(space, head.data, head.len);
    if (body.len > 0)
        memcpy(space + head.len, body.data, body.len);
    buf_commit(&redo->frame, head.len + body.len);
}

static uint64_t fold(uint64_t a, uint64_t b)
{
    unsigned __int128 product = (unsigned __int128)a * b;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

/* Finds what was torn, and what is of another generation or place. Multiplying and folding, a word at a time. */
static uint64_t hash_of(const struct redo *redo, size_t at, struct slice records)
{
    const uint64_t odd = 0x9e3779b97f4a7c15u, other = 0xbf58476d1ce4e5b9u;
    uint64_t hash = fold(redo->generation ^ odd, (at + 1) ^ other) ^ records.len, word;
    size_t done = 0;
    assert(records.data != NULL || records.len == 0);
    for (; done + sizeof word <= records.len; done += sizeof word) {
        memcpy(&word, records.data + done, sizeof word);
        hash = fold(hash ^ le64toh(word) ^ other, odd);
    }
    word = 0;
    if (done < records.len)
        memcpy(&word, records.data + done, records.len - done);
    return fold(hash ^ le64toh(word) ^ other, odd);
}

static void put_u32(uint8_t *place, uint32_t value)
{
    value = htole32(value);
    memcpy(place, &value, sizeof value);
}

static void put_u64(uint8_t *place, uint64_t value)
{
    value = htole64(value);
    memcpy(place, &value, sizeof value);
}

static void seal(struct redo *redo, uint8_t *frame, size_t len)
{
    put_u32(frame, MAGIC);
    put_u32(frame + 4, (uint32_t)(len - HEAD));
    put_u64(frame + 8, redo->generation);
    put_u64(frame + 16, hash_of(redo, redo->end, slice_of(frame + HEAD, len - HEAD)));
}

/* Part of the frame may be in the file, or all of it. The failing sync may also have given up frames before it that were not
 * synced either; but what follows now is a commit, and if that fails, too, nothing more is logged behind such a hole, and who
 * reads the log meanwhile ends before it. */
static void disown(struct redo *redo, int code)
{
    static const uint8_t nothing[HEAD];
    note_failure(redo, code);
    redo->stray = true;
    (void)write_at(redo, nothing, sizeof nothing, redo->end);
}

enum err redo_write(struct redo *redo, bool durable)
{
    size_t len = buf_len(&redo->frame);
    if (len == HEAD && redo->vfs != NULL)
        return OK;
    if (len == 0 || redo->barred || len > REDO_SIZE - redo->end || !is_ready(redo, redo->end + len))
        return ERR_NOT_STORED;
    seal(redo, redo->frame.bytes + redo->frame.start, len);
    int code = write_at(redo, buf_data(&redo->frame), len, redo->end);
    if (code == SQLITE_OK && durable)
        code = sync(redo);
    if (code != SQLITE_OK) {
        disown(redo, code);
        return ERR_NOT_STORED;
    }
    if (redo->failing)
        log_event(LOG_INFO, "redo_recovered");
    redo->failing = false;
    redo->end += len;
    if (durable)
        redo->synced = redo->end;
    return OK;
}

/* ---- reading ---- */

static uint32_t get_u32(const uint8_t *place)
{
    uint32_t value;
    memcpy(&value, place, sizeof value);
    return le32toh(value);
}

static uint64_t get_u64(const uint8_t *place)
{
    uint64_t value;
    memcpy(&value, place, sizeof value);
    return le64toh(value);
}

static enum err read_at(struct redo *redo, uint8_t *bytes, size_t len, size_t at)
{
    int code = SQLITE_OK;
    for (size_t done = 0, part; code == SQLITE_OK && done < len; done += part) {
        part = len - done < CHUNK ? len - done : CHUNK;
        code = redo->file->pMethods->xRead(redo->file, bytes + done, (int)part, (sqlite3_int64)at + (sqlite3_int64)done);
    }
    if (code == SQLITE_IOERR_SHORT_READ)
        return ERR_NOT_FOUND;
    return code == SQLITE_OK ? OK : ERR_SYSTEM;
}

/* ERR_NOT_FOUND: no frame of this generation. */
static enum err read_frame(struct redo *redo, size_t at, struct buf *records)
{
    uint8_t head[HEAD] = {0}, *space;
    buf_clear(records);
    if (at > REDO_SIZE - HEAD)
        return ERR_NOT_FOUND;
    enum err err = read_at(redo, head, sizeof head, at);
    size_t len = get_u32(head + 4);
    if (err == OK && (get_u32(head) != MAGIC || get_u64(head + 8) != redo->generation || len > REDO_SIZE - HEAD - at))
        err = ERR_NOT_FOUND;
    if (err == OK)
        err = buf_reserve(records, len, &space);
    if (err == OK)
        err = read_at(redo, space, len, at + HEAD);
    if (err != OK)
        return err;
    buf_commit(records, len);
    return get_u64(head + 16) == hash_of(redo, at, buf_slice(records)) ? OK : ERR_NOT_FOUND;
}

/* What was promised to nobody is gone. Nothing may be added here: what lay behind it may still be there. */
static void cut(struct redo *redo, size_t at)
{
    log_event(LOG_WARN, "redo_cut", log_int("at", (int64_t)at), log_int("bytes", (int64_t)(redo->end - at)));
    redo->end = at;
    redo_bar(redo);
}

enum err redo_read(struct redo *redo, size_t *at, struct buf *records)
{
    if (*at >= redo->end)
        return ERR_NOT_FOUND;
    enum err err = redo->file != NULL ? read_frame(redo, *at, records) : ERR_SYSTEM;
    if (err == OK)
        *at += HEAD + buf_len(records);
    if (err == OK || err == ERR_MEMORY)
        return err;
    if (*at < redo->synced)
        return ERR_SYSTEM; /* it was there */
    cut(redo, *at);
    return ERR_NOT_FOUND;
}

enum err redo_find(struct redo *redo, uint64_t generation)
{
    struct buf records;
    enum err err = OK;
    redo->generation = generation;
    redo->end = 0;
    if (redo->vfs == NULL || !exists(redo))
        return OK;
    if (open_file(redo) != SQLITE_OK)
        return ERR_SYSTEM;
    buf_init(&records, REDO_SIZE);
    while (err == OK) {
        err = read_frame(redo, redo->end, &records);
        if (err == OK)
            redo->end += HEAD + buf_len(&records);
    }
    buf_free(&records);
    redo->synced = redo->end;
    return err == ERR_NOT_FOUND ? OK : err;
}

/* ---- life ---- */

void redo_void(struct redo *redo, uint64_t generation)
{
    redo->generation = generation;
    redo->end = redo->synced = 0;
    redo->stray = redo->barred = false;
}

void redo_bar(struct redo *redo)
{
    redo->barred = redo->stray = true;
}

void redo_close(struct redo *redo, bool remove)
{
    close_file(redo);
    if (remove && redo->vfs != NULL)
        redo->vfs->xDelete(redo->vfs, redo->path, 0);
    buf_free(&redo->frame);
    free(redo->path);
    *redo = (struct redo){0};
}
