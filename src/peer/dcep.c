/* dcep.c - reading and writing the two messages. */
#include "dcep.h"
#include <assert.h>

enum { TYPE_ACK = 2, TYPE_OPEN = 3, HEAD = 12, RELIABLE_ORDERED = 0 };

static size_t read_u16(const uint8_t *bytes)
{
    return (size_t)bytes[0] << 8 | bytes[1];
}

enum err dcep_parse(struct slice bytes, struct dcep *out)
{
    size_t label, protocol;

    if (bytes.len == 1 && bytes.data[0] == TYPE_ACK) {
        *out = (struct dcep){.kind = DCEP_ACK};
        return OK;
    }
    if (bytes.len < HEAD || bytes.data[0] != TYPE_OPEN)
        return ERR_INVALID;
    label = read_u16(bytes.data + 8);
    protocol = read_u16(bytes.data + 10);
    if (label > DCEP_LABEL_MAX || protocol > DCEP_LABEL_MAX || bytes.len != HEAD + label + protocol)
        return ERR_INVALID;
    *out = (struct dcep){
        .kind = DCEP_OPEN,
        .reliable = bytes.data[1] == RELIABLE_ORDERED,
        .label = slice_of(bytes.data + HEAD, label),
        .protocol = slice_of(bytes.data + HEAD + label, protocol),
    };
    return OK;
}

size_t dcep_write(const struct dcep *message, uint8_t out[DCEP_SIZE_MAX])
{
    if (message->kind == DCEP_ACK) {
        out[0] = TYPE_ACK;
        return 1;
    }
    assert(message->label.len <= DCEP_LABEL_MAX && message->protocol.len <= DCEP_LABEL_MAX);
    memset(out, 0, HEAD);
    out[0] = TYPE_OPEN;
    out[1] = RELIABLE_ORDERED;
    out[9] = (uint8_t)message->label.len;
    out[11] = (uint8_t)message->protocol.len;
    if (message->label.len)
        memcpy(out + HEAD, message->label.data, message->label.len);
    if (message->protocol.len)
        memcpy(out + HEAD + message->label.len, message->protocol.data, message->protocol.len);
    return HEAD + message->label.len + message->protocol.len;
}
