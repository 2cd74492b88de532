#include "files.h"
#include "base/utf8.h"
#include "text.h"
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* Reads until the end of the line or of the room. False, and errno, if it cannot be read. */
static bool read_line(int fd, char *line, size_t size, size_t *out)
{
    size_t len = 0;
    while (len < size && memchr(line, '\n', len) == NULL) {
        ssize_t got = read(fd, line + len, size - len);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return false;
        if (got == 0)
            break;
        len += (size_t)got;
    }
    const char *newline = memchr(line, '\n', len);
    *out = newline ? (size_t)(newline - line) : len;
    return true;
}

static bool read_first_line(const char *path, char *line, size_t size, size_t *len)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    bool read = read_line(fd, line, size, len);
    int problem = errno;
    close(fd);
    errno = problem;
    return read;
}

enum err files_read_password(const char *path, char password[FILES_PASSWORD_SIZE], struct buf *why)
{
    char line[FILES_PASSWORD_SIZE];
    size_t len;
    if (!read_first_line(path, line, sizeof line, &len)) {
        text_format(why, "--password-file: %s: %s", path, strerror(errno));
        explicit_bzero(line, sizeof line);
        return ERR_USAGE;
    }
    struct slice first = utf8_begin(slice_of(line, len));
    if (first.len > 0 && len < sizeof line && first.data[first.len - 1] == '\r')
        first.len--;
    bool good = first.len > 0 && len < sizeof line && memchr(first.data, '\0', first.len) == NULL;
    if (good) {
        memcpy(password, first.data, first.len);
        password[first.len] = '\0';
    } else {
        text_format(why, "--password-file: %s: the first line is %s", path, first.len == 0 ? "empty" : "no password");
    }
    explicit_bzero(line, sizeof line);
    return good ? OK : ERR_USAGE;
}

/* As much of it as there is room for, without a line of which more may follow; -1 with errno. */
static ssize_t read_some(const char *path, char *text, size_t size)
{
    size_t len = 0;
    ssize_t got = 1;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0)
        return -1;
    while (len < size && got > 0) {
        got = read(fd, text + len, size - len);
        len += got > 0 ? (size_t)got : 0;
        if (got < 0 && errno == EINTR)
            got = 1;
    }
    int error = errno;
    close(fd);
    errno = error;
    while (got != 0 && len > 0 && text[len - 1] != '\n')
        len--;
    return got < 0 && len == 0 ? -1 : (ssize_t)len;
}

/* Takes a line off the front; NULL if it is no password. */
static char *cut_line(char **rest, const char *end)
{
    char *line = *rest, *newline = memchr(line, '\n', (size_t)(end - line));
    size_t len = (size_t)((newline != NULL ? newline : end) - line);
    *rest = newline != NULL ? newline + 1 : line + len;
    len -= len > 0 && line[len - 1] == '\r';
    if (len == 0 || len >= FILES_PASSWORD_SIZE || memchr(line, '\0', len) != NULL)
        return NULL;
    line[len] = '\0';
    return line;
}

enum err files_read_passwords(const char *path, char current[FILES_PASSWORD_SIZE], char another[FILES_PASSWORD_SIZE],
                              struct buf *why)
{
    char text[2 * FILES_PASSWORD_SIZE + 1], *rest, *first = NULL, *second = NULL;
    ssize_t len = read_some(path, text, sizeof text - 1);
    if (len < 0)
        text_format(why, "The file cannot be read: %s.", strerror(errno));
    rest = text + (len >= 0 ? len - (ssize_t)utf8_begin(slice_of(text, (size_t)len)).len : 0);
    if (len >= 0 && (first = cut_line(&rest, text + len)) != NULL)
        second = cut_line(&rest, text + len);
    if (second != NULL) {
        strcpy(current, first);
        strcpy(another, second);
    } else if (len >= 0) {
        text_add(why, "The file's first line must be the present password, and its second line the new one.");
    }
    explicit_bzero(text, sizeof text);
    return second != NULL ? OK : ERR_USAGE;
}

enum err files_take_password(char password[FILES_PASSWORD_SIZE], struct buf *why)
{
    char *value = getenv("EARSHOT_PASSWORD");
    if (value == NULL)
        return ERR_NOT_FOUND;
    size_t len = strlen(value);
    bool good = len > 0 && len < FILES_PASSWORD_SIZE;
    if (good)
        memcpy(password, value, len + 1);
    else
        text_format(why, "EARSHOT_PASSWORD: %s", len == 0 ? "empty" : "too long");
    explicit_bzero(value, len);
    unsetenv("EARSHOT_PASSWORD");
    return good ? OK : ERR_USAGE;
}

enum err files_check_certificate(const char *path, struct buf *why)
{
    if (path == NULL || access(path, R_OK) == 0)
        return OK;
    text_format(why, "--ca: %s: %s", path, strerror(errno));
    return ERR_USAGE;
}

char *files_state_default(void)
{
    const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
    char *path;
    if (state != NULL && state[0] == '/')
        return asprintf(&path, "%s/earshot", state) < 0 ? NULL : path;
    if (home == NULL || home[0] != '/') {
        const struct passwd *entry = getpwuid(getuid());
        home = entry ? entry->pw_dir : NULL;
    }
    if (home == NULL || home[0] != '/')
        return NULL;
    return asprintf(&path, "%s/.local/state/earshot", home) < 0 ? NULL : path;
}

/* Makes the folders above `path`. The first reason why one could not be, or 0. */
static int make_parents(const char *path)
{
    int problem = 0;
    char *copy = strdup(path);
    if (copy == NULL)
        return ENOMEM;
    for (char *slash = strchr(copy + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        if (mkdir(copy, 0700) != 0 && errno != EEXIST && problem == 0)
            problem = errno;
        *slash = '/';
    }
    free(copy);
    return problem;
}

void files_make_parents(const char *path)
{
    (void)make_parents(path); /* the library says what is wrong if this did not help */
}

/* What is not there could not be made, and that it is not there is no reason. */
static int why_not_made(const char *path)
{
    int problem = make_parents(path);
    return problem == 0 && mkdir(path, 0700) != 0 ? errno : problem;
}

const char *files_state_trouble(const char *path)
{
    struct stat info;
    if (stat(path, &info) != 0)
        return strerror(errno == ENOENT ? why_not_made(path) : errno);
    if (!S_ISDIR(info.st_mode))
        return strerror(ENOTDIR);
    if (access(path, R_OK | W_OK | X_OK) == 0)
        return "its file identity is damaged, or there is no room for one";
    return strerror(errno);
}
