#include "file.h"
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <unistd.h>

static enum err name_beside(const char *path, char name[PATH_MAX])
{
    if (snprintf(name, PATH_MAX, "%s.new", path) < PATH_MAX)
        return OK;
    errno = ENAMETOOLONG;
    return ERR_SYSTEM;
}

static enum err write_and_sync(int fd, struct slice content)
{
    while (content.len > 0) {
        ssize_t sent = write(fd, content.data, content.len);
        if (sent < 0 && errno == EINTR)
            continue;
        if (sent < 0)
            return ERR_SYSTEM;
        content = slice_of(content.data + sent, content.len - (size_t)sent);
    }
    return fsync(fd) == 0 ? OK : ERR_SYSTEM;
}

static enum err sync_folder_of(const char *path)
{
    char copy[PATH_MAX];
    snprintf(copy, sizeof copy, "%s", path);
    int fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return ERR_SYSTEM;
    enum err err = fsync(fd) == 0 ? OK : ERR_SYSTEM;
    close(fd);
    return err;
}

enum err file_prepare(const char *path, struct slice content, mode_t mode)
{
    char name[PATH_MAX];
    if (name_beside(path, name) != OK)
        return ERR_SYSTEM;
    /* A leftover might be readable by others, or a link to elsewhere: never reuse it. */
    unlink(name);
    int fd = open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
    if (fd < 0)
        return ERR_SYSTEM;
    enum err err = write_and_sync(fd, content);
    int reason = errno;
    if (close(fd) != 0 && err == OK) {
        err = ERR_SYSTEM;
        reason = errno;
    }
    if (err != OK)
        unlink(name);
    errno = reason;
    return err;
}

enum err file_publish(const char *path)
{
    char name[PATH_MAX];
    if (name_beside(path, name) != OK || rename(name, path) != 0)
        return ERR_SYSTEM;
    return sync_folder_of(path);
}

void file_discard(const char *path)
{
    char name[PATH_MAX];
    int saved = errno;
    if (name_beside(path, name) == OK)
        unlink(name);
    errno = saved;
}
