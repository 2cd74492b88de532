/*
 * fuzz_server_frame.c - whatever a server sends is refused or understood; what was understood can be written again, and then
 * reads the same.
 */
#include "forget_unknown.h"
#include "wire/codec.h"
#include "wire/frame.h"
#include "wire/limits.h"
#include <assert.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Appends the frame to `out`; false if it is too long when written in full, as an odd but well-formed one may be. */
static bool rewrite(Earshot__ServerFrame *frame, struct buf *out)
{
    forget_unknown(&frame->base);
    enum err err = codec_write_server(frame, out);
    if (err != OK && err != ERR_TOO_LONG)
        abort();
    return err == OK;
}

static struct slice payload_of(const struct buf *written)
{
    struct slice payload;
    size_t used;
    if (frame_next(buf_slice(written), &payload, &used) != OK || used != buf_len(written))
        abort();
    return payload;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena;
    struct buf first, second;
    Earshot__ServerFrame *frame;
    arena_init(&arena, WIRE_ARENA_CAP, WIRE_ARENA_KEEP);
    buf_init(&first, WIRE_FRAME_MAX + WIRE_PREFIX_MAX);
    buf_init(&second, WIRE_FRAME_MAX + WIRE_PREFIX_MAX);
    if (codec_read_server(slice_of(data, size), &arena, &frame) == OK && rewrite(frame, &first)) {
        arena_reset(&arena);
        enum err err = codec_read_server(payload_of(&first), &arena, &frame);
        if (err == OK && (!rewrite(frame, &second) || !slice_equal(buf_slice(&first), buf_slice(&second))))
            abort();
        if (err != OK && !arena_failed(&arena))
            abort();
    }
    assert(arena.used <= WIRE_ARENA_CAP);
    buf_free(&second);
    buf_free(&first);
    arena_free(&arena);
    return 0;
}
