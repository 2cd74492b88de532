/*
 * commands.h - the commands a user types: one table, used by every face, by help and by completion.
 *
 * Adding a command is one row in commands.c with its name, its arguments and the library's call that takes them, what its
 * answer looks like, and a line of help. A line is a command, its arguments, and for some a text: the rest of the line after one
 * blank, verbatim.
 *
 *     struct cli_call call;
 *     struct buf why;
 *     if (cli_call_parse(line, terminal, &call, &why) == EARSHOT_OK) request = cli_call_run(&call, client);
 */
#ifndef CLI_COMMANDS_H
#define CLI_COMMANDS_H

#include "base/buf.h"
#include "earshot/client.h"

enum cli_arguments {
    ARGUMENTS_NONE,
    ARGUMENTS_USER,
    ARGUMENTS_MAYBE_USER,
    ARGUMENTS_USER_TEXT,
    ARGUMENTS_TEXT,
    ARGUMENTS_SECONDS,
    ARGUMENTS_PASSWORDS, /* never in the line itself: asked for, or in a file that it names */
};

/* What the answer to it carries. */
enum cli_answer {
    ANSWER_DONE,
    ANSWER_PRIVATE,   /* the other end has shown it */
    ANSWER_CHANNEL,   /* done for now; what becomes of the private channel comes later */
    ANSWER_MESSAGE,   /* id, time */
    ANSWER_BROADCAST, /* delivered, withheld */
    ANSWER_USERS,
    ANSWER_KEY,  /* its fingerprint */
    ANSWER_HELP, /* this program itself answers */
};

/* The call of the library (earshot/client.h) that makes the request: a request number or a negative enum earshot_error. */
union cli_request {
    int64_t (*none)(struct earshot_client *client);
    int64_t (*user)(struct earshot_client *client, const char *user); /* NULL if it may be and was left out */
    int64_t (*user_text)(struct earshot_client *client, const char *user, const char *text, size_t len);
    int64_t (*text)(struct earshot_client *client, const char *text, size_t len);
    int64_t (*seconds)(struct earshot_client *client, uint64_t seconds);
    int64_t (*passwords)(struct earshot_client *client, const char *current, const char *another);
};

struct cli_command {
    const char *name;
    const char *alias; /* at a terminal only; or NULL */
    enum cli_arguments arguments;
    union cli_request request; /* the member that fits the arguments; none for ANSWER_HELP */
    enum cli_answer answer;
    const char *help;
    bool local; /* done without the server */
};

enum { CLI_USER_MAX = 255 };

/* A line understood. */
struct cli_call {
    const struct cli_command *command;
    char user[CLI_USER_MAX + 1]; /* "" if not given */
    struct slice text;           /* inside the line; ARGUMENTS_PASSWORDS: the file, empty if not given */
    uint64_t seconds;
    const char *current, *another; /* ARGUMENTS_PASSWORDS: to be set before the call is run */
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

/* Makes the request of a call that was parsed, unless its answer is ANSWER_HELP. A request number or a negative enum
 * earshot_error. */
int64_t cli_call_run(const struct cli_call *call, struct earshot_client *client);

#endif
