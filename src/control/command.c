/* command.c - the table of commands; see command.h. */
#include "command.h"

static const struct command commands[] = {
    {"help", USER_NONE, false, cmd_help, NULL},
    {"status", USER_NONE, false, cmd_status, NULL},
    {"sessions", USER_MAY, false, cmd_sessions, NULL},
    {"add", USER_MUST, true, cmd_change, administration_add},
    {"password", USER_MUST, true, cmd_change, administration_password},
    {"disable", USER_MUST, false, cmd_change, administration_disable},
    {"enable", USER_MUST, false, cmd_change, administration_enable},
    {"unblock", USER_MUST, false, cmd_change, administration_unblock},
    {"kick", USER_MUST, false, cmd_change, administration_kick},
    {"backup", USER_NONE, false, cmd_backup, NULL},
};

enum { COMMANDS = sizeof commands / sizeof commands[0] };

void cmd_help(struct call *call)
{
    for (size_t i = 0; i < COMMANDS; i++)
        (void)buf_printf(&call->out, "{\"command\":\"%s\",\"user\":%s,\"password\":%s}\n", commands[i].name,
                         commands[i].user != USER_NONE ? "true" : "false", commands[i].password ? "true" : "false");
    call_done(call);
}

/* The next word, and the one space after it. */
static struct slice take_word(struct slice *rest)
{
    const uint8_t *space = rest->data != NULL ? memchr(rest->data, ' ', rest->len) : NULL;
    size_t len = space != NULL ? (size_t)(space - rest->data) : rest->len;
    struct slice word = slice_of(rest->data, len);
    size_t used = len + (space != NULL);
    *rest = slice_of(rest->data != NULL ? rest->data + used : NULL, rest->len - used);
    return word;
}

static const struct command *find(struct slice name)
{
    for (size_t i = 0; i < COMMANDS; i++)
        if (slice_equal(name, slice_str(commands[i].name)))
            return &commands[i];
    return NULL;
}

static enum err take_arguments(struct call *call, struct slice rest)
{
    const struct command *command = call->command;
    enum err err = OK;
    if (command->user == USER_MUST || (command->user == USER_MAY && rest.len > 0))
        err = name_parse(take_word(&rest), &call->name);
    if (err != OK)
        return err;
    if (!command->password)
        return rest.len == 0 ? OK : ERR_USAGE;
    call->password = rest;
    return password_check_new(rest);
}

void command_run(struct call *call, struct slice line)
{
    struct slice rest = line;
    call->command = find(take_word(&rest));
    enum err err = call->command == NULL ? ERR_UNKNOWN_COMMAND : take_arguments(call, rest);
    if (err != OK)
        call_refuse(call, err);
    else
        call->command->run(call);
}
