/* certificate.c - see certificate.h. */
#include "server/certificate.h"
#include "base/log.h"
#include "crypto/cert.h"
#include "server/place.h"
#include <unistd.h>

struct paths {
    char certificate[CONFIG_TEXT_SIZE + 16], key[CONFIG_TEXT_SIZE + 16];
};

/* Whom it is for: what the server listens on, or this machine's name when that is every address. */
static void certificate_host(const struct config *config, char host[CONFIG_HOST_SIZE])
{
    const char *first = config->listen.count > 0 ? config->listen.list[0].host : "";
    memcpy(host, "localhost", 10);
    if (first[0] != '\0' && strcmp(first, "0.0.0.0") != 0 && strcmp(first, "::") != 0)
        memcpy(host, first, strlen(first) + 1);
    else if (gethostname(host, CONFIG_HOST_SIZE) != 0)
        memcpy(host, "localhost", 10);
    host[CONFIG_HOST_SIZE - 1] = '\0';
}

/* A key without certificate is what a crash leaves while the two are made, and nobody has seen it; a certificate without key is
 * one that clients may have pinned, so it is not replaced. */
static enum err make_if_missing(const struct config *config, const struct paths *paths, struct buf *why)
{
    bool certificate = access(paths->certificate, F_OK) == 0, key = access(paths->key, F_OK) == 0;
    char host[CONFIG_HOST_SIZE];
    const char *reason = "";
    if (certificate && key)
        return OK;
    if (certificate) {
        (void)buf_printf(why, "there is %s but no %s; restore the key, or remove the certificate to have a new pair made",
                         paths->certificate, paths->key);
        return ERR_SYSTEM;
    }
    certificate_host(config, host);
    enum err err = cert_make(paths->certificate, paths->key, host, &reason);
    if (err != OK)
        (void)buf_printf(why, "cannot make a certificate: %s", reason);
    else
        log_event(LOG_INFO, "certificate_made", log_str("file", paths->certificate), log_str("host", host));
    return err;
}

static enum err find_paths(const struct config *config, struct paths *paths, struct buf *why)
{
    if (config->certificate[0] != '\0') {
        memcpy(paths->certificate, config->certificate, CONFIG_TEXT_SIZE);
        memcpy(paths->key, config->key, CONFIG_TEXT_SIZE);
        return OK;
    }
    if (place_path(config->data, "cert.pem", paths->certificate, sizeof paths->certificate) != OK ||
        place_path(config->data, "key.pem", paths->key, sizeof paths->key) != OK) {
        (void)buf_append_str(why, "the path of the data directory is too long");
        return ERR_SYSTEM;
    }
    return make_if_missing(config, paths, why);
}

enum err certificate_load(const struct config *config, struct tls_context **out, struct buf *why)
{
    struct paths paths;
    char fingerprint[FINGERPRINT_SIZE];
    const char *reason = "";
    enum err err = find_paths(config, &paths, why);
    if (err != OK)
        return err;
    err = tls_server_new(paths.certificate, paths.key, out, &reason);
    if (err != OK) {
        (void)buf_append_str(why, reason);
        return err;
    }
    if (cert_fingerprint_file(paths.certificate, fingerprint) == OK)
        log_event(LOG_INFO, "certificate", log_str("file", paths.certificate), log_str("fingerprint", fingerprint));
    return OK;
}
