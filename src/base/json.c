#include "base/json.h"
#include "base/utf8.h"
#include <stdio.h>

static const char *short_escape(uint32_t c)
{
    switch (c) {
    case '"':
        return "\\\"";
    case '\\':
        return "\\\\";
    case '\n':
        return "\\n";
    case '\r':
        return "\\r";
    case '\t':
        return "\\t";
    default:
        return NULL;
    }
}

/* What stands for the character `c`, encoded as `raw`, in a JSON string; `scratch` may hold it. */
static struct slice escape(uint32_t c, struct slice raw, char scratch[8])
{
    const char *fixed = short_escape(c);
    if (fixed != NULL)
        return slice_str(fixed);
    if (c < 0x20 || (c >= 0x7f && c < 0xa0)) {
        snprintf(scratch, 8, "\\u%04x", (unsigned)c & 0xffff);
        return slice_str(scratch);
    }
    return c == 0xfffd ? slice_str("\xef\xbf\xbd") : raw;
}

static enum err write_string(struct buf *out, struct slice text)
{
    enum err err = buf_append(out, "\"", 1);
    size_t plain = 0, pos = 0; /* text[plain, pos) stands for itself and is appended in one go */
    while (err == OK && pos < text.len) {
        char scratch[8];
        size_t at = pos;
        uint32_t c = utf8_next(text, &pos);
        struct slice raw = slice_of(text.data + at, pos - at), shown = escape(c, raw, scratch);
        if (shown.data == raw.data)
            continue;
        err = buf_append(out, text.data + plain, at - plain);
        if (err == OK)
            err = buf_append(out, shown.data, shown.len);
        plain = pos;
    }
    if (err == OK && pos > plain)
        err = buf_append(out, text.data + plain, pos - plain);
    return err == OK ? buf_append(out, "\"", 1) : err;
}

enum err json_string(struct buf *out, struct slice text)
{
    size_t before = buf_len(out);
    enum err err = write_string(out, text);
    if (err != OK)
        out->end = out->start + before; /* all of it or nothing */
    return err;
}
