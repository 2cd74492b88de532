/* histogram.h - counts of durations, to three per cent: 32 steps to each power of two. */
#ifndef BENCH_HISTOGRAM_H
#define BENCH_HISTOGRAM_H

#include <stdint.h>

enum { HISTOGRAM_STEPS = 32, HISTOGRAM_POWERS = 40 };

struct histogram {
    uint64_t count, most;
    uint64_t counts[HISTOGRAM_POWERS * HISTOGRAM_STEPS];
};

static inline unsigned histogram_place(uint64_t value)
{
    if (value < HISTOGRAM_STEPS)
        return (unsigned)value;
    unsigned power = 63u - (unsigned)__builtin_clzll(value) - 5;
    unsigned place = (power + 1) * HISTOGRAM_STEPS + (unsigned)(value >> power) - HISTOGRAM_STEPS;
    return place < HISTOGRAM_POWERS * HISTOGRAM_STEPS ? place : HISTOGRAM_POWERS * HISTOGRAM_STEPS - 1;
}

static inline void histogram_add(struct histogram *histogram, uint64_t value)
{
    histogram->counts[histogram_place(value)]++;
    histogram->count++;
    if (value > histogram->most)
        histogram->most = value;
}

/* The value below which `share` of them lie. */
static inline uint64_t histogram_at(const struct histogram *histogram, double share)
{
    uint64_t wanted = (uint64_t)(share * (double)histogram->count), seen = 0;
    for (unsigned i = 0; i < HISTOGRAM_POWERS * HISTOGRAM_STEPS; i++) {
        seen += histogram->counts[i];
        if (seen > wanted)
            return i < HISTOGRAM_STEPS ? i : (uint64_t)(i % HISTOGRAM_STEPS + HISTOGRAM_STEPS) << (i / HISTOGRAM_STEPS - 1);
    }
    return histogram->most;
}

#endif
