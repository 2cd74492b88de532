#include "wire/validate.h"
#include "base/utf8.h"

static bool is_letter_or_digit(uint8_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

enum err name_parse(struct slice text, struct name *name)
{
    struct name parsed = {.len = (uint8_t)text.len};
    if (text.len < 1 || text.len > WIRE_NAME_MAX)
        return ERR_BAD_NAME;
    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.data[i];
        if (c >= 'A' && c <= 'Z')
            c += 'a' - 'A';
        bool mark = i > 0 && (c == '.' || c == '_' || c == '-');
        if (!mark && !is_letter_or_digit(c))
            return ERR_BAD_NAME;
        parsed.text[i] = (char)c;
    }
    *name = parsed;
    return OK;
}

static bool is_control(uint32_t c)
{
    return c < 0x20 || (c >= 0x7f && c < 0xa0);
}

enum err text_check(struct slice text)
{
    if (text.len == 0)
        return ERR_USAGE;
    if (text.len > WIRE_TEXT_MAX)
        return ERR_TOO_LONG;
    if (!utf8_valid(text))
        return ERR_BAD_TEXT;
    for (size_t pos = utf8_plain(text); pos < text.len;) {
        uint32_t c = utf8_next(text, &pos);
        if (is_control(c) && c != '\t' && c != '\n')
            return ERR_BAD_TEXT;
    }
    return OK;
}

enum err password_check(struct slice password)
{
    bool sized = password.len >= 1 && password.len <= WIRE_PASSWORD_MAX;
    if (!sized || !utf8_valid(password) || memchr(password.data, 0, password.len) != NULL)
        return ERR_BAD_PASSWORD;
    return OK;
}

enum err password_check_new(struct slice password)
{
    return password.len < WIRE_PASSWORD_MIN_NEW ? ERR_BAD_PASSWORD : password_check(password);
}
