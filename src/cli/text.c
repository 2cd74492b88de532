#include "text.h"
#include "cli_exit.h"
#include "earshot/client.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

void text_must(enum err err)
{
    if (err == OK)
        return;
    fputs("earshot: out of memory\n", stderr);
    exit(EXIT_UNREACHABLE);
}

void text_add(struct buf *out, const char *text)
{
    text_must(buf_append_str(out, text));
}

void text_bytes(struct buf *out, struct slice bytes)
{
    if (bytes.len > 0)
        text_must(buf_append(out, bytes.data, bytes.len));
}

void text_format(struct buf *out, const char *format, ...)
{
    va_list arguments;
    char *text;
    va_start(arguments, format);
    int len = vasprintf(&text, format, arguments);
    va_end(arguments);
    text_must(len < 0 ? ERR_MEMORY : OK);
    text_must(buf_append(out, text, (size_t)len));
    free(text);
}

void text_safe(struct buf *out, struct slice text)
{
    /* A bad byte grows to the three bytes of U+FFFD at most. */
    size_t room = text.len * 3 + 1;
    uint8_t *space;
    if (text.len == 0)
        return;
    text_must(buf_reserve(out, room, &space));
    size_t len = earshot_printable((const char *)text.data, text.len, (char *)space, room);
    buf_commit(out, len < room ? len : room - 1);
}

void text_safe_line(struct buf *out, struct slice text)
{
    struct buf safe;
    buf_init(&safe, TEXT_CAP);
    text_safe(&safe, text);
    struct slice rest = buf_slice(&safe);
    for (size_t i = 0, from = 0; i <= rest.len; i++) {
        bool end = i == rest.len;
        if (!end && rest.data[i] != '\n' && rest.data[i] != '\t')
            continue;
        text_bytes(out, slice_of(rest.data + from, i - from));
        if (!end)
            text_add(out, rest.data[i] == '\n' ? "\\n" : " ");
        from = i + 1;
    }
    buf_free(&safe);
}
