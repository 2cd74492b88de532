/* inside.h - the parts of the sandbox; each is one source file. */
#ifndef SANDBOX_INSIDE_H
#define SANDBOX_INSIDE_H

#include "sandbox/sandbox.h"

/* capabilities.c: empties every set, the bounding set as far as that is allowed. False: something is left. */
bool capabilities_drop(void);
/* The part that only root can do; to be called before it is somebody else. */
void capabilities_drop_bounding(void);

/* landlock.c: the ABI in force, or 0 with the reason in *lack. */
int landlock_confine(const struct sandbox_place *places, size_t count, const char **lack);

/* seccomp.c: true if the filter is in force for every thread; else the reason in *lack. */
bool seccomp_load_filter(const char **lack);

#endif
