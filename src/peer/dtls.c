/*
 * dtls.c - OpenSSL's DTLS on a BIO of our own that keeps datagrams whole (OpenSSL 3.0 has none in memory).
 *
 * OpenSSL says when it wants to send its flight again (DTLSv1_get_timeout); its first second is too long for a path that ICE has
 * just tried, so the time is given by resend_after().
 */
#include "dtls.h"
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <sys/time.h>

enum {
    LINK_MTU = 1200,
    RECORD_MAX = 16384,
    RESEND_FIRST_US = 200000,
    RESEND_MOST_US = 2000000,
    CERTIFICATE_DAYS = 30,
    DAY = 86400,
    BIO_KIND = 126 | BIO_TYPE_SOURCE_SINK, /* a number that OpenSSL does not use; nobody looks for it */
};

struct dtls {
    const struct world *world;
    const struct dtls_ops *ops;
    void *ctx;
    SSL_CTX *context;
    SSL *ssl;
    BIO_METHOD *method;
    struct slice packet; /* that came in and has not been read */
    struct timer timer;
    uint8_t fingerprint[PEER_FINGERPRINT], expected[PEER_FINGERPRINT];
    bool up, ended, untrusted;
};

/* The BIO */

static int bio_write(BIO *bio, const char *bytes, int len)
{
    struct dtls *dtls = BIO_get_data(bio);

    BIO_clear_retry_flags(bio);
    dtls->ops->send(dtls->ctx, slice_of(bytes, (size_t)len));
    return len;
}

static int bio_read(BIO *bio, char *space, int size)
{
    struct dtls *dtls = BIO_get_data(bio);
    size_t len = dtls->packet.len;

    BIO_clear_retry_flags(bio);
    if (len == 0 || size <= 0) {
        BIO_set_retry_read(bio);
        return -1;
    }
    if (len > (size_t)size)
        len = (size_t)size;
    memcpy(space, dtls->packet.data, len);
    dtls->packet = slice_of(NULL, 0);
    return (int)len;
}

static long bio_control(BIO *bio, int command, long number, void *pointer)
{
    switch (command) {
    case BIO_CTRL_FLUSH:
        return 1;
    case BIO_CTRL_DGRAM_QUERY_MTU:
    case BIO_CTRL_DGRAM_GET_MTU:
    case BIO_CTRL_DGRAM_GET_FALLBACK_MTU:
        return LINK_MTU;
    default:
        return 0;
    }
}

static BIO_METHOD *make_method(void)
{
    BIO_METHOD *method = BIO_meth_new(BIO_KIND, "datagrams");

    if (method) {
        BIO_meth_set_write(method, bio_write);
        BIO_meth_set_read(method, bio_read);
        BIO_meth_set_ctrl(method, bio_control);
    }
    return method;
}

/* Certificate and context */

static X509 *make_certificate(const struct world *world, EVP_PKEY *key)
{
    X509 *certificate = X509_new();
    X509_NAME *name = certificate ? X509_get_subject_name(certificate) : NULL;
    uint64_t serial = world_random_u64(world) >> 1;

    if (name && X509_set_version(certificate, 2) && ASN1_INTEGER_set_uint64(X509_get_serialNumber(certificate), serial) &&
        X509_gmtime_adj(X509_getm_notBefore(certificate), -DAY) &&
        X509_gmtime_adj(X509_getm_notAfter(certificate), (long)CERTIFICATE_DAYS * DAY) &&
        X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"channel", -1, -1, 0) &&
        X509_set_issuer_name(certificate, name) && X509_set_pubkey(certificate, key) &&
        X509_sign(certificate, key, EVP_sha256()) > 0)
        return certificate;
    X509_free(certificate);
    return NULL;
}

static bool digest(const X509 *certificate, uint8_t out[PEER_FINGERPRINT])
{
    unsigned len = PEER_FINGERPRINT;

    return X509_digest(certificate, EVP_sha256(), out, &len) == 1 && len == PEER_FINGERPRINT;
}

