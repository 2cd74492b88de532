/*
 * tls_rehearsal.h - a handshake of two contexts with each other, and a word each way, before anybody else comes.
 *
 * What is wrong with a certificate or key shows at the start, and not to each client. And OpenSSL (3.0) gets at its first
 * handshake what it will need: if there is no memory for that then, it goes on without, and no handshake succeeds any more.
 */
#ifndef NET_TLS_REHEARSAL_H
#define NET_TLS_REHEARSAL_H

#include "tls_filter.h"

/* ERR_INVALID: it does not work. OpenSSL's errors of the thread say why. */
enum err tls_rehearse(struct tls_context *server, struct tls_context *client);

#endif
