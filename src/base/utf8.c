#include "base/utf8.h"

enum { REPLACEMENT = 0xfffd };

/* Bytes of the character that `first` begins; 0 if none begins with it. */
static size_t length_after(uint8_t first)
{
    if (first < 0x80)
        return 1;
    if (first < 0xc2 || first > 0xf4)
        return 0;
    return first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
}

/* The character at the front of bytes[0, len), its length in *used; -1 if it is none. len > 0. */
static int32_t decode(const uint8_t *bytes, size_t len, size_t *used)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    size_t need = length_after(bytes[0]);
    *used = 1;
    if (need == 1)
        return bytes[0];
    if (need == 0 || len < need)
        return -1;
    uint32_t c = bytes[0] & (0x7fu >> need);
    for (size_t i = 1; i < need; i++) {
        if ((bytes[i] & 0xc0) != 0x80)
            return -1;
        c = c << 6 | (bytes[i] & 0x3f);
    }
    if (c < least[need] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
        return -1;
    *used = need;
    return (int32_t)c;
}

/* Whether all eight bytes are in 0x20..0x7e. The subtractions borrow from byte to byte only past one that is not. */
static bool is_plain_word(const uint8_t *bytes)
{
    const uint64_t each = UINT64_C(0x0101010101010101);
    uint64_t word;
    memcpy(&word, bytes, sizeof word);
    return ((word | (word - each * 0x20) | ((word ^ each * 0x7f) - each)) & each * 0x80) == 0;
}

size_t utf8_plain(struct slice text)
{
    size_t at = 0;
    while (text.len - at >= 8 && is_plain_word(text.data + at))
        at += 8;
    while (at < text.len && text.data[at] >= 0x20 && text.data[at] < 0x7f)
        at++;
    return at;
}

bool utf8_valid(struct slice text)
{
    size_t used;
    for (size_t at = utf8_plain(text); at < text.len; at += used) {
        if (decode(text.data + at, text.len - at, &used) < 0)
            return false;
    }
    return true;
}

uint32_t utf8_next(struct slice text, size_t *pos)
{
    if (*pos >= text.len)
        return REPLACEMENT;
    size_t used;
    int32_t c = decode(text.data + *pos, text.len - *pos, &used);
    *pos += used;
    return c < 0 ? REPLACEMENT : (uint32_t)c;
}
