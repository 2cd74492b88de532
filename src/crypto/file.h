/* file.h - a file that appears under its name whole or not at all. */
#ifndef CRYPTO_FILE_H
#define CRYPTO_FILE_H

#include "base/err.h"
#include "base/slice.h"
#include <sys/types.h>

/* Writes `content` beside `path` (as PATH.new) and syncs it. ERR_SYSTEM with errno; nothing is left then. */
enum err file_prepare(const char *path, struct slice content, mode_t mode);
/* Gives what was prepared its name and syncs the folder. ERR_SYSTEM with errno. */
enum err file_publish(const char *path);
void file_discard(const char *path); /* what was prepared */

#endif
