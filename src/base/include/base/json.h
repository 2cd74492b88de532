/* json.h - writing JSON (RFC 8259) into a buffer: escaping only; objects are written in place by the caller. */
#ifndef BASE_JSON_H
#define BASE_JSON_H

#include "base/buf.h"

/* A quoted string. Control characters are escaped; bytes that are not UTF-8 become U+FFFD. */
enum err json_string(struct buf *out, struct slice text);

#endif
