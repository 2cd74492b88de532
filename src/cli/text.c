#include "text.h"
#include "cli_exit.h"
#include "earshot/client.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

static _Noreturn void out_of_memory(void)
{
    fputs("earshot: out of memory\n", stderr);
    exit(EXIT_UNREACHABLE);
}

void text_print(const struct buf *text)
{
    const uint8_t *data = buf_data(text);
    if (data != NULL)
        fwrite(data, 1, buf_len(text), stdout);
}

void text_must(enum err err)
{
    if (err != OK)
        out_of_memory();
}

void *text_memory(void *memory)
{
    if (memory == NULL)
        out_of_memory();
    return memory;
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
    size_t from = 0;
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] != '\n' && text.data[i] != '\t')
            continue;
        text_safe(out, slice_of(text.data + from, i - from));
        text_add(out, text.data[i] == '\n' ? "\\n" : " ");
        from = i + 1;
    }
    if (text.len > 0)
        text_safe(out, slice_of(text.data + from, text.len - from));
}

void text_fingerprint(struct buf *out, const char *indent, struct slice line)
{
    static const char label[] = "SHA256:";
    enum { BLANKS = 2, LABEL = sizeof label - 1, HALF = 16 * 3 };
    bool is_one = line.len == BLANKS + LABEL + 2 * HALF - 1 && memcmp(line.data + BLANKS, label, LABEL) == 0;
    size_t first = is_one ? BLANKS + LABEL + HALF : line.len;
    text_safe_line(out, slice_of(line.data, first));
    if (!is_one)
        return;
    text_format(out, "\n%s%*s", indent, BLANKS + LABEL, "");
    text_safe_line(out, slice_of(line.data + first, line.len - first));
}
