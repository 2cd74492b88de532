/*
 * envelope.h - descriptions of one end of a private channel, signed by the device's identity, so that the server that carries
 * them cannot put itself in between unnoticed. docs/PRIVATE.md says what the signature covers. Pure.
 */
#ifndef CLIENT_ENVELOPE_H
#define CLIENT_ENVELOPE_H

#include "safety.h"
#include "wire/codec.h"
#include "wire/validate.h"

enum { ENVELOPE_SDP = 16 * 1024 };

/* For which channel, and who speaks to whom. */
struct envelope {
    const uint8_t *channel, *nonce; /* SAFETY_ID bytes each */
    const struct name *from, *to;
};

/* Fills `out`, which points into `signature`, `identity` and `sdp`. ERR_TOO_LONG. */
enum err envelope_sign(const struct envelope *envelope, const struct identity *identity, struct slice sdp,
                       uint8_t signature[IDENTITY_SIGNATURE], Earshot__PeerDescription *out);

/* Only that the key in it has signed just this; whose key it is, and whether the generation is new, is the caller's business.
 * ERR_INVALID. */
enum err envelope_verify(const struct envelope *envelope, const Earshot__PeerDescription *description);

#endif
