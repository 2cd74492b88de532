/* printable.c - see printable.h. */
#include "base/printable.h"
#include "base/utf8.h"

enum { REPLACEMENT = 0xfffd };

/* Those of Unicode's Bidi_Control: marks, embeddings, overrides, isolates. */
static bool reorders(uint32_t c)
{
    return c == 0x61c || c == 0x200e || c == 0x200f || (c >= 0x202a && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069);
}

static bool dangerous(uint32_t c)
{
    if (c < 0x20)
        return c != '\t' && c != '\n';
    return (c >= 0x7f && c <= 0x9f) || reorders(c);
}

static size_t encode(uint32_t c, char out[4])
{
    if (c < 0x80) {
        out[0] = (char)c;
        return 1;
    }
    size_t len = c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    static const uint8_t lead[] = {0, 0, 0xc0, 0xe0, 0xf0};
    for (size_t i = len - 1; i > 0; i--, c >>= 6)
        out[i] = (char)(0x80 | (c & 0x3f));
    out[0] = (char)(lead[len] | c);
    return len;
}

size_t printable_copy(struct slice text, char *out, size_t size)
{
    size_t needed = 0, written = 0;
    bool room = size > 0;
    for (size_t pos = 0; pos < text.len;) {
        char bytes[4];
        uint32_t c = utf8_next(text, &pos);
        size_t len = encode(dangerous(c) ? REPLACEMENT : c, bytes);
        needed += len;
        room = room && written + len < size;
        if (!room)
            continue;
        memcpy(out + written, bytes, len);
        written += len;
    }
    if (size > 0)
        out[written] = '\0';
    return needed;
}
