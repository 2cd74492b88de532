/*
 * sandbox.h - giving up, for good, every right that serving does not need.
 *
 * Called once, while the process has a single thread: what is given up then is given up for all threads that follow. The order is
 * user_become() (only when root started it), then sandbox_enter(). There is no way back.
 *
 *     struct sandbox_place places[] = {{"var", SANDBOX_WRITE}, {"/etc/earshot", SANDBOX_READ}};
 *     struct sandbox_report report = {0};
 *     err = sandbox_enter(places, 2, &report, why);
 *
 * What the kernel does not offer is in the report, not an error: whoever calls decides, and says so (sandbox_complete()).
 *
 * Builds with a sanitizer or for coverage (EARSHOT_INSTRUMENTED) have runtimes that trace, dump and write where the program
 * itself never would. There the filter lets unlisted calls pass, files are not confined, and the process can be traced.
 */
#ifndef SANDBOX_SANDBOX_H
#define SANDBOX_SANDBOX_H

#include "base/buf.h"
#include "base/err.h"
#include <stdbool.h>
#include <sys/types.h>

#ifdef EARSHOT_INSTRUMENTED
enum { SANDBOX_STRICT = 0 };
#else
enum { SANDBOX_STRICT = 1 };
#endif

/* ---- the user ---- */

struct user {
    const char *name;
    uid_t uid;
    gid_t gid;
};

/* ERR_NOT_FOUND, ERR_SYSTEM (the user database cannot be read), ERR_INVALID (it is root) with a sentence in `why`. */
enum err user_find(const char *name, struct user *out, struct buf *why);

/* Becomes that user, with its groups and no others. OK also if the process is that user already. ERR_SYSTEM with a sentence. */
enum err user_become(const struct user *user, struct buf *why);

/* ---- the rest ---- */

enum sandbox_access {
    SANDBOX_READ, /* a file, or the files below a directory */
    SANDBOX_WRITE /* a directory: files below it are made, written and removed, and sockets made */
};

/* One that is not there is skipped: opening it fails either way. */
struct sandbox_place {
    const char *path;
    enum sandbox_access access;
};

struct sandbox_report {
    bool no_new_privs; /* neither an exec nor anything else gains rights */
    bool capabilities; /* none is left, and none can come back */
    bool undumpable;   /* no core dump, no tracing by another process of the same user */
    bool seccomp;
    int landlock;     /* the kernel's ABI in use; 0: none */
    const char *lack; /* the first thing missing and why, static; NULL: nothing is */
};

/* ERR_SYSTEM with a sentence in `why`: something that every kernel can do has failed. */
enum err sandbox_enter(const struct sandbox_place *places, size_t count, struct sandbox_report *report, struct buf *why);

/* Is everything in force that this version knows of? */
static inline bool sandbox_complete(const struct sandbox_report *report)
{
    return report->no_new_privs && report->capabilities && report->undumpable && report->seccomp && report->landlock > 0;
}

#endif
