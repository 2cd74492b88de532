/* complete.h - what Tab offers: commands for the first word, and user names where the command takes a user first. Pure. */
#ifndef CLI_COMPLETE_H
#define CLI_COMPLETE_H

#include "names.h"

/*
 * The next completion of `word`, which begins at `start` of `line`; to be freed. *from begins at 0 and keeps the place. NULL
 * after the last.
 */
char *complete_next(const struct names *names, const char *line, size_t start, const char *word, size_t *from);

#endif
