/* options.c - see options.h. */
#include "options.h"
#include <stdio.h>
#include <unistd.h>

static const char packaged[] = "/var/lib/earshot";

/* The packaged service's directory, or the one that earshotd makes where it was started. The first of them first: what lies in
 * the current directory may be somebody else's. */
static const char *usual_directory(void)
{
    return access(packaged, F_OK) == 0 ? packaged : "./var";
}

static enum err fail(struct buf *why, const char *what, const char *text)
{
    (void)buf_printf(why, "%s: %s", what, text);
    return ERR_USAGE;
}

static enum err set_socket(struct ctl_options *options, const char *directory, const char *name, struct buf *why)
{
    int len = snprintf(options->socket, sizeof options->socket, "%s%s", directory, name);
    return len > 0 && (size_t)len < sizeof options->socket ? OK : fail(why, directory, "the path is too long");
}

/* --name VALUE or --name=VALUE; *at moves past what it took. NULL: it is not that option. */
static const char *value_of(const char *name, int argc, char *const argv[], int *at)
{
    const char *word = argv[*at];
    size_t len = strlen(name);
    if (strncmp(word, name, len) != 0)
        return NULL;
    if (word[len] == '=') {
        ++*at;
        return word + len + 1;
    }
    if (word[len] != '\0' || *at + 1 >= argc)
        return NULL;
    *at += 2;
    return argv[*at - 1];
}

static enum err read_option(struct ctl_options *options, int argc, char *const argv[], int *at, struct buf *why)
{
    const char *word = argv[*at], *value;
    if ((value = value_of("--data", argc, argv, at)) != NULL)
        return set_socket(options, value, "/control.sock", why);
    if ((value = value_of("--socket", argc, argv, at)) != NULL)
        return set_socket(options, value, "", why);
    ++*at;
    if (strcmp(word, "--json") == 0)
        options->json = true;
    else if (strcmp(word, "--help") == 0)
        options->help = true;
    else if (strcmp(word, "--version") == 0)
        options->version = true;
    else
        return fail(why, word, "there is no such option, or it needs a value; --help lists them");
    return OK;
}

static enum err read_word(struct ctl_options *options, const char *word, struct buf *why)
{
    if (options->command == NULL) {
        options->command = ctl_command_find(word);
        return options->command != NULL ? OK : fail(why, word, "there is no such command; --help lists them");
    }
    if (options->argument != NULL || options->command->takes == TAKES_NOTHING)
        return fail(why, word, "one word too many");
    /* It becomes part of a line. */
    if (word[0] == '\0' || strpbrk(word, "\n") != NULL || (options->command->takes != TAKES_FILE && strchr(word, ' ') != NULL))
        return fail(why, options->command->takes == TAKES_FILE ? "FILE" : "USER", "cannot be called that");
    options->argument = word;
    return OK;
}

static enum err complete(struct ctl_options *options, struct buf *why)
{
    if (options->help || options->version)
        return OK;
    if (options->command == NULL)
        return fail(why, "COMMAND", "is missing; --help lists them");
    if (strcmp(options->command->name, "help") == 0)
        options->help = true;
    if (options->argument == NULL && options->command->takes == TAKES_USER)
        return fail(why, options->command->name, "needs a USER");
    if (options->argument == NULL && options->command->takes == TAKES_FILE)
        return fail(why, options->command->name, "needs a FILE");
    return options->socket[0] != '\0' ? OK : set_socket(options, usual_directory(), "/control.sock", why);
}

enum err ctl_options_read(struct ctl_options *options, int argc, char *const argv[], struct buf *why)
{
    enum err err = OK;
    bool options_over = false;
    *options = (struct ctl_options){.json = false};
    for (int at = 1; err == OK && at < argc;) {
        if (!options_over && strcmp(argv[at], "--") == 0) {
            options_over = true;
            at++;
        } else if (!options_over && argv[at][0] == '-' && argv[at][1] != '\0') {
            err = read_option(options, argc, argv, &at, why);
        } else {
            err = read_word(options, argv[at++], why);
        }
    }
    return err == OK ? complete(options, why) : err;
}

void ctl_help(struct buf *out)
{
    static const char *const arguments[] = {
        [TAKES_NOTHING] = "", [TAKES_USER] = " USER", [TAKES_USER_OR_NOT] = " [USER]", [TAKES_FILE] = " FILE"};
    (void)buf_append_str(out, "usage: earshotctl [--data DIR | --socket PATH] [--json] COMMAND [USER | FILE]\n\n"
                              "Administers a running earshotd of this machine, as root or as the user that it runs as.\n\n");
    for (unsigned i = 0; i < ctl_command_count; i++) {
        const struct ctl_command *command = &ctl_commands[i];
        int width = 18 - (int)strlen(command->name) - (int)strlen(arguments[command->takes]);
        (void)buf_printf(out, "  %s%s%*s%s\n", command->name, arguments[command->takes], width, "", command->help);
    }
    (void)buf_printf(out,
                     "\n  --data DIR      the server's data directory (%s, else ./var)\n"
                     "  --socket PATH   its control socket, instead of DIR/control.sock\n"
                     "  --json          the server's rows as they are, one JSON object a line\n"
                     "  --help  --version\n\n"
                     "Exit codes: 0 done; 1 usage; 2 no server there; 3 refused, or it failed.\n",
                     packaged);
}
