/* lines.h - a text line by line. */
#ifndef SERVER_LINES_H
#define SERVER_LINES_H

#include "base/slice.h"

/* Takes the next line, without its LF, off the front of `rest`. False at the end; the last line needs no LF. */
static inline bool lines_next(struct slice *rest, struct slice *line)
{
    if (rest->data == NULL || rest->len == 0)
        return false;
    const uint8_t *end = memchr(rest->data, '\n', rest->len);
    size_t len = end != NULL ? (size_t)(end - rest->data) : rest->len;
    size_t used = len + (end != NULL);
    *line = slice_of(rest->data, len);
    *rest = slice_of(rest->data + used, rest->len - used);
    return true;
}

#endif
