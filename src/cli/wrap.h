/*
 * wrap.h - breaks lines at the terminal's width, and begins what is continued with blanks: at the left margin stands only what
 * this program says. A terminal that breaks a line itself goes on at the margin, where a text could look like a message of
 * somebody else. Pure, but for the locale, which must be UTF-8.
 */
#ifndef CLI_WRAP_H
#define CLI_WRAP_H

#include "base/buf.h"

/* As in the further lines of a text. */
enum { WRAP_INDENT = 6 };

/* `text` has been made printable, but for our own colours. Characters of which one does not know how wide they are count as wide.
 */
void wrap_text(struct buf *out, struct slice text, int columns);

#endif
