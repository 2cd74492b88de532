#include "commands.h"
#include "base/utf8.h"
#include "text.h"

static int64_t accept_private(struct earshot_client *client, const char *user)
{
    return earshot_answer_private(client, user, true);
}

static int64_t decline_private(struct earshot_client *client, const char *user)
{
    return earshot_answer_private(client, user, false);
}

/* The arguments together with the call that takes them, so that the two cannot differ. */
#define NOTHING(call)    ARGUMENTS_NONE, .request.none = call
#define USER(call)       ARGUMENTS_USER, .request.user = call
#define MAYBE_USER(call) ARGUMENTS_MAYBE_USER, .request.user = call
#define USER_TEXT(call)  ARGUMENTS_USER_TEXT, .request.user_text = call
#define TEXT(call)       ARGUMENTS_TEXT, .request.text = call
#define SECONDS(call)    ARGUMENTS_SECONDS, .request.seconds = call
#define PASSWORDS(call)  ARGUMENTS_PASSWORDS, .request.passwords = call

const struct cli_command cli_commands[] = {
    {"message", NULL, USER_TEXT(earshot_message), ANSWER_MESSAGE, "send a text; it waits if USER is offline"},
    {"broadcast", NULL, TEXT(earshot_broadcast), ANSWER_BROADCAST, "send a text to everyone who is online"},
    {"whoelse", NULL, NOTHING(earshot_whoelse), ANSWER_USERS, "who else is online"},
    {"whoelsesince", NULL, SECONDS(earshot_whoelsesince), ANSWER_USERS, "who else was online in the last SECONDS"},
    {"block", NULL, USER(earshot_block), ANSWER_DONE, "hear nothing from USER, and be hidden from USER"},
    {"unblock", NULL, USER(earshot_unblock), ANSWER_DONE, "undo that"},
    {"password", NULL, PASSWORDS(earshot_change_password), ANSWER_DONE, "change your password: asked for, or in FILE"},
    {"startprivate", NULL, USER(earshot_startprivate), ANSWER_CHANNEL, "ask USER for a private channel"},
    {"private", NULL, USER_TEXT(earshot_private), ANSWER_PRIVATE, "send a text over the private channel", true},
    {"stopprivate", NULL, USER(earshot_stopprivate), ANSWER_DONE, "close the private channel", true},
    {"yes", "y", MAYBE_USER(accept_private), ANSWER_CHANNEL, "accept a private channel"},
    {"no", "n", MAYBE_USER(decline_private), ANSWER_DONE, "decline a private channel"},
    {"verify", NULL, USER(earshot_verify), ANSWER_DONE, "note that you and USER have compared the safety code", true},
    {"trust", NULL, USER(earshot_trust_contact), ANSWER_KEY, "go on with a key of USER's that has changed", true},
    {"help", NULL, NOTHING(NULL), ANSWER_HELP, "this list", true},
    {"logout", NULL, NOTHING(earshot_logout), ANSWER_DONE, "log out and end", true},
};
const size_t cli_command_count = sizeof cli_commands / sizeof cli_commands[0];

/* ---- the arguments ---- */

static bool is_blank(uint8_t byte)
{
    return byte == ' ' || byte == '\t';
}

static void skip_blanks(struct slice *rest)
{
    while (rest->len > 0 && is_blank(rest->data[0]))
        *rest = slice_of(rest->data + 1, rest->len - 1);
}

/* The word that comes next, and the one blank after it. */
static struct slice take_word(struct slice *rest)
{
    size_t len = 0;
    skip_blanks(rest);
    while (len < rest->len && !is_blank(rest->data[len]))
        len++;
    struct slice word = slice_of(rest->data, len);
    size_t taken = len < rest->len ? len + 1 : len;
    *rest = slice_of(rest->data + taken, rest->len - taken);
    return word;
}

static enum earshot_error parse_nothing(struct slice *rest, struct cli_call *call)
{
    return EARSHOT_OK;
}

static enum earshot_error parse_user(struct slice *rest, struct cli_call *call)
{
    struct slice word = take_word(rest);
    if (word.len == 0)
        return EARSHOT_USAGE;
    if (word.len > CLI_USER_MAX)
        return EARSHOT_BAD_NAME;
    memcpy(call->user, word.data, word.len);
    call->user[word.len] = '\0';
    return EARSHOT_OK;
}

static enum earshot_error parse_maybe_user(struct slice *rest, struct cli_call *call)
{
    return cli_line_blank(*rest) ? EARSHOT_OK : parse_user(rest, call);
}

static enum earshot_error parse_text(struct slice *rest, struct cli_call *call)
{
    if (rest->len == 0)
        return EARSHOT_USAGE;
    call->text = *rest;
    *rest = slice_of(rest->data + rest->len, 0);
    return EARSHOT_OK;
}

static enum earshot_error parse_user_text(struct slice *rest, struct cli_call *call)
{
    enum earshot_error error = parse_user(rest, call);
    return error == EARSHOT_OK ? parse_text(rest, call) : error;
}

static enum earshot_error parse_seconds(struct slice *rest, struct cli_call *call)
{
    struct slice word = take_word(rest);
    uint64_t seconds = 0;
    if (word.len == 0)
        return EARSHOT_USAGE;
    for (size_t i = 0; i < word.len; i++) {
        uint8_t digit = (uint8_t)(word.data[i] - '0');
        if (digit > 9 || __builtin_mul_overflow(seconds, 10, &seconds) || __builtin_add_overflow(seconds, digit, &seconds))
            return EARSHOT_USAGE;
    }
    call->seconds = seconds;
    return EARSHOT_OK;
}

