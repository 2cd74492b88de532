/* file.c - see file.h. Reads into place at once, so that a secret leaves no copies behind in freed memory. */
#include "server/file.h"
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static enum err because(const char **why, enum err err, const char *text)
{
    *why = text;
    return err;
}

static enum err read_all(int fd, struct buf *out, const char **why)
{
    struct stat stat;
    if (fstat(fd, &stat) != 0)
        return because(why, ERR_SYSTEM, strerror(errno));
    if (S_ISDIR(stat.st_mode))
        return because(why, ERR_SYSTEM, "it is a directory");
    size_t step = S_ISREG(stat.st_mode) && stat.st_size > 0 ? (size_t)stat.st_size : 4096;
    for (;;) {
        uint8_t extra, *space;
        ssize_t len;
        enum err err = buf_reserve(out, step, &space);
        if (err == OK) {
            len = read(fd, space, step);
        } else {
            len = read(fd, &extra, 1);
            if (len > 0)
                return because(why, err, err == ERR_CAP ? "it is too large" : "there is not enough memory");
        }
        if (len < 0 && errno == EINTR)
            continue;
        if (len < 0)
            return because(why, ERR_SYSTEM, strerror(errno));
        if (len == 0)
            return OK;
        buf_commit(out, (size_t)len);
        step = 4096;
    }
}

enum err file_read(const char *path, struct buf *out, const char **why)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return because(why, ERR_SYSTEM, strerror(errno));
    enum err err = read_all(fd, out, why);
    close(fd);
    return err;
}
