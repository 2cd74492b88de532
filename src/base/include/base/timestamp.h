/* timestamp.h - RFC 3339 in UTC with milliseconds: "2026-01-05T10:00:00.123Z". */
#ifndef BASE_TIMESTAMP_H
#define BASE_TIMESTAMP_H

#include <stdint.h>

enum { TIMESTAMP_SIZE = 32 }; /* with the NUL */

/* `ms` since 1970 UTC, in the years 0 to 9999 (others are clamped). */
void timestamp_format(int64_t ms, char out[TIMESTAMP_SIZE]);

#endif
