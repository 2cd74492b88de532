/*
 * seccomp.c - the table of syscalls.c made into a filter of the kernel's, for every thread; see seccomp(2).
 *
 * As a binary tree, and most rows have no conditions, which the kernel remembers and does not ask the filter about again.
 */
#include "inside.h"
#include "syscalls.h"
#include <errno.h>
#include <seccomp.h>
#include <unistd.h>

enum { BINARY_TREE = 2 };

static bool add_call(scmp_filter_ctx filter, const struct syscall_row *row, int call)
{
    bool conditional = row->verdict == CALL_ALLOWED_IF || row->verdict == CALL_ALLOWED_ON_ITSELF;
    uint64_t value = row->verdict == CALL_ALLOWED_ON_ITSELF ? (uint64_t)getpid() : row->value;
    const struct scmp_arg_cmp condition = {row->at, SCMP_CMP_MASKED_EQ, row->mask, value};
    uint32_t action = row->verdict == CALL_KILLS ? SCMP_ACT_KILL_PROCESS : SCMP_ACT_ALLOW;
    return seccomp_rule_add_array(filter, action, call, conditional, &condition) == 0;
}

static bool add_table(scmp_filter_ctx filter)
{
    for (size_t i = 0; SANDBOX_STRICT && i < syscall_row_count; i++)
        for (const int *call = syscall_rows[i].calls; *call != CALLS_END; call++)
            if (!add_call(filter, &syscall_rows[i], *call))
                return false;
    return true;
}

static bool set_up(scmp_filter_ctx filter)
{
    /* Older libraries do not know some of these; the filter is right without them, but for the two that are asked. */
    (void)seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, BINARY_TREE);
    (void)seccomp_attr_set(filter, SCMP_FLTATR_CTL_LOG, 1);
    return seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS) == 0 &&
           seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1) == 0;
}

bool seccomp_load_filter(const char **lack)
{
    scmp_filter_ctx filter = seccomp_init(SANDBOX_STRICT ? SCMP_ACT_ERRNO(ENOSYS) : SCMP_ACT_ALLOW);
    bool done = filter != NULL && set_up(filter) && add_table(filter);
    if (!done)
        *lack = "the filter of system calls cannot be made";
    if (done && seccomp_load(filter) != 0) {
        *lack = "the kernel takes no filter of system calls";
        done = false;
    }
    seccomp_release(filter);
    return done;
}
