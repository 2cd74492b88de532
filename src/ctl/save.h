/* save.h - storing a file that came as an open descriptor: whole or not at all, on disk when it returns. */
#ifndef CTL_SAVE_H
#define CTL_SAVE_H

#include "base/buf.h"

/* Makes `path`, which must not exist (0600). ERR_EXISTS, ERR_SYSTEM, with a sentence in `why`; nothing is left then. */
enum err save_copy(int from, const char *path, struct buf *why);

#endif
