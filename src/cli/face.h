/*
 * face.h - a face: one way of showing what happens and of taking lines in.
 *
 * Everything that happens reaches a face as a notice, in order; lines go the other way through the host, one call each. Adding a
 * face is one file with a `struct face_type` and one row in faces.c. The program calls in this order, all from one thread:
 * create; then each turn input, any number of show, flush; free. A face never calls the library.
 *
 * A notice is valid during the call. What is in it was written by others: a face that draws on a terminal makes it printable
 * (text_safe).
 */
#ifndef CLI_FACE_H
#define CLI_FACE_H

#include "base/world.h"
#include "commands.h"
#include "names.h"

/* Something that happened; for answers also what was asked. */
struct notice {
    const struct earshot_event *event;
    int64_t now_ms;                    /* wall clock */
    uint64_t n;                        /* the line it answers, from 1; 0 if none */
    const struct cli_command *command; /* of that line; NULL if none, or if there is no such command */
    const char *user;                  /* of that line's arguments; "" if none */
    struct slice text;
};

/* What a face may ask of the program. */
struct face_host {
    void *ctx;
    bool (*ready)(void *ctx); /* a line may be handed in now */
    /* One line, without its end. `fault` is EARSHOT_OK, or EARSHOT_TOO_LONG for a line that could not be kept. */
    void (*line)(void *ctx, struct slice line, enum earshot_error fault);
    void (*end)(void *ctx); /* there will be no more lines */
    const struct names *names;
    struct clock *clock;
    int in, out;
};

struct face {
    const struct face_type *type;
};

struct face_type {
    const char *name; /* the option, without the dashes */
    const char *help;
    bool terminal;    /* only where standard input and output are a terminal; chosen by itself there */
    bool wants_names; /* ask the server who is online, for completion */

    void (*create)(const struct face_host *host, struct face **face);
    void (*free)(struct face **face); /* takes NULL */

    /* Whether to wait for standard input: not at its end, and not with lines in hand. */
    bool (*hungry)(const struct face *face);
    /* Reads if there is something, and hands in lines while the host is ready. */
    void (*input)(struct face *face, bool readable);
    void (*show)(struct face *face, const struct notice *notice);
    /* A sentence for people about what this program is doing; NULL where only events are shown. */
    void (*remark)(struct face *face, const char *text);
    /* Writes what the turn has brought. False once nobody reads it any more. */
    bool (*flush)(struct face *face);

    /* The rest may be NULL. Why nothing can be written, as errno, if it is not that nobody reads it; or 0. */
    int (*problem)(const struct face *face);
    /* Give the terminal away for a question, and take it back. */
    void (*suspend)(struct face *face);
    void (*resume)(struct face *face);
    void (*resize)(struct face *face);
    /* Milliseconds until flush should be called even if nothing happens, or -1. */
    int (*pause)(const struct face *face);
};

#endif
