/*
 * dtls.h - DTLS 1.2 (RFC 6347) over datagrams that somebody else carries, with a certificate made for this one channel.
 *
 * The other end proves itself by its certificate's SHA-256 alone (RFC 8122): the handshake fails unless it is the expected one.
 * AEAD ciphers with ephemeral keys only. Callbacks come inside dtls_start, dtls_input and from its timer; none of them may free
 * it.
 */
#ifndef PEER_DTLS_H
#define PEER_DTLS_H

#include "net/loop.h"
#include "peer/peer.h"

struct dtls;

enum dtls_end { DTLS_CLOSED, DTLS_UNTRUSTED, DTLS_REFUSED, DTLS_FAILED };

struct dtls_ops {
    void (*send)(void *ctx, struct slice packet);
    void (*up)(void *ctx);
    void (*data)(void *ctx, struct slice bytes); /* one record's content */
    void (*ended)(void *ctx, enum dtls_end end); /* once: closed by the other end, or the handshake failed */
};

/* ERR_MEMORY, ERR_SYSTEM. */
enum err dtls_new(const struct world *world, const struct dtls_ops *ops, void *ctx, struct dtls **out);
void dtls_free(struct dtls **dtls); /* takes NULL */

void dtls_fingerprint(const struct dtls *dtls, uint8_t out[PEER_FINGERPRINT]);

/* Starts the handshake in the client's or the server's part. */
enum err dtls_start(struct dtls *dtls, bool client, const uint8_t expected[PEER_FINGERPRINT]);
bool dtls_started(const struct dtls *dtls);
void dtls_input(struct dtls *dtls, struct slice packet);
/* Dropped unless up. */
void dtls_send(struct dtls *dtls, struct slice bytes);
void dtls_close(struct dtls *dtls);

#endif
