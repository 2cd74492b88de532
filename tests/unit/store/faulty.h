/*
 * faulty.h - a VFS that fails on command: the n-th read, write or sync from now, once or from then on.
 *
 * It wraps the default one, registered under the name "faulty". Only files of the database are affected, in this process. Whoever
 * sets a watch is told what is written, synced and removed (power.h).
 */
#ifndef TEST_STORE_FAULTY_H
#define TEST_STORE_FAULTY_H

#include <sqlite3.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum fault_kind { FAULT_READ, FAULT_WRITE, FAULT_SYNC };

struct faulty_watch {
    void (*wrote)(const char *path, sqlite3_int64 at, sqlite3_int64 len);
    void (*synced)(const char *path, bool ok);
    void (*removed)(const char *path);
};

struct faulty {
    sqlite3_vfs vfs;
    sqlite3_vfs *real;
    atomic_int left;     /* calls of the kind until it fails; 0: none will */
    atomic_int happened; /* faults so far */
    enum fault_kind kind;
    int code;                         /* what a failing call answers */
    bool lasting;                     /* all that follow fail too */
    const struct faulty_watch *watch; /* may be NULL */
};

struct faulty_file {
    sqlite3_file base;
    sqlite3_file *real;
    const char *path; /* SQLite keeps it as long as the file is open */
};

static struct faulty faulty;

static inline bool fault(enum fault_kind kind)
{
    if (atomic_load(&faulty.left) == 0 || kind != faulty.kind)
        return false;
    if (atomic_load(&faulty.left) == 1 && faulty.lasting) {
        atomic_fetch_add(&faulty.happened, 1);
        return true;
    }
    if (atomic_fetch_sub(&faulty.left, 1) > 1)
        return false;
    atomic_fetch_add(&faulty.happened, 1);
    return true;
}

static inline void fault_arm(enum fault_kind kind, int code, int nth, bool lasting)
{
    faulty.kind = kind;
    faulty.code = code;
    faulty.lasting = lasting;
    atomic_store(&faulty.happened, 0);
    atomic_store(&faulty.left, nth);
}

static inline void fault_disarm(void)
{
    atomic_store(&faulty.left, 0);
}

#define REAL(file)                 ((struct faulty_file *)(file))->real
#define PATH(file)                 ((struct faulty_file *)(file))->path
#define FORWARD(file, method, ...) REAL(file)->pMethods->method(REAL(file), ##__VA_ARGS__)

static int faulty_close(sqlite3_file *file)
{
    int code = FORWARD(file, xClose);
    free(REAL(file));
    return code;
}

static int faulty_read(sqlite3_file *file, void *data, int len, sqlite3_int64 at)
{
    return fault(FAULT_READ) ? faulty.code : FORWARD(file, xRead, data, len, at);
}

static void tell_written(sqlite3_file *file, sqlite3_int64 at, sqlite3_int64 len)
{
    if (faulty.watch != NULL && PATH(file) != NULL)
        faulty.watch->wrote(PATH(file), at, len);
}

static int faulty_write(sqlite3_file *file, const void *data, int len, sqlite3_int64 at)
{
    tell_written(file, at, len);
    if (!fault(FAULT_WRITE))
        return FORWARD(file, xWrite, data, len, at);
    FORWARD(file, xWrite, data, len / 2, at); /* a full disk may take a part of it */
    return faulty.code;
}

static int faulty_truncate(sqlite3_file *file, sqlite3_int64 size)
{
    return FORWARD(file, xTruncate, size);
}

static int faulty_sync(sqlite3_file *file, int flags)
{
    bool ok = !fault(FAULT_SYNC);
    if (faulty.watch != NULL && PATH(file) != NULL)
        faulty.watch->synced(PATH(file), ok);
    return ok ? SQLITE_OK : faulty.code; /* nobody cuts the power of this machine: no need to wait for its disk */
}

static int faulty_size(sqlite3_file *file, sqlite3_int64 *size)
{
    return FORWARD(file, xFileSize, size);
}

static int faulty_lock(sqlite3_file *file, int level)
{
    return FORWARD(file, xLock, level);
}

static int faulty_unlock(sqlite3_file *file, int level)
{
    return FORWARD(file, xUnlock, level);
}

static int faulty_reserved(sqlite3_file *file, int *out)
{
    return FORWARD(file, xCheckReservedLock, out);
}

static int faulty_control(sqlite3_file *file, int what, void *argument)
{
    return FORWARD(file, xFileControl, what, argument);
}

static int faulty_sector(sqlite3_file *file)
{
    return FORWARD(file, xSectorSize);
}

static int faulty_traits(sqlite3_file *file)
{
    return FORWARD(file, xDeviceCharacteristics);
}

static int faulty_shm_map(sqlite3_file *file, int region, int size, int extend, void volatile **out)
{
    return FORWARD(file, xShmMap, region, size, extend, out);
}

static int faulty_shm_lock(sqlite3_file *file, int offset, int count, int flags)
{
    return FORWARD(file, xShmLock, offset, count, flags);
}

static void faulty_shm_barrier(sqlite3_file *file)
{
    FORWARD(file, xShmBarrier);
}

static int faulty_shm_unmap(sqlite3_file *file, int remove)
{
    return FORWARD(file, xShmUnmap, remove);
}

static const sqlite3_io_methods faulty_methods = {
    .iVersion = 2,
    .xClose = faulty_close,
    .xRead = faulty_read,
    .xWrite = faulty_write,
    .xTruncate = faulty_truncate,
    .xSync = faulty_sync,
    .xFileSize = faulty_size,
    .xLock = faulty_lock,
    .xUnlock = faulty_unlock,
    .xCheckReservedLock = faulty_reserved,
    .xFileControl = faulty_control,
    .xSectorSize = faulty_sector,
    .xDeviceCharacteristics = faulty_traits,
    .xShmMap = faulty_shm_map,
    .xShmLock = faulty_shm_lock,
    .xShmBarrier = faulty_shm_barrier,
    .xShmUnmap = faulty_shm_unmap,
};

static int faulty_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags, int *out)
{
    struct faulty_file *wrapped = (struct faulty_file *)file;
    sqlite3_vfs *real = ((struct faulty *)vfs)->real;
    wrapped->base.pMethods = NULL;
    wrapped->path = name;
    wrapped->real = calloc(1, (size_t)real->szOsFile);
    if (wrapped->real == NULL)
        return SQLITE_NOMEM;
    int code = real->xOpen(real, name, wrapped->real, flags, out);
    if (code == SQLITE_OK)
        wrapped->base.pMethods = &faulty_methods;
    else
        free(wrapped->real);
    return code;
}

static int faulty_delete(sqlite3_vfs *vfs, const char *name, int sync_folder)
{
    sqlite3_vfs *real = ((struct faulty *)vfs)->real;
    if (faulty.watch != NULL)
        faulty.watch->removed(name);
    return real->xDelete(real, name, sync_folder);
}

static inline void faulty_register(void)
{
    faulty.real = sqlite3_vfs_find(NULL);
    faulty.vfs = *faulty.real;
    faulty.vfs.pNext = NULL;
    faulty.vfs.zName = "faulty";
    faulty.vfs.szOsFile = sizeof(struct faulty_file);
    faulty.vfs.xOpen = faulty_open;
    faulty.vfs.xDelete = faulty_delete;
    sqlite3_vfs_register(&faulty.vfs, 0);
}

#endif
