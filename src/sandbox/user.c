/* user.c - from root to a user of its own, and no way back. */
#include "inside.h"
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <string.h>
#include <unistd.h>

enum err user_find(const char *name, struct user *out, struct buf *why)
{
    errno = 0;
    const struct passwd *entry = getpwnam(name);
    if (entry == NULL) {
        (void)buf_printf(why, "there is no user %s%s%s", name, errno != 0 ? ": " : "", errno != 0 ? strerror(errno) : "");
        return errno != 0 ? ERR_SYSTEM : ERR_NOT_FOUND;
    }
    if (entry->pw_uid == 0) {
        (void)buf_printf(why, "%s is root, which is whom it is to get away from", name);
        return ERR_INVALID;
    }
    *out = (struct user){name, entry->pw_uid, entry->pw_gid};
    return OK;
}

static bool is_already(const struct user *user)
{
    uid_t real, effective, saved;
    return getresuid(&real, &effective, &saved) == 0 && real == user->uid && effective == user->uid && saved == user->uid;
}

/* Believes nothing: asks who it is now, and tries to be root again. */
static bool is_for_good(const struct user *user)
{
    gid_t real, effective, saved;
    return is_already(user) && getresgid(&real, &effective, &saved) == 0 && real == user->gid && effective == user->gid &&
           saved == user->gid && setuid(0) != 0 && seteuid(0) != 0 && setgid(0) != 0;
}

enum err user_become(const struct user *user, struct buf *why)
{
    if (is_already(user))
        return OK;
    if (geteuid() != 0) {
        (void)buf_printf(why, "only root can become %s", user->name);
        return ERR_SYSTEM;
    }
    capabilities_drop_bounding();
    if (initgroups(user->name, user->gid) != 0 || setresgid(user->gid, user->gid, user->gid) != 0 ||
        setresuid(user->uid, user->uid, user->uid) != 0) {
        (void)buf_printf(why, "cannot become %s: %s", user->name, strerror(errno));
        return ERR_SYSTEM;
    }
    if (!is_for_good(user)) {
        (void)buf_printf(why, "cannot become %s for good", user->name);
        return ERR_SYSTEM;
    }
    return OK;
}
