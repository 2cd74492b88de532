#include "dialog.h"
#include "text.h"
#include <stdio.h>
#include <stdlib.h>

/* What a request was for. */
struct asked {
    int64_t request;
    uint64_t n; /* 0: asked by ourselves, for the names */
    const struct cli_command *command;
    bool answered;     /* what became of a private channel is still to come */
    char *user, *text; /* of the line; copies */
    size_t text_len;
};

void dialog_init(struct dialog *dialog, struct clock *clock, bool terminal)
{
    /* The keys are numbers that we choose ourselves. */
    static const uint64_t seed[2] = {1, 2};
    *dialog = (struct dialog){.clock = clock, .terminal = terminal};
    map_init(&dialog->asked, seed);
    buf_init(&dialog->held, TEXT_CAP);
}

static void asked_free(struct asked *asked)
{
    free(asked->user);
    free(asked->text);
    free(asked);
}

void dialog_free(struct dialog *dialog)
{
    struct asked *asked;
    for (size_t i = 0; (asked = map_next(&dialog->asked, &i)) != NULL;)
        asked_free(asked);
    map_free(&dialog->asked);
    names_free(&dialog->names);
    buf_free(&dialog->held);
    free(dialog->passwords_file);
}

void dialog_begin(struct dialog *dialog, struct earshot_client *client, struct face *face)
{
    dialog->client = client;
    dialog->face = face;
}

/* ---- showing ---- */

static void dialog_show(struct dialog *dialog, struct notice notice)
{
    notice.now_ms = dialog->clock->wall_ms(dialog->clock);
    if (notice.user == NULL)
        notice.user = "";
    dialog->face->type->show(dialog->face, &notice);
}

static void show_event(struct dialog *dialog, const struct earshot_event *event)
{
    dialog_show(dialog, (struct notice){.event = event});
}

static void show_simple(struct dialog *dialog, enum earshot_event_type type)
{
    show_event(dialog, &(struct earshot_event){.type = type});
}

/* An error that we ourselves found; `call` may be NULL. */
static void show_error(struct dialog *dialog, uint64_t n, enum earshot_error error, const char *text, const struct cli_call *call)
{
    struct earshot_event event = {.type = EARSHOT_EVENT_ERROR, .error = error, .text = text};
    dialog_show(dialog, (struct notice){.event = &event,
                                        .n = n,
                                        .command = call ? call->command : NULL,
                                        .user = call ? call->user : NULL,
                                        .text = call ? call->text : slice_of(NULL, 0)});
}

static void show_answer(struct dialog *dialog, const struct earshot_event *event, const struct asked *asked)
{
    bool is_names = event->type == EARSHOT_EVENT_USERS && event->user_count > 0;
    if (asked->n == 0 && !is_names)
        return;
    dialog_show(dialog, (struct notice){.event = event,
                                        .n = asked->n,
                                        .command = asked->command,
                                        .user = asked->user,
                                        .text = slice_of(asked->text, asked->text_len)});
}

/* ---- requests ---- */

static void remember(struct dialog *dialog, int64_t request, uint64_t n, const struct cli_call *call)
{
    struct asked *asked = text_memory(calloc(1, sizeof *asked));
    *asked = (struct asked){.request = request, .n = n, .command = call->command, .text_len = call->text.len};
    asked->user = text_memory(strdup(call->user));
    asked->text = text_memory(malloc(call->text.len + 1));
    if (call->text.len > 0)
        memcpy(asked->text, call->text.data, call->text.len);
    text_must(map_put_u64(&dialog->asked, (uint64_t)request, asked));
}

static void ask_for_names(struct dialog *dialog)
{
    struct cli_call call = {.command = cli_command_named("whoelse")};
    if (!dialog->face->type->wants_names || dialog->leaving)
        return;
    int64_t request = cli_call_run(&call, dialog->client);
    if (request > 0)
        remember(dialog, request, 0, &call);
}

/* Texts that the server has not confirmed. */
static size_t texts_waiting(struct dialog *dialog)
{
    const struct asked *asked;
    size_t count = 0;
    for (size_t i = 0; (asked = map_next(&dialog->asked, &i)) != NULL;)
        count += asked->command->answer == ANSWER_MESSAGE || asked->command->answer == ANSWER_BROADCAST;
    return count;
}

/* Why leaving takes its time. */
static void explain_leaving(struct dialog *dialog)
{
    char text[160];
    size_t waiting = texts_waiting(dialog);
    if (!dialog->leaving || dialog->is_online || waiting == 0 || dialog->face->type->remark == NULL)
        return;
    snprintf(text, sizeof text, "Logging out once %zu %s sent, %d s at most; Ctrl-C gives up.", waiting,
             waiting == 1 ? "message is" : "messages are", DIALOG_GIVE_UP_S);
    dialog->face->type->remark(dialog->face, text);
}

