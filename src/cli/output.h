/*
 * output.h - standard output with a buffer that is flushed once a turn.
 *
 * Writing blocks while the reader is slow: events are not lost, the server's patience is. When the reader has gone, `broken` is
 * set and everything further is dropped; so it is when we are asked to end (SIGTERM, SIGINT, SIGHUP wait, blocked, to be read)
 * and the reader takes nothing, and when it cannot be written for another reason, which `problem` tells.
 */
#ifndef CLI_OUTPUT_H
#define CLI_OUTPUT_H

#include "base/buf.h"

struct output {
    int fd;
    struct buf buf; /* append here with text_*, then output_flush */
    bool broken;
    int problem; /* errno, or 0 */
};

void output_init(struct output *output, int fd);
void output_free(struct output *output);
void output_flush(struct output *output);

#endif
