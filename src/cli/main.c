/* main.c - earshot, the terminal client: its command line, and what surrounds a run. */
#include "app.h"
#include "base/hide.h"
#include "base/streams.h"
#include "cli_exit.h"
#include "faces.h"
#include "files.h"
#include "options.h"
#include "text.h"
#include <langinfo.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static int usage_error(struct buf *why)
{
    fprintf(stderr, "earshot: %.*s\nTry 'earshot --help'.\n", (int)buf_len(why), (const char *)buf_data(why));
    return EXIT_USAGE;
}

static int print(const struct buf *out)
{
    text_print(out);
    return fflush(stdout) == 0 ? EXIT_LOGGED_OUT : EXIT_USAGE;
}

static int print_help(void)
{
    struct buf out;
    buf_init(&out, TEXT_CAP);
    cli_options_help(&out);
    int exit_code = print(&out);
    buf_free(&out);
    return exit_code;
}

static int print_version(void)
{
    return printf("earshot %s\n", earshot_version()) < 0 || fflush(stdout) != 0 ? EXIT_USAGE : EXIT_LOGGED_OUT;
}

/* Other people's texts are UTF-8, and line editing has to count them right. */
static void use_utf8(void)
{
    setlocale(LC_ALL, "");
    if (strcmp(nl_langinfo(CODESET), "UTF-8") != 0)
        setlocale(LC_CTYPE, "C.UTF-8");
}

static enum err choose_face(struct cli_options *options, bool terminal, struct buf *why)
{
    if (options->face == NULL)
        options->face = face_type_default(terminal);
    if (options->face->terminal && !terminal) {
        text_format(why, "--%s: standard input and output must be a terminal", options->face->name);
        return ERR_USAGE;
    }
    if (options->user[0] == '\0' && !options->face->terminal) {
        text_add(why, "the user is missing: USER@HOST");
        return ERR_USAGE;
    }
    return OK;
}

static enum err find_password(const struct cli_options *options, char password[FILES_PASSWORD_SIZE], struct buf *why)
{
    if (options->password_file == NULL)
        return files_take_password(password, why);
    return files_read_password(options->password_file, password, why);
}

static int run(const struct cli_options *options, bool terminal, const char *password)
{
    char *state = options->state ? strdup(options->state) : files_state_default();
    int trust = options->trust != CLI_TRUST_DEFAULT ? options->trust : terminal ? EARSHOT_TRUST_ASK : EARSHOT_TRUST_PINNED;
    struct app_options app = {
        .server = {.host = options->host,
                   .port = options->port,
                   .user = options->user[0] ? options->user : NULL,
                   .password = password,
                   .register_unknown = options->register_unknown,
                   .ask_register = options->face->terminal && !options->register_unknown,
                   .ca = options->ca,
                   .trust = (enum earshot_trust)trust,
                   .state = state,
                   .hide_address = options->hide_address},
        .target = options->host,
        .face = options->face,
        .terminal = isatty(STDIN_FILENO),
    };
    if (state != NULL)
        files_make_parents(state);
    int exit_code = app_run(&app);
    free(state);
    return exit_code;
}

static int start(struct cli_options *options, struct buf *why)
{
    bool terminal = isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);
    char password[FILES_PASSWORD_SIZE];
    if (choose_face(options, terminal, why) != OK || files_check_certificate(options->ca, why) != OK)
        return usage_error(why);
    enum err err = find_password(options, password, why);
    if (err == ERR_USAGE)
        return usage_error(why);
    int exit_code = run(options, terminal, err == OK ? password : NULL);
    explicit_bzero(password, sizeof password);
    return exit_code;
}

int main(int argc, char **argv)
{
    struct cli_options options;
    struct buf why;
    int exit_code;
    streams_open();
    hide_memory();
    use_utf8();
    buf_init(&why, TEXT_CAP);
    if (cli_options_parse(argc, argv, &options, &why) != OK)
        exit_code = usage_error(&why);
    else if (options.help)
        exit_code = print_help();
    else if (options.version)
        exit_code = print_version();
    else
        exit_code = start(&options, &why);
    buf_free(&why);
    return exit_code;
}
