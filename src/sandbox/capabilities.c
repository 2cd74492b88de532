/* capabilities.c - see capabilities(7). Straight to the kernel: all of it is two calls, for which no library is needed. */
#include "inside.h"
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { NUMBERS = 64 }; /* more than there are; the kernel refuses those that it does not know */

void capabilities_drop_bounding(void)
{
    for (unsigned long number = 0; number < NUMBERS; number++)
        if (prctl(PR_CAPBSET_READ, number) == 1)
            (void)prctl(PR_CAPBSET_DROP, number); /* EPERM: only with CAP_SETPCAP, which root has */
}

static bool read_sets(struct __user_cap_data_struct sets[2])
{
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    return syscall(SYS_capget, &header, sets) == 0;
}

static bool empty(const struct __user_cap_data_struct sets[2])
{
    return (sets[0].effective | sets[0].permitted | sets[0].inheritable | sets[1].effective | sets[1].permitted |
            sets[1].inheritable) == 0;
}

bool capabilities_drop(void)
{
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct sets[2] = {{0}}, none[2] = {{0}};
    capabilities_drop_bounding();
    (void)prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
    /* Asked first: a filter from outside may forbid the call to those who have nothing to give up. */
    if (read_sets(sets) && empty(sets))
        return true;
    return syscall(SYS_capset, &header, none) == 0 && read_sets(sets) && empty(sets);
}
