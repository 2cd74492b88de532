/* turn_tls.c - see turn_tls.h; the contexts are set up as earshotd's are. */
#include "turn_tls.h"

#include <openssl/err.h>

static int bio_write(BIO *bio, const char *data, int len)
{
    struct link *link = BIO_get_data(bio);
    struct buf *to = link->turn->flushing == link ? &link->turn->wire : &link->unsent;
    BIO_clear_retry_flags(bio);
    return buf_append(to, data, (size_t)len) == OK ? len : -1;
}

static int bio_read(BIO *bio, char *data, int len)
{
    struct link *link = BIO_get_data(bio);
    size_t count = link->cipher.len < (size_t)len ? link->cipher.len : (size_t)len;
    BIO_clear_retry_flags(bio);
    if (count == 0) {
        BIO_set_retry_read(bio);
        return -1;
    }
    memcpy(data, link->cipher.data, count);
    link->cipher = slice_of(link->cipher.data + count, link->cipher.len - count);
    return (int)count;
}

static long bio_control(BIO *bio, int command, long number, void *pointer)
{
    return command == BIO_CTRL_FLUSH;
}

static BIO_METHOD *bio_method(void)
{
    static BIO_METHOD *method;
    if (method == NULL) {
        method = BIO_meth_new(BIO_TYPE_SOURCE_SINK, "link");
        BIO_meth_set_write(method, bio_write);
        BIO_meth_set_read(method, bio_read);
        BIO_meth_set_ctrl(method, bio_control);
    }
    return method;
}

static SSL_CTX *context(const SSL_METHOD *method)
{
    SSL_CTX *tls = SSL_CTX_new(method);
    if (tls == NULL || SSL_CTX_set_min_proto_version(tls, TLS1_3_VERSION) != 1)
        stop("no TLS 1.3");
    SSL_CTX_set_mode(tls, SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_options(tls, SSL_OP_NO_RENEGOTIATION);
    SSL_CTX_set_session_cache_mode(tls, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_read_ahead(tls, 1);
    return tls;
}

SSL_CTX *tls_client(void)
{
    return context(TLS_client_method());
}

SSL_CTX *tls_server(const char *certificate, const char *key)
{
    SSL_CTX *tls = context(TLS_server_method());
    SSL_CTX_set_num_tickets(tls, 0);
    if (SSL_CTX_use_certificate_chain_file(tls, certificate) != 1 || SSL_CTX_use_PrivateKey_file(tls, key, SSL_FILETYPE_PEM) != 1)
        stop("cannot use %s and %s", certificate, key);
    return tls;
}

void tls_begin(struct link *link)
{
    BIO *bio = BIO_new(bio_method());
    link->ssl = SSL_new(link->turn->tls);
    if (bio == NULL || link->ssl == NULL)
        stop("no memory for TLS");
    BIO_set_data(bio, link);
    BIO_set_init(bio, 1);
    SSL_set_bio(link->ssl, bio, bio);
    if (SSL_is_server(link->ssl))
        SSL_set_accept_state(link->ssl);
    else
        SSL_set_connect_state(link->ssl);
}

enum tls_said tls_said(struct link *link, uint8_t *space, size_t size, size_t *len)
{
    ERR_clear_error();
    int done = SSL_read_ex(link->ssl, space, size, len);
    if (done == 1)
        return TLS_DATA;
    return SSL_get_error(link->ssl, done) == SSL_ERROR_WANT_READ ? TLS_WAIT : TLS_OVER;
}

void tls_say(struct link *link, struct slice bytes)
{
    size_t written;
    ERR_clear_error();
    if (SSL_write_ex(link->ssl, bytes.data, bytes.len, &written) != 1)
        stop("cannot encrypt");
}
