/*
 * landlock.c - which files the process can reach at all, and no TCP that is not open already; see landlock(7).
 *
 * Kernels know more or less of it: each right below says since which ABI. What the running kernel does not know is left out, the
 * rest is in force. The numbers are the kernel's, written out because the headers of Debian 12 lack the newer ones.
 */
#include "inside.h"
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef SYS_landlock_create_ruleset
#define SYS_landlock_create_ruleset 444
#define SYS_landlock_add_rule       445
#define SYS_landlock_restrict_self  446
#endif

#define BIT(n) (UINT64_C(1) << (n))

enum { RULESET_VERSION = 1, RULE_PATH_BENEATH = 1 };

/* Files. */
#define EXECUTE     BIT(0)
#define WRITE_FILE  BIT(1)
#define READ_FILE   BIT(2)
#define READ_DIR    BIT(3)
#define REMOVE_DIR  BIT(4)
#define REMOVE_FILE BIT(5)
#define MAKE_CHAR   BIT(6)
#define MAKE_DIR    BIT(7)
#define MAKE_REG    BIT(8)
#define MAKE_SOCK   BIT(9)
#define MAKE_FIFO   BIT(10)
#define MAKE_BLOCK  BIT(11)
#define MAKE_SYM    BIT(12)
#define REFER       BIT(13) /* moving a file from one directory to another */
#define TRUNCATE    BIT(14)
#define IOCTL_DEV   BIT(15)

#define SINCE_1                                                                                                                  \
    (EXECUTE | WRITE_FILE | READ_FILE | READ_DIR | REMOVE_DIR | REMOVE_FILE | MAKE_CHAR | MAKE_DIR | MAKE_REG | MAKE_SOCK |      \
     MAKE_FIFO | MAKE_BLOCK | MAKE_SYM)

/* TCP, and what crosses the border of the sandbox otherwise. */
#define BIND_TCP    BIT(0)
#define CONNECT_TCP BIT(1)
#define SIGNALS     BIT(1) /* to processes outside. The abstract sockets (bit 0) stay: systemd's may be one. */

/* What is forbidden unless a rule allows it, by the first ABI that knows it. */
static const struct {
    int abi;
    uint64_t files, tcp, scopes;
} forbidden[] = {
    {1, SINCE_1, 0, 0},   {2, REFER, 0, 0},   {3, TRUNCATE, 0, 0}, {4, 0, BIND_TCP | CONNECT_TCP, 0},
    {5, IOCTL_DEV, 0, 0}, {6, 0, 0, SIGNALS},
};

static const uint64_t allowed[] = {
    [SANDBOX_READ] = READ_FILE,
    [SANDBOX_WRITE] = READ_FILE | READ_DIR | WRITE_FILE | TRUNCATE | MAKE_REG | MAKE_SOCK | REMOVE_FILE,
};

#define FOR_FILES (EXECUTE | WRITE_FILE | READ_FILE | TRUNCATE | IOCTL_DEV) /* the others are of directories */

struct ruleset {
    uint64_t files, tcp, scopes;
};

struct path_rule {
    uint64_t allowed;
    int32_t folder;
} __attribute__((packed));

static struct ruleset everything_known_to(int abi)
{
    struct ruleset rules = {0, 0, 0};
    for (size_t i = 0; i < sizeof forbidden / sizeof forbidden[0] && forbidden[i].abi <= abi; i++) {
        rules.files |= forbidden[i].files;
        rules.tcp |= forbidden[i].tcp;
        rules.scopes |= forbidden[i].scopes;
    }
    return rules;
}

static bool allow(int ruleset, const struct ruleset *rules, const struct sandbox_place *place)
{
    struct stat info;
    struct path_rule rule = {allowed[place->access] & rules->files, open(place->path, O_PATH | O_CLOEXEC)};
    if (rule.folder < 0)
        return true;
    if (fstat(rule.folder, &info) == 0 && !S_ISDIR(info.st_mode))
        rule.allowed &= FOR_FILES;
    bool done = syscall(SYS_landlock_add_rule, ruleset, RULE_PATH_BENEATH, &rule, 0) == 0;
    close(rule.folder);
    return done;
}

int landlock_confine(const struct sandbox_place *places, size_t count, const char **lack)
{
    if (!SANDBOX_STRICT) {
        *lack = "a build with instruments";
        return 0;
    }
    long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, RULESET_VERSION);
    if (abi < 1) {
        *lack = errno == EOPNOTSUPP ? "landlock is switched off in this kernel" : "the kernel has no landlock";
        return 0;
    }
    const struct ruleset rules = everything_known_to((int)abi);
    int ruleset = (int)syscall(SYS_landlock_create_ruleset, &rules, sizeof rules, 0);
    bool done = ruleset >= 0;
    for (size_t i = 0; done && i < count; i++)
        done = allow(ruleset, &rules, &places[i]);
    done = done && syscall(SYS_landlock_restrict_self, ruleset, 0) == 0;
    if (ruleset >= 0)
        close(ruleset);
    if (!done)
        *lack = "landlock refused its rules";
    return done ? (int)abi : 0;
}
