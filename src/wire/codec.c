#include "wire/codec.h"
#include "wire/frame.h"
#include "wire/limits.h"
#include <assert.h>

static void *allocate(void *arena, size_t len)
{
    return arena_alloc(arena, len);
}

static void leave_to_the_arena(void *arena, void *space)
{
}

static ProtobufCMessage *unpack(const ProtobufCMessageDescriptor *type, struct slice payload, struct arena *arena)
{
    if (payload.len > WIRE_FRAME_MAX)
        return NULL;
    ProtobufCAllocator allocator = {allocate, leave_to_the_arena, arena};
    ProtobufCMessage *message = protobuf_c_message_unpack(type, &allocator, payload.len, payload.data);
    return arena_failed(arena) ? NULL : message;
}

enum err codec_read_client(struct slice payload, struct arena *arena, Earshot__ClientFrame **frame)
{
    ProtobufCMessage *message = unpack(&earshot__client_frame__descriptor, payload, arena);
    if (message == NULL)
        return ERR_BAD_FRAME;
    *frame = (Earshot__ClientFrame *)message;
    return OK;
}

enum err codec_read_server(struct slice payload, struct arena *arena, Earshot__ServerFrame **frame)
{
    ProtobufCMessage *message = unpack(&earshot__server_frame__descriptor, payload, arena);
    if (message == NULL)
        return ERR_BAD_FRAME;
    *frame = (Earshot__ServerFrame *)message;
    return OK;
}

enum err codec_read_peer_signal(struct slice payload, struct arena *arena, Earshot__PeerSignal **signal)
{
    ProtobufCMessage *message = unpack(&earshot__peer_signal__descriptor, payload, arena);
    if (message == NULL)
        return ERR_BAD_FRAME;
    *signal = (Earshot__PeerSignal *)message;
    return OK;
}

enum err codec_read_peer_frame(struct slice payload, struct arena *arena, Earshot__PeerFrame **frame)
{
    ProtobufCMessage *message = unpack(&earshot__peer_frame__descriptor, payload, arena);
    if (message == NULL)
        return ERR_BAD_FRAME;
    *frame = (Earshot__PeerFrame *)message;
    return OK;
}

enum err codec_begin_client(Earshot__ClientFrame *frame, Earshot__ClientFrame__BodyCase body, struct arena *arena)
{
    const ProtobufCFieldDescriptor *field =
        protobuf_c_message_descriptor_get_field(&earshot__client_frame__descriptor, (unsigned)body);
    const ProtobufCMessageDescriptor *type = field->descriptor;
    ProtobufCMessage *message = arena_alloc(arena, type->sizeof_message);
    if (message == NULL)
        return ERR_MEMORY;
    protobuf_c_message_init(type, message);
    frame->body_case = body;
    memcpy((char *)frame + field->offset, &message, sizeof message);
    return OK;
}

static enum err write_message(const ProtobufCMessage *message, struct buf *out)
{
    uint8_t prefix[WIRE_PREFIX_MAX], *space;
    size_t len = protobuf_c_message_get_packed_size(message); /* packing itself knows no limit */
    if (len > WIRE_FRAME_MAX)
        return ERR_TOO_LONG;
    size_t prefix_len = frame_prefix(len, prefix);
    enum err err = buf_reserve(out, prefix_len + len, &space);
    if (err != OK)
        return err;
    memcpy(space, prefix, prefix_len);
    protobuf_c_message_pack(message, space + prefix_len);
    buf_commit(out, prefix_len + len);
    return OK;
}

/* What a message takes at most, or 0: to be counted. Only for the two kinds of which there are many: counting exactly takes
 * almost as long as packing does. */
static size_t bound(const Earshot__ServerFrame *frame)
{
    enum { NUMBERS = 96 }; /* at most six of ten bytes, and what stands before each field: at most three */
    const Earshot__Message *message = frame->event_message;
    switch (frame->body_case) {
    case EARSHOT__SERVER_FRAME__BODY_ACCEPTED:
        return NUMBERS;
    case EARSHOT__SERVER_FRAME__BODY_EVENT_MESSAGE:
        return NUMBERS + message->from.len + message->to.len + message->body.len;
    default:
        return 0;
    }
}

