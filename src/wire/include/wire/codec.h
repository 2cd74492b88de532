/*
 * codec.h - frames to and from protobuf messages.
 *
 * Decoding allocates from the caller's arena, which must be capped: 64 KiB of hostile bytes can ask for megabytes. The
 * decoded message lives until the arena is reset and is never freed otherwise; its `bytes` fields are copies in the arena.
 */
#ifndef WIRE_CODEC_H
#define WIRE_CODEC_H

#include "base/arena.h"
#include "base/buf.h"
#include "earshot.pb-c.h"

enum {
    WIRE_ARENA_CAP = 16 * 65536, /* what one frame may take decoded: any well-meant one fits, positions take the most */
    WIRE_ARENA_KEEP = 8192,      /* what stays allocated between frames */
};

/* OK; ERR_BAD_FRAME: not a message, or larger decoded than the arena's cap. */
enum err codec_read_client(struct slice payload, struct arena *arena, Earshot__ClientFrame **frame);
enum err codec_read_server(struct slice payload, struct arena *arena, Earshot__ServerFrame **frame);

/* What the two ends of a private channel say to each other: through the server, and on the channel. */
enum err codec_read_peer_signal(struct slice payload, struct arena *arena, Earshot__PeerSignal **signal);
enum err codec_read_peer_frame(struct slice payload, struct arena *arena, Earshot__PeerFrame **frame);

/* Gives the frame the empty body that the schema has for this case, which lives as long as the arena; the caller fills it in.
 * ERR_MEMORY. */
enum err codec_begin_client(Earshot__ClientFrame *frame, Earshot__ClientFrame__BodyCase body, struct arena *arena);

/* Appends prefix and message. ERR_TOO_LONG if the message exceeds WIRE_FRAME_MAX; ERR_CAP, ERR_MEMORY from the buffer. Nothing
 * is appended on failure. */
enum err codec_write_client(const Earshot__ClientFrame *frame, struct buf *out);
enum err codec_write_server(const Earshot__ServerFrame *frame, struct buf *out);

static inline struct slice slice_of_bytes(ProtobufCBinaryData bytes)
{
    return slice_of(bytes.data, bytes.len);
}

static inline ProtobufCBinaryData bytes_of_slice(struct slice slice)
{
    return (ProtobufCBinaryData){slice.len, (uint8_t *)(uintptr_t)slice.data};
}

/* Between our errors and the protocol's numbers. Internal errors become ERROR_UNAVAILABLE; unknown numbers ERR_UNAVAILABLE. */
Earshot__ErrorCode codec_error_code(enum err err);
enum err codec_error(uint32_t code);

#endif
