/* tls_context.c - certificates and settings that sessions share. */
#include "tls_filter.h"
#include "tls_rehearsal.h"
#include <assert.h>
#include <errno.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* Who connects chooses among them, and we do the work: ffdhe8192, which the library would offer too, costs 150 ms. */
#define GROUPS "X25519:P-256"

/* The sentence behind *why. */
static _Thread_local char sentence[512];

__attribute__((format(printf, 3, 4))) static enum err fail(enum err err, const char **why, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(sentence, sizeof sentence, format, args);
    va_end(args);
    *why = sentence;
    ERR_clear_error();
    return err;
}

/* A key under a passphrase is refused; the default would be to ask for it at the terminal. */
static int no_passphrase(char *space, int size, int writing, void *unused)
{
    return -1;
}

static enum err check_readable(const char *path, const char *what, const char **why)
{
    FILE *file = fopen(path, "re");

    if (!file)
        return fail(ERR_SYSTEM, why, "cannot read the %s %s: %s", what, path, strerror(errno));
    fclose(file);
    return OK;
}

/* The key is the server's alone: nobody else may read it, and nobody else may put another one in its place. Like PostgreSQL's, it
 * may also be root's and readable for a group, which is how a system hands a key to a service. */
static enum err check_secret(const char *path, const char **why)
{
    struct stat info;
    uid_t user = geteuid();

    if (stat(path, &info) != 0)
        return fail(ERR_SYSTEM, why, "cannot read the key %s: %s", path, strerror(errno));
    if (user != 0 && info.st_uid != 0 && info.st_uid != user)
        return fail(ERR_INVALID, why, "the key %s belongs to another user (%u), who can read and replace it", path,
                    (unsigned)info.st_uid);
    mode_t spare = info.st_uid == 0 ? S_IWGRP | S_IXGRP | S_IRWXO : S_IRWXG | S_IRWXO;
    if ((info.st_mode & spare) != 0)
        return fail(ERR_INVALID, why,
                    "the key %s can be read or changed by others (mode %04o); \"chmod 600 %s\" mends that, but "
                    "who has read it already keeps it",
                    path, (unsigned)info.st_mode & 07777, path);
    return OK;
}

static enum err context_new(bool server, struct tls_context **out, const char **why)
{
    struct tls_context *context = calloc(1, sizeof *context);

