/*
 * credentials.h - a credentials file: `user password` on each line. Pure; credentials are imported by import.h.
 *
 * Name and password are separated by blanks; the password is the rest of the line, inner and trailing blanks included, without
 * the line's end (LF or CR LF). Empty lines and lines that begin with # are skipped.
 *
 *     struct credentials cursor = {.text = text};
 *     while ((err = credentials_next(&cursor, &credential, &why)) != ERR_NOT_FOUND)
 *         if (err == ERR_INVALID) ... cursor.line and why ...
 */
#ifndef SERVER_CREDENTIALS_H
#define SERVER_CREDENTIALS_H

#include "wire/validate.h"

struct credentials {
    struct slice text; /* what is left */
    unsigned line;     /* of what credentials_next() gave last, from 1 */
};

struct credential {
    struct name name;
    struct slice password; /* inside the text */
    unsigned line;
};

/* The next line that says something. ERR_INVALID: it is wrong, *why says how (static text); go on with the next. ERR_NOT_FOUND:
 * there is none. */
enum err credentials_next(struct credentials *cursor, struct credential *out, const char **why);

#endif
