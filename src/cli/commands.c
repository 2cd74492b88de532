#include "commands.h"
#include "base/utf8.h"
#include "text.h"

static int64_t run_message(const struct cli_library *library, struct earshot_client *client, const struct cli_call *call)
{
    return library->message(client, call->user, (const char *)call->text.data, call->text.len);
}

static int64_t run_broadcast(const struct cli_library *library, struct earshot_client *client, const struct cli_call *call)
{
    return library->broadcast(client, (const char *)call->text.data, call->text.len);
}

static int64_t run_whoelse(const struct cli_library *library, struct earshot_client *client, const struct cli_call *call)
{
    return library->whoelse(client);
}

static int64_t run_whoelsesince(const struct cli_library *library, struct earshot_client *client, const struct cli_call *call)
{
    return library->whoelsesince(client, call->seconds);
}

static int64_t run_block(const struct cli_library *library, struct earshot_client *client, const struct cli_call *call)
{
    return library->block(client, call->user);
}

static int64_t run_unblock(const struct cli_library *library, struct earshot_client *client, const struct cli_call *call)
{
    return library->unblock(client, call->user);
}

static int64_t run_startprivate(const struct cli_library *library, struct earshot_client *client, const struct cli_call *call)
{
    return library->startprivate(client, call->user);
}

static int64_t run_private(const struct cli_library *library, struct earshot_client *client, const struct cli_call *call)
{
    return library->private_text(client, call->user, (const char *)call->text.data, call->text.len);
}

static int64_t run_stopprivate(const struct cli_library *library, struct earshot_client *client, const struct cli_call *call)
{
    return library->stopprivate(client, call->user);
}

static int64_t run_yes(const struct cli_library *library, struct earshot_client *client, const struct cli_call *call)
{
    return library->answer_private(client, call->user[0] ? call->user : NULL, true);
}

static int64_t run_no(const struct cli_library *library, struct earshot_client *client, const struct cli_call *call)
{
    return library->answer_private(client, call->user[0] ? call->user : NULL, false);
}

static int64_t run_trust(const struct cli_library *library, struct earshot_client *client, const struct cli_call *call)
{
    return library->trust_contact(client, call->user);
}

static int64_t run_verify(const struct cli_library *library, struct earshot_client *client, const struct cli_call *call)
{
    return library->verify(client, call->user);
}

static int64_t run_logout(const struct cli_library *library, struct earshot_client *client, const struct cli_call *call)
{
    return library->logout(client);
}

const struct cli_command cli_commands[] = {
    {"message", NULL, ARGUMENTS_USER_TEXT, ANSWER_MESSAGE, "send a text; it waits if USER is offline", run_message},
    {"broadcast", NULL, ARGUMENTS_TEXT, ANSWER_BROADCAST, "send a text to everyone who is online", run_broadcast},
    {"whoelse", NULL, ARGUMENTS_NONE, ANSWER_USERS, "who else is online", run_whoelse},
    {"whoelsesince", NULL, ARGUMENTS_SECONDS, ANSWER_USERS, "who else was online in the last SECONDS", run_whoelsesince},
    {"block", NULL, ARGUMENTS_USER, ANSWER_DONE, "hear nothing from USER, and be hidden from USER", run_block},
    {"unblock", NULL, ARGUMENTS_USER, ANSWER_DONE, "undo that", run_unblock},
    {"startprivate", NULL, ARGUMENTS_USER, ANSWER_CHANNEL, "ask USER for a private channel", run_startprivate},
    {"private", NULL, ARGUMENTS_USER_TEXT, ANSWER_PRIVATE, "send a text over the private channel", run_private, true},
    {"stopprivate", NULL, ARGUMENTS_USER, ANSWER_DONE, "close the private channel", run_stopprivate, true},
    {"yes", "y", ARGUMENTS_MAYBE_USER, ANSWER_CHANNEL, "accept a private channel", run_yes},
    {"no", "n", ARGUMENTS_MAYBE_USER, ANSWER_DONE, "decline a private channel", run_no},
    {"verify", NULL, ARGUMENTS_USER, ANSWER_DONE, "note that you and USER have compared the safety code", run_verify, true},
    {"trust", NULL, ARGUMENTS_USER, ANSWER_DONE, "go on with a key of USER's that has changed", run_trust, true},
    {"help", NULL, ARGUMENTS_NONE, ANSWER_HELP, "this list", NULL},
    {"logout", NULL, ARGUMENTS_NONE, ANSWER_DONE, "log out and end", run_logout, true},
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

static const struct {
    const char *text;
    bool user_first;
    enum earshot_error (*parse)(struct slice *rest, struct cli_call *call);
} argument_kinds[] = {
    [ARGUMENTS_NONE] = {"", false, parse_nothing},
    [ARGUMENTS_USER] = {"USER", true, parse_user},
    [ARGUMENTS_MAYBE_USER] = {"[USER]", true, parse_maybe_user},
    [ARGUMENTS_USER_TEXT] = {"USER TEXT", true, parse_user_text},
    [ARGUMENTS_TEXT] = {"TEXT", false, parse_text},
    [ARGUMENTS_SECONDS] = {"SECONDS", false, parse_seconds},
};

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
