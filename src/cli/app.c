#include "app.h"
#include "dialog.h"
#include "files.h"
#include "login.h"
#include "password.h"
#include "terminal.h"
#include "text.h"
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/signalfd.h>
#include <unistd.h>

struct app {
    struct earshot_client *client;
    struct face *face;
    struct dialog dialog;
    struct login login;
    struct password password;
    int signals;
    bool reader_gone;
};

/* ---- the face's host ---- */

static bool is_asking(const struct app *app)
{
    return login_asking(&app->login) || password_asking(&app->password);
}

static bool host_ready(void *ctx)
{
    const struct app *app = ctx;
    return dialog_ready(&app->dialog) && !is_asking(app);
}

static void host_line(void *ctx, struct slice line, enum earshot_error fault)
{
    dialog_line(&((struct app *)ctx)->dialog, line, fault);
}

static void host_end(void *ctx)
{
    dialog_end_of_input(&((struct app *)ctx)->dialog);
}

/* ---- events ---- */

static void face_suspend(struct app *app)
{
    if (app->face->type->suspend != NULL)
        app->face->type->suspend(app->face);
}

static void face_resume(struct app *app)
{
    if (app->face->type->resume != NULL)
        app->face->type->resume(app->face);
}

/* What has happened so far, as that the last password was wrong, stands above the question. */
static void show_before_question(struct app *app)
{
    face_suspend(app);
    if (app->face->type->suspend == NULL)
        app->face->type->flush(app->face);
}

static void on_event(void *ctx, const struct earshot_event *event)
{
    struct app *app = ctx;
    bool question = login_is_question(event);
    if (question || event->type == EARSHOT_EVENT_CLOSED)
        password_drop(&app->password);
    if (question) {
        show_before_question(app);
        login_event(&app->login, event);
        return;
    }
    if (event->type == EARSHOT_EVENT_DISCONNECTED || event->type == EARSHOT_EVENT_CLOSED)
        login_cancel(&app->login);
    dialog_event(&app->dialog, event);
}

/* A line wants passwords: from a file at once, from a person by and by. */
static void get_passwords(struct app *app)
{
    if (!password_wanted(&app->password) || login_asking(&app->login) || app->dialog.leaving || app->dialog.over)
        return;
    if (password_by_hand(&app->password))
        show_before_question(app);
    password_begin(&app->password);
}

/* ---- signals ---- */

static void on_stop(struct app *app)
{
    bool asking = is_asking(app);
    face_suspend(app);
    ask_pause(&app->login.ask);
    raise(SIGSTOP);
    ask_resume(&app->login.ask);
    if (!asking)
        face_resume(app);
}

static void on_signal(struct app *app, int number)
{
    if (number == SIGWINCH) {
        if (app->face->type->resize != NULL)
            app->face->type->resize(app->face);
    } else if (number == SIGTSTP) {
        on_stop(app);
    } else if (number == SIGINT && password_asking(&app->password)) {
        password_take_back(&app->password);
    } else {
        password_drop(&app->password);
        login_cancel(&app->login);
        dialog_quit(&app->dialog, EXIT_SIGNAL + number);
    }
}

static void read_signals(struct app *app)
{
    struct signalfd_siginfo info;
    while (read(app->signals, &info, sizeof info) == sizeof info)
        on_signal(app, (int)info.ssi_signo);
}

/* Before the library starts anything, so that its threads, if it has any, leave them alone too. */
static int take_signals(void)
{
    static const int numbers[] = {SIGINT, SIGTERM, SIGHUP, SIGWINCH, SIGTSTP};
    sigset_t set;
    sigemptyset(&set);
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
        sigaddset(&set, numbers[i]);
    sigprocmask(SIG_BLOCK, &set, NULL);
    signal(SIGPIPE, SIG_IGN);
    return signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
}

/* ---- the loop ---- */

static int sooner(int a, int b)
{
    if (a < 0 || b < 0)
        return a < 0 ? b : a;
    return a < b ? a : b;
}

static int app_pause(const struct app *app)
{
    const struct face_type *type = app->face->type;
    if (host_ready((void *)app) && !type->hungry(app->face))
        return 0; /* it has lines in hand */
    return sooner(dialog_pause(&app->dialog), type->pause ? type->pause(app->face) : -1);
}

enum { POLL_LIBRARY, POLL_SIGNALS, POLL_INPUT, POLL_QUESTION, POLL_OUTPUT, POLL_COUNT };

/* A reader that closes its end is noticed even while nothing is written. */
static bool output_gone(const struct pollfd *output)
{
    return (output->revents & (POLLERR | POLLHUP | POLLNVAL)) != 0;
}

static void leave_quietly(struct app *app)
{
    if (!app->reader_gone && !app->dialog.leaving)
        dialog_quit(&app->dialog, EXIT_LOGGED_OUT);
    app->reader_gone = true;
}

