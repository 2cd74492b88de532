/*
 * faults.h - for what a fuzz target allocates itself, which does not fail when faults.c lets the program's allocations fail.
 *
 *     faults_pause();  ...make an input...  faults_resume();
 *
 * Both do nothing in programs without faults.c. faults_happened(): in this run an allocation has failed, so that what needs
 * memory may have been refused.
 */
#ifndef FUZZ_FAULTS_H
#define FUZZ_FAULTS_H

#include <stdbool.h>
#include <stddef.h>

extern void faults_set_paused(int by) __attribute__((weak));
extern bool faults_any(void) __attribute__((weak));

static inline void faults_pause(void)
{
    if (faults_set_paused != NULL)
        faults_set_paused(1);
}

static inline void faults_resume(void)
{
    if (faults_set_paused != NULL)
        faults_set_paused(-1);
}

static inline bool faults_happened(void)
{
    return faults_any != NULL && faults_any();
}

#endif
