/* commands.c - see commands.h. */
#include "commands.h"
#include <stddef.h>
#include <string.h>

static const struct ctl_column sessions[] = {
    {"USER", "user"}, {"DEVICE", "device"}, {"ADDRESS", "address"}, {"SINCE", "since"}, {"IDLE", "idle"}, {NULL, NULL},
};
static const struct ctl_column nothing[] = {{NULL, NULL}};

const struct ctl_command ctl_commands[] = {
    {"status", TAKES_NOTHING, false, NULL, "version, uptime and counters"},
    {"sessions", TAKES_USER_OR_NOT, false, sessions, "who is connected, from where, since when, seconds without a command"},
    {"add", TAKES_USER, true, nothing, "a new account; its password from standard input"},
    {"password", TAKES_USER, true, nothing, "another password; ends all its sessions and tokens"},
    {"disable", TAKES_USER, false, NULL, "end all its sessions and tokens, and let it log in no more"},
    {"enable", TAKES_USER, false, nothing, "let it log in again, with its password"},
    {"unblock", TAKES_USER, false, nothing, "end the block after wrong passwords"},
    {"kick", TAKES_USER, false, NULL, "end all its sessions"},
    {"backup", TAKES_FILE, false, NULL, "a consistent copy of the database into a new FILE"},
    {"help", TAKES_NOTHING, false, nothing, "this text"},
};
const unsigned ctl_command_count = sizeof ctl_commands / sizeof ctl_commands[0];

const struct ctl_command *ctl_command_find(const char *name)
{
    for (unsigned i = 0; i < ctl_command_count; i++)
        if (strcmp(ctl_commands[i].name, name) == 0)
            return &ctl_commands[i];
    return NULL;
}
