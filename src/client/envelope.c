/* envelope.c - see envelope.h. */
#include "envelope.h"

static const char domain[] = "earshot description 1"; /* with its NUL */

enum { SIGNED_MOST = sizeof domain + 2 * SAFETY_ID + 4 + 2 * (1 + WIRE_NAME_MAX) + DIGEST_SIZE };

static uint8_t *put(uint8_t *at, const void *data, size_t len)
{
    memcpy(at, data, len);
    return at + len;
}

static uint8_t *put_name(uint8_t *at, const struct name *name)
{
    *at++ = name->len;
    return put(at, name->text, name->len);
}

static size_t signed_text(const struct envelope *envelope, uint32_t generation, struct slice sdp, uint8_t out[SIGNED_MOST])
{
    uint8_t big_endian[4] = {(uint8_t)(generation >> 24), (uint8_t)(generation >> 16), (uint8_t)(generation >> 8),
                             (uint8_t)generation};
    uint8_t *at = put(out, domain, sizeof domain);
    at = put(at, envelope->channel, SAFETY_ID);
    at = put(at, envelope->nonce, SAFETY_ID);
    at = put(at, big_endian, sizeof big_endian);
    at = put_name(at, envelope->from);
    at = put_name(at, envelope->to);
    digest(sdp, at);
    return (size_t)(at + DIGEST_SIZE - out);
}

enum err envelope_sign(const struct envelope *envelope, const struct identity *identity, struct slice sdp,
                       uint8_t signature[IDENTITY_SIGNATURE], Earshot__PeerDescription *out)
{
    uint8_t text[SIGNED_MOST];
    if (sdp.len > ENVELOPE_SDP)
        return ERR_TOO_LONG;
    identity_sign(identity, slice_of(text, signed_text(envelope, out->generation, sdp, text)), signature);
    out->sdp = bytes_of_slice(sdp);
    out->key = bytes_of_slice(slice_of(identity->key, IDENTITY_KEY));
    out->signature = bytes_of_slice(slice_of(signature, IDENTITY_SIGNATURE));
    return OK;
}

enum err envelope_verify(const struct envelope *envelope, const Earshot__PeerDescription *description)
{
    uint8_t text[SIGNED_MOST];
    struct slice sdp = slice_of_bytes(description->sdp);
    if (sdp.len == 0 || sdp.len > ENVELOPE_SDP || description->key.len != IDENTITY_KEY ||
        description->signature.len != IDENTITY_SIGNATURE)
        return ERR_INVALID;
    size_t len = signed_text(envelope, description->generation, sdp, text);
    return identity_verify(description->key.data, slice_of(text, len), description->signature.data) ? OK : ERR_INVALID;
}
