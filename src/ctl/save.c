/* save.c - see save.h. */
#include "save.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

enum { CHUNK = 1 << 16, PATH_SIZE = 4096 };

static enum err cannot(struct buf *why, const char *what, const char *path)
{
    (void)buf_printf(why, "cannot %s %s: %s", what, path, strerror(errno));
    return ERR_SYSTEM;
}

static bool write_all(int to, const uint8_t *bytes, size_t len)
{
    while (len > 0) {
        ssize_t written = write(to, bytes, len);
        if (written < 0 && errno != EINTR)
            return false;
        if (written > 0) {
            bytes += written;
            len -= (size_t)written;
        }
    }
    return true;
}

static bool copy_all(int from, int to)
{
    static _Thread_local uint8_t chunk[CHUNK];
    ssize_t got;
    while ((got = read(from, chunk, sizeof chunk)) != 0) {
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0 || !write_all(to, chunk, (size_t)got))
            return false;
    }
    return fsync(to) == 0;
}

/* ERR_SYSTEM: too long. */
static enum err folder_of(const char *path, char *folder, size_t size)
{
    const char *slash = strrchr(path, '/');
    int len = slash == NULL ? snprintf(folder, size, ".") : snprintf(folder, size, "%.*s/", (int)(slash - path), path);
    return len >= 0 && (size_t)len < size ? OK : ERR_SYSTEM;
}

static bool sync_folder(const char *path)
{
    char folder[PATH_SIZE];
    int fd = folder_of(path, folder, sizeof folder) == OK ? open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    bool ok = fd >= 0 && fsync(fd) == 0;
    if (fd >= 0)
        close(fd);
    return ok;
}

/* A file without a name, where the file system knows such: it is gone with this process, however that ends. Otherwise one with a
 * name of its own, which is removed if the copy fails, but not if the process is killed. */
static int open_copy(const char *path, char partial[PATH_SIZE])
{
    char folder[PATH_SIZE];
    int file = -1;
    partial[0] = '\0';
    if (folder_of(path, folder, sizeof folder) == OK && access("/proc/self/fd", X_OK) == 0)
        file = open(folder, O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600);
    if (file >= 0)
        return file;
    int len = snprintf(partial, PATH_SIZE, "%s.partial-%d", path, (int)getpid());
    if (len >= 0 && len < PATH_SIZE)
        return open(partial, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    errno = ENAMETOOLONG;
    return -1;
}

/* link(2), unlike rename(2), leaves alone what is there; where a file system has no links, renaming comes after a look. */
static bool give_name(int file, const char *partial, const char *path)
{
    char unnamed[64];
    struct stat info;
    snprintf(unnamed, sizeof unnamed, "/proc/self/fd/%d", file);
    if (partial[0] == '\0')
        return linkat(AT_FDCWD, unnamed, AT_FDCWD, path, AT_SYMLINK_FOLLOW) == 0;
    if (link(partial, path) == 0)
        return true;
    if (errno != EPERM && errno != EOPNOTSUPP && errno != ENOSYS)
        return false;
    errno = EEXIST;
    return lstat(path, &info) != 0 && rename(partial, path) == 0;
}

/* Under its name only when it is complete. */
static enum err publish(int file, const char *partial, const char *path, struct buf *why)
{
    if (!give_name(file, partial, path))
        return cannot(why, "make", path);
    return sync_folder(path) ? OK : cannot(why, "sync the directory of", path);
}

enum err save_copy(int from, const char *path, struct buf *why)
{
    char partial[PATH_SIZE];
    struct stat info;
    if (lstat(path, &info) == 0) {
        (void)buf_printf(why, "%s exists already", path);
        return ERR_EXISTS;
    }
    int to = open_copy(path, partial);
    if (to < 0)
        return cannot(why, "make", partial[0] != '\0' ? partial : path);
    enum err err = copy_all(from, to) ? OK : cannot(why, "write", path);
    if (err == OK)
        err = publish(to, partial, path, why);
    close(to);
    if (partial[0] != '\0')
        unlink(partial);
    return err;
}
