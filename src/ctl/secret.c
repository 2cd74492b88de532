/* secret.c - see secret.h. */
#include "secret.h"
#include "base/utf8.h"
#include "say.h"
#include <stdio.h>
#include <termios.h>
#include <unistd.h>

/* Byte by byte: what follows the line is not ours. A carriage return at its end belongs to a file from Windows, not to the
 * password: the client would never send it. */
static enum err read_line(struct buf *out)
{
    size_t before = buf_len(out);
    bool held = false;
    uint8_t byte;
    while (read(STDIN_FILENO, &byte, 1) == 1 && byte != '\n') {
        enum err err = byte == '\0' ? ERR_INVALID : held ? buf_append_str(out, "\r") : OK;
        held = byte == '\r';
        if (err == OK && !held)
            err = buf_append(out, &byte, 1);
        if (err != OK)
            return err;
    }
    return buf_len(out) > before ? OK : ERR_INVALID;
}

static enum err ask(const char *text, const char *user, struct buf *out)
{
    struct termios before, quiet;
    if (tcgetattr(STDIN_FILENO, &before) != 0)
        return ERR_SYSTEM;
    quiet = before;
    quiet.c_lflag &= ~(tcflag_t)ECHO;
    (void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet);
    (void)say(stderr, slice_str(text));
    (void)say(stderr, slice_str(user));
    fputs(": ", stderr);
    enum err err = read_line(out);
    (void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
    fputs("\n", stderr);
    return err;
}

static enum err read_piped(struct buf *out)
{
    struct buf line;
    buf_init(&line, out->cap);
    enum err err = read_line(&line);
    struct slice secret = utf8_begin(buf_slice(&line));
    if (err == OK)
        err = secret.len > 0 ? buf_append(out, secret.data, secret.len) : ERR_INVALID;
    if (line.bytes != NULL)
        explicit_bzero(line.bytes, line.size);
    buf_free(&line);
    return err;
}

enum err secret_read(const char *user, struct buf *out)
{
    if (!isatty(STDIN_FILENO))
        return read_piped(out);
    struct buf again;
    size_t before = buf_len(out);
    buf_init(&again, out->cap);
    enum err err = ask("New password of ", user, out);
    if (err == OK)
        err = ask("Once more, of ", user, &again);
    if (err == OK && !slice_equal(buf_slice(&again), slice_of(buf_data(out) + before, buf_len(out) - before)))
        err = ERR_INVALID;
    if (again.bytes != NULL)
        explicit_bzero(again.bytes, again.size);
    buf_free(&again);
    return err;
}
