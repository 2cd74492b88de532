/* names.h - the user names seen so far, sorted, for completion. At most NAMES_MAX; beyond that new ones are not remembered. */
#ifndef CLI_NAMES_H
#define CLI_NAMES_H

#include <stdbool.h>
#include <stddef.h>

enum { NAMES_MAX = 10000 };

struct names {
    char **all;
    size_t count, room;
};

void names_free(struct names *names); /* it is empty then */
void names_add(struct names *names, const char *name);
/* The first one at or after `from` that begins with `prefix`; its index, or names->count. */
size_t names_match(const struct names *names, const char *prefix, size_t from);

#endif