static enum err write_bounded(const ProtobufCMessage *message, size_t most, struct buf *out)
{
    uint8_t prefix[WIRE_PREFIX_MAX], *space;
    enum err err = buf_reserve(out, WIRE_PREFIX_MAX + most, &space);
    if (err != OK)
        return err;
    size_t len = protobuf_c_message_pack(message, space + WIRE_PREFIX_MAX), prefix_len = frame_prefix(len, prefix);
    assert(len <= most);
    memmove(space + prefix_len, space + WIRE_PREFIX_MAX, len);
    memcpy(space, prefix, prefix_len);
    buf_commit(out, prefix_len + len);
    return OK;
}

enum err codec_write_client(const Earshot__ClientFrame *frame, struct buf *out)
{
    return write_message(&frame->base, out);
}

enum err codec_write_server(const Earshot__ServerFrame *frame, struct buf *out)
{
    size_t most = bound(frame);
    if (most > 0 && most <= WIRE_FRAME_MAX)
        return write_bounded(&frame->base, most, out);
    return write_message(&frame->base, out);
}

static const enum err errors[] = {
    [EARSHOT__ERROR_CODE__ERROR_UNKNOWN_COMMAND] = ERR_UNKNOWN_COMMAND,
    [EARSHOT__ERROR_CODE__ERROR_USAGE] = ERR_USAGE,
    [EARSHOT__ERROR_CODE__ERROR_UNKNOWN_USER] = ERR_UNKNOWN_USER,
    [EARSHOT__ERROR_CODE__ERROR_SELF] = ERR_SELF,
    [EARSHOT__ERROR_CODE__ERROR_BLOCKED] = ERR_BLOCKED,
    [EARSHOT__ERROR_CODE__ERROR_OFFLINE] = ERR_OFFLINE,
    [EARSHOT__ERROR_CODE__ERROR_NOT_BLOCKED] = ERR_NOT_BLOCKED,
    [EARSHOT__ERROR_CODE__ERROR_ALREADY_BLOCKED] = ERR_ALREADY_BLOCKED,
    [EARSHOT__ERROR_CODE__ERROR_WRONG_PASSWORD] = ERR_WRONG_PASSWORD,
    [EARSHOT__ERROR_CODE__ERROR_ACCOUNT_BLOCKED] = ERR_ACCOUNT_BLOCKED,
    [EARSHOT__ERROR_CODE__ERROR_REGISTRATION_CLOSED] = ERR_REGISTRATION_CLOSED,
    [EARSHOT__ERROR_CODE__ERROR_BAD_NAME] = ERR_BAD_NAME,
    [EARSHOT__ERROR_CODE__ERROR_BAD_PASSWORD] = ERR_BAD_PASSWORD,
    [EARSHOT__ERROR_CODE__ERROR_TOO_LONG] = ERR_TOO_LONG,
    [EARSHOT__ERROR_CODE__ERROR_BAD_TEXT] = ERR_BAD_TEXT,
    [EARSHOT__ERROR_CODE__ERROR_RATE_LIMITED] = ERR_RATE_LIMITED,
    [EARSHOT__ERROR_CODE__ERROR_NO_PRIVATE] = ERR_NO_PRIVATE,
    [EARSHOT__ERROR_CODE__ERROR_DECLINED] = ERR_DECLINED,
    [EARSHOT__ERROR_CODE__ERROR_PRIVATE_FAILED] = ERR_PRIVATE_FAILED,
    [EARSHOT__ERROR_CODE__ERROR_NOT_STORED] = ERR_NOT_STORED,
    [EARSHOT__ERROR_CODE__ERROR_UNAVAILABLE] = ERR_UNAVAILABLE,
    [EARSHOT__ERROR_CODE__ERROR_BAD_TOKEN] = ERR_BAD_TOKEN,
    [EARSHOT__ERROR_CODE__ERROR_BAD_FRAME] = ERR_BAD_FRAME,
    [EARSHOT__ERROR_CODE__ERROR_WRONG_STATE] = ERR_WRONG_STATE,
    [EARSHOT__ERROR_CODE__ERROR_NAME_TAKEN] = ERR_NAME_TAKEN,
};

enum { ERROR_COUNT = sizeof errors / sizeof errors[0] };

Earshot__ErrorCode codec_error_code(enum err err)
{
    for (unsigned code = 1; code < ERROR_COUNT; code++) {
        if (errors[code] == err && err != OK)
            return (Earshot__ErrorCode)code;
    }
    return EARSHOT__ERROR_CODE__ERROR_UNAVAILABLE;
}

enum err codec_error(uint32_t code)
{
    return code < ERROR_COUNT && errors[code] != OK ? errors[code] : ERR_UNAVAILABLE;
}
