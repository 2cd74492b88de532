/*
 * line.c - the face at a terminal: a conversation above, the line being typed below.
 *
 * readline edits that line through its callback interface; whatever arrives is gathered during a turn and printed above it in one
 * go, so typing is never disturbed. Enter takes the line off the screen; what it did comes back as part of the conversation, so
 * that the screen shows what happened and not what was wished for. The prompt says who we are and whether the link is up.
 *
 * readline is one per process and its callbacks carry no context: `the_line` is the face they belong to.
 */
#include "complete.h"
#include "face.h"
#include "terminal.h"
#include "text.h"
#include "words.h"
#include "wrap.h"
#include <poll.h>
#include <readline/history.h>
#include <readline/readline.h>
#include <stdio.h>
#include <stdlib.h>

enum { LINE_HISTORY = 500, LINE_READ_AT_ONCE = 4096, LINE_PATIENCE_MS = 1000 };

struct line {
    struct face face;
    struct face_host host;
    struct palette palette;
    struct margin margin;
    struct words words;
    struct buf out;    /* what the turn has brought */
    struct buf prompt; /* as shown, NUL-terminated */
    char *user;
    char *entered; /* taken from the screen by Enter, not handed in yet */
    char *set_aside;
    int set_aside_point;
    int64_t retry_at; /* monotonic; when the next attempt to connect comes */
    int64_t patience; /* monotonic; when to say that the first one is taking its time; 0: said, or not needed */
    bool online, running, suspended, ended;
};

static struct line *the_line;

static struct line *line_of(struct face *face)
{
    return (struct line *)face;
}

/* ---- the prompt ---- */

static int64_t line_now(const struct line *line)
{
    return line->host.clock->mono_ms(line->host.clock);
}

/* \001 and \002 tell readline that what is between them takes no room. */
static void put_code(struct buf *out, const char *code)
{
    if (*code != '\0')
        text_format(out, "\001%s\002", code);
}

static void write_prompt(const struct line *line, struct buf *out)
{
    const struct palette *palette = &line->palette;
    put_code(out, line->online ? palette->bold : palette->bad);
    text_safe_line(out, slice_str(line->user ? line->user : ""));
    if (!line->online) {
        int64_t left = (line->retry_at - line_now(line) + 999) / 1000;
        if (left > 0)
            text_format(out, " (offline, retry %llds)", (long long)left);
        else
            text_add(out, " (offline, retrying)");
    }
    put_code(out, palette->reset);
    text_add(out, "> ");
    text_bytes(out, slice_of("", 1));
}

/* True if it changed. Not in the middle of a search, which has a prompt of its own. */
static bool update_prompt(struct line *line)
{
    struct buf prompt;
    if (RL_ISSTATE(RL_STATE_ISEARCH | RL_STATE_NSEARCH))
        return false;
    buf_init(&prompt, TEXT_CAP);
    write_prompt(line, &prompt);
    bool changed = !slice_equal(buf_slice(&prompt), buf_slice(&line->prompt));
    buf_free(&line->prompt);
    line->prompt = prompt;
    return changed;
}

static const char *prompt_text(const struct line *line)
{
    return (const char *)buf_data(&line->prompt);
}

/* ---- lines in ---- */

/* Enter has taken it off the screen, and its answer may be long in coming. */
static void say_it_waits(struct line *line, struct slice text)
{
    struct cli_call call;
    struct buf why;
    buf_init(&why, TEXT_CAP);
    if (cli_call_parse(text, true, &call, &why) == EARSHOT_OK && !call.command->local) {
        text_format(&line->out, "%s      waits for the connection: ", line->palette.faint);
        text_safe_line(&line->out, text);
        text_format(&line->out, "%s\n", line->palette.reset);
    }
    buf_free(&why);
}

static void line_hand_in(struct line *line, const char *text)
{
    struct slice all = slice_str(text);
    while (all.len > 0 && all.data[all.len - 1] == '\n') /* the end of a paste */
        all.len--;
    if (!cli_line_blank(all)) {
        const HIST_ENTRY *last = history_length > 0 ? history_get(history_base + history_length - 1) : NULL;
        if (last == NULL || strcmp(last->line, text) != 0)
            add_history(text);
        if (!line->online)
            say_it_waits(line, all);
    }
    if (all.len > 65536)
        line->host.line(line->host.ctx, slice_of(NULL, 0), EARSHOT_TOO_LONG);
    else
        line->host.line(line->host.ctx, all, EARSHOT_OK);
}

