/*
 * frame.h - cutting a byte stream into frames: a varint length (protobuf's, 1 to 3 bytes, shortest form), then that many bytes.
 *
 * Pure. Works on whatever has arrived; the caller keeps what is incomplete.
 */
#ifndef WIRE_FRAME_H
#define WIRE_FRAME_H

#include "base/buf.h"

/*
 * Looks at the start of `in`. OK: *payload is the frame's content inside `in`, *used how many bytes it took with its prefix.
 * ERR_AGAIN: incomplete. ERR_BAD_FRAME: longer than WIRE_FRAME_MAX, or a length not in its shortest form. An empty frame
 * (length 0) is well formed here: it decodes to a message without a body.
 */
enum err frame_next(struct slice in, struct slice *payload, size_t *used);

/* Writes the prefix of a frame of `len` bytes (at most WIRE_FRAME_MAX) to out; returns its size, 1 to 3. */
size_t frame_prefix(size_t len, uint8_t out[3]);

#endif
