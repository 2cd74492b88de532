/*
 * check.c - what --check looks at besides the settings: the files that they name.
 *
 * Root may read more than the server will, so for root they are looked at as the server's user, in a process of its own. If the
 * settings say who that is, they are read as at a start: the credentials by root, the others by that user, and what is not
 * readable is a mistake. Otherwise it is likely the one whom the data directory belongs to, as with the packaged service: it may
 * be root all the same, so what that user cannot read is a warning.
 */
#include "base/buf.h"
#include "inside.h"
#include "sandbox/sandbox.h"
#include "server/credentials.h"
#include "server/file.h"
#include "server/lines.h"
#include "server/relays.h"
#include "server/settings.h"
#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static enum err check_credentials(const char *path, struct slice text, struct buf *problems)
{
    struct credentials cursor = {.text = text};
    struct credential credential;
    const char *why = "";
    enum err err, result = OK;
    while ((err = credentials_next(&cursor, &credential, &why)) != ERR_NOT_FOUND) {
        if (err != OK) {
            (void)buf_printf(problems, "%s:%u: %s\n", path, cursor.line, why);
            result = ERR_INVALID;
        }
    }
    return result;
}

static enum err check_credentials_file(const struct config *config, struct buf *problems)
{
    struct buf text;
    const char *path = config->credentials;
    if (path[0] == '\0')
        return OK;
    const char *why = "";
    buf_init(&text, CREDENTIALS_MAX);
    enum err err = file_read(path, &text, &why);
    if (err == OK) {
        err = check_credentials(path, buf_slice(&text), problems);
    } else {
        config_name(config, "credentials", problems);
        (void)buf_printf(problems, ": cannot read %s: %s\n", path, why);
    }
    if (text.bytes != NULL)
        secret_wipe(text.bytes, text.size);
    buf_free(&text);
    return err == OK ? OK : ERR_INVALID;
}

static enum err check_certificate(const struct config *config, struct buf *problems)
{
    struct tls_context *tls = NULL;
    if (config->certificate[0] == '\0')
        return OK;
    const char *why = "";
    if (tls_server_new(config->certificate, config->key, &tls, &why) != OK) {
        config_name(config, "certificate", problems);
        (void)buf_printf(problems, ": %s\n", why);
        return ERR_INVALID;
    }
    tls_unref(&tls);
    return OK;
}

static enum err check_relays(const struct config *config, struct buf *problems)
{
    struct session_settings unused;
    enum err err = relays_load(config, &unused, problems);
    if (err != OK)
        (void)buf_append_str(problems, "\n");
    secret_wipe(&unused, sizeof unused);
    return err;
}

/* What the server reads once it is the user that it stays. */
static enum err check_later(const struct config *config, struct buf *problems)
{
    enum err certificate = check_certificate(config, problems);
    enum err relays = check_relays(config, problems);
    return certificate != OK ? certificate : relays;
}

static enum err check_files(const struct config *config, struct buf *problems)
{
    enum err credentials = check_credentials_file(config, problems);
    enum err later = check_later(config, problems);
    return credentials != OK ? credentials : later;
}

static enum err check_settings_file(const struct config *config, struct buf *problems)
{
    if (config->file[0] == '\0' || access(config->file, R_OK) == 0)
        return OK;
    (void)buf_printf(problems, "settings: cannot read %s: %s\n", config->file, strerror(errno));
    return ERR_INVALID;
}

static enum err check_all(const struct config *config, struct buf *problems)
{
    enum err settings_err = check_settings_file(config, problems);
    enum err err = check_files(config, problems);
    return settings_err != OK ? settings_err : err;
}

/* ---- as another user ---- */

typedef enum err check_fn(const struct config *config, struct buf *problems);

static bool write_all(int fd, struct slice text)
{
    while (text.len > 0) {
        ssize_t put = write(fd, text.data, text.len);
        if (put < 0 && errno != EINTR)
            return false;
        if (put > 0)
            text = slice_of(text.data + put, text.len - (size_t)put);
    }
    return true;
}