static void want_passwords(struct dialog *dialog, uint64_t n, const struct cli_call *call)
{
    dialog->passwords_n = n;
    free(dialog->passwords_file);
    dialog->passwords_file = text_memory(calloc(call->text.len + 1, 1));
    if (call->text.len > 0)
        memcpy(dialog->passwords_file, call->text.data, call->text.len);
}

/* False if the library had no room. */
static bool run_line(struct dialog *dialog, struct slice line, uint64_t n)
{
    struct cli_call call;
    struct buf why;
    bool done = true;
    buf_init(&why, TEXT_CAP);
    enum earshot_error error = cli_call_parse(line, dialog->terminal, &call, &why);
    text_bytes(&why, slice_of("", 1));
    if (error != EARSHOT_OK) {
        show_error(dialog, n, error, (const char *)buf_data(&why), &call);
    } else if (call.command->answer == ANSWER_HELP) {
        struct earshot_event event = {.type = EARSHOT_EVENT_OK};
        dialog_show(dialog, (struct notice){.event = &event, .n = n, .command = call.command});
    } else if (call.command->arguments == ARGUMENTS_PASSWORDS) {
        want_passwords(dialog, n, &call);
    } else {
        int64_t request = cli_call_run(&call, dialog->client);
        done = request != -(int64_t)EARSHOT_UNAVAILABLE;
        if (request > 0)
            remember(dialog, request, n, &call);
        else if (done)
            show_error(dialog, n, (enum earshot_error) - request, NULL, &call);
        if (request > 0 && call.command == cli_command_named("logout")) {
            dialog->leaving = true;
            explain_leaving(dialog);
        }
    }
    buf_free(&why);
    return done;
}

bool dialog_ready(const struct dialog *dialog)
{
    return dialog->was_online && !dialog->leaving && !dialog->over && !dialog->ended && dialog->held_n == 0 &&
           dialog->passwords_n == 0 && map_count(&dialog->asked) < DIALOG_UNANSWERED_MAX;
}

void dialog_line(struct dialog *dialog, struct slice line, enum earshot_error fault)
{
    uint64_t n = ++dialog->lines;
    if (fault != EARSHOT_OK) {
        show_error(dialog, n, fault, "A line has 65,536 bytes at most.", NULL);
        return;
    }
    if (cli_line_blank(line) || run_line(dialog, line, n))
        return;
    text_bytes(&dialog->held, line);
    dialog->held_n = n;
}

/* ---- passwords ---- */

static const struct cli_call password_call = {.text = {.data = (const uint8_t *)""}};

void dialog_passwords(struct dialog *dialog, const char *current, const char *another)
{
    struct cli_call call = password_call;
    call.command = cli_command_named("password");
    call.current = current;
    call.another = another;
    int64_t request = cli_call_run(&call, dialog->client);
    if (request > 0)
        remember(dialog, request, dialog->passwords_n, &call);
    else
        show_error(dialog, dialog->passwords_n, (enum earshot_error) - request, NULL, &call);
    dialog->passwords_n = 0;
}

void dialog_no_passwords(struct dialog *dialog, enum earshot_error error, const char *text)
{
    struct cli_call call = password_call;
    call.command = cli_command_named("password");
    show_error(dialog, dialog->passwords_n, error, text, &call);
    dialog->passwords_n = 0;
}

void dialog_end_of_input(struct dialog *dialog)
{
    dialog->ended = true;
    dialog->ended_ms = dialog->clock->mono_ms(dialog->clock);
}

/* ---- the end ---- */

static void dialog_over(struct dialog *dialog, int exit_code)
{
    dialog->over = true;
    dialog->exit_code = exit_code;
}

void dialog_fail(struct dialog *dialog, enum earshot_error error, const char *text, int exit_code)
{
    if (error != EARSHOT_OK)
        show_error(dialog, 0, error, text, NULL);
    dialog_over(dialog, exit_code);
}

static int compare_asked(const void *a, const void *b)
{
    const struct asked *const *left = a, *const *right = b;
    return ((*left)->n > (*right)->n) - ((*left)->n < (*right)->n);
}

