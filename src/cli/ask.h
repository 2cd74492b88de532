/*
 * ask.h - a question at the terminal, answered by one line, with or without echo.
 *
 * The terminal's own line editing is used, so nothing blocks: poll ask->in, call ask_readable, and a line comes when Enter was
 * pressed. Where standard input is no terminal, the controlling terminal is asked, so that commands can come from a pipe and the
 * password from a person. Answers are wiped.
 */
#ifndef CLI_ASK_H
#define CLI_ASK_H

#include "base/err.h"
#include <stdbool.h>
#include <stddef.h>
#include <termios.h>

enum { ASK_MAX = 1024 };

struct ask {
    int in, out; /* -1: nobody can be asked */
    int opened;  /* closed by ask_free; or -1 */
    bool active, echo;
    struct termios settings; /* to be put back */
    char *prompt;
    char line[ASK_MAX];
    size_t len;
};

void ask_init(struct ask *ask);
void ask_free(struct ask *ask); /* the terminal is as before */

static inline bool ask_possible(const struct ask *ask)
{
    return ask->in >= 0;
}

/* `prompt` is written as it is: make it printable. */
void ask_start(struct ask *ask, const char *prompt, bool echo);
/* ERR_AGAIN: not complete yet. OK: ask->line is the answer, until the next question. ERR_STOPPED: the terminal has gone, or
 * Ctrl-D. */
enum err ask_readable(struct ask *ask);
/* Around a stop of the process: shells put back whatever settings they like, and a secret must not be echoed then. */
void ask_pause(struct ask *ask);
void ask_resume(struct ask *ask);
/* Takes the question back. */
void ask_cancel(struct ask *ask);
/* Something for the person to read, on the same terminal. */
void ask_tell(struct ask *ask, const char *text);

#endif