/* A name of a file: the rest of the line without the blanks around it. */
static enum earshot_error parse_maybe_file(struct slice *rest, struct cli_call *call)
{
    skip_blanks(rest);
    while (rest->len > 0 && is_blank(rest->data[rest->len - 1]))
        rest->len--;
    return rest->len > 0 ? parse_text(rest, call) : EARSHOT_OK;
}

/* ---- the requests ---- */

static int64_t run_none(const union cli_request *request, struct earshot_client *client, const struct cli_call *call)
{
    return request->none(client);
}

static int64_t run_user(const union cli_request *request, struct earshot_client *client, const struct cli_call *call)
{
    return request->user(client, call->user[0] ? call->user : NULL);
}

static int64_t run_user_text(const union cli_request *request, struct earshot_client *client, const struct cli_call *call)
{
    return request->user_text(client, call->user, (const char *)call->text.data, call->text.len);
}

static int64_t run_text(const union cli_request *request, struct earshot_client *client, const struct cli_call *call)
{
    return request->text(client, (const char *)call->text.data, call->text.len);
}

static int64_t run_seconds(const union cli_request *request, struct earshot_client *client, const struct cli_call *call)
{
    return request->seconds(client, call->seconds);
}

static int64_t run_passwords(const union cli_request *request, struct earshot_client *client, const struct cli_call *call)
{
    return request->passwords(client, call->current, call->another);
}

/* ---- both, by the kind of arguments ---- */

static const struct {
    const char *text;
    bool user_first;
    enum earshot_error (*parse)(struct slice *rest, struct cli_call *call);
    int64_t (*run)(const union cli_request *request, struct earshot_client *client, const struct cli_call *call);
} argument_kinds[] = {
    [ARGUMENTS_NONE] = {"", false, parse_nothing, run_none},
    [ARGUMENTS_USER] = {"USER", true, parse_user, run_user},
    [ARGUMENTS_MAYBE_USER] = {"[USER]", true, parse_maybe_user, run_user},
    [ARGUMENTS_USER_TEXT] = {"USER TEXT", true, parse_user_text, run_user_text},
    [ARGUMENTS_TEXT] = {"TEXT", false, parse_text, run_text},
    [ARGUMENTS_SECONDS] = {"SECONDS", false, parse_seconds, run_seconds},
    [ARGUMENTS_PASSWORDS] = {"[FILE]", false, parse_maybe_file, run_passwords},
};

int64_t cli_call_run(const struct cli_call *call, struct earshot_client *client)
{
    return argument_kinds[call->command->arguments].run(&call->command->request, client, call);
}

const char *cli_arguments_text(enum cli_arguments arguments)
{
    return argument_kinds[arguments].text;
}

bool cli_arguments_begin_with_user(enum cli_arguments arguments)
{
    return argument_kinds[arguments].user_first;
}

/* ---- the line ---- */

const struct cli_command *cli_command_find(struct slice name, bool terminal)
{
    for (size_t i = 0; i < cli_command_count; i++) {
        const struct cli_command *command = &cli_commands[i];
        if (slice_equal(name, slice_str(command->name)) ||
            (terminal && command->alias && slice_equal(name, slice_str(command->alias))))
            return command;
    }
    return NULL;
}

const struct cli_command *cli_command_named(const char *name)
{
    return cli_command_find(slice_str(name), false);
}

bool cli_line_blank(struct slice line)
{
    skip_blanks(&line);
    return line.len == 0;
}

/* At most 40 bytes of it, whole characters, for quoting in a sentence. */
static struct slice shortened(struct slice word)
{
    size_t pos = 0, end = 0;
    while (pos < word.len && pos <= 40) {
        end = pos;
        utf8_next(word, &pos);
    }
    return slice_of(word.data, pos <= 40 ? pos : end);
}

static void explain_usage(const struct cli_command *command, struct buf *why)
{
    const char *arguments = cli_arguments_text(command->arguments);
    text_format(why, "Usage: %s%s%s", command->name, *arguments ? " " : "", arguments);
}

static void explain_unknown(struct slice name, bool terminal, struct buf *why)
{
    text_add(why, "There is no command \"");
    text_bytes(why, shortened(name));
    text_format(why, "\"; %shelp lists them.", terminal ? "/" : "");
}

static bool is_text(struct slice line)
{
    return line.len == 0 || (utf8_valid(line) && memchr(line.data, '\0', line.len) == NULL);
}

enum earshot_error cli_call_parse(struct slice line, bool terminal, struct cli_call *call, struct buf *why)
{
    struct slice rest = line;
    *call = (struct cli_call){.text = slice_of(line.data, 0)};
    if (!is_text(line)) {
        text_add(why, "The line is not UTF-8 text.");
        return EARSHOT_BAD_TEXT;
    }
    skip_blanks(&rest);
    if (terminal && rest.len > 0 && rest.data[0] == '/')
        rest = slice_of(rest.data + 1, rest.len - 1);
    struct slice name = take_word(&rest);
    call->command = cli_command_find(name, terminal);
    if (call->command == NULL) {
        explain_unknown(name, terminal, why);
        return EARSHOT_UNKNOWN_COMMAND;
    }
    enum earshot_error error = argument_kinds[call->command->arguments].parse(&rest, call);
    if (error == EARSHOT_OK && !cli_line_blank(rest))
        error = EARSHOT_USAGE;
    if (error == EARSHOT_USAGE)
        explain_usage(call->command, why);
    else if (error == EARSHOT_BAD_NAME)
        text_add(why, "That is not a user name.");
    return error;
}
