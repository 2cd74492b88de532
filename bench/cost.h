/* cost.h - what a process has taken so far, as the kernel counts it (/proc). */
#ifndef BENCH_COST_H
#define BENCH_COST_H

#include <stdint.h>

enum { COST_LOOPS = 64 };

struct cost {
    uint64_t cpu_ns; /* user and system, all threads that are still there */
    uint64_t memory; /* resident and its own, bytes */
    uint64_t
        loop_ns[COST_LOOPS]; /* of cpu_ns, what each event loop took: the first thread, and those called lane-1, lane-2, ... */
};

struct cost cost_of(unsigned pid); /* 0: this process */
/* Of the event loops, the most that one took in between. */
uint64_t cost_busiest_loop(const struct cost *before, const struct cost *after);

#endif
