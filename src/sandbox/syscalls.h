/*
 * syscalls.h - the table of system calls: what the server may ask of the kernel once it serves, and why.
 *
 * A call that is in no row answers ENOSYS, as an older kernel would: libraries know how to fall back from that, and a server that
 * meets an unforeseen call after an upgrade of libc goes on serving. A call of which nobody in this process makes honest use
 * (running a program, looking into another process) is an attack: it kills the process (SIGSYS).
 *
 * A row whose calls have a condition allows them only where it holds: argument `at`, masked, has the value.
 */
#ifndef SANDBOX_SYSCALLS_H
#define SANDBOX_SYSCALLS_H

#include <stddef.h>
#include <stdint.h>

enum { CALLS_PER_ROW = 24, CALLS_END = -1 };

enum syscall_verdict { CALL_ALLOWED, CALL_ALLOWED_IF, CALL_ALLOWED_ON_ITSELF, CALL_KILLS };

struct syscall_row {
    const char *why;
    enum syscall_verdict verdict;
    unsigned at; /* with a condition: the argument that is looked at; CALL_ALLOWED_ON_ITSELF: that has to be our process id */
    uint64_t mask, value;
    int calls[CALLS_PER_ROW + 1]; /* up to CALLS_END */
};

extern const struct syscall_row syscall_rows[];
extern const size_t syscall_row_count;

#endif
