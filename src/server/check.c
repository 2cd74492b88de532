/* check.c - what --check looks at besides the settings: the files that they name. */
#include "base/buf.h"
#include "inside.h"
#include "server/credentials.h"
#include "server/file.h"
#include "server/relays.h"

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

static enum err check_credentials_file(const char *path, struct buf *problems)
{
    struct buf text;
    const char *why = "";
    buf_init(&text, CREDENTIALS_MAX);
    enum err err = file_read(path, &text, &why);
    if (err == OK)
        err = check_credentials(path, buf_slice(&text), problems);
    else
        (void)buf_printf(problems, "credentials: cannot read %s: %s\n", path, why);
    if (text.bytes != NULL)
        secret_wipe(text.bytes, text.size);
    buf_free(&text);
    return err == OK ? OK : ERR_INVALID;
}

static enum err check_certificate(const struct config *config, struct buf *problems)
{
    struct tls_context *tls = NULL;
    const char *why = "";
    if (tls_server_new(config->certificate, config->key, &tls, &why) != OK) {
        (void)buf_printf(problems, "certificate: %s\n", why);
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

enum err server_check(const struct config *config, struct buf *problems)
{
    enum err certificate = config->certificate[0] != '\0' ? check_certificate(config, problems) : OK;
    enum err credentials = config->credentials[0] != '\0' ? check_credentials_file(config->credentials, problems) : OK;
    enum err relays = check_relays(config, problems);
    return certificate != OK ? certificate : credentials != OK ? credentials : relays;
}
