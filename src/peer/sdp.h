/*
 * sdp.h - the few lines of SDP (RFC 8866) that describe one data channel, as browsers write them (RFC 8829, 8841, 8842), and ICE
 * candidates (RFC 8839). Pure; made for hostile input: everything is capped, and what is not understood but must be is refused.
 */
#ifndef PEER_SDP_H
#define PEER_SDP_H

#include "base/buf.h"
#include "peer/peer.h"

enum {
    SDP_CREDENTIAL_MAX = 256, /* ICE user fragment and password */
    SDP_MID_MAX = 32,
    SDP_CANDIDATE_MAX = 512, /* bytes of one candidate */
    SDP_SCTP_PORT = 5000,
};

enum sdp_setup { SDP_ACTPASS, SDP_ACTIVE, SDP_PASSIVE };

/* Only UDP, component 1, and an IP address: all that is of use here. */
struct sdp_candidate {
    enum { SDP_HOST, SDP_SERVER_REFLEXIVE, SDP_PEER_REFLEXIVE, SDP_RELAY } kind;
    char foundation[33];
    uint32_t priority;
    char address[46];
    uint16_t port;
    char related[46]; /* "" if none */
    uint16_t related_port;
};

struct sdp {
    uint64_t session, version; /* written, not read */
    char ufrag[SDP_CREDENTIAL_MAX + 1], password[SDP_CREDENTIAL_MAX + 1];
    uint8_t fingerprint[PEER_FINGERPRINT];
    enum sdp_setup setup;
    char mid[SDP_MID_MAX + 1];
    uint16_t sctp_port;
    uint32_t max_message; /* 0: any size */
    bool complete;        /* a=end-of-candidates */
    size_t candidate_count;
    struct sdp_candidate candidates[PEER_CANDIDATES_MAX]; /* those of use; the others are passed over */
};

/* ERR_INVALID. */
enum err sdp_parse(struct slice text, struct sdp *out);
/* Without candidates. ERR_CAP, ERR_MEMORY. */
enum err sdp_write(const struct sdp *sdp, struct buf *out);

/* "candidate:..." with or without "a=" before it. ERR_INVALID: broken, or not of use. */
enum err sdp_parse_candidate(struct slice text, struct sdp_candidate *out);
enum err sdp_write_candidate(const struct sdp_candidate *candidate, struct buf *out);

/* Shared by the two files: takes `prefix` off the front of the text. */
static inline bool sdp_take(struct slice *text, const char *prefix)
{
    size_t len = strlen(prefix);

    if (text->len < len || memcmp(text->data, prefix, len) != 0)
        return false;
    *text = slice_of(text->data + len, text->len - len);
    return true;
}

/* A decimal number from least to most, and nothing else. */
bool sdp_number(struct slice text, uint64_t most, uint64_t *out);
/* Copies 1 to size - 1 bytes of printable ASCII without blanks. */
bool sdp_word(struct slice text, size_t size, char *out);

#endif
