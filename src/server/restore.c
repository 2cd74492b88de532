/*
 * restore.c - --restore: a backup takes the place of the database.
 *
 * The backup is copied beside the database and the copy is checked, so that nothing is touched before it is known to be good. The
 * copy gets ids that go on above those of what is there. Then that moves aside, its log with it, and the copy gets its name.
 * Nothing is deleted and nothing is overwritten.
 */
#include "base/world.h"
#include "inside.h"
#include "server/place.h"
#include "store/sqlite.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { PATH_SIZE = CONFIG_TEXT_SIZE + 64, CHUNK = 1 << 16, ASIDE_MOST = 99 };

#define RESTORING "%s.restoring" /* the copy until it is in its place */

struct restore {
    const char *backup;
    char path[PATH_SIZE], fresh[PATH_SIZE], aside[PATH_SIZE];
    bool moved;
};

static enum err cannot(struct buf *why, const char *what, const char *path)
{
    (void)buf_printf(why, "cannot %s %s: %s", what, path, strerror(errno));
    return ERR_SYSTEM;
}

static void folder_of(const struct restore *restore, char folder[PATH_SIZE])
{
    const char *slash = strrchr(restore->path, '/');
    snprintf(folder, PATH_SIZE, "%.*s", slash != NULL ? (int)(slash - restore->path) + 1 : 1,
             slash != NULL ? restore->path : ".");
}

/* ---- the copy ---- */

static bool copy_bytes(int from, int to)
{
    static uint8_t chunk[CHUNK];
    ssize_t got, put = 0;
    while ((got = read(from, chunk, sizeof chunk)) > 0)
        for (ssize_t done = 0; done < got; done += put)
            if ((put = write(to, chunk + done, (size_t)(got - done))) < 0)
                return false;
    return got == 0 && fsync(to) == 0;
}

/* A database in use, or left by a crash, is several files; one of them alone would lack the latest messages. */
static enum err refuse_log(const struct restore *restore, struct buf *why)
{
    static const char *const endings[] = {"-wal", "-redo"};
    char path[PATH_SIZE];
    struct stat info;
    bool found = false;
    for (size_t i = 0; !found && i < sizeof endings / sizeof endings[0]; i++) {
        snprintf(path, sizeof path, "%.*s%s", (int)sizeof path - 8, restore->backup, endings[i]);
        found = stat(path, &info) == 0 && info.st_size > 0;
    }
    if (!found)
        return OK;
    (void)buf_printf(why, "%s has a log beside it (%s): it is a database, not a backup", restore->backup, path);
    return ERR_INVALID;
}

/* The server may be another user than root, who restores: the database belongs to whom its directory belongs to. */
static bool give_away(const struct restore *restore, int file)
{
    char folder[PATH_SIZE];
    struct stat info;
    folder_of(restore, folder);
    if (geteuid() != 0)
        return true;
    return stat(folder, &info) == 0 && fchown(file, info.st_uid, info.st_gid) == 0;
}

