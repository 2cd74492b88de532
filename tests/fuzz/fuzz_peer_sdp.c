/* fuzz_peer_sdp.c - descriptions and candidates of a private channel's other end. What is read must survive being written. */
#include "sdp.h"
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void candidate_again(const struct sdp_candidate *candidate)
{
    struct sdp_candidate again;
    struct buf text;

    buf_init(&text, SDP_CANDIDATE_MAX);
    if (sdp_write_candidate(candidate, &text) != OK || sdp_parse_candidate(buf_slice(&text), &again) != OK)
        abort();
    if (again.port != candidate->port || again.kind != candidate->kind || strcmp(again.address, candidate->address) != 0)
        abort();
    buf_free(&text);
}

static void description_again(const struct sdp *sdp)
{
    struct sdp again;
    struct buf text;

    buf_init(&text, PEER_DESCRIPTION_MAX);
    if (sdp_write(sdp, &text) != OK || sdp_parse(buf_slice(&text), &again) != OK)
        abort();
    if (strcmp(again.ufrag, sdp->ufrag) != 0 || memcmp(again.fingerprint, sdp->fingerprint, PEER_FINGERPRINT) != 0)
        abort();
    buf_free(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct sdp sdp;
    struct sdp_candidate candidate;

    sdp.session = sdp.version = 0;
    if (sdp_parse_candidate(slice_of(data, size), &candidate) == OK)
        candidate_again(&candidate);
    if (sdp_parse(slice_of(data, size), &sdp) != OK)
        return 0;
    description_again(&sdp);
    for (size_t i = 0; i < sdp.candidate_count; i++)
        candidate_again(&sdp.candidates[i]);
    return 0;
}