/* Called by readline with a whole line, or NULL at the end. */
static void on_line(char *text)
{
    struct line *line = the_line;
    if (text == NULL) {
        line->ended = true;
        line->host.end(line->host.ctx);
        return;
    }
    line_hand_in(line, line->entered ? line->entered : text);
    free(line->entered);
    line->entered = NULL;
    free(text);
}

/* Enter: the text leaves the screen, and readline sees an empty line end, for which (rl_erase_empty_line) it writes nothing. */
static int on_enter(int count, int key)
{
    free(the_line->entered);
    the_line->entered = strdup(rl_line_buffer);
    rl_clear_visible_line();
    rl_replace_line("", 0);
    rl_point = 0;
    return rl_newline(1, key);
}

static char *next_completion(const char *word, int state)
{
    static size_t from; /* readline asks until NULL comes */
    from = state == 0 ? 0 : from;
    size_t start = (size_t)rl_point - strlen(word);
    return complete_next(the_line->host.names, rl_line_buffer, start, word, &from);
}

static char **complete_word(const char *word, int start, int end)
{
    rl_attempted_completion_over = 1; /* never file names */
    return rl_completion_matches(word, next_completion);
}

static void set_up_readline(void)
{
    const Keymap maps[] = {emacs_standard_keymap, vi_insertion_keymap, vi_movement_keymap};
    rl_readline_name = "earshot";
    rl_catch_signals = 0;
    rl_catch_sigwinch = 0;
    rl_erase_empty_line = 1;
    rl_attempted_completion_function = complete_word;
    rl_completer_word_break_characters = " \t";
    rl_completion_query_items = 0; /* its question would block */
    rl_instream = stdin;
    rl_outstream = stdout;
    rl_initialize();
    rl_variable_bind("enable-bracketed-paste", "on");
    rl_variable_bind("show-all-if-ambiguous", "on");
    rl_variable_bind("page-completions", "off");
    for (size_t i = 0; i < sizeof maps / sizeof maps[0]; i++) {
        rl_bind_key_in_map('\r', on_enter, maps[i]);
        rl_bind_key_in_map('\n', on_enter, maps[i]);
    }
    using_history();
    stifle_history(LINE_HISTORY);
}

static void line_start(struct line *line)
{
    if (line->running || line->ended)
        return;
    update_prompt(line);
    terminal_guard_paste(true);
    rl_callback_handler_install(prompt_text(line), on_line);
    line->running = true;
}

static void line_stop(struct line *line)
{
    if (!line->running)
        return;
    rl_clear_visible_line();
    rl_callback_handler_remove();
    terminal_guard_paste(false);
    fflush(stdout);
    line->running = false;
}

static bool line_hungry(const struct face *face)
{
    const struct line *line = (const struct line *)face;
    return line->running && !line->ended;
}

static void line_input(struct face *face, bool readable)
{
    struct line *line = line_of(face);
    struct pollfd more = {.fd = line->host.in, .events = POLLIN};
    for (int i = 0; readable && line_hungry(face) && i < LINE_READ_AT_ONCE && line->host.ready(line->host.ctx); i++) {
        rl_callback_read_char();
        readable = poll(&more, 1, 0) > 0;
    }
}

/* ---- notices out ---- */

static int line_columns(const struct line *line)
{
    int columns = terminal_columns(line->host.out);
    if (columns == 0)
        rl_get_screen_size(NULL, &columns);
    return columns;
}

static void follow_link(struct line *line, const struct earshot_event *event)
{
    if (event->type == EARSHOT_EVENT_ONLINE) {
        line->online = true;
        line->patience = 0;
        free(line->user);
        line->user = strdup(event->user ? event->user : "");
        line_start(line);
    } else if (event->type == EARSHOT_EVENT_DISCONNECTED || event->type == EARSHOT_EVENT_RETRY) {
        line->online = false;
        line->retry_at = line_now(line) + (event->retry_after > 0 ? event->retry_after : 0) * 1000LL;
    }
}

static void line_show(struct face *face, const struct notice *notice)
{
    struct line *line = line_of(face);
    bool first = notice->event->type == EARSHOT_EVENT_ONLINE && line->user == NULL;
    line->words.width = line_columns(line);
    words_notice(&line->out, &line->words, notice);
    follow_link(line, notice->event);
    if (first)
        text_format(&line->out, "%s      /help lists what you can do%s\n", line->palette.faint, line->palette.reset);
}

