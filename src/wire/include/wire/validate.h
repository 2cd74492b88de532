/* validate.h - what a name, a text and a password may be. The only place that decides it. Pure. */
#ifndef WIRE_VALIDATE_H
#define WIRE_VALIDATE_H

#include "base/err.h"
#include "base/slice.h"
#include "wire/limits.h"

/* A user's name in its one spelling: lower case, NUL-terminated. */
struct name {
    char text[WIRE_NAME_MAX + 1];
    uint8_t len;
};

static inline struct slice name_slice(const struct name *name)
{
    return slice_of(name->text, name->len);
}

/* 1 to 32 of a-z 0-9 . _ - beginning with a letter or digit; A-Z are lowered. ERR_BAD_NAME. */
enum err name_parse(struct slice text, struct name *name);

/* 1 to 16,384 bytes of UTF-8; of the control characters (C0, DEL, C1) only tab and newline. ERR_USAGE when empty, ERR_TOO_LONG,
 * ERR_BAD_TEXT. */
enum err text_check(struct slice text);

/* 1 to 256 bytes of UTF-8 without NUL. ERR_BAD_PASSWORD. */
enum err password_check(struct slice password);
/* 8 to 256 bytes: for accounts that people create. */
enum err password_check_new(struct slice password);

#endif
