/* turn_tls.h - TLS of a connection: OpenSSL over a BIO that reads where the kernel's bytes lie and writes where they will be
 * sent. */
#ifndef BENCH_TURN_TLS_H
#define BENCH_TURN_TLS_H

#include "turn.h"

enum tls_said { TLS_DATA, TLS_WAIT, TLS_OVER };

void tls_begin(struct link *link);
enum tls_said tls_said(struct link *link, uint8_t *space, size_t size, size_t *len); /* also drives the handshake */
void tls_say(struct link *link, struct slice bytes);

#endif
