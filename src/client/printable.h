/* printable.h - text that a peer wrote, made safe for a terminal: see earshot_printable in earshot/client.h. Pure. */
#ifndef CLIENT_PRINTABLE_H
#define CLIENT_PRINTABLE_H

#include "base/slice.h"

/* Copies what fits in `size` (whole characters only), NUL-terminated if size > 0; returns the length all of it needs. */
size_t printable_copy(struct slice text, char *out, size_t size);

#endif
