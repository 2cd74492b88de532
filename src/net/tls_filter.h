/*
 * tls_filter.h - one TLS session between two buffers: no socket, no loop.
 *
 * Input is pointed at, not copied: tls_feed(), then handshake or read until ERR_AGAIN, all before the bytes go away; the session
 * has then taken every byte, and keeps only an incomplete record. Output is appended to a buffer that is given with each session,
 * and always accepted: who writes looks at the back pressure first.
 *
 * Limits on what a peer may have us do: handshake messages of 16 KiB in the clear, 1,024 changes of its key. Beyond them the
 * session is broken.
 *
 * Results: OK, ERR_AGAIN (needs more input), ERR_STOPPED (the peer has said close_notify), ERR_INVALID (not TLS 1.3, a broken
 * record, an alert; our alert is in the output).
 */
#ifndef NET_TLS_FILTER_H
#define NET_TLS_FILTER_H

#include "base/buf.h"
#include "net/tls.h"
#include "tls_gauge.h"
#include <openssl/ssl.h>

struct tls_context {
    SSL_CTX *ssl;
    BIO_METHOD *bio;
    STACK_OF(X509) * given; /* client: the certificates of ca_path */
    int refs;               /* atomic */
    bool server;
};

struct tls_filter {
    SSL *ssl;
    struct slice input;
    struct buf *output;
    struct tls_gauge gauge;
    unsigned key_updates; /* by the peer, so far */
    bool server;
};

/* For SSL_CTX_set_msg_callback: counts the peer's key updates. */
void tls_seen(int sent, int version, int type, const void *bytes, size_t len, SSL *ssl, void *filter);

/* The filter must not move from here on. name: for SNI (client), or NULL. ERR_MEMORY. */
enum err tls_open(struct tls_filter *filter, struct tls_context *context, struct buf *output, const char *name);
void tls_close(struct tls_filter *filter);

void tls_feed(struct tls_filter *filter, struct slice bytes);
enum err tls_handshake(struct tls_filter *filter);
enum err tls_read(struct tls_filter *filter, uint8_t *space, size_t size, size_t *len);
enum err tls_write(struct tls_filter *filter, struct slice bytes);
/* close_notify. */
void tls_finish(struct tls_filter *filter);

/* tls_filter.c makes the method that contexts keep for their sessions; NULL without memory. */
BIO_METHOD *tls_make_bio_method(void);

/* Client, after the handshake: does a CA vouch for the peer under this name, or was its certificate given as one? */
bool tls_peer_verified(const struct tls_filter *filter, const struct tls_context *context, const char *host);

#endif
