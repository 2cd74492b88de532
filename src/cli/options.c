#include "options.h"
#include "faces.h"
#include "text.h"
#include <stdlib.h>

enum option_kind { OPTION_FLAG, OPTION_TEXT, OPTION_CHOICE };

struct option {
    const char *name, *argument, *help;
    enum option_kind kind;
    size_t offset;              /* of a bool, a const char * or an int in struct cli_options */
    const char *const *choices; /* in the order of their values; NULL-terminated */
};

static const char *const trust_choices[] = {
    [EARSHOT_TRUST_PINNED] = "pinned", [EARSHOT_TRUST_NEW] = "new", [EARSHOT_TRUST_ASK] = "ask", NULL};

#define FIELD(field) offsetof(struct cli_options, field)

static const struct option options_table[] = {
    {"password-file", "FILE", "the password is its first line; else\nEARSHOT_PASSWORD, else a prompt", OPTION_TEXT,
     FIELD(password_file), NULL},
    {"register", NULL, "create the account if the name is unknown", OPTION_FLAG, FIELD(register_unknown), NULL},
    {"ca", "FILE", "trust this certificate", OPTION_TEXT, FIELD(ca), NULL},
    {"trust", "new|pinned|ask",
     "new pins a first-seen certificate and refuses a\nchanged one; pinned refuses unknown ones; ask is the\n"
     "default at a terminal, pinned elsewhere",
     OPTION_CHOICE, FIELD(trust), trust_choices},
    {"state", "DIR", "known servers, keys, tokens; default\n$XDG_STATE_HOME/earshot or ~/.local/state/earshot", OPTION_TEXT,
     FIELD(state), NULL},
    {"hide-address", NULL, "private channels go through a relay only, so that\nthe other does not learn where you are",
     OPTION_FLAG, FIELD(hide_address), NULL},
    {"help", NULL, "show this and end", OPTION_FLAG, FIELD(help), NULL},
    {"version", NULL, "show the version and end", OPTION_FLAG, FIELD(version), NULL},
};
enum { OPTION_COUNT = sizeof options_table / sizeof options_table[0] };

/* ---- help ---- */

static void help_row(struct buf *out, const char *name, const char *argument, const char *help)
{
    int width = (int)strlen(name) + 2 + (argument ? (int)strlen(argument) + 1 : 0);
    text_format(out, "  --%s%s%s%*s", name, argument ? " " : "", argument ? argument : "", width < 24 ? 26 - width : 2, "");
    for (const char *end; (end = strchr(help, '\n')) != NULL; help = end + 1)
        text_format(out, "%.*s\n%28s", (int)(end - help), help, "");
    text_format(out, "%s\n", help);
}

void cli_options_help(struct buf *out)
{
    text_add(out, "Usage: earshot [OPTIONS] [USER@]HOST[:PORT]\n\nChat on an earshot server. The port is 4000 unless given.\n\n");
    for (size_t i = 0; i < face_type_count; i++)
        help_row(out, face_types[i]->name, NULL, face_types[i]->help);
    for (size_t i = 0; i < OPTION_COUNT; i++)
        help_row(out, options_table[i].name, options_table[i].argument, options_table[i].help);
    text_add(out, "\nThe command help lists what can be typed once it is online.\n\n"
                  "Exit codes: 0 logged out, 1 usage, 2 cannot connect, 3 certificate not trusted,\n"
                  "4 login refused, 5 logged out by the server.\n");
}

/* ---- parsing ---- */

static enum err set_flag(const struct option *option, const char *value, void *field, struct buf *why)
{
    *(bool *)field = true;
    return OK;
}

static enum err set_text(const struct option *option, const char *value, void *field, struct buf *why)
{
    if (*value == '\0') {
        text_format(why, "--%s: %s must not be empty", option->name, option->argument);
        return ERR_USAGE;
    }
    *(const char **)field = value;
    return OK;
}

static enum err set_choice(const struct option *option, const char *value, void *field, struct buf *why)
{
    for (int i = 0; option->choices[i] != NULL; i++) {
        if (strcmp(value, option->choices[i]) == 0) {
            *(int *)field = i;
            return OK;
        }
    }
    text_format(why, "--%s: must be one of %s", option->name, option->argument);
    return ERR_USAGE;
}

static enum err (*const set_by_kind[])(const struct option *, const char *, void *, struct buf *) = {
    [OPTION_FLAG] = set_flag,
    [OPTION_TEXT] = set_text,
    [OPTION_CHOICE] = set_choice,
};

static bool named(const char *name, const char *text, size_t len)
{
    return strlen(name) == len && memcmp(name, text, len) == 0;
}

static const struct option *option_find(const char *name, size_t len)
{
    for (size_t i = 0; i < OPTION_COUNT; i++)
        if (named(options_table[i].name, name, len))
            return &options_table[i];
    return NULL;
}

