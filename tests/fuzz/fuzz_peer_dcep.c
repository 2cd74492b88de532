/* fuzz_peer_dcep.c - the control messages of a private channel's other end. */
#include "dcep.h"
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t bytes[DCEP_SIZE_MAX];
    struct dcep message, again;
    size_t len;

    if (dcep_parse(slice_of(data, size), &message) != OK)
        return 0;
    len = dcep_write(&message, bytes);
    if (len != size || dcep_parse(slice_of(bytes, len), &again) != OK)
        abort();
    if (again.kind != message.kind || !slice_equal(again.label, message.label) || !slice_equal(again.protocol, message.protocol))
        abort();
    return 0;
}
