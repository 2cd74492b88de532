#include "wrap.h"
#include "base/utf8.h"
#include "text.h"
#include <wchar.h>

enum { ESCAPE = 0x1b, EMOJI_STYLE = 0xfe0f, TAB = 8 };

/* ECMA-48: what `text` begins with, as far as its final byte. */
static size_t escape_length(struct slice text)
{
    bool control = text.len > 1 && text.data[1] == '[';
    size_t end = control ? 2 : 1;
    while (end < text.len && text.data[end] < (control ? 0x40 : 0x30))
        end++;
    return end < text.len ? end + 1 : end;
}

static int width_of(uint32_t c, int column)
{
    if (c == '\t')
        return TAB - column % TAB;
    if (c < ' ')
        return 0; /* of a colour */
    int width = c == EMOJI_STYLE ? 1 : wcwidth((wchar_t)c);
    return width < 0 ? 2 : width;
}

/* How much of the line goes on this row, which begins at `column`; *skip bytes behind it on none. A word that would leave more
 * than half of the row empty is cut. */
static size_t fit(struct slice line, int column, int columns, size_t *skip)
{
    size_t word = 0, next;
    int word_column = 0;
    bool empty = true;
    *skip = 0;
    for (size_t at = 0; at < line.len; at = next) {
        next = at;
        if (line.data[at] == ESCAPE) {
            next += escape_length(slice_of(line.data + at, line.len - at));
            continue;
        }
        uint32_t c = utf8_next(line, &next);
        column += width_of(c, column);
        if (column > columns && !empty) {
            *skip = c == ' ' ? next - at : 0;
            return c != ' ' && word_column > columns / 2 ? word : at;
        }
        empty = false;
        word = c == ' ' ? next : word;
        word_column = c == ' ' ? column : word_column;
    }
    return line.len;
}

static void wrap_line(struct buf *out, struct slice line, int columns)
{
    int indent = columns / 2 < WRAP_INDENT ? columns / 2 : WRAP_INDENT;
    for (int column = 0; line.len > 0; column = indent) {
        size_t skip, len = fit(line, column, columns, &skip);
        text_bytes(out, slice_of(line.data, len));
        line = slice_of(line.data + len + skip, line.len - len - skip);
        if (line.len > 0)
            text_format(out, "\n%*s", indent, "");
    }
}

void wrap_text(struct buf *out, struct slice text, int columns)
{
    while (text.len > 0) {
        const uint8_t *newline = memchr(text.data, '\n', text.len);
        size_t len = newline != NULL ? (size_t)(newline - text.data) : text.len;
        wrap_line(out, slice_of(text.data, len), columns);
        if (newline != NULL)
            text_add(out, "\n");
        len += newline != NULL;
        text = slice_of(text.data + len, text.len - len);
    }
}
