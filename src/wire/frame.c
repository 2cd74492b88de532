#include "wire/frame.h"
#include "wire/limits.h"
#include <assert.h>

enum { VARINT_BITS = 7, VARINT_MORE = 0x80 };

/* The number at the front of `in`, a varint of at most WIRE_PREFIX_MAX bytes in its shortest form; its size in *size. */
static enum err read_prefix(struct slice in, size_t *number, size_t *size)
{
    size_t value = 0;
    for (size_t i = 0; i < WIRE_PREFIX_MAX; i++) {
        if (i == in.len)
            return ERR_AGAIN;
        value |= (size_t)(in.data[i] & ~VARINT_MORE) << (VARINT_BITS * i);
        if (in.data[i] & VARINT_MORE)
            continue;
        if (i > 0 && in.data[i] == 0)
            return ERR_BAD_FRAME; /* fewer bytes would have done */
        *number = value;
        *size = i + 1;
        return OK;
    }
    return ERR_BAD_FRAME;
}

enum err frame_next(struct slice in, struct slice *payload, size_t *used)
{
    size_t len, prefix;
    enum err err = read_prefix(in, &len, &prefix);
    if (err != OK)
        return err;
    if (len > WIRE_FRAME_MAX)
        return ERR_BAD_FRAME;
    if (in.len - prefix < len)
        return ERR_AGAIN;
    *payload = slice_of(in.data + prefix, len);
    *used = prefix + len;
    return OK;
}

size_t frame_prefix(size_t len, uint8_t out[3])
{
    assert(len <= WIRE_FRAME_MAX);
    size_t size = 0;
    for (; len >= VARINT_MORE; len >>= VARINT_BITS)
        out[size++] = (uint8_t)(len | VARINT_MORE);
    out[size++] = (uint8_t)len;
    return size;
}
