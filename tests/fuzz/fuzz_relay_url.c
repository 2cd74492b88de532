/* fuzz_relay_url.c - the address of a relay, as a server hands it out: what is taken from it is within what was given. */
#include "relay_url.h"
#include <assert.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct relay_url url;
    if (relay_url_parse(slice_of(data, size), &url) != OK)
        return 0;
    size_t len = strlen(url.host);
    assert(len > 0 && len < size && memmem(data, size, url.host, len) != NULL && url.port != 0);
    assert(url.transport == PEER_RELAY_UDP || url.transport == PEER_RELAY_TCP || url.transport == PEER_RELAY_TLS);
    return 0;
}
