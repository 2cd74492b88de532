/* dcep.h - the Data Channel Establishment Protocol (RFC 8832): two messages. Pure. */
#ifndef PEER_DCEP_H
#define PEER_DCEP_H

#include "base/err.h"
#include "base/slice.h"

enum {
    DCEP_LABEL_MAX = 255, /* bytes, and so for the protocol; the RFC allows 65535 */
    DCEP_SIZE_MAX = 12 + 2 * DCEP_LABEL_MAX,
};

/* Payload protocol identifiers (RFC 8831). */
enum dcep_payload {
    DCEP_CONTROL = 50,
    DCEP_TEXT = 51,
    DCEP_BINARY = 53,
    DCEP_EMPTY_TEXT = 56, /* SCTP has no empty messages: one zero byte stands for it */
    DCEP_EMPTY_BINARY = 57,
};

struct dcep {
    enum { DCEP_OPEN, DCEP_ACK } kind;
    bool reliable; /* of an open: reliable and ordered */
    struct slice label, protocol;
};

/* The slices point into `bytes`. ERR_INVALID: not such a message. */
enum err dcep_parse(struct slice bytes, struct dcep *out);

/* Its length; a channel that is reliable and ordered. Label and protocol of at most DCEP_LABEL_MAX bytes. */
size_t dcep_write(const struct dcep *message, uint8_t out[DCEP_SIZE_MAX]);

#endif
