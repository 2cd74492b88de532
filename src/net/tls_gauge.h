/*
 * tls_gauge.h - how large are the handshake messages that a client announces in the clear?
 *
 * The TLS library makes room for a message as soon as it is announced: a few bytes are enough to have it take and fill 128 KiB.
 * So what comes before encryption is looked at first. Pure: fed with the same bytes as the library, in any pieces.
 */
#ifndef NET_TLS_GAUGE_H
#define NET_TLS_GAUGE_H

#include "base/slice.h"
#include <stdbool.h>

enum { TLS_HANDSHAKE_MAX = 16 * 1024 }; /* a ClientHello has a few hundred bytes, or two thousand with a post-quantum key */

struct tls_gauge {
    uint8_t record[5], message[4]; /* headers, as far as they have come */
    uint8_t record_have, message_have;
    size_t record_left, message_left; /* of what follows them */
};

/* False: a message is announced that is larger than TLS_HANDSHAKE_MAX. */
bool tls_gauge_feed(struct tls_gauge *gauge, struct slice bytes);

#endif
