/*
 * micro.c - what single operations cost, so that a regression is found where it happens: codec, directory, posting, TLS records.
 *
 * Prints "name nanoseconds" a line: CPU time of the whole process per operation, the median of short series.
 */
#include "micro.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { SERIES = 7, LEAST_NS = 20 * 1000 * 1000 };

void demand(int ok, const char *what)
{
    if (ok)
        return;
    fprintf(stderr, "micro: cannot %s\n", what);
    exit(1);
}

static double cpu_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static double one_series(const struct micro *micro, unsigned count)
{
    double began = cpu_ns();
    micro->run(count);
    return cpu_ns() - began;
}

static int smaller(const void *one, const void *other)
{
    double a = *(const double *)one, b = *(const double *)other;
    return (a > b) - (a < b);
}

static void measure(const struct micro *micro)
{
    double series[SERIES];
    unsigned count = 16;
    if (micro->set_up != NULL)
        micro->set_up();
    while (one_series(micro, count) < LEAST_NS)
        count *= 2;
    for (int i = 0; i < SERIES; i++)
        series[i] = one_series(micro, count) / count;
    qsort(series, SERIES, sizeof series[0], smaller);
    printf("%s %.1f\n", micro->name, series[SERIES / 2]);
    fflush(stdout);
}

int main(void)
{
    const struct micro *const all[] = {micro_codec, micro_directory, micro_strand, micro_tls};
    for (unsigned i = 0; i < sizeof all / sizeof all[0]; i++)
        for (const struct micro *micro = all[i]; micro->name != NULL; micro++)
            measure(micro);
}
