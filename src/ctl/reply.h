/*
 * reply.h - one line of the server's answer: a flat JSON object.
 *
 * Read in place: strings are unescaped where they stand, and everything points into the line.
 */
#ifndef CTL_REPLY_H
#define CTL_REPLY_H

#include "base/err.h"
#include <stdbool.h>

enum { REPLY_FIELDS = 24 };

struct reply {
    struct {
        const char *name, *value; /* numbers, true and false as they are written */
    } fields[REPLY_FIELDS];
    unsigned count;
};

/* `line` ends in NUL, has no newline, and is changed. ERR_INVALID: nested, malformed, or too many fields. */
enum err reply_read(char *line, struct reply *reply);

/* NULL if it is not there. */
const char *reply_get(const struct reply *reply, const char *name);

#endif
