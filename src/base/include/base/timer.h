/*
 * timer.h - many timers behind one clock: a binary heap of intrusive timers.
 *
 * Each loop (or simulation) has one `struct timers`; the driver sleeps until timers_next() and calls timers_run(). Order of
 * firing: due time, then order of starting. Not thread-safe: a timer belongs to its loop. Times are of clock's mono_ms.
 */
#ifndef BASE_TIMER_H
#define BASE_TIMER_H

#include "base/err.h"
#include <stddef.h>
#include <stdint.h>

struct timer {
    int64_t due;
    uint64_t order;
    size_t place; /* in the heap, counted from 1; 0: not running */
    void (*fire)(struct timer *timer);
    struct timer *next, **link; /* while timers_run is about to fire it */
};

struct timers {
    struct timer **heap;
    size_t count, size;
    uint64_t order;
    struct timer *firing; /* due, in order; out of the heap, to be fired by the timers_run in progress */
};

void timers_init(struct timers *timers);
void timers_free(struct timers *timers); /* running timers are forgotten, not fired */

/* (Re)start: fires once, at or after `due`. ERR_MEMORY possible only when not already running. */
enum err timer_start(struct timers *timers, struct timer *timer, int64_t due);
void timer_stop(struct timers *timers, struct timer *timer); /* harmless when not running */

/* Due time of the first timer, or -1 if there is none. */
int64_t timers_next(const struct timers *timers);

/* Fires all that are due at `now`. A timer is stopped before it fires and may be started again, or freed, inside. Timers
 * started inside with a due time <= now fire in the next call, so the call always ends. */
void timers_run(struct timers *timers, int64_t now);

#endif
