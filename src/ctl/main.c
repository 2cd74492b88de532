/* main.c - earshotctl: one command to a running server. */
#include "base/hide.h"
#include "base/streams.h"
#include "options.h"
#include "save.h"
#include "say.h"
#include "secret.h"
#include "show.h"
#include "talk.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { EXIT_DONE, EXIT_USAGE, EXIT_NO_SERVER, EXIT_REFUSED };
enum { REQUEST_MAX = 1024, TEXT_MAX = 64 << 20 };

static int complain(int code, const char *text)
{
    say_error("%s", text);
    return code;
}

static int complain_buf(int code, const struct buf *why)
{
    say_error("%.*s", (int)buf_len(why), (const char *)buf_data(why));
    return code;
}

/* ---- the answer ---- */

struct answer {
    const struct ctl_options *options;
    struct show_table table;
    struct buf text;
    bool done;
    int code;
};

static void show(struct answer *answer, const struct reply *reply)
{
    if (answer->options->json)
        return;
    if (answer->options->command->columns != NULL)
        (void)show_add(&answer->table, reply);
    else
        show_fields(reply, &answer->text);
}

/* True once it was the last. */
static bool take_line(struct answer *answer, char *line)
{
    struct reply reply;
    if (answer->options->json)
        (void)buf_printf(&answer->text, "%s\n", line);
    if (reply_read(line, &reply) != OK) {
        answer->code = complain(EXIT_REFUSED, "the server's answer makes no sense");
        return true;
    }
    const char *error = reply_get(&reply, "error"), *text = reply_get(&reply, "text");
    if (error != NULL)
        answer->code = complain(EXIT_REFUSED, text != NULL ? text : error);
    else if (reply_get(&reply, "done") != NULL)
        answer->done = true;
    else
        show(answer, &reply);
    return error != NULL || answer->done;
}

static int print(const struct buf *text)
{
    return say(stdout, buf_slice(text)) == OK ? EXIT_DONE : complain(EXIT_REFUSED, "cannot write the answer");
}

static int take_answer(struct talk *talk, struct answer *answer)
{
    static const struct ctl_column none[] = {{NULL, NULL}};
    const struct ctl_command *command = answer->options->command;
    char *line;
    size_t used = 0;
    show_begin(&answer->table, command->columns != NULL ? command->columns : none);
    while (talk_line(talk, &line, &used) == OK)
        if (take_line(answer, line))
            break;
    struct buf *text = &answer->text;
    if (!answer->options->json)
        show_end(&answer->table, text);
    else
        buf_free(&answer->table.cells);
    if (!answer->done && answer->options->json)
        (void)print(text);
    if (!answer->done)
        return answer->code != EXIT_DONE ? answer->code : complain(EXIT_REFUSED, "the server broke off");
    return EXIT_DONE;
}

static int converse(const struct ctl_options *options, struct talk *talk)
{
    struct answer answer = {.options = options};
    struct buf why;
    buf_init(&answer.text, TEXT_MAX);
    buf_init(&why, 8192);
    int code = take_answer(talk, &answer);
    if (code == EXIT_DONE && options->command->takes == TAKES_FILE) {
        if (talk->file < 0)
            code = complain(EXIT_REFUSED, "the server sent no file");
        else if (save_copy(talk->file, options->argument, &why) != OK)
            code = complain_buf(EXIT_REFUSED, &why);
    }
    if (code == EXIT_DONE)
        code = print(&answer.text);
    buf_free(&answer.text);
    buf_free(&why);
    return code;
}

/* ---- the request ---- */

static enum err write_request(const struct ctl_options *options, struct buf *request)
{
    const struct ctl_command *command = options->command;
    enum err err = buf_append_str(request, command->name);
    if (err == OK && options->argument != NULL && command->takes != TAKES_FILE)
        err = buf_printf(request, " %s", options->argument);
    if (err == OK && command->password)
        err = buf_append_str(request, " ");
    if (err == OK && command->password)
        err = secret_read(options->argument, request);
    return err == OK ? buf_append_str(request, "\n") : err;
}

static int ask(const struct ctl_options *options)
{
    struct buf request;
    struct talk talk = {.socket = -1, .file = -1};
    buf_init(&request, REQUEST_MAX);
    int code;
    enum err err = write_request(options, &request);
    if (options->command->takes == TAKES_FILE && access(options->argument, F_OK) == 0)
        code = (say_error("%s exists already", options->argument), EXIT_REFUSED);
    else if (err != OK)
        code = complain(EXIT_USAGE, err == ERR_CAP ? "that is too long" : "no password, or the two differ");
    else if (talk_begin(&talk, options->socket, buf_slice(&request)) != OK)
        code = (say_error("no server at %s: %s", options->socket, strerror(errno)), EXIT_NO_SERVER);
    else
        code = converse(options, &talk);
    if (request.bytes != NULL)
        explicit_bzero(request.bytes, request.size);
    buf_free(&request);
    talk_end(&talk);
    return code;
}

static int show_help(void)
{
    struct buf text;
    buf_init(&text, TEXT_MAX);
    ctl_help(&text);
    enum err err = say(stdout, buf_slice(&text));
    buf_free(&text);
    return err == OK ? EXIT_DONE : EXIT_USAGE;
}

int main(int argc, char **argv)
{
    struct ctl_options options;
    struct buf why;
    streams_open();
    hide_memory();
    buf_init(&why, 8192);
    enum err err = ctl_options_read(&options, argc, argv, &why);
    int code;
    if (err != OK)
        code = complain_buf(EXIT_USAGE, &why);
    else if (options.version)
        code = puts("earshotctl " EARSHOT_VERSION) >= 0 ? EXIT_DONE : EXIT_USAGE;
    else if (options.help)
        code = show_help();
    else
        code = ask(&options);
    buf_free(&why);
    return code;
}