/* What the library left without an answer, in the order of the lines. */
static void answer_the_rest(struct dialog *dialog, const struct earshot_event *closed)
{
    size_t count = 0, room = map_count(&dialog->asked) + 1;
    struct asked **rest = text_memory(calloc(room, sizeof(struct asked *)));
    struct asked *asked;
    for (size_t i = 0; (asked = map_next(&dialog->asked, &i)) != NULL; map_iter_remove(&dialog->asked, &i))
        rest[count++] = asked;
    qsort(rest, count, sizeof(struct asked *), compare_asked);
    for (size_t i = 0; i < count; i++) {
        bool done = closed->error == EARSHOT_OK && rest[i]->command == cli_command_named("logout");
        struct earshot_event answer = {.type = done ? EARSHOT_EVENT_OK : EARSHOT_EVENT_ERROR,
                                       .error = done ? EARSHOT_OK : EARSHOT_UNAVAILABLE,
                                       .text = "The connection ended before the answer."};
        if (!rest[i]->answered)
            show_answer(dialog, &answer, rest[i]);
        asked_free(rest[i]);
    }
    free(rest);
    if (dialog->passwords_n != 0)
        dialog_no_passwords(dialog, EARSHOT_UNAVAILABLE, "The connection ended before it could be sent.");
    if (dialog->held_n != 0)
        show_error(dialog, dialog->held_n, EARSHOT_UNAVAILABLE, "The connection ended before it could be sent.", NULL);
    dialog->held_n = 0;
}

static int exit_code_for(enum earshot_error error)
{
    static const struct {
        enum earshot_error error;
        enum cli_exit code;
    } codes[] = {
        {EARSHOT_NO_CONNECTION, EXIT_UNREACHABLE}, {EARSHOT_UNAVAILABLE, EXIT_UNREACHABLE}, {EARSHOT_NO_MEMORY, EXIT_UNREACHABLE},
        {EARSHOT_NO_STATE, EXIT_UNREACHABLE},      {EARSHOT_NOT_TRUSTED, EXIT_NOT_TRUSTED}, {EARSHOT_BAD_OPTION, EXIT_USAGE},
    };
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++)
        if (codes[i].error == error)
            return codes[i].code;
    return EXIT_REFUSED;
}

static bool by_server(enum earshot_reason reason)
{
    return reason != EARSHOT_REASON_NONE && reason != EARSHOT_REASON_LOGOUT && reason != EARSHOT_REASON_NETWORK;
}

static void on_closed(struct dialog *dialog, const struct earshot_event *event)
{
    answer_the_rest(dialog, event);
    if (by_server(event->reason)) {
        struct earshot_event gone = {.type = EARSHOT_EVENT_DISCONNECTED, .reason = event->reason, .retry_after = -1};
        if (!dialog->told_gone)
            show_event(dialog, &gone);
        show_simple(dialog, EARSHOT_EVENT_CLOSED);
        dialog_over(dialog, EXIT_LOGGED_OUT_BY_SERVER);
    } else if (event->error != EARSHOT_OK) {
        struct earshot_event error = *event;
        error.type = EARSHOT_EVENT_ERROR;
        show_event(dialog, &error);
        dialog_over(dialog, exit_code_for(event->error));
    } else {
        show_simple(dialog, EARSHOT_EVENT_CLOSED);
        dialog_over(dialog, EXIT_LOGGED_OUT);
    }
}

static void dialog_leave(struct dialog *dialog)
{
    struct cli_call call = {.command = cli_command_named("logout")};
    dialog->leaving = true;
    int64_t request = earshot_logout(dialog->client);
    explain_leaving(dialog);
    if (request > 0)
        remember(dialog, request, 0, &call);
    else
        on_closed(dialog, &(struct earshot_event){.type = EARSHOT_EVENT_CLOSED});
}

void dialog_quit(struct dialog *dialog, int exit_code)
{
    if (dialog->leaving)
        answer_the_rest(dialog, &(struct earshot_event){.error = EARSHOT_UNAVAILABLE});
    if (dialog->leaving || !dialog->was_online)
        dialog_over(dialog, exit_code);
    else
        dialog_leave(dialog);
}

/* ---- events ---- */

static void on_online(struct dialog *dialog, const struct earshot_event *event)
{
    dialog->was_online = dialog->is_online = true;
    dialog->told_gone = dialog->caught_up = false;
    show_event(dialog, event);
    ask_for_names(dialog);
}

