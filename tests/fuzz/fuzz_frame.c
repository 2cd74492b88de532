/*
 * fuzz_frame.c - a stream cut into frames must give the same frames however it arrives. The first byte of the input says in
 * what pieces; the rest is the stream.
 */
#include "base/buf.h"
#include "wire/frame.h"
#include "wire/limits.h"
#include <assert.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct outcome {
    uint64_t frames, content; /* how many, and a sum over their bytes and places */
    enum err end;
};

static void add_frame(struct outcome *outcome, struct slice payload)
{
    assert(payload.len <= WIRE_FRAME_MAX);
    for (size_t i = 0; i < payload.len; i++)
        outcome->content = outcome->content * 31 + payload.data[i];
    outcome->content = outcome->content * 31 + payload.len;
    outcome->frames++;
}

/* Takes all complete frames off the front of `arrived`. */
static enum err take_frames(struct buf *arrived, struct outcome *outcome)
{
    for (;;) {
        struct slice payload;
        size_t used;
        enum err err = frame_next(buf_slice(arrived), &payload, &used);
        if (err != OK)
            return err;
        assert(used == payload.len + (payload.len < 128 ? 1 : payload.len < 16384 ? 2 : 3));
        add_frame(outcome, payload);
        buf_consume(arrived, used);
    }
}

static struct outcome run(struct slice stream, size_t piece)
{
    struct outcome outcome = {0, 0, ERR_AGAIN};
    struct buf arrived;
    buf_init(&arrived, stream.len);
    while (stream.len > 0 && outcome.end == ERR_AGAIN) {
        size_t len = piece < stream.len ? piece : stream.len;
        if (buf_append(&arrived, stream.data, len) != OK)
            abort();
        stream = slice_of(stream.data + len, stream.len - len);
        outcome.end = take_frames(&arrived, &outcome);
    }
    buf_free(&arrived);
    return outcome;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    struct slice stream = slice_of(data + 1, size - 1);
    struct outcome whole = run(stream, stream.len), parts = run(stream, 1 + (size_t)data[0]);
    if (whole.frames != parts.frames || whole.content != parts.content || whole.end != parts.end)
        abort();
    return 0;
}
