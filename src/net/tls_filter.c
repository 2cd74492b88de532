/*
 * tls_filter.c - OpenSSL over a BIO that holds no memory of its own (a memory BIO keeps what one big answer needed).
 *
 * OpenSSL's error queue belongs to the thread: it is cleared before each call, or one session's failure is read as another's.
 */
#include "tls_filter.h"
#include "address.h"
#include <limits.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>

enum { KEY_UPDATES_MAX = 1024 }; /* each costs as much as a whole record; nobody needs one for less than gigabytes */

/* Peeking costs a fraction of clearing. */
static void forget_errors(void)
{
    if (ERR_peek_error() != 0)
        ERR_clear_error();
}

static int bio_write(BIO *bio, const char *data, int len)
{
    struct tls_filter *filter = BIO_get_data(bio);

    BIO_clear_retry_flags(bio);
    return len > 0 && buf_append(filter->output, data, (size_t)len) == OK ? len : -1;
}

static int bio_read(BIO *bio, char *data, int len)
{
    struct tls_filter *filter = BIO_get_data(bio);
    size_t count = filter->input.len < (size_t)len ? filter->input.len : (size_t)len;

    BIO_clear_retry_flags(bio);
    if (filter->key_updates > KEY_UPDATES_MAX)
        return -1;
    if (count == 0) {
        BIO_set_retry_read(bio);
        return -1;
    }
    memcpy(data, filter->input.data, count);
    filter->input = slice_of(filter->input.data + count, filter->input.len - count);
    return (int)count;
}

static long bio_ctrl(BIO *bio, int command, long number, void *pointer)
{
    return command == BIO_CTRL_FLUSH;
}

static int bio_create(BIO *bio)
{
    BIO_set_init(bio, 1);
    return 1;
}

BIO_METHOD *tls_make_bio_method(void)
{
    BIO_METHOD *method = BIO_meth_new(BIO_TYPE_SOURCE_SINK, "connection");

    if (method) {
        BIO_meth_set_write(method, bio_write);
        BIO_meth_set_read(method, bio_read);
        BIO_meth_set_ctrl(method, bio_ctrl);
        BIO_meth_set_create(method, bio_create);
    }
    return method;
}

enum err tls_open(struct tls_filter *filter, struct tls_context *context, struct buf *output, const char *name)
{
    SSL *ssl = SSL_new(context->ssl);
    BIO *bio = ssl ? BIO_new(context->bio) : NULL;

    forget_errors();
    if (!bio || (name && SSL_set_tlsext_host_name(ssl, name) != 1)) {
        BIO_free(bio);
        SSL_free(ssl);
        return ERR_MEMORY;
    }
    *filter = (struct tls_filter){.ssl = ssl, .output = output, .server = context->server};
    BIO_set_data(bio, filter);
    SSL_set_msg_callback_arg(ssl, filter);
    SSL_set_bio(ssl, bio, bio);
    if (context->server)
        SSL_set_accept_state(ssl);
    else
        SSL_set_connect_state(ssl);
    return OK;
}

void tls_close(struct tls_filter *filter)
{
    SSL_free(filter->ssl);
    filter->ssl = NULL;
}

void tls_seen(int sent, int version, int type, const void *bytes, size_t len, SSL *ssl, void *arg)
{
    struct tls_filter *filter = arg;

    if (!sent && type == SSL3_RT_HANDSHAKE && len > 0 && *(const uint8_t *)bytes == SSL3_MT_KEY_UPDATE)
        filter->key_updates++;
}

void tls_feed(struct tls_filter *filter, struct slice bytes)
{
    filter->input = bytes;
}

static enum err result(struct tls_filter *filter, int returned)
{
    switch (SSL_get_error(filter->ssl, returned)) {
    case SSL_ERROR_WANT_READ:
        return ERR_AGAIN;
    case SSL_ERROR_ZERO_RETURN:
        return ERR_STOPPED;
    default:
        return ERR_INVALID;
    }
}

enum err tls_handshake(struct tls_filter *filter)
{
    int returned;

    forget_errors();
    if (filter->server && !tls_gauge_feed(&filter->gauge, filter->input))
        return ERR_INVALID;
    returned = SSL_do_handshake(filter->ssl);
    return returned == 1 ? OK : result(filter, returned);
}

enum err tls_read(struct tls_filter *filter, uint8_t *space, size_t size, size_t *len)
{
    int returned;

    forget_errors();
    returned = SSL_read_ex(filter->ssl, space, size, len);
    return returned == 1 ? OK : result(filter, returned);
}

enum err tls_write(struct tls_filter *filter, struct slice bytes)
{
    size_t written;

    forget_errors();
    return SSL_write_ex(filter->ssl, bytes.data, bytes.len, &written) == 1 ? OK : ERR_INVALID;
}

void tls_finish(struct tls_filter *filter)
{
    forget_errors();
    SSL_shutdown(filter->ssl);
    forget_errors();
}

bool tls_peer_verified(const struct tls_filter *filter, const struct tls_context *context, const char *host)
{
    X509 *peer = SSL_get0_peer_certificate(filter->ssl);
    struct sockaddr_storage address;
    bool named;

    if (!peer)
        return false;
    for (int i = 0; i < sk_X509_num(context->given); i++)
        if (X509_cmp(peer, sk_X509_value(context->given, i)) == 0)
            return true;
    if (address_parse(host, 0, &address))
        named = X509_check_ip_asc(peer, host, 0) == 1;
    else
        named =
            X509_check_host(peer, host, 0, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT, NULL) == 1;
    forget_errors();
    return named && SSL_get_verify_result(filter->ssl) == X509_V_OK;
}
