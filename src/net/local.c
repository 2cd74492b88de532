/* local.c - see net/local.h. A path that is too long is reached through a descriptor of its directory. */
#include "net/local.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { WAITING = 16 };

/* *folder: to be closed once the address has been used, or -1. */
static enum err make_address(const char *path, struct sockaddr_un *address, int *folder)
{
    const char *slash = strrchr(path, '/');
    char parent[PATH_MAX];
    *address = (struct sockaddr_un){.sun_family = AF_UNIX};
    *folder = -1;
    if (strlen(path) < sizeof address->sun_path) {
        memcpy(address->sun_path, path, strlen(path) + 1);
        return OK;
    }
    errno = ENAMETOOLONG;
    if (slash == NULL || (size_t)(slash - path) >= sizeof parent)
        return ERR_SYSTEM;
    snprintf(parent, sizeof parent, "%.*s", (int)(slash - path), path);
    *folder = open(parent, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (*folder < 0)
        return ERR_SYSTEM;
    int len = snprintf(address->sun_path, sizeof address->sun_path, "/proc/self/fd/%d%s", *folder, slash);
    if (len < 0 || (size_t)len >= sizeof address->sun_path) {
        close(*folder);
        errno = ENAMETOOLONG;
        return ERR_SYSTEM;
    }
    return OK;
}

static void close_keeping_errno(int fd)
{
    int kept = errno;
    if (fd >= 0)
        close(fd);
    errno = kept;
}

enum err local_listen(const char *path, int *out)
{
    struct sockaddr_un address;
    int folder;
    if (make_address(path, &address, &folder) != OK)
        return ERR_SYSTEM;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    bool ok = fd >= 0 && (unlink(path) == 0 || errno == ENOENT);
    /* Between bind and chmod the caller's umask stands guard, and before listen nobody gets in. */
    ok = ok && bind(fd, (const struct sockaddr *)&address, sizeof address) == 0;
    ok = ok && chmod(path, S_IRUSR | S_IWUSR) == 0 && listen(fd, WAITING) == 0;
    close_keeping_errno(folder);
    if (!ok) {
        close_keeping_errno(fd);
        return ERR_SYSTEM;
    }
    *out = fd;
    return OK;
}

enum err local_accept(int listener, int *out, uid_t *peer)
{
    struct ucred who;
    socklen_t len = sizeof who;
    int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0)
        return errno == EAGAIN ? ERR_AGAIN : ERR_SYSTEM;
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &len) != 0) {
        close_keeping_errno(fd);
        return ERR_SYSTEM;
    }
    *out = fd;
    *peer = who.uid;
    return OK;
}

enum err local_connect(const char *path, int *out)
{
    struct sockaddr_un address;
    int folder;
    if (make_address(path, &address, &folder) != OK)
        return errno == ENOENT ? ERR_NOT_FOUND : ERR_SYSTEM;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool ok = fd >= 0 && connect(fd, (const struct sockaddr *)&address, sizeof address) == 0;
    close_keeping_errno(folder);
    if (!ok) {
        close_keeping_errno(fd);
        return errno == ENOENT || errno == ECONNREFUSED ? ERR_NOT_FOUND : ERR_SYSTEM;
    }
    *out = fd;
    return OK;
}