static const struct face_type *face_find(const char *name, size_t len)
{
    for (size_t i = 0; i < face_type_count; i++)
        if (named(face_types[i]->name, name, len))
            return face_types[i];
    return NULL;
}

static enum err choose_face(const struct face_type *face, struct cli_options *options, struct buf *why)
{
    if (options->face != NULL && options->face != face) {
        text_format(why, "--%s and --%s exclude each other", options->face->name, face->name);
        return ERR_USAGE;
    }
    options->face = face;
    return OK;
}

/* The option in argv[*at], and its argument if that is the next word. */
static enum err parse_option(char *const argv[], int *at, struct cli_options *options, struct buf *why)
{
    const char *name = argv[*at] + 2, *equals = strchr(name, '=');
    size_t len = equals ? (size_t)(equals - name) : strlen(name);
    const struct option *option = option_find(name, len);
    const struct face_type *face = face_find(name, len);
    const char *value = equals ? equals + 1 : NULL;
    if (option == NULL && face == NULL) {
        text_format(why, "--%.*s: no such option", (int)len, name);
        return ERR_USAGE;
    }
    bool flag = option == NULL || option->kind == OPTION_FLAG;
    if (flag && value != NULL) {
        text_format(why, "--%.*s: takes no argument", (int)len, name);
        return ERR_USAGE;
    }
    if (option == NULL)
        return choose_face(face, options, why);
    if (!flag && value == NULL && (value = argv[*at + 1]) == NULL) {
        text_format(why, "--%s: %s is missing", option->name, option->argument);
        return ERR_USAGE;
    }
    if (!flag && equals == NULL)
        (*at)++;
    return set_by_kind[option->kind](option, value, (char *)options + option->offset, why);
}

static enum err parse_word(char *const argv[], int *at, struct cli_options *options, struct buf *why)
{
    const char *word = argv[*at];
    if (word[0] == '-' && word[1] == '-')
        return parse_option(argv, at, options, why);
    if (word[0] == '-') {
        text_format(why, "%s: no such option", word);
        return ERR_USAGE;
    }
    if (options->host[0] != '\0') {
        text_format(why, "%s: one server only", word);
        return ERR_USAGE;
    }
    return cli_target_parse(word, options, why);
}

enum err cli_options_parse(int argc, char *const argv[], struct cli_options *options, struct buf *why)
{
    struct cli_options parsed = {.trust = CLI_TRUST_DEFAULT, .port = CLI_DEFAULT_PORT};
    for (int i = 1; i < argc; i++) {
        enum err err = parse_word(argv, &i, &parsed, why);
        if (err != OK)
            return err;
    }
    if (parsed.host[0] == '\0' && !parsed.help && !parsed.version) {
        text_add(why, "the server is missing: [USER@]HOST[:PORT]");
        return ERR_USAGE;
    }
    *options = parsed;
    return OK;
}

/* ---- the server ---- */

static enum err parse_port(const char *text, uint16_t *port)
{
    unsigned long value = 0;
    if (*text == '\0' || strlen(text) > 5 || strspn(text, "0123456789") != strlen(text))
        return ERR_USAGE;
    value = strtoul(text, NULL, 10);
    if (value == 0 || value > UINT16_MAX)
        return ERR_USAGE;
    *port = (uint16_t)value;
    return OK;
}

static enum err copy_part(const char *from, size_t len, char out[CLI_HOST_MAX + 1])
{
    if (len == 0 || len > CLI_HOST_MAX)
        return ERR_USAGE;
    memcpy(out, from, len);
    out[len] = '\0';
    return OK;
}

/* HOST, HOST:PORT, [ADDRESS], [ADDRESS]:PORT, or an IPv6 address alone, which has more than one colon. */
static enum err parse_host(const char *text, struct cli_options *options)
{
    const char *end = text + strlen(text), *colon = strchr(text, ':');
    if (*text == '[') {
        end = strchr(++text, ']');
        if (end == NULL || (end[1] != '\0' && end[1] != ':'))
            return ERR_USAGE;
        colon = end[1] == ':' ? end + 1 : NULL;
    } else if (colon != NULL && strchr(colon + 1, ':') == NULL) {
        end = colon;
    } else {
        colon = NULL;
    }
    if (colon != NULL && parse_port(colon + 1, &options->port) != OK)
        return ERR_USAGE;
    return copy_part(text, (size_t)(end - text), options->host);
}

enum err cli_target_parse(const char *text, struct cli_options *options, struct buf *why)
{
    const char *at = strrchr(text, '@'), *host = at ? at + 1 : text;
    if ((at != NULL && copy_part(text, (size_t)(at - text), options->user) != OK) || parse_host(host, options) != OK) {
        text_format(why, "%s: not of the form [USER@]HOST[:PORT]", text);
        return ERR_USAGE;
    }
    return OK;
}