static void watch(const struct app *app, struct pollfd fds[POLL_COUNT])
{
    bool input = host_ready((void *)app) && app->face->type->hungry(app->face);
    bool asking = is_asking(app);
    fds[POLL_LIBRARY] = (struct pollfd){.fd = earshot_fd(app->client), .events = POLLIN};
    fds[POLL_SIGNALS] = (struct pollfd){.fd = app->signals, .events = POLLIN};
    fds[POLL_INPUT] = (struct pollfd){.fd = input ? STDIN_FILENO : -1, .events = POLLIN};
    fds[POLL_QUESTION] = (struct pollfd){.fd = asking ? app->login.ask.in : -1, .events = POLLIN};
    fds[POLL_OUTPUT] = (struct pollfd){.fd = app->reader_gone ? -1 : STDOUT_FILENO};
}

static void app_turn(struct app *app)
{
    const struct face_type *type = app->face->type;
    struct pollfd fds[POLL_COUNT];
    watch(app, fds);
    if (poll(fds, POLL_COUNT, app_pause(app)) < 0 && errno != EINTR)
        return;
    read_signals(app);
    if (fds[POLL_QUESTION].revents != 0 && login_asking(&app->login))
        login_readable(&app->login);
    else if (fds[POLL_QUESTION].revents != 0 && password_asking(&app->password))
        password_readable(&app->password);
    type->input(app->face, fds[POLL_INPUT].revents != 0);
    earshot_progress(app->client);
    dialog_turn(&app->dialog);
    get_passwords(app);
    if (!is_asking(app) && !app->dialog.over)
        face_resume(app);
    if (!type->flush(app->face) || output_gone(&fds[POLL_OUTPUT]))
        leave_quietly(app);
}

static void app_free(struct app *app)
{
    login_free(&app->login);
    earshot_close(app->client);
    app->face->type->free(&app->face);
    dialog_free(&app->dialog);
    close(app->signals);
}

/* The library says only what kind of thing was wrong; here it is known which one was given. */
static void fail_to_open(struct app *app, const struct app_options *options, enum earshot_error error)
{
    const struct earshot_options *server = &options->server;
    struct buf text;
    buf_init(&text, TEXT_CAP);
    if (error == EARSHOT_BAD_OPTION && server->ca != NULL)
        text_format(&text, "--ca: %s: no certificate is in it.", server->ca);
    else if (error == EARSHOT_BAD_OPTION)
        text_format(&text, "%s: not a server.", options->target);
    else if (error == EARSHOT_BAD_NAME)
        text_format(&text, "%s: a name is 1 to 32 of a-z 0-9 . _ - and begins with a letter or digit.", server->user);
    else if (error == EARSHOT_NO_STATE)
        text_format(&text, "--state: %s cannot be used: %s", server->state, files_state_trouble(server->state));
    text_bytes(&text, slice_of("", 1));
    bool usage = error == EARSHOT_BAD_OPTION || error == EARSHOT_BAD_NAME;
    if (usage) /* as for the other options */
        fprintf(stderr, "earshot: %s\n", (const char *)buf_data(&text));
    int exit_code = usage ? EXIT_USAGE : error == EARSHOT_BAD_PASSWORD ? EXIT_REFUSED : EXIT_UNREACHABLE;
    dialog_fail(&app->dialog, usage ? EARSHOT_OK : error, (const char *)buf_data(&text), exit_code);
    buf_free(&text);
}

/* What was to be shown is lost: nobody shall take that for a good end. */
static int judge_output(const struct face *face, int exit_code)
{
    int problem = face->type->problem != NULL ? face->type->problem(face) : 0;
    if (problem == 0)
        return exit_code;
    fprintf(stderr, "earshot: standard output: %s\n", strerror(problem));
    return exit_code == EXIT_LOGGED_OUT ? EXIT_USAGE : exit_code;
}

int app_run(const struct app_options *options)
{
    struct app app = {.signals = take_signals()};
    struct face_host host = {&app,          host_ready,   host_line,    host_end, &app.dialog.names,
                             &system_clock, STDIN_FILENO, STDOUT_FILENO};
    dialog_init(&app.dialog, &system_clock, options->terminal);
    if (isatty(STDIN_FILENO))
        terminal_guard(STDIN_FILENO);
    options->face->create(&host, &app.face);
    login_init(&app.login, &app.dialog, options->target, options->server.user ? options->server.user : "");
    password_init(&app.password, &app.dialog, &app.login.ask);
    dialog_begin(&app.dialog, NULL, app.face);
    enum earshot_error error = earshot_open(&options->server, on_event, &app, &app.client);
    dialog_begin(&app.dialog, app.client, app.face);
    if (error != EARSHOT_OK)
        fail_to_open(&app, options, error);
    while (!app.dialog.over)
        app_turn(&app);
    app.face->type->flush(app.face);
    int exit_code = judge_output(app.face, app.dialog.exit_code);
    app_free(&app);
    return exit_code;
}
