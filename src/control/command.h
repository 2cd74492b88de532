/*
 * command.h - what an administrator may ask: one row of the table (command.c), one handler each.
 *
 * The row's needs have been met before the handler runs: a user's name is in its one spelling, a password is one that a new
 * account may have. A handler appends rows to call->out and ends with call_done() or call_refuse(), at once or later.
 */
#ifndef CONTROL_COMMAND_H
#define CONTROL_COMMAND_H

#include "call.h"

struct command {
    const char *name;
    enum { USER_NONE, USER_MAY, USER_MUST } user;
    bool password;
    void (*run)(struct call *call);
    void (*change)(struct shard *shard, struct administration *administration); /* for account_change */
};

/* Takes a request apart and runs it. */
void command_run(struct call *call, struct slice line);

void cmd_help(struct call *call);
void cmd_status(struct call *call);
void cmd_sessions(struct call *call);
void cmd_change(struct call *call); /* runs the row's `change` */
void cmd_backup(struct call *call);

/* cmd_sessions.c: what it collects from the lanes. Takes a pointer to NULL. */
void gather_free(struct gather **gather);

#endif
