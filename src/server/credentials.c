/* credentials.c - see credentials.h. */
#include "server/credentials.h"
#include "base/utf8.h"
#include "server/lines.h"

static bool blank(uint8_t byte)
{
    return byte == ' ' || byte == '\t';
}

static struct slice skip(struct slice text, size_t len)
{
    return slice_of(text.data + len, text.len - len);
}

static struct slice skip_blanks(struct slice text)
{
    while (text.len > 0 && blank(text.data[0]))
        text = skip(text, 1);
    return text;
}

static bool take_line(struct credentials *cursor, struct slice *line)
{
    if (cursor->line == 0)
        cursor->text = utf8_begin(cursor->text);
    if (!lines_next(&cursor->text, line))
        return false;
    cursor->line++;
    if (line->len > 0 && line->data[line->len - 1] == '\r')
        line->len--;
    return true;
}

static enum err wrong(const char **why, const char *text)
{
    *why = text;
    return ERR_INVALID;
}

static enum err read_line(struct slice line, struct credential *out, const char **why)
{
    size_t len = 0;
    while (len < line.len && !blank(line.data[len]))
        len++;
    struct slice password = skip_blanks(skip(line, len));
    struct name name;
    if (name_parse(slice_of(line.data, len), &name) != OK)
        return wrong(why, "the name is not 1 to 32 of a-z 0-9 . _ - beginning with a letter or digit");
    if (password.len == 0)
        return wrong(why, "there is no password after the name");
    if (password.len > WIRE_PASSWORD_MAX)
        return wrong(why, "the password is longer than 256 bytes");
    if (password_check(password) != OK)
        return wrong(why, "the password is not UTF-8 text");
    out->name = name;
    out->password = password;
    return OK;
}

enum err credentials_next(struct credentials *cursor, struct credential *out, const char **why)
{
    struct slice line;
    while (take_line(cursor, &line)) {
        line = skip_blanks(line);
        if (line.len == 0 || line.data[0] == '#')
            continue;
        enum err err = read_line(line, out, why);
        if (err == OK)
            out->line = cursor->line;
        return err;
    }
    return ERR_NOT_FOUND;
}