/* In the process that is to be the user, and then ends. */
static int look_as(const struct user *user, check_fn *look, const struct config *config, int out)
{
    struct buf found;
    buf_init(&found, CONFIG_PROBLEMS_MAX);
    enum err err = user_become(user, &found);
    if (err == OK)
        err = look(config, &found);
    bool told = write_all(out, buf_slice(&found));
    buf_free(&found);
    return err == OK && told ? 0 : 1;
}

static void read_all(int fd, struct buf *out)
{
    char chunk[4096];
    ssize_t got;
    while ((got = read(fd, chunk, sizeof chunk)) > 0 || (got < 0 && errno == EINTR))
        if (got > 0)
            (void)buf_append(out, chunk, (size_t)got);
}

static enum err check_as(const struct user *user, check_fn *look, const struct config *config, struct buf *problems)
{
    int ends[2], status = 0;
    if (pipe(ends) != 0) {
        (void)buf_printf(problems, "%s\n", strerror(errno));
        return ERR_SYSTEM;
    }
    pid_t child = fork();
    if (child == 0)
        _exit(look_as(user, look, config, ends[1]));
    close(ends[1]);
    if (child > 0)
        read_all(ends[0], problems);
    else
        (void)buf_printf(problems, "%s\n", strerror(errno));
    close(ends[0]);
    while (child > 0 && waitpid(child, &status, 0) < 0 && errno == EINTR)
        continue;
    return child > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0 ? OK : ERR_INVALID;
}

/* What was found, each line behind this head. */
static void tell(struct buf *problems, const char *head, struct buf *found)
{
    struct slice rest = buf_slice(found), line;
    while (lines_next(&rest, &line))
        (void)buf_printf(problems, "%s: %.*s\n", head, (int)line.len, (const char *)line.data);
    buf_clear(found);
}

/* The settings say who the server will be. */
static enum err check_for_user(const struct config *config, struct buf *problems)
{
    struct user user;
    struct buf found;
    char head[CONFIG_TEXT_SIZE + 32];
    enum err err = user_find(config->user, &user, problems);
    if (err != OK) {
        (void)buf_append_str(problems, "\n");
        return ERR_INVALID;
    }
    err = check_credentials_file(config, problems);
    buf_init(&found, CONFIG_PROBLEMS_MAX);
    enum err later = check_as(&user, check_later, config, &found);
    snprintf(head, sizeof head, "as %s", user.name);
    tell(problems, head, &found);
    if (check_as(&user, check_settings_file, config, &found) != OK) {
        snprintf(head, sizeof head, "warning: as %s, in a reload", user.name);
        tell(problems, head, &found);
    }
    buf_free(&found);
    return err != OK ? err : later;
}

static bool belongs_to_user(const char *directory, struct user *user)
{
    struct stat info;
    const struct passwd *entry = stat(directory, &info) == 0 && info.st_uid != 0 ? getpwuid(info.st_uid) : NULL;
    if (entry != NULL)
        *user = (struct user){entry->pw_name, entry->pw_uid, entry->pw_gid};
    return entry != NULL;
}

/* The settings do not say who the server will be. */
static void check_for_owner(const struct config *config, struct buf *problems)
{
    static const char packaged[] = "/var/lib/earshot";
    const char *directory = config->data;
    struct user user;
    struct buf found;
    char head[2 * CONFIG_TEXT_SIZE];
    bool is_default = setting_origin(config, setting_find(slice_str("data")))->source == CONFIG_DEFAULT;
    if (!belongs_to_user(directory, &user)) {
        directory = packaged;
        if (!is_default || !belongs_to_user(directory, &user))
            return;
    }
    buf_init(&found, CONFIG_PROBLEMS_MAX);
    if (check_as(&user, check_all, config, &found) != OK) {
        snprintf(head, sizeof head, "warning: as %s, whom %s belongs to", user.name, directory);
        tell(problems, head, &found);
    }
    buf_free(&found);
}

enum err server_check(const struct config *config, struct buf *problems)
{
    if (geteuid() == 0 && config->user[0] != '\0')
        return check_for_user(config, problems);
    enum err err = check_files(config, problems);
    if (err == OK && geteuid() == 0)
        check_for_owner(config, problems);
    return err;
}
