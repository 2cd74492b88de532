/* utf8.h - UTF-8 as RFC 3629 defines it: shortest forms only, no surrogates, nothing above U+10FFFF. */
#ifndef BASE_UTF8_H
#define BASE_UTF8_H

#include "base/slice.h"

bool utf8_valid(struct slice text);

/* How many bytes at the front are printable ASCII: most texts are nothing else, and these are seen eight at a time. */
size_t utf8_plain(struct slice text);

/* Decodes the character at text[*pos] and moves *pos past it; U+FFFD for a bad byte (which is then one byte long). */
uint32_t utf8_next(struct slice text, size_t *pos);

/* The text without the byte order mark with which some editors begin a file. */
static inline struct slice utf8_begin(struct slice text)
{
    if (text.len >= 3 && memcmp(text.data, "\xef\xbb\xbf", 3) == 0)
        return slice_of(text.data + 3, text.len - 3);
    return text;
}

#endif
