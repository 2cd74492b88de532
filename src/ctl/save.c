/* save.c - see save.h. */
#include "save.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

enum { CHUNK = 1 << 16 };

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

static bool sync_folder(const char *path)
{
    char folder[4096];
    const char *slash = strrchr(path, '/');
    int len = slash == NULL ? snprintf(folder, sizeof folder, ".")
                            : snprintf(folder, sizeof folder, "%.*s/", (int)(slash - path), path);
    int fd = len >= 0 && (size_t)len < sizeof folder ? open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    bool ok = fd >= 0 && fsync(fd) == 0;
    if (fd >= 0)
        close(fd);
    return ok;
}

/* Under its name only when it is complete. link(2), unlike rename(2), leaves alone what is there; where a file system has no
 * links, renaming comes after a look. */
static enum err publish(const char *partial, const char *path, struct buf *why)
{
    struct stat info;
    bool ok = link(partial, path) == 0;
    if (ok) {
        unlink(partial);
    } else if (errno == EPERM || errno == EOPNOTSUPP || errno == ENOSYS) {
        errno = EEXIST;
        ok = lstat(path, &info) != 0 && rename(partial, path) == 0;
    }
    if (!ok)
        return cannot(why, "make", path);
    return sync_folder(path) ? OK : cannot(why, "sync the directory of", path);
}

enum err save_copy(int from, const char *path, struct buf *why)
{
    char partial[4096];
    struct stat info;
    int len = snprintf(partial, sizeof partial, "%s.partial-%d", path, (int)getpid());
    if (len < 0 || (size_t)len >= sizeof partial) {
        errno = ENAMETOOLONG;
        return cannot(why, "make", path);
    }
    if (lstat(path, &info) == 0) {
        (void)buf_printf(why, "%s exists already", path);
        return ERR_EXISTS;
    }
    int to = open(partial, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (to < 0)
        return cannot(why, "make", partial);
    enum err err = copy_all(from, to) ? OK : cannot(why, "write", partial);
    close(to);
    if (err == OK)
        err = publish(partial, path, why);
    if (err != OK)
        unlink(partial);
    return err;
}