    ERR_clear_error();
    if (!context)
        return fail(ERR_MEMORY, why, "out of memory");
    context->refs = 1;
    context->server = server;
    context->bio = tls_make_bio_method();
    context->ssl = SSL_CTX_new(server ? TLS_server_method() : TLS_client_method());
    if (!context->bio || !context->ssl || SSL_CTX_set_min_proto_version(context->ssl, TLS1_3_VERSION) != 1 ||
        SSL_CTX_set1_groups_list(context->ssl, GROUPS) != 1) {
        tls_unref(&context);
        return fail(ERR_MEMORY, why, "cannot set up TLS 1.3");
    }
    SSL_CTX_set_mode(context->ssl, SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_options(context->ssl, SSL_OP_NO_RENEGOTIATION);
    SSL_CTX_set_session_cache_mode(context->ssl, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_msg_callback(context->ssl, tls_seen);
    SSL_CTX_set_default_passwd_cb(context->ssl, no_passphrase);
    *out = context;
    return OK;
}

static enum err load_pair(SSL_CTX *ssl, const char *cert_path, const char *key_path, const char **why)
{
    enum err err = check_readable(cert_path, "certificate", why);

    if (!err)
        err = check_readable(key_path, "key", why);
    if (err)
        return err;
    if (SSL_CTX_use_certificate_chain_file(ssl, cert_path) != 1)
        return fail(ERR_INVALID, why, "%s holds no usable certificate in PEM form", cert_path);
    /* This call also compares the key with the certificate. */
    if (SSL_CTX_use_PrivateKey_file(ssl, key_path, SSL_FILETYPE_PEM) != 1) {
        if (ERR_GET_REASON(ERR_peek_error()) == X509_R_KEY_VALUES_MISMATCH ||
            ERR_GET_REASON(ERR_peek_error()) == X509_R_KEY_TYPE_MISMATCH)
            return fail(ERR_INVALID, why, "the key %s does not belong to the certificate %s", key_path, cert_path);
        return fail(ERR_INVALID, why, "%s holds no usable private key in PEM form without a passphrase", key_path);
    }
    if (SSL_CTX_check_private_key(ssl) != 1)
        return fail(ERR_INVALID, why, "the key %s does not belong to the certificate %s", key_path, cert_path);
    return check_secret(key_path, why);
}

static enum err rehearse(struct tls_context *context, const char *cert_path, const char **why)
{
    struct tls_context *client = NULL;
    enum err err = context_new(false, &client, why);

    if (err)
        return err;
    assert(client != NULL);
    SSL_CTX_set_verify(client->ssl, SSL_VERIFY_NONE, NULL);
    if (tls_rehearse(context, client)) {
        const char *reason = ERR_reason_error_string(ERR_peek_last_error());
        err =
            fail(ERR_INVALID, why, "TLS does not work with the certificate %s: %s", cert_path, reason ? reason : "out of memory");
    }
    tls_unref(&client);
    return err;
}

enum err tls_server_new(const char *cert_path, const char *key_path, struct tls_context **out, const char **why)
{
    struct tls_context *context = NULL;
    enum err err = context_new(true, &context, why);

    if (err)
        return err;
    assert(context != NULL);
    SSL_CTX_set_num_tickets(context->ssl, 0);
    err = load_pair(context->ssl, cert_path, key_path, why);
    if (!err)
        err = rehearse(context, cert_path, why);
    if (err) {
        tls_unref(&context);
        return err;
    }
    *out = context;
    return OK;
}

/* Every certificate of the file is trusted as a CA, and kept to be recognised when it is the server's own. */
static enum err load_given(struct tls_context *context, const char *path, const char **why)
{
    enum err err = check_readable(path, "certificate", why);
    BIO *file = err ? NULL : BIO_new_file(path, "r");
    X509 *certificate;

    context->given = sk_X509_new_null();
    while (file && context->given && (certificate = PEM_read_bio_X509(file, NULL, no_passphrase, NULL)) != NULL) {
        X509_STORE_add_cert(SSL_CTX_get_cert_store(context->ssl), certificate);
        if (!sk_X509_push(context->given, certificate))
            X509_free(certificate);
    }
    BIO_free(file);
    ERR_clear_error();
    if (!err && sk_X509_num(context->given) <= 0)
        err = fail(ERR_INVALID, why, "%s holds no certificate in PEM form", path);
    return err;
}

enum err tls_client_new(const char *ca_path, struct tls_context **out, const char **why)
{
    struct tls_context *context = NULL;
    enum err err = context_new(false, &context, why);

    if (err)
        return err;
    assert(context != NULL);
    /* The chain is verified and the verdict recorded, but the handshake goes on. */
    SSL_CTX_set_verify(context->ssl, SSL_VERIFY_NONE, NULL);
    SSL_CTX_set_default_verify_paths(context->ssl);
    ERR_clear_error(); /* a system without a store is no error */
    if (ca_path)
        err = load_given(context, ca_path, why);
    if (err) {
        tls_unref(&context);
        return err;
    }
    *out = context;
    return OK;
}

struct tls_context *tls_ref(struct tls_context *context)
{
    __atomic_add_fetch(&context->refs, 1, __ATOMIC_RELAXED);
    return context;
}

void tls_unref(struct tls_context **pointer)
{
    struct tls_context *context = *pointer;

    *pointer = NULL;
    if (!context || __atomic_sub_fetch(&context->refs, 1, __ATOMIC_ACQ_REL) > 0)
        return;
    SSL_CTX_free(context->ssl);
    BIO_meth_free(context->bio);
    sk_X509_pop_free(context->given, X509_free);
    free(context);
}
