/* micro_directory.c - looking up one of 100,000 accounts, in an order that no cache foresees. */
#include "directory.h"
#include "micro.h"

#include <stdio.h>

enum { ACCOUNTS = 100000, STEP = 7919 };

static struct directory *directory;
static char names[ACCOUNTS][16];

static void set_up(void)
{
    struct user *user;
    demand(directory_new(&system_random, &directory) == OK, "make a directory");
    for (unsigned i = 0; i < ACCOUNTS; i++) {
        snprintf(names[i], sizeof names[i], "load%u", i);
        demand(directory_add(directory, i + 1, slice_str(names[i]), &user) == OK, "add an account");
    }
}

static void find_names(unsigned count)
{
    for (unsigned i = 0, which = 0; i < count; i++, which = (which + STEP) % ACCOUNTS)
        demand(directory_find(directory, slice_str(names[which])) != NULL, "find an account");
}

static void find_ids(unsigned count)
{
    for (unsigned i = 0, which = 0; i < count; i++, which = (which + STEP) % ACCOUNTS)
        demand(directory_by_id(directory, which + 1) != NULL, "find an account");
}

const struct micro micro_directory[] = {
    {"directory-by-name", set_up, find_names},
    {"directory-by-id", NULL, find_ids},
    {0},
};
