/*
 * stream.h - what the faces without a screen share: lines in from one descriptor, lines out to another.
 *
 * A face type of this kind sets create to a function that calls stream_create, and show to one that appends to
 * stream->output.buf.
 */
#ifndef CLI_STREAM_H
#define CLI_STREAM_H

#include "face.h"
#include "input.h"
#include "output.h"

enum { STREAM_FLUSH_AT = 256 * 1024 };

struct stream {
    struct face face;
    struct face_host host;
    struct input input;
    struct output output;
    bool lines_in_hand;
};

void stream_create(const struct face_type *type, const struct face_host *host, struct face **face);
void stream_free(struct face **face);
bool stream_hungry(const struct face *face);
void stream_input(struct face *face, bool readable);
bool stream_flush(struct face *face);
int stream_problem(const struct face *face);
/* After each show: a turn that brings very much is written in parts. */
void stream_written(struct stream *stream);

static inline struct stream *stream_of(struct face *face)
{
    return (struct stream *)face;
}

#endif
