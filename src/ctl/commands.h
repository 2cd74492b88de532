/*
 * commands.h - what earshotctl can ask: one row is one command, and the only place that knows it.
 *
 * The row says what the command takes, how its rows are shown to people, and its line of --help. The request itself is the
 * command's name and what it takes; what the server thinks of it is the server's table (src/control/command.c).
 */
#ifndef CTL_COMMANDS_H
#define CTL_COMMANDS_H

#include <stdbool.h>

enum takes { TAKES_NOTHING, TAKES_USER, TAKES_USER_OR_NOT, TAKES_FILE };

struct ctl_column {
    const char *title, *field;
};

struct ctl_command {
    const char *name;
    enum takes takes;
    bool password;                    /* asked for, or read from standard input */
    const struct ctl_column *columns; /* a table of the rows; NULL: each field on a line of its own */
    const char *help;
};

extern const struct ctl_command ctl_commands[];
extern const unsigned ctl_command_count;

const struct ctl_command *ctl_command_find(const char *name); /* or NULL */

#endif
