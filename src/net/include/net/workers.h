/*
 * workers.h - a small pool of threads for work that must not run on a loop (hashing), with a bounded queue.
 *
 * workers_pool() is safe from any thread. workers_free() finishes what is queued, then joins; jobs submitted meanwhile get
 * ERR_STOPPED. Its `done`s are posted to their homes, which must still exist.
 */
#ifndef NET_WORKERS_H
#define NET_WORKERS_H

#include "base/strand.h"

struct workers;

enum err workers_new(unsigned threads, size_t queue, struct workers **out);
void workers_free(struct workers **workers); /* takes NULL */
struct pool *workers_pool(struct workers *workers);

#endif
