/* file.h - a whole small file into memory. */
#ifndef SERVER_FILE_H
#define SERVER_FILE_H

#include "base/buf.h"

/* Appends the content. ERR_CAP: larger than the buffer may get; ERR_SYSTEM, ERR_MEMORY. *why says it for people (static, or
 * valid until the thread's next such call). */
enum err file_read(const char *path, struct buf *out, const char **why);

#endif
