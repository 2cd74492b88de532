/*
 * strand.h - where work runs: one thing at a time, in the order posted.
 *
 * A strand is a promise, implemented by an event loop (net/loop.h), by a worker thread, or by a simulation's queue. Posting is
 * safe from any thread and never runs the task inside the call. A task is embedded in what it works on; between post and run
 * it belongs to the strand.
 *
 * A pool runs jobs elsewhere (hashing takes 14 ms) and reports back on the strand the job came from.
 */
#ifndef BASE_STRAND_H
#define BASE_STRAND_H

#include "base/err.h"
#include <stddef.h>

struct task {
    struct task *next;
    void (*run)(struct task *task);
};

struct strand {
    /* A chain of tasks, first to last linked by `next`, last->next ignored. */
    void (*post)(struct strand *strand, struct task *first, struct task *last);
};

static inline void strand_post(struct strand *strand, struct task *task)
{
    strand->post(strand, task, task);
}

struct job {
    struct job *next;
    struct task task;              /* used by the pool to come home */
    struct strand *home;           /* where `done` runs */
    void (*work)(struct job *job); /* on a worker */
    void (*done)(struct job *job); /* on home */
};

struct pool {
    /* ERR_CAP when the queue is full (nothing will be called), ERR_STOPPED when stopping. */
    enum err (*submit)(struct pool *pool, struct job *job);
};

static inline enum err pool_submit(struct pool *pool, struct job *job)
{
    return pool->submit(pool, job);
}

#endif
