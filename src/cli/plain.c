/*
 * plain.c - the face for pipes, screen readers and logs: one line per event with the local time, no cursor movement, no colours.
 *
 * A newline inside a text is written as the two characters "\n", so that a line is an event.
 */
#include "palette.h"
#include "stream.h"
#include "words.h"

static void plain_show(struct face *face, const struct notice *notice)
{
    struct words words = {.palette = &palette_none, .linear = true};
    words_notice(&stream_of(face)->output.buf, &words, notice);
    stream_written(stream_of(face));
}

static void plain_remark(struct face *face, const char *text)
{
    struct words words = {.palette = &palette_none, .linear = true};
    struct stream *stream = stream_of(face);
    words_remark(&stream->output.buf, &words, stream->host.clock->wall_ms(stream->host.clock), text);
    stream_written(stream);
}

extern const struct face_type plain_face;

static void plain_create(const struct face_host *host, struct face **face)
{
    stream_create(&plain_face, host, face);
}

const struct face_type plain_face = {
    .name = "plain",
    .help = "linear text, no cursor movement (pipes, screen\nreaders); chosen by itself without a terminal",
    .create = plain_create,
    .free = stream_free,
    .hungry = stream_hungry,
    .input = stream_input,
    .show = plain_show,
    .remark = plain_remark,
    .flush = stream_flush,
    .problem = stream_problem,
};