static void on_answer(struct dialog *dialog, const struct earshot_event *event)
{
    struct asked *asked = event->request > 0 ? map_get_u64(&dialog->asked, (uint64_t)event->request) : NULL;
    for (size_t i = 0; event->type == EARSHOT_EVENT_USERS && i < event->user_count; i++)
        names_add(&dialog->names, event->users[i]);
    if (asked == NULL) {
        if (event->type == EARSHOT_EVENT_ERROR)
            show_event(dialog, event);
        return;
    }
    show_answer(dialog, event, asked);
    if (event->type == EARSHOT_EVENT_ERROR && event->error == EARSHOT_NOT_ACCEPTED)
        return; /* the final answer is still to come */
    asked->answered = event->type == EARSHOT_EVENT_OK && asked->command != NULL && asked->command->answer == ANSWER_CHANNEL;
    if (asked->answered)
        return;
    map_remove_u64(&dialog->asked, (uint64_t)event->request);
    asked_free(asked);
}

static void on_caught_up(struct dialog *dialog, const struct earshot_event *event)
{
    dialog->caught_up = true;
    show_event(dialog, event);
}

static void on_disconnected(struct dialog *dialog, const struct earshot_event *event)
{
    dialog->is_online = false;
    dialog->told_gone = event->retry_after < 0;
    if (!dialog->leaving || event->reason != EARSHOT_REASON_LOGOUT)
        show_event(dialog, event);
    explain_leaving(dialog);
}

/* For faces that count down; scripts hear of the loss only. */
static void on_retry(struct dialog *dialog, const struct earshot_event *event)
{
    show_event(dialog, event);
}

static void on_news(struct dialog *dialog, const struct earshot_event *event)
{
    if (event->user != NULL)
        names_add(&dialog->names, event->user);
    show_event(dialog, event);
}

/* What became of a request for a private channel, or something that nobody asked for. */
static void on_private(struct dialog *dialog, const struct earshot_event *event)
{
    struct asked *asked = event->request > 0 ? map_remove_u64(&dialog->asked, (uint64_t)event->request) : NULL;
    if (asked != NULL)
        asked_free(asked);
    on_news(dialog, event);
}

void dialog_event(struct dialog *dialog, const struct earshot_event *event)
{
    static void (*const by_type[])(struct dialog *, const struct earshot_event *) = {
        [EARSHOT_EVENT_ONLINE] = on_online,        [EARSHOT_EVENT_OK] = on_answer,
        [EARSHOT_EVENT_USERS] = on_answer,         [EARSHOT_EVENT_ERROR] = on_answer,
        [EARSHOT_EVENT_MESSAGE] = on_news,         [EARSHOT_EVENT_SENT] = on_news,
        [EARSHOT_EVENT_BROADCAST] = on_news,       [EARSHOT_EVENT_PRESENCE] = on_news,
        [EARSHOT_EVENT_CAUGHT_UP] = on_caught_up,  [EARSHOT_EVENT_DISCONNECTED] = on_disconnected,
        [EARSHOT_EVENT_CLOSED] = on_closed,        [EARSHOT_EVENT_PRIVATE_REQUEST] = on_news,
        [EARSHOT_EVENT_PRIVATE_OPEN] = on_private, [EARSHOT_EVENT_PRIVATE] = on_news,
        [EARSHOT_EVENT_PRIVATE_PATH] = on_news,    [EARSHOT_EVENT_PRIVATE_CLOSED] = on_private,
        [EARSHOT_EVENT_RETRY] = on_retry,          [EARSHOT_EVENT_OTHER_CERTIFICATE] = on_news,
    };
    unsigned type = event->type;
    if (!dialog->over && type < sizeof by_type / sizeof by_type[0] && by_type[type] != NULL)
        by_type[type](dialog, event);
}

/* ---- turns ---- */

static void retry_held(struct dialog *dialog)
{
    if (dialog->held_n == 0 || !run_line(dialog, buf_slice(&dialog->held), dialog->held_n))
        return;
    dialog->held_n = 0;
    buf_clear(&dialog->held);
}

/* At the end of input what is stored for us may still be on its way; it is worth a moment. */
static int64_t catch_up_left(const struct dialog *dialog)
{
    if (!dialog->is_online || dialog->caught_up)
        return 0;
    int64_t left = dialog->ended_ms + DIALOG_CATCH_UP_MS - dialog->clock->mono_ms(dialog->clock);
    return left > 0 ? left : 0;
}

static bool wants_to_leave(const struct dialog *dialog)
{
    return dialog->ended && dialog->was_online && !dialog->leaving && !dialog->over && dialog->held_n == 0 &&
           dialog->passwords_n == 0;
}

void dialog_turn(struct dialog *dialog)
{
    if (!dialog->over && !dialog->leaving)
        retry_held(dialog);
    if (wants_to_leave(dialog) && catch_up_left(dialog) == 0)
        dialog_leave(dialog);
}

int dialog_pause(const struct dialog *dialog)
{
    return wants_to_leave(dialog) ? (int)catch_up_left(dialog) : -1;
}
