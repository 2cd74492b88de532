/*
 * redo.h - the redo log: what was acknowledged since the database was last committed, in one file beside it ("PATH-redo").
 *
 * A group of operations is one frame. It is appended, so that it outlives the process, and synced, which makes it and all before
 * it durable, unless nobody will be told of anything in it (positions, logins): then it waits for the next sync. The database is
 * given the same at once, but in a transaction that stays open over many groups; when it is committed, the frames have become
 * void, and the file is written from its beginning again. After a crash, and after a rollback, the frames that are not void are
 * executed again (replay.h).
 *
 * Which frames count is decided by a generation, a random number: the commit stores the next one in the database, in the same
 * transaction, so what is in the database and what is not never disagree, nothing in the file need be erased, and a log beside
 * a database that is not its own counts for nothing. A frame carries it, and a hash keyed with it and the frame's place; the
 * first that does not agree is the end. The file grows in large steps, which are written and synced beforehand, and keeps its
 * size, so that the sync of a frame has nothing but the frame to write.
 *
 * A frame: magic, length of the records (4 bytes each), generation, hash (8 bytes each), records. Little-endian.
 */
#ifndef STORE_SQLITE_REDO_H
#define STORE_SQLITE_REDO_H

#include "base/buf.h"
#include <sqlite3.h>

enum { REDO_SIZE = 8 << 20 };

struct redo {
    sqlite3_vfs *vfs; /* NULL: there is no log (":memory:"), everything is committed at once */
    char *path;
    sqlite3_file *file; /* NULL: not open */
    uint64_t generation;
    size_t filled;     /* written so far */
    size_t end;        /* of the frames that count */
    size_t synced;     /* so far they are on the disk, as far as anybody can know; nothing behind it was promised */
    bool stray;        /* behind them may lie one that must not count */
    bool barred;       /* until the next commit */
    bool failing;      /* logged once, and again when it has recovered */
    unsigned patience; /* groups until the file is tried again */
    struct buf frame;
};

/* Names the file and looks at nothing. path NULL: no log. ERR_MEMORY, ERR_SYSTEM (no such VFS). */
enum err redo_init(struct redo *redo, const char *path, const char *vfs);

/* Finds the frames of this generation. ERR_SYSTEM: there is a file and it cannot be read. */
enum err redo_find(struct redo *redo, uint64_t generation);

/* remove: nothing in it counts any more. */
void redo_close(struct redo *redo, bool remove);

/* A frame is begun, records are added, the frame is written. A record that cannot be added makes redo_write() fail. */
void redo_begin(struct redo *redo);
void redo_add(struct redo *redo, struct slice head, struct slice body);

/* Appends the frame; nothing if it is empty. durable: and syncs, it and all before it. ERR_NOT_STORED: it does not count, commit
 * instead (always, without a log). */
enum err redo_write(struct redo *redo, bool durable);

/* The records of the frame at *at, which is moved to the next; *records is filled. ERR_NOT_FOUND: there are no more; one that was
 * written and never synced may be gone, and then the log ends there, until the next commit. */
enum err redo_read(struct redo *redo, size_t *at, struct buf *records);

/* The database must be given a new generation when it is committed. */
static inline bool redo_in_use(const struct redo *redo)
{
    return redo->end > 0 || redo->stray;
}

/* It was. */
void redo_void(struct redo *redo, uint64_t generation);

/* It may have been, although the commit failed: after a crash either generation may be found, so that nothing more may be
 * added to this one. */
void redo_bar(struct redo *redo);

#endif
