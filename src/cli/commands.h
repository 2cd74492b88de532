/*
 * commands.h - the commands a user types: one table, used by every face, by help and by completion.
 *
 * Adding a command is one row in commands.c with its name, its arguments, what its answer looks like, a line of help, and the
 * call that makes the request. A line is a command, its arguments, and for some a text: the rest of the line after one blank,
 * verbatim.
 *
 *     struct cli_call call;
 *     struct buf why;
 *     if (cli_call_parse(line, terminal, &call, &why) == EARSHOT_OK) request = call.command->run(library, client, &call);
 */
#ifndef CLI_COMMANDS_H
#define CLI_COMMANDS_H

#include "base/buf.h"
#include "library.h"

enum cli_arguments {
    ARGUMENTS_NONE,
    ARGUMENTS_USER,
    ARGUMENTS_MAYBE_USER,
    ARGUMENTS_USER_TEXT,
    ARGUMENTS_TEXT,
    ARGUMENTS_SECONDS,
};

/* What the answer to it carries. */
enum cli_answer {
    ANSWER_DONE,
    ANSWER_PRIVATE,   /* the other end has shown it */
    ANSWER_CHANNEL,   /* done for now; what becomes of the private channel comes later */
    ANSWER_MESSAGE,   /* id, time */
    ANSWER_BROADCAST, /* delivered, withheld */
    ANSWER_USERS,
    ANSWER_HELP, /* this program itself answers */
};

struct cli_call;

struct cli_command {
    const char *name;
    const char *alias; /* at a terminal only; or NULL */
    enum cli_arguments arguments;
    enum cli_answer answer;
    const char *help;
    /* A request number or a negative enum earshot_error; NULL if this program itself answers. */
    int64_t (*run)(const struct cli_library *library, struct earshot_client *client, const struct cli_call *call);
    bool local; /* done without the server */
};

enum { CLI_USER_MAX = 255 };

/* A line understood. */
struct cli_call {
    const struct cli_command *command;
    char user[CLI_USER_MAX + 1]; /* "" if not given */
    struct slice text;           /* inside the line */
    uint64_t seconds;
};

extern const struct cli_command cli_commands[];
extern const size_t cli_command_count;

/* "USER TEXT" and so on; "" for none. */
const char *cli_arguments_text(enum cli_arguments arguments);
bool cli_arguments_begin_with_user(enum cli_arguments arguments);

/* By its name, or at a terminal also by its alias; NULL if there is none. */
const struct cli_command *cli_command_find(struct slice name, bool terminal);

/* The command whose row this is, for what the program does by itself. */
const struct cli_command *cli_command_named(const char *name);

/* True if there is nothing but blanks: such a line is not a command and has no answer. */
bool cli_line_blank(struct slice line);

/*
 * EARSHOT_OK and the call, which points into the line; or EARSHOT_BAD_TEXT (not UTF-8, or NUL), _UNKNOWN_COMMAND, _USAGE,
 * _BAD_NAME with a sentence appended to `why`. call->command is set whenever the command is known, else NULL.
 */
enum earshot_error cli_call_parse(struct slice line, bool terminal, struct cli_call *call, struct buf *why);

#endif
