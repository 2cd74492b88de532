/* state.c - see state.h. Everything goes by a descriptor of the directory, so that a changed working directory does no harm. */
#include "state.h"
#include "server_key.h"
#include "statefile.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SLOTS = 64, KNOWN_MOST = 1 << 20, NAME_SIZE = STATEFILE_NAME };

struct state {
    int dir;
};

struct token_slot {
    int dir, lock;
    char name[NAME_SIZE];
};

static void close_fd(int fd)
{
    if (fd >= 0)
        close(fd);
}

static enum err make_directories(const char *path)
{
    char *copy = strdup(path);
    if (copy == NULL)
        return ERR_MEMORY;
    enum err err = OK;
    for (char *at = copy + 1; err == OK && *copy != '\0'; at++) {
        char end = *at;
        if (end != '/' && end != '\0')
            continue;
        *at = '\0';
        if (mkdir(copy, 0700) != 0 && errno != EEXIST)
            err = ERR_SYSTEM;
        *at = end;
        if (end == '\0')
            break;
    }
    free(copy);
    return err;
}

enum err state_open(const char *path, struct state **out)
{
    enum err err = make_directories(path);
    if (err != OK)
        return err;
    struct state *state = calloc(1, sizeof *state);
    if (state == NULL)
        return ERR_MEMORY;
    state->dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (state->dir < 0 || faccessat(state->dir, ".", W_OK | X_OK, 0) != 0 ||
        (mkdirat(state->dir, "tokens", 0700) != 0 && errno != EEXIST)) {
        state_free(&state);
        return ERR_SYSTEM;
    }
    *out = state;
    return OK;
}

int state_dir(const struct state *state)
{
    return state->dir;
}

void state_free(struct state **state)
{
    if (*state != NULL)
        close_fd((*state)->dir);
    free(*state);
    *state = NULL;
}

/* ---- known servers ---- */

/* A damaged fingerprint is kept as far as it goes: it then matches nothing, which is the safe side. */
static void parse_known(struct slice text, struct known_server *out)
{
    static const char vouched[] = "ca ";
    size_t mark = sizeof vouched - 1;
    out->vouched = text.len >= mark && memcmp(text.data, vouched, mark) == 0;
    if (out->vouched)
        text = slice_of(text.data + mark, text.len - mark);
    size_t len = text.len < FINGERPRINT_SIZE - 1 ? text.len : FINGERPRINT_SIZE - 1;
    memcpy(out->fingerprint, text.data, len);
    out->fingerprint[len] = '\0';
}

enum err state_known_server(struct state *state, const char *server, struct known_server *out)
{
    struct buf file;
    buf_init(&file, KNOWN_MOST);
    enum err err = statefile_read(state->dir, "known_servers", &file);
    struct slice rest = buf_slice(&file), line, found = {NULL, 0};
    while (err == OK && found.data == NULL && statefile_line(&rest, &line))
        found = server_key_value(line, server);
    if (err == OK && found.data == NULL)
        err = ERR_NOT_FOUND;
    if (err == OK)
        parse_known(found, out);
    buf_free(&file);
    return err;
}

enum err state_remember_server(struct state *state, const char *server, const struct known_server *known)
{
    struct buf old, new;
    int lock = statefile_lock(state->dir, "known_servers.lock", true);
    if (lock < 0)
        return ERR_SYSTEM;
    buf_init(&old, KNOWN_MOST);
    buf_init(&new, KNOWN_MOST + 1024);
    enum err err = statefile_read(state->dir, "known_servers", &old);
    if (err == ERR_NOT_FOUND)
        err = OK;
    struct slice rest = buf_slice(&old), line;
    while (err == OK && statefile_line(&rest, &line)) {
        if (line.len > 0 && server_key_value(line, server).data == NULL)
            err = buf_printf(&new, "%.*s\n", (int)line.len, (const char *)line.data);
    }
    if (err == OK)
        err = buf_printf(&new, "%s %s%s\n", server, known->vouched ? "ca " : "", known->fingerprint);
    if (err == OK)
        err = statefile_replace(state->dir, "known_servers", buf_slice(&new));
    buf_free(&old);
    buf_free(&new);
    close(lock);
    return err;
}

/* ---- tokens ---- */

/* Only letters, digits, '-' and '.' as they are, so that names cannot leave the folder nor be mistaken for one another. */
static enum err escape(const char *text, char out[NAME_SIZE])
{
    static const char digits[] = "0123456789ABCDEF";
    size_t len = 0;
    for (const unsigned char *at = (const unsigned char *)text; *at != '\0'; at++) {
        bool plain = (*at >= 'a' && *at <= 'z') || (*at >= '0' && *at <= '9') || *at == '-' || *at == '.';
        if (len + 4 > NAME_SIZE)
            return ERR_CAP;
        if (plain) {
            out[len++] = (char)*at;
        } else {
            out[len++] = '%';
            out[len++] = digits[*at >> 4];
            out[len++] = digits[*at & 15];
        }
    }
    out[len] = '\0';
    return OK;
}

static enum err slot_prefix(const char *server, const struct name *user, char out[NAME_SIZE])
{
    char safe_server[NAME_SIZE], safe_user[NAME_SIZE];
    if (escape(server, safe_server) != OK || escape(user->text, safe_user) != OK)
        return ERR_CAP;
    int len = snprintf(out, NAME_SIZE, "%s_%s", safe_server, safe_user);
    return len < NAME_SIZE - 16 ? OK : ERR_CAP; /* room for ".63.lock" and ".new" */
}

enum err token_slot_claim(struct state *state, const char *server, const struct name *user, struct token_slot **out)
{
    char prefix[NAME_SIZE], lock_name[NAME_SIZE + 32];
    enum err err = slot_prefix(server, user, prefix);
    if (err != OK)
        return err;
    struct token_slot *slot = calloc(1, sizeof *slot);
    if (slot == NULL)
        return ERR_MEMORY;
    slot->lock = -1;
    slot->dir = openat(state->dir, "tokens", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    for (unsigned n = 0; slot->dir >= 0 && slot->lock < 0 && n < SLOTS; n++) {
        if (snprintf(slot->name, sizeof slot->name, "%s.%u", prefix, n) >= (int)sizeof slot->name)
            break;
        snprintf(lock_name, sizeof lock_name, "%s.lock", slot->name);
        slot->lock = statefile_lock(slot->dir, lock_name, false);
    }
    if (slot->lock < 0) {
        err = slot->dir < 0 ? ERR_SYSTEM : ERR_CAP;
        token_slot_release(&slot);
        return err;
    }
    *out = slot;
    return OK;
}

void token_slot_release(struct token_slot **slot)
{
    if (*slot != NULL) {
        close_fd((*slot)->lock);
        close_fd((*slot)->dir);
    }
    free(*slot);
    *slot = NULL;
}

bool token_slot_load(struct token_slot *slot, struct token *token)
{
    struct buf file;
    buf_init(&file, TOKEN_SIZE);
    bool whole = statefile_read(slot->dir, slot->name, &file) == OK && buf_len(&file) == TOKEN_SIZE;
    if (whole)
        memcpy(token->bytes, buf_data(&file), TOKEN_SIZE);
    if (file.bytes != NULL)
        secret_wipe(file.bytes, file.size);
    buf_free(&file);
    return whole;
}

enum err token_slot_save(struct token_slot *slot, const struct token *token)
{
    if (token != NULL)
        return statefile_replace(slot->dir, slot->name, slice_of(token->bytes, TOKEN_SIZE));
    return unlinkat(slot->dir, slot->name, 0) == 0 || errno == ENOENT ? OK : ERR_SYSTEM;
}