static bool use_certificate(struct dtls *dtls)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *certificate = key ? make_certificate(dtls->world, key) : NULL;
    bool used = certificate && digest(certificate, dtls->fingerprint) &&
                SSL_CTX_use_certificate(dtls->context, certificate) == 1 && SSL_CTX_use_PrivateKey(dtls->context, key) == 1;

    X509_free(certificate);
    EVP_PKEY_free(key);
    return used;
}

/* Instead of OpenSSL's chain building: the fingerprint is all that counts. */
static int verify(X509_STORE_CTX *store, void *data)
{
    struct dtls *dtls = data;
    X509 *certificate = X509_STORE_CTX_get0_cert(store);
    uint8_t print[PEER_FINGERPRINT];

    if (certificate && digest(certificate, print) && CRYPTO_memcmp(print, dtls->expected, sizeof print) == 0)
        return 1;
    dtls->untrusted = true;
    X509_STORE_CTX_set_error(store, X509_V_ERR_CERT_REJECTED);
    return 0;
}

static bool make_context(struct dtls *dtls)
{
    SSL_CTX *context = SSL_CTX_new(DTLS_method());

    dtls->context = context;
    if (!context || !SSL_CTX_set_min_proto_version(context, DTLS1_2_VERSION) ||
        !SSL_CTX_set_max_proto_version(context, DTLS1_2_VERSION) ||
        !SSL_CTX_set_cipher_list(context, "ECDHE+AESGCM:ECDHE+CHACHA20:!aNULL") ||
        !SSL_CTX_set1_groups_list(context, "X25519:P-256"))
        return false;
    SSL_CTX_set_options(context, SSL_OP_NO_QUERY_MTU | SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_TICKET | SSL_OP_NO_COMPRESSION);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_read_ahead(context, 1);
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
    SSL_CTX_set_cert_verify_callback(context, verify, dtls);
    return use_certificate(dtls);
}

/* The handshake and after */

static void finish(struct dtls *dtls, enum dtls_end end)
{
    if (dtls->ended)
        return;
    dtls->ended = true;
    timer_stop(dtls->world->timers, &dtls->timer);
    dtls->ops->ended(dtls->ctx, end);
}

static unsigned resend_after(SSL *ssl, unsigned before_us)
{
    unsigned next = before_us ? before_us * 2 : RESEND_FIRST_US;

    return next < RESEND_MOST_US ? next : RESEND_MOST_US;
}

static void set_timer(struct dtls *dtls)
{
    struct timeval left;
    int64_t ms;

    if (dtls->ended || !DTLSv1_get_timeout(dtls->ssl, &left)) {
        timer_stop(dtls->world->timers, &dtls->timer);
        return;
    }
    ms = (int64_t)left.tv_sec * 1000 + left.tv_usec / 1000 + 1;
    (void)timer_start(dtls->world->timers, &dtls->timer, world_mono_ms(dtls->world) + ms);
}

static bool other_refused_us(void)
{
    int reason = ERR_GET_REASON(ERR_peek_error());

    return reason == SSL_R_SSLV3_ALERT_BAD_CERTIFICATE || reason == SSL_R_TLSV1_ALERT_UNKNOWN_CA ||
           reason == SSL_R_SSLV3_ALERT_CERTIFICATE_UNKNOWN || reason == SSL_R_TLSV1_ALERT_ACCESS_DENIED ||
           reason == SSL_R_SSLV3_ALERT_UNSUPPORTED_CERTIFICATE;
}

static void handshake(struct dtls *dtls)
{
    int result;

    ERR_clear_error();
    result = SSL_do_handshake(dtls->ssl);
    if (result == 1) {
        dtls->up = true;
        set_timer(dtls);
        dtls->ops->up(dtls->ctx);
        return;
    }
    if (SSL_get_error(dtls->ssl, result) == SSL_ERROR_WANT_READ)
        set_timer(dtls);
    else
        finish(dtls, dtls->untrusted ? DTLS_UNTRUSTED : other_refused_us() ? DTLS_REFUSED : DTLS_FAILED);
    ERR_clear_error();
}

