/*
 * printable.h - text that a peer wrote, made safe for a terminal. Bytes that are not UTF-8, control characters but tab and
 * newline (C0, DEL, C1), and those that turn the direction of text (U+061C, U+200E, U+200F, U+202A..202E, U+2066..2069) become
 * U+FFFD. Pure.
 */
#ifndef BASE_PRINTABLE_H
#define BASE_PRINTABLE_H

#include "base/slice.h"

/* Copies what fits in `size` (whole characters only), NUL-terminated if size > 0; returns the length all of it needs. */
size_t printable_copy(struct slice text, char *out, size_t size);

#endif
