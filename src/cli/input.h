/*
 * input.h - standard input cut into lines.
 *
 * A line ends in a newline (a carriage return before it is dropped) or at the end of input. One of more than INPUT_LINE_MAX bytes
 * is reported once as INPUT_TOO_LONG, as soon as that is certain, and the rest of it is skipped. The memory is capped.
 *
 *     while (ready() && (what = input_next(&input, &line)) != INPUT_NONE) ...
 */
#ifndef CLI_INPUT_H
#define CLI_INPUT_H

#include "base/buf.h"

enum { INPUT_LINE_MAX = 65536, INPUT_CHUNK = 65536 };

enum input_what { INPUT_NONE, INPUT_LINE, INPUT_TOO_LONG, INPUT_END };

struct input {
    struct buf buf;
    size_t scanned; /* bytes of buf known to hold no newline */
    size_t given;   /* bytes of the line handed out last, consumed at the next call */
    bool skipping;  /* the rest of a line that was too long */
    bool ended, end_given;
};

void input_init(struct input *input);
void input_free(struct input *input);

/* At most INPUT_CHUNK bytes, and only after input_next has said INPUT_NONE. */
void input_feed(struct input *input, const void *data, size_t len);
void input_finish(struct input *input); /* no more will come */

/* INPUT_LINE: *line is valid until the next call. INPUT_NONE: feed more. INPUT_END comes once. */
enum input_what input_next(struct input *input, struct slice *line);

/* Reads a chunk of `fd` into it; the end of the file and errors finish it. ERR_AGAIN: nothing there now. */
enum err input_read(struct input *input, int fd);

#endif
