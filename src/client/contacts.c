/* contacts.c - see contacts.h. Lines that it does not understand stay as they are. */
#include "contacts.h"
#include "base/buf.h"
#include "server_key.h"
#include "statefile.h"
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { FILE_MOST = 4 << 20, KEY_TEXT = 2 * IDENTITY_KEY, DEVICE_SIZE = WIRE_NAME_MAX + 1 + KEY_TEXT + 1 };

static const char file_name[] = "contacts";

struct contacts {
    int dir;
    char *server;
    struct buf memory; /* the file's content, without a directory */
};

enum err contacts_new(int dir, const char *server, struct contacts **out)
{
    struct contacts *contacts = calloc(1, sizeof *contacts);
    if (contacts == NULL)
        return ERR_MEMORY;
    contacts->dir = dir;
    buf_init(&contacts->memory, FILE_MOST);
    contacts->server = strdup(server);
    if (contacts->server == NULL) {
        contacts_free(&contacts);
        return ERR_MEMORY;
    }
    *out = contacts;
    return OK;
}

void contacts_free(struct contacts **contacts)
{
    if (*contacts != NULL) {
        buf_free(&(*contacts)->memory);
        free((*contacts)->server);
    }
    free(*contacts);
    *contacts = NULL;
}

static enum err load(struct contacts *contacts, struct buf *out)
{
    struct slice kept = buf_slice(&contacts->memory);
    buf_init(out, FILE_MOST);
    if (contacts->dir < 0)
        return kept.len > 0 ? buf_append(out, kept.data, kept.len) : OK;
    enum err err = statefile_read(contacts->dir, file_name, out);
    return err == ERR_NOT_FOUND ? OK : err;
}

static enum err store(struct contacts *contacts, struct buf *new)
{
    if (contacts->dir >= 0)
        return statefile_replace(contacts->dir, file_name, buf_slice(new));
    struct buf old = contacts->memory;
    contacts->memory = *new;
    *new = old;
    return OK;
}

static void put_key(const uint8_t key[IDENTITY_KEY], char out[KEY_TEXT + 1])
{
    for (size_t i = 0; i < IDENTITY_KEY; i++)
        snprintf(out + 2 * i, 3, "%02x", key[i]);
}

/* "user key"; returns how much of it is "user ". */
static size_t put_device(const struct name *user, const uint8_t key[IDENTITY_KEY], char out[DEVICE_SIZE])
{
    memcpy(out, user->text, user->len);
    out[user->len] = ' ';
    put_key(key, out + user->len + 1);
    return user->len + 1u;
}

static bool starts_with(struct slice line, const char *text, size_t len)
{
    return line.len >= len && memcmp(line.data, text, len) == 0;
}

static enum contact judge_line(const struct contacts *contacts, struct slice line, size_t owner, const char *device)
{
    line = server_key_value(line, contacts->server);
    if (!starts_with(line, device, owner))
        return CONTACT_NEW;
    size_t len = owner + KEY_TEXT;
    if (!starts_with(line, device, len) || line.len <= len || line.data[len] != ' ')
        return CONTACT_CHANGED;
    return slice_equal(slice_of(line.data + len, line.len - len), slice_str(" verified")) ? CONTACT_VERIFIED : CONTACT_PINNED;
}

enum err contacts_judge(struct contacts *contacts, const struct name *user, const uint8_t key[IDENTITY_KEY], enum contact *out)
{
    char device[DEVICE_SIZE];
    struct buf file;
    size_t owner = put_device(user, key, device);
    enum err err = load(contacts, &file);
    enum contact best = CONTACT_NEW;
    struct slice rest = buf_slice(&file), line;
    while (err == OK && statefile_line(&rest, &line)) {
        enum contact now = judge_line(contacts, line, owner, device);
        best = now > best ? now : best;
    }
    buf_free(&file);
    if (err == OK)
        *out = best;
    return err;
}

static int hex_value(uint8_t digit)
{
    return digit >= '0' && digit <= '9' ? digit - '0' : digit >= 'a' && digit <= 'f' ? digit - 'a' + 10 : -1;
}

/* The key that `text` begins with. */
static bool take_key(struct slice text, uint8_t key[IDENTITY_KEY])
{
    uint8_t found[IDENTITY_KEY];
    if (text.len < KEY_TEXT)
        return false;
    for (size_t i = 0; i < IDENTITY_KEY; i++) {
        int high = hex_value(text.data[2 * i]), low = hex_value(text.data[2 * i + 1]);
        if (high < 0 || low < 0)
            return false;
        found[i] = (uint8_t)(high << 4 | low);
    }
    memcpy(key, found, IDENTITY_KEY);
    return true;
}

enum err contacts_last(struct contacts *contacts, const struct name *user, uint8_t key[IDENTITY_KEY])
{
    char device[DEVICE_SIZE];
    struct buf file;
    size_t owner = put_device(user, (const uint8_t[IDENTITY_KEY]){0}, device);
    enum err err = load(contacts, &file);
    struct slice rest = buf_slice(&file), line;
    bool found = false;
    while (err == OK && statefile_line(&rest, &line)) {
        line = server_key_value(line, contacts->server);
        if (starts_with(line, device, owner))
            found |= take_key(slice_of(line.data + owner, line.len - owner), key);
    }
    buf_free(&file);
    return err == OK && !found ? ERR_NOT_FOUND : err;
}

static enum err rewrite(struct contacts *contacts, size_t owner, const char *device, bool verified)
{
    struct buf old, new;
    enum err err = load(contacts, &old);
    struct slice rest = buf_slice(&old), line;
    buf_init(&new, FILE_MOST);
    while (err == OK && statefile_line(&rest, &line)) {
        enum contact now = judge_line(contacts, line, owner, device);
        verified |= now == CONTACT_VERIFIED;
        if (line.len > 0 && now < CONTACT_PINNED)
            err = buf_printf(&new, "%.*s\n", (int)line.len, (const char *)line.data);
    }
    if (err == OK)
        err = buf_printf(&new, "%s %s %s\n", contacts->server, device, verified ? "verified" : "pinned");
    if (err == OK)
        err = store(contacts, &new);
    buf_free(&old);
    buf_free(&new);
    return err;
}

enum err contacts_keep(struct contacts *contacts, const struct name *user, const uint8_t key[IDENTITY_KEY], bool verified)
{
    char device[DEVICE_SIZE];
    size_t owner = put_device(user, key, device);
    int lock = contacts->dir >= 0 ? statefile_lock(contacts->dir, "contacts.lock", true) : -1;
    if (contacts->dir >= 0 && lock < 0)
        return ERR_SYSTEM;
    enum err err = rewrite(contacts, owner, device, verified);
    if (lock >= 0)
        close(lock);
    return err;
}
