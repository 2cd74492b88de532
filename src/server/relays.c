/* relays.c - see relays.h. */
#include "server/relays.h"
#include "crypto/token.h"
#include "server/file.h"
#include "server/lines.h"
#include <assert.h>

static_assert((int)CONFIG_URLS <= (int)SESSION_RELAYS && (int)CONFIG_URL_SIZE <= (int)SESSION_RELAY_URL,
              "what can be configured fits");

/* The first line of the file, without its end. */
static enum err take_secret(struct session_settings *settings, struct slice text)
{
    struct slice line = {NULL, 0};
    if (!lines_next(&text, &line))
        return ERR_INVALID;
    if (line.len > 0 && line.data[line.len - 1] == '\r')
        line.len--;
    if (line.len == 0 || line.len > sizeof settings->relay_secret)
        return ERR_INVALID;
    memcpy(settings->relay_secret, line.data, line.len);
    settings->relay_secret_len = line.len;
    return OK;
}

static enum err read_secret(const struct config *config, struct session_settings *settings, struct buf *why)
{
    struct buf text;
    const char *reason = "", *path = config->turn_secret_file;
    buf_init(&text, 4096);
    enum err err = file_read(path, &text, &reason);
    if (err == OK) {
        reason = "its first line must be a secret of 1 to 256 bytes";
        err = take_secret(settings, buf_slice(&text));
    }
    if (err != OK) {
        config_name(config, "turn-secret-file", why);
        (void)buf_printf(why, ": cannot use %s: %s", path, reason);
    }
    if (text.bytes != NULL)
        secret_wipe(text.bytes, text.size);
    buf_free(&text);
    return err == OK ? OK : ERR_INVALID;
}

enum err relays_load(const struct config *config, struct session_settings *settings, struct buf *why)
{
    settings->relay_count = 0;
    if (config->turn.count == 0)
        return OK;
    if (config->turn_secret_file[0] == '\0') {
        config_name(config, "turn", why);
        (void)buf_append_str(why, " is set, but no turn-secret-file");
        return ERR_INVALID;
    }
    enum err err = read_secret(config, settings, why);
    if (err != OK)
        return err;
    for (size_t i = 0; i < config->turn.count; i++)
        memcpy(settings->relays[i], config->turn.list[i], sizeof config->turn.list[i]);
    settings->relay_count = config->turn.count;
    return OK;
}