static enum err copy(const struct restore *restore, struct buf *why)
{
    struct stat info;
    int from = open(restore->backup, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (from < 0)
        return cannot(why, "read", restore->backup);
    unlink(restore->fresh);
    int to = open(restore->fresh, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    enum err err = OK;
    if (to < 0) {
        err = cannot(why, "make", restore->fresh);
    } else if (fstat(from, &info) != 0 || !S_ISREG(info.st_mode)) {
        (void)buf_printf(why, "%s is not a file", restore->backup);
        err = ERR_INVALID;
    } else if (!give_away(restore, to)) {
        err = cannot(why, "give the server its copy", restore->fresh);
    } else if (!copy_bytes(from, to)) {
        err = cannot(why, "copy", restore->backup);
    }
    close(from);
    if (to >= 0)
        close(to);
    return err;
}

static enum err adopt_copy(const struct restore *restore, struct buf *why)
{
    const char *reason = "";
    enum err err = store_sqlite_check(restore->fresh, &reason);
    if (err == OK)
        err = store_sqlite_adopt(restore->fresh, system_clock.wall_ms(&system_clock), &reason);
    if (err != OK)
        (void)buf_printf(why, "%s cannot be restored: %s", restore->backup, reason);
    return err;
}

/* ---- its place ---- */

static enum err move_one(struct restore *restore, const char *ending, struct buf *why)
{
    char from[PATH_SIZE + 8], to[PATH_SIZE + 8];
    struct stat info;
    snprintf(from, sizeof from, "%s%s", restore->path, ending);
    snprintf(to, sizeof to, "%s%s", restore->aside, ending);
    if (lstat(from, &info) != 0)
        return errno == ENOENT ? OK : cannot(why, "move", from);
    if (lstat(to, &info) == 0)
        errno = EEXIST;
    else if (rename(from, to) == 0) {
        restore->moved = true;
        return OK;
    }
    return cannot(why, "move aside", from);
}

static enum err sync_folder(const struct restore *restore, struct buf *why)
{
    char folder[PATH_SIZE];
    folder_of(restore, folder);
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    enum err err = fd >= 0 && fsync(fd) == 0 ? OK : cannot(why, "sync", folder);
    if (fd >= 0)
        close(fd);
    return err;
}

static const char *const parts[] = {"", "-wal", "-shm", "-redo"}; /* of a database */
enum { PARTS = sizeof parts / sizeof parts[0] };

static bool is_free(const char *aside)
{
    char path[PATH_SIZE + 8];
    struct stat info;
    bool found = false;
    for (size_t i = 0; !found && i < PARTS; i++) {
        snprintf(path, sizeof path, "%s%s", aside, parts[i]);
        found = lstat(path, &info) == 0;
    }
    return !found;
}

/* Another restore may have moved something aside in the same second. If every number is taken, move_one() will say so. */
static void name_aside(struct restore *restore)
{
    char when[32];
    time_t now = time(NULL);
    struct tm time_of;
    gmtime_r(&now, &time_of);
    strftime(when, sizeof when, "%Y%m%dT%H%M%SZ", &time_of);
    int len = snprintf(restore->aside, sizeof restore->aside, "%s.before-restore-%s", restore->path, when);
    for (int number = 2; number <= ASIDE_MOST && !is_free(restore->aside); number++)
        snprintf(restore->aside + len, sizeof restore->aside - (size_t)len, ".%d", number);
}

/* Also a log without its database, which a restore that was cut short may have left: a fresh database must not find it. So the
 * database is the first that goes, and its place is empty until everything is done: see restore_unfinished(). */
static enum err put_in_place(struct restore *restore, struct buf *why)
{
    enum err err = OK;
    name_aside(restore);
    for (size_t i = 0; err == OK && i < PARTS; i++)
        err = move_one(restore, parts[i], why);
    if (err == OK)
        err = sync_folder(restore, why);
    if (err == OK && rename(restore->fresh, restore->path) != 0)
        err = cannot(why, "make", restore->path);
    return err == OK ? sync_folder(restore, why) : err;
}

bool restore_unfinished(const char *database)
{
    char fresh[PATH_SIZE];
    int len = snprintf(fresh, sizeof fresh, RESTORING, database);
    return len > 0 && (size_t)len < sizeof fresh && access(database, F_OK) != 0 && access(fresh, F_OK) == 0;
}

static enum err name_files(const struct config *config, struct restore *restore, struct buf *why)
{
    char path[CONFIG_TEXT_SIZE + 16];
    if (settings_database(config, path, sizeof path) != OK) {
        (void)buf_append_str(why, "the path of the data directory is too long");
        return ERR_SYSTEM;
    }
    snprintf(restore->path, sizeof restore->path, "%s", path);
    snprintf(restore->fresh, sizeof restore->fresh, RESTORING, path);
    return OK;
}

/* The database may lie elsewhere than in the data directory, and have another server. */
static enum err lock_database(const struct restore *restore, int *lock, struct buf *why)
{
    char path[PATH_SIZE + 8], folder[PATH_SIZE];
    enum err err = OK;
    snprintf(path, sizeof path, "%s.lock", restore->path);
    folder_of(restore, folder);
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return cannot(why, "write", path);
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        (void)buf_printf(why, "%s is in use by a server", restore->path);
        err = ERR_EXISTS;
    } else if (!place_lend(folder, fd)) {
        err = cannot(why, "give away", path);
    }
    if (err != OK)
        close(fd);
    else
        *lock = fd;
    return err;
}

static enum err restore_locked(struct restore *restore, struct buf *why)
{
    int lock = -1;
    enum err err = lock_database(restore, &lock, why);
    if (err != OK)
        return err;
    err = refuse_log(restore, why);
    if (err == OK) {
        err = copy(restore, why);
        if (err == OK)
            err = adopt_copy(restore, why);
        if (err == OK)
            err = put_in_place(restore, why);
        if (err != OK && !restore->moved)
            unlink(restore->fresh);
    }
    close(lock);
    return err;
}

int server_restore(const struct config *config)
{
    struct restore restore = {.backup = config->restore};
    struct buf why;
    int lock = -1;
    buf_init(&why, 8192);
    umask(077);
    enum err err = place_make(config->data, &why);
    if (err == OK)
        err = place_lock(config->data, &lock, &why);
    if (err == OK)
        err = name_files(config, &restore, &why);
    if (err == OK)
        err = restore_locked(&restore, &why);
    if (err == OK && restore.moved)
        printf("what was there is now %s\n", restore.aside);
    if (err == OK)
        printf("restored %s from %s\n", restore.path, restore.backup);
    else
        fprintf(stderr, "earshotd: %.*s\n", (int)buf_len(&why), (const char *)buf_data(&why));
    if (lock >= 0)
        close(lock);
    buf_free(&why);
    return err == OK ? EXIT_STOPPED : EXIT_CANNOT_START;
}
