/* statefile.c - see statefile.h. */
#include "statefile.h"
#include "crypto/token.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <unistd.h>

enum err statefile_read(int dir, const char *name, struct buf *out)
{
    int fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return errno == ENOENT ? ERR_NOT_FOUND : ERR_SYSTEM;
    enum err err = OK;
    for (ssize_t got = 1; err == OK && got > 0;) {
        uint8_t chunk[4096];
        got = read(fd, chunk, sizeof chunk);
        err = got < 0 ? ERR_SYSTEM : buf_append(out, chunk, (size_t)got);
        secret_wipe(chunk, sizeof chunk);
    }
    close(fd);
    return err;
}

static enum err write_all(int fd, struct slice content)
{
    while (content.len > 0) {
        ssize_t put = write(fd, content.data, content.len);
        if (put < 0 && errno == EINTR)
            continue;
        if (put <= 0)
            return ERR_SYSTEM;
        content = slice_of(content.data + put, content.len - (size_t)put);
    }
    return fsync(fd) == 0 ? OK : ERR_SYSTEM;
}

enum err statefile_replace(int dir, const char *name, struct slice content)
{
    char temporary[STATEFILE_NAME + 8];
    snprintf(temporary, sizeof temporary, "%s.new", name);
    int fd = openat(dir, temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return ERR_SYSTEM;
    enum err err = write_all(fd, content);
    if (close(fd) != 0)
        err = ERR_SYSTEM;
    if (err == OK && renameat(dir, temporary, dir, name) != 0)
        err = ERR_SYSTEM;
    if (err != OK)
        unlinkat(dir, temporary, 0);
    return err;
}

int statefile_lock(int dir, const char *name, bool wait)
{
    int fd = openat(dir, name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd >= 0 && flock(fd, wait ? LOCK_EX : LOCK_EX | LOCK_NB) != 0) {
        close(fd);
        fd = -1;
    }
    return fd;
}

bool statefile_line(struct slice *rest, struct slice *line)
{
    if (rest->len == 0 || rest->data == NULL)
        return false;
    const uint8_t *end = memchr(rest->data, '\n', rest->len);
    size_t len = end ? (size_t)(end - rest->data) : rest->len;
    size_t used = end ? len + 1 : len;
    *line = slice_of(rest->data, len);
    *rest = slice_of(rest->data + used, rest->len - used);
    return true;
}
