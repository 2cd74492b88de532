#include "ask.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void ask_init(struct ask *ask)
{
    *ask = (struct ask){.in = -1, .out = -1, .opened = -1};
    if (isatty(STDIN_FILENO) && isatty(STDOUT_FILENO)) {
        ask->in = STDIN_FILENO;
        ask->out = STDOUT_FILENO;
        return;
    }
    ask->opened = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);
    ask->in = ask->out = ask->opened;
}

void ask_free(struct ask *ask)
{
    ask_cancel(ask);
    if (ask->opened >= 0)
        close(ask->opened);
    explicit_bzero(ask->line, sizeof ask->line);
    *ask = (struct ask){.in = -1, .out = -1, .opened = -1};
}

void ask_tell(struct ask *ask, const char *text)
{
    while (*text != '\0') {
        ssize_t len = write(ask->out, text, strlen(text));
        if (len < 0 && errno != EINTR)
            return;
        text += len > 0 ? len : 0;
    }
}

/* The terminal's settings, and the prompt. */
static void put(struct ask *ask)
{
    struct termios settings;
    tcgetattr(ask->in, &ask->settings);
    settings = ask->settings;
    settings.c_lflag |= ICANON | ISIG | ECHO | ECHOE | ECHOK;
    settings.c_iflag |= ICRNL;
    if (!ask->echo)
        settings.c_lflag &= ~(tcflag_t)(ECHO | ECHOE | ECHOK | ECHONL);
    /* What was typed ahead stays: a script's answer may already be there. */
    tcsetattr(ask->in, TCSADRAIN, &settings);
    ask_tell(ask, ask->prompt != NULL ? ask->prompt : "");
}

void ask_start(struct ask *ask, const char *prompt, bool echo)
{
    ask_cancel(ask);
    explicit_bzero(ask->line, sizeof ask->line);
    ask->len = 0;
    ask->echo = echo;
    ask->active = true;
    ask->prompt = strdup(prompt);
    put(ask);
}

void ask_pause(struct ask *ask)
{
    if (ask->active)
        tcsetattr(ask->in, TCSADRAIN, &ask->settings);
}

void ask_resume(struct ask *ask)
{
    if (ask->active)
        put(ask);
}

void ask_cancel(struct ask *ask)
{
    if (!ask->active)
        return;
    tcsetattr(ask->in, TCSADRAIN, &ask->settings);
    free(ask->prompt);
    ask->prompt = NULL;
    ask->active = false;
}

enum err ask_readable(struct ask *ask)
{
    ssize_t len = read(ask->in, ask->line + ask->len, sizeof ask->line - ask->len - 1);
    if (len < 0 && (errno == EAGAIN || errno == EINTR))
        return ERR_AGAIN;
    if (len > 0)
        ask->len += (size_t)len;
    bool complete = ask->len > 0 && ask->line[ask->len - 1] == '\n';
    if (len > 0 && !complete && ask->len < sizeof ask->line - 1)
        return ERR_AGAIN;
    if (!ask->echo || !complete)
        ask_tell(ask, "\n");
    ask_cancel(ask);
    if (len <= 0)
        return ERR_STOPPED;
    ask->line[complete ? ask->len - 1 : ask->len] = '\0';
    return OK;
}
