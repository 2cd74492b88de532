/*
 * surplus.h - when those who were turned away because too many passwords were to be hashed should come back.
 *
 * Told the same time they would all come back at once, find the queue full again after a few of them, and its workers idle until
 * the next time. So each is told a moment a hash later than the one before. Nothing is reserved; safe from any thread.
 */
#ifndef CHAT_SURPLUS_H
#define CHAT_SURPLUS_H

#include <stdatomic.h>
#include <stdint.h>

struct surplus {
    _Atomic int64_t told; /* mono ms: the last moment that was given out */
};

/* Seconds to wait, 1 to 60. */
unsigned surplus_wait(struct surplus *surplus, int64_t now);

#endif
