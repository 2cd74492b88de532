/* sandbox.c - see sandbox/sandbox.h: the steps, each one a door that closes behind the process. */
#include "inside.h"
#include <errno.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>

static enum err cannot(struct buf *why, const char *what)
{
    (void)buf_printf(why, "cannot %s: %s", what, strerror(errno));
    return ERR_SYSTEM;
}

static void lacks(struct sandbox_report *report, const char *what)
{
    if (report->lack == NULL)
        report->lack = what;
}

/* Keys and passwords are in this memory. Undumpable also means that no process of the same user can trace or read it, and that
 * its files in /proc belong to root. */
static enum err hide_memory(struct sandbox_report *report, struct buf *why)
{
    const struct rlimit none = {0, 0};
    if (setrlimit(RLIMIT_CORE, &none) != 0)
        return cannot(why, "forbid core dumps");
    if (!SANDBOX_STRICT) {
        lacks(report, "a build with instruments");
        return OK;
    }
    if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0)
        return cannot(why, "become undumpable");
    report->undumpable = true;
    return OK;
}

enum err sandbox_enter(const struct sandbox_place *places, size_t count, struct sandbox_report *report, struct buf *why)
{
    const char *lack = NULL;
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        return cannot(why, "give up new privileges");
    report->no_new_privs = true;
    enum err err = hide_memory(report, why);
    if (err != OK)
        return err;
    report->capabilities = capabilities_drop();
    if (!report->capabilities)
        lacks(report, "capabilities cannot be dropped");
    report->landlock = landlock_confine(places, count, &lack);
    if (report->landlock == 0)
        lacks(report, lack);
    /* Last: the filter forbids what the steps before need. */
    report->seccomp = seccomp_load_filter(&lack);
    if (!report->seccomp)
        lacks(report, lack);
    return OK;
}
