#include "stream.h"
#include "text.h"
#include <stdlib.h>

void stream_create(const struct face_type *type, const struct face_host *host, struct face **face)
{
    struct stream *stream = text_memory(calloc(1, sizeof *stream));
    stream->face.type = type;
    stream->host = *host;
    input_init(&stream->input);
    output_init(&stream->output, host->out);
    *face = &stream->face;
}

void stream_free(struct face **face)
{
    if (*face == NULL)
        return;
    struct stream *stream = stream_of(*face);
    input_free(&stream->input);
    output_free(&stream->output);
    free(stream);
    *face = NULL;
}

bool stream_hungry(const struct face *face)
{
    const struct stream *stream = (const struct stream *)face;
    return !stream->lines_in_hand && !stream->input.ended;
}

/* Hands in the lines there are, while somebody wants them. */
static void stream_pump(struct stream *stream)
{
    struct slice line = {NULL, 0};
    stream->lines_in_hand = true;
    while (stream->host.ready(stream->host.ctx)) {
        enum input_what what = input_next(&stream->input, &line);
        if (what == INPUT_NONE) {
            stream->lines_in_hand = false;
            return;
        }
        if (what == INPUT_END)
            stream->host.end(stream->host.ctx);
        else if (what == INPUT_TOO_LONG)
            stream->host.line(stream->host.ctx, slice_of(NULL, 0), EARSHOT_TOO_LONG);
        else
            stream->host.line(stream->host.ctx, line, EARSHOT_OK);
    }
}

void stream_input(struct face *face, bool readable)
{
    struct stream *stream = stream_of(face);
    if (readable && stream_hungry(face))
        input_read(&stream->input, stream->host.in);
    stream_pump(stream);
}

void stream_written(struct stream *stream)
{
    if (buf_len(&stream->output.buf) > STREAM_FLUSH_AT)
        output_flush(&stream->output);
}

bool stream_flush(struct face *face)
{
    output_flush(&stream_of(face)->output);
    return !stream_of(face)->output.broken;
}

int stream_problem(const struct face *face)
{
    return ((const struct stream *)face)->output.problem;
}