static void read_records(struct dtls *dtls)
{
    uint8_t record[RECORD_MAX];
    int len = 1;

    while (!dtls->ended && len > 0) {
        ERR_clear_error();
        len = SSL_read(dtls->ssl, record, sizeof record);
        if (len > 0)
            dtls->ops->data(dtls->ctx, slice_of(record, (size_t)len));
    }
    if (!dtls->ended && SSL_get_error(dtls->ssl, len) != SSL_ERROR_WANT_READ)
        finish(dtls, SSL_get_shutdown(dtls->ssl) & SSL_RECEIVED_SHUTDOWN ? DTLS_CLOSED : DTLS_FAILED);
    ERR_clear_error();
}

static void work(struct dtls *dtls)
{
    if (!dtls->up && !dtls->ended)
        handshake(dtls);
    if (dtls->up && !dtls->ended)
        read_records(dtls);
}

static void timer_fired(struct timer *timer)
{
    struct dtls *dtls = (struct dtls *)(void *)((char *)timer - offsetof(struct dtls, timer));

    if (DTLSv1_handle_timeout(dtls->ssl) < 0) {
        finish(dtls, DTLS_FAILED);
        return;
    }
    set_timer(dtls);
}

enum err dtls_new(const struct world *world, const struct dtls_ops *ops, void *ctx, struct dtls **out)
{
    struct dtls *dtls = calloc(1, sizeof *dtls);

    if (!dtls)
        return ERR_MEMORY;
    *dtls = (struct dtls){.world = world, .ops = ops, .ctx = ctx, .method = make_method(), .timer.fire = timer_fired};
    if (!dtls->method || !make_context(dtls)) {
        ERR_clear_error();
        dtls_free(&dtls);
        return ERR_SYSTEM;
    }
    *out = dtls;
    return OK;
}

void dtls_free(struct dtls **pointer)
{
    struct dtls *dtls = *pointer;

    *pointer = NULL;
    if (!dtls)
        return;
    timer_stop(dtls->world->timers, &dtls->timer);
    SSL_free(dtls->ssl);
    SSL_CTX_free(dtls->context);
    BIO_meth_free(dtls->method);
    free(dtls);
}

void dtls_fingerprint(const struct dtls *dtls, uint8_t out[PEER_FINGERPRINT])
{
    memcpy(out, dtls->fingerprint, PEER_FINGERPRINT);
}

enum err dtls_start(struct dtls *dtls, bool client, const uint8_t expected[PEER_FINGERPRINT])
{
    BIO *bio = BIO_new(dtls->method);
    SSL *ssl = bio ? SSL_new(dtls->context) : NULL;

    if (!ssl) {
        BIO_free(bio);
        return ERR_MEMORY;
    }
    BIO_set_data(bio, dtls);
    BIO_set_init(bio, 1);
    SSL_set_bio(ssl, bio, bio);
    SSL_set_mtu(ssl, LINK_MTU);
    DTLS_set_timer_cb(ssl, resend_after);
    dtls->ssl = ssl;
    memcpy(dtls->expected, expected, PEER_FINGERPRINT);
    if (client)
        SSL_set_connect_state(ssl);
    else
        SSL_set_accept_state(ssl);
    work(dtls);
    return OK;
}

bool dtls_started(const struct dtls *dtls)
{
    return dtls->ssl != NULL;
}

void dtls_input(struct dtls *dtls, struct slice packet)
{
    if (!dtls->ssl || dtls->ended)
        return;
    dtls->packet = packet;
    work(dtls);
    dtls->packet = slice_of(NULL, 0);
}

void dtls_send(struct dtls *dtls, struct slice bytes)
{
    if (!dtls->up || dtls->ended)
        return;
    ERR_clear_error();
    SSL_write(dtls->ssl, bytes.data, (int)bytes.len);
    ERR_clear_error();
}

void dtls_close(struct dtls *dtls)
{
    if (dtls->up && !dtls->ended)
        SSL_shutdown(dtls->ssl);
    dtls->ended = true;
    timer_stop(dtls->world->timers, &dtls->timer);
    ERR_clear_error();
}
