/* micro_codec.c - a message of 64 bytes, from the sender and to the receiver, through src/wire. */
#include "micro.h"
#include "wire/codec.h"
#include "wire/frame.h"

static const char text[] = "sixty-four bytes of text, as the other benchmarks send them: ....";
static struct arena arena;
static struct buf sent, delivered, scratch;

static ProtobufCBinaryData bytes_of(const char *string)
{
    return bytes_of_slice(slice_str(string));
}

static void write_sent(struct buf *out)
{
    Earshot__SendMessage message = EARSHOT__SEND_MESSAGE__INIT;
    Earshot__ClientFrame frame = EARSHOT__CLIENT_FRAME__INIT;
    message.to = bytes_of("load1234");
    message.body = bytes_of(text);
    frame.number = 123456;
    frame.body_case = EARSHOT__CLIENT_FRAME__BODY_MESSAGE;
    frame.message = &message;
    demand(codec_write_client(&frame, out) == OK, "write a frame");
}

static void write_delivered(struct buf *out)
{
    Earshot__Message message = EARSHOT__MESSAGE__INIT;
    Earshot__ServerFrame frame = EARSHOT__SERVER_FRAME__INIT;
    message.conversation = 12345;
    message.id = 1234567;
    message.from = bytes_of("load1234");
    message.to = bytes_of("load1235");
    message.body = bytes_of(text);
    message.time_ms = 1700000000000;
    frame.body_case = EARSHOT__SERVER_FRAME__BODY_EVENT_MESSAGE;
    frame.event_message = &message;
    demand(codec_write_server(&frame, out) == OK, "write a frame");
}

static void set_up(void)
{
    arena_init(&arena, 1 << 20, 8192);
    buf_init(&sent, 1 << 16);
    buf_init(&delivered, 1 << 16);
    buf_init(&scratch, 1 << 16);
    write_sent(&sent);
    write_delivered(&delivered);
}

static void write_client(unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        buf_clear(&scratch);
        write_sent(&scratch);
    }
}

static void write_server(unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        buf_clear(&scratch);
        write_delivered(&scratch);
    }
}

static void read_client(unsigned count)
{
    struct slice payload;
    size_t used;
    Earshot__ClientFrame *frame;
    for (unsigned i = 0; i < count; i++) {
        arena_reset(&arena);
        demand(frame_next(buf_slice(&sent), &payload, &used) == OK && codec_read_client(payload, &arena, &frame) == OK,
               "read a frame");
    }
}

static void read_server(unsigned count)
{
    struct slice payload;
    size_t used;
    Earshot__ServerFrame *frame;
    for (unsigned i = 0; i < count; i++) {
        arena_reset(&arena);
        demand(frame_next(buf_slice(&delivered), &payload, &used) == OK && codec_read_server(payload, &arena, &frame) == OK,
               "read a frame");
    }
}

const struct micro micro_codec[] = {
    {"codec-write-sent", set_up, write_client},
    {"codec-read-sent", NULL, read_client},
    {"codec-write-delivered", NULL, write_server},
    {"codec-read-delivered", NULL, read_server},
    {0},
};
