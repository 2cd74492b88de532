/* place.c - see place.h. */
#include "server/place.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

static enum err cannot(struct buf *why, const char *what, const char *path)
{
    (void)buf_printf(why, "cannot %s %s: %s", what, path, strerror(errno));
    return ERR_SYSTEM;
}

enum err place_path(const char *directory, const char *name, char *out, size_t size)
{
    int len = snprintf(out, size, "%s/%s", directory, name);
    return len >= 0 && (size_t)len < size ? OK : ERR_CAP;
}

/* So that a directory that was made is still there after a power cut: what is synced in it would be lost with its name. */
static bool sync_parent(const char *path)
{
    char parent[PATH_MAX];
    snprintf(parent, sizeof parent, "%s", path);
    int fd = open(dirname(parent), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool ok = fd < 0 || fsync(fd) == 0; /* one that we may not read was not made by us either */
    if (fd >= 0)
        close(fd);
    return ok;
}

static bool make_one(const char *path)
{
    if (mkdir(path, 0700) == 0)
        return sync_parent(path);
    return errno == EEXIST;
}

/* Each parent in turn: cuts the path after it for as long as it takes. */
static enum err make_parents(char *path, struct buf *why)
{
    for (char *cut = path + 1; (cut = strchr(cut, '/')) != NULL; cut++) {
        *cut = '\0';
        bool failed = !make_one(path);
        if (failed)
            (void)cannot(why, "make the directory", path);
        *cut = '/';
        if (failed)
            return ERR_SYSTEM;
    }
    return OK;
}

enum err place_make(const char *directory, struct buf *why)
{
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s", directory);
    enum err err = make_parents(path, why);
    if (err != OK)
        return err;
    if (!make_one(path))
        return cannot(why, "make the data directory", path);
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return cannot(why, "use the data directory", path);
    close(fd);
    if (access(path, W_OK | X_OK) != 0)
        return cannot(why, "write to the data directory", path);
    return OK;
}

/* Closes the descriptor. */
static bool is_empty(int fd)
{
    DIR *folder = fdopendir(fd);
    const struct dirent *entry;
    bool empty = folder != NULL;
    while (empty && (entry = readdir(folder)) != NULL)
        empty = strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0;
    if (folder != NULL)
        closedir(folder);
    else
        close(fd);
    return empty;
}

enum err place_give(const char *directory, uid_t uid, gid_t gid, const char *name, struct buf *why)
{
    struct stat info;
    int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &info) != 0) {
        (void)cannot(why, "use the data directory", directory);
        if (fd >= 0)
            close(fd);
        return ERR_SYSTEM;
    }
    int other = info.st_uid == uid ? -1 : dup(fd);
    bool ours = info.st_uid == uid || (info.st_uid == 0 && other >= 0 && is_empty(other) && fchown(fd, uid, gid) == 0);
    close(fd);
    if (ours)
        return OK;
    (void)buf_printf(why, "the data directory %s does not belong to %s; \"chown -R %s %s\" gives it away with all that is in it",
                     directory, name, name, directory);
    return ERR_SYSTEM;
}

static enum err held(struct buf *why, const char *directory, int fd)
{
    char owner[32];
    ssize_t len = pread(fd, owner, sizeof owner - 1, 0);
    owner[len > 0 ? len : 0] = '\0';
    owner[strspn(owner, "0123456789")] = '\0';
    (void)buf_printf(why, "the data directory %s is in use by another earshotd%s%s", directory, owner[0] ? ", process " : "",
                     owner);
    return ERR_EXISTS;
}

/* A second name would mean that it is also another file, which is not root's to give away. */
bool place_lend(const char *directory, int lock)
{
    struct stat folder, file;
    if (geteuid() != 0)
        return true;
    if (stat(directory, &folder) != 0 || fstat(lock, &file) != 0)
        return false;
    return file.st_uid == folder.st_uid || file.st_nlink != 1 || fchown(lock, folder.st_uid, folder.st_gid) == 0;
}

enum err place_lock(const char *directory, int *fd, struct buf *why)
{
    char path[PATH_MAX];
    if (place_path(directory, "earshotd.lock", path, sizeof path) != OK) {
        errno = ENAMETOOLONG;
        return cannot(why, "use the data directory", directory);
    }
    int lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (lock < 0)
        return cannot(why, "write", path);
    enum err err = OK;
    if (flock(lock, LOCK_EX | LOCK_NB) != 0)
        err = errno == EWOULDBLOCK ? held(why, directory, lock) : cannot(why, "lock", path);
    else if (!place_lend(directory, lock))
        err = cannot(why, "give away", path);
    else if (ftruncate(lock, 0) != 0 || dprintf(lock, "%d\n", (int)getpid()) < 0)
        err = cannot(why, "write", path); /* a full disk shows here first */
    if (err != OK) {
        close(lock);
        return err;
    }
    *fd = lock;
    return OK;
}
