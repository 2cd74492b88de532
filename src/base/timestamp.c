#include "base/timestamp.h"
#include <stdio.h>
#include <time.h>

#define YEAR_0    INT64_C(-62167219200000) /* 0000-01-01T00:00:00.000Z */
#define YEAR_9999 INT64_C(253402300799999) /* 9999-12-31T23:59:59.999Z */

void timestamp_format(int64_t ms, char out[TIMESTAMP_SIZE])
{
    if (ms < YEAR_0)
        ms = YEAR_0;
    if (ms > YEAR_9999)
        ms = YEAR_9999;
    int64_t fraction = ms % 1000;
    if (fraction < 0)
        fraction += 1000;
    time_t seconds = (time_t)((ms - fraction) / 1000);
    struct tm tm = {0};
    gmtime_r(&seconds, &tm);
    snprintf(out, TIMESTAMP_SIZE, "%04u-%02u-%02uT%02u:%02u:%02u.%03uZ", (unsigned)(tm.tm_year + 1900) % 10000,
             (unsigned)(tm.tm_mon + 1) % 100, (unsigned)tm.tm_mday % 100, (unsigned)tm.tm_hour % 100, (unsigned)tm.tm_min % 100,
             (unsigned)tm.tm_sec % 100, (unsigned)fraction % 1000);
}
