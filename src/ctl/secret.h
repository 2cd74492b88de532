/* secret.h - a password from standard input: the first line, or typed without echo. Never from the command line. */
#ifndef CTL_SECRET_H
#define CTL_SECRET_H

#include "base/buf.h"

/* Without its newline, appended. ERR_INVALID: there is none, or the two that were typed differ; ERR_CAP: too long. */
enum err secret_read(const char *user, struct buf *out);

#endif
