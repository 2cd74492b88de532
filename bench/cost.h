/* cost.h - what a process has taken so far, as the kernel counts it (/proc). */
#ifndef BENCH_COST_H
#define BENCH_COST_H

#include <stdint.h>

struct cost {
    uint64_t cpu_ns; /* user and system, all threads that are still there */
    uint64_t memory; /* resident and its own, bytes */
};

struct cost cost_of(unsigned pid); /* 0: this process */

#endif