static void line_remark(struct face *face, const char *text)
{
    struct line *line = line_of(face);
    words_remark(&line->out, &line->words, line->host.clock->wall_ms(line->host.clock), text);
}

static void say_it_takes_time(struct line *line)
{
    if (line->patience == 0 || line_now(line) < line->patience)
        return;
    line->patience = 0;
    text_format(&line->out, "%sconnecting ...%s\n", line->palette.faint, line->palette.reset);
}

/* In rows of our own. Should a terminal think a character wider than we do, it must not begin one either. */
static void print_out(struct line *line)
{
    struct buf rows;
    if (buf_len(&line->out) == 0)
        return;
    buf_init(&rows, TEXT_CAP);
    text_add(&rows, line->margin.hold);
    wrap_text(&rows, buf_slice(&line->out), line_columns(line));
    text_add(&rows, line->margin.release);
    text_print(&rows);
    buf_free(&rows);
    buf_clear(&line->out);
}

static void write_out(struct line *line)
{
    print_out(line);
    fflush(stdout);
}

static bool line_flush(struct face *face)
{
    struct line *line = line_of(face);
    if (line->suspended)
        return true;
    say_it_takes_time(line);
    bool changed = line->running && update_prompt(line), redraw = line->running && (changed || buf_len(&line->out) > 0);
    if (redraw)
        rl_clear_visible_line();
    print_out(line);
    if (redraw) {
        if (changed)
            rl_set_prompt(prompt_text(line));
        rl_on_new_line();
        rl_redisplay();
    }
    return fflush(stdout) == 0 && !ferror(stdout);
}

static int line_pause(const struct face *face)
{
    const struct line *line = (const struct line *)face;
    int64_t now = line_now(line), left = line->retry_at - now;
    if (line->patience != 0 && !line->suspended)
        return line->patience > now ? (int)(line->patience - now) : 0;
    return line->running && !line->online && left > 0 ? (int)((left - 1) % 1000 + 1) : -1;
}

static void line_suspend(struct face *face)
{
    struct line *line = line_of(face);
    if (line->suspended) { /* from question to question */
        write_out(line);
        return;
    }
    if (line->running) {
        free(line->set_aside);
        line->set_aside = strdup(rl_line_buffer);
        line->set_aside_point = rl_point;
    }
    line_stop(line);
    line_flush(face);
    line->suspended = true;
}

static void line_resume(struct face *face)
{
    struct line *line = line_of(face);
    if (!line->suspended)
        return;
    line->suspended = false;
    if (line->user == NULL) { /* never online: nothing was being typed */
        line->patience = line_now(line) + LINE_PATIENCE_MS;
        return;
    }
    line_start(line);
    if (line->running && line->set_aside != NULL) {
        rl_insert_text(line->set_aside);
        rl_point = line->set_aside_point;
        rl_redisplay();
    }
    free(line->set_aside);
    line->set_aside = NULL;
}

static void line_resize(struct face *face)
{
    if (line_of(face)->running)
        rl_resize_terminal();
}

/* ---- life ---- */

extern const struct face_type line_face;

static void line_create(const struct face_host *host, struct face **face)
{
    struct line *line = text_memory(calloc(1, sizeof *line));
    line->face.type = &line_face;
    line->host = *host;
    palette_of_terminal(host->out, &line->palette);
    margin_of_terminal(host->out, &line->margin);
    line->words.palette = &line->palette;
    line->patience = line_now(line) + LINE_PATIENCE_MS;
    buf_init(&line->out, TEXT_CAP);
    buf_init(&line->prompt, TEXT_CAP);
    the_line = line;
    set_up_readline();
    *face = &line->face;
}

static void line_free(struct face **face)
{
    if (*face == NULL)
        return;
    struct line *line = line_of(*face);
    line->suspended = false;
    line->patience = 0;
    line_stop(line);
    line_flush(*face);
    clear_history();
    buf_free(&line->out);
    buf_free(&line->prompt);
    free(line->user);
    free(line->entered);
    free(line->set_aside);
    free(line);
    the_line = NULL;
    *face = NULL;
}

const struct face_type line_face = {
    .name = "line",
    .help = "line editing; chosen by itself at a terminal",
    .terminal = true,
    .wants_names = true,
    .create = line_create,
    .free = line_free,
    .hungry = line_hungry,
    .input = line_input,
    .show = line_show,
    .remark = line_remark,
    .flush = line_flush,
    .suspend = line_suspend,
    .resume = line_resume,
    .resize = line_resize,
    .pause = line_pause,
};
