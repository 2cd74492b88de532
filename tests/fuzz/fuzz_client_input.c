/*
 * fuzz_client_input.c - bytes of a server into a client with requests under way.
 *
 * The first byte says whether the client is logged in when the others arrive, and in what pieces they do; or that they are
 * frames, drawn by draw.h, with time between them and connections lost. Whatever comes, every request is answered exactly once,
 * at the latest when the client is done; CLOSED is the last event.
 */
#include "core_private.h"
#include "draw.h"
#include "faults.h"
#include "wire/codec.h"
#include "wire/frame.h"
#include "wire/limits.h"
#include <stdlib.h>

enum { DRAWN = 0x7f };

struct fuzz {
    struct clock clock;
    struct random random;
    struct timers timers;
    struct world world;
    int64_t now;
    struct client_core *core;
    bool wanted, up, closed;
    unsigned asked, answered;
};

static int64_t tell_time(struct clock *clock)
{
    return ((struct fuzz *)(void *)((char *)clock - offsetof(struct fuzz, clock)))->now;
}

static void fill(struct random *random, void *data, size_t len)
{
    memset(data, 7, len);
}

static enum err connect_to(void *ctx)
{
    ((struct fuzz *)ctx)->wanted = true;
    return OK;
}

static enum err take(void *ctx, struct slice bytes)
{
    return OK;
}

static void hang_up(void *ctx)
{
    ((struct fuzz *)ctx)->up = false;
}

static void on_event(void *ctx, const struct earshot_event *event)
{
    struct fuzz *fuzz = ctx;
    bool answer = event->type == EARSHOT_EVENT_OK || event->type == EARSHOT_EVENT_USERS || event->type == EARSHOT_EVENT_ERROR;
    if (fuzz->closed)
        abort();
    if (answer && event->request != 0 && event->error != EARSHOT_NOT_ACCEPTED)
        fuzz->answered++;
    if (event->body != NULL && event->body[event->body_len] != '\0')
        abort();
    fuzz->closed = event->type == EARSHOT_EVENT_CLOSED;
}

static bool load(void *ctx, const struct name *user, struct token *token)
{
    return false;
}

static void save(void *ctx, const struct token *token)
{
}

static void pass(struct fuzz *fuzz, int64_t ms)
{
    int64_t end = fuzz->now + ms;
    for (int64_t next; (next = timers_next(&fuzz->timers)) >= 0 && next <= end;) {
        fuzz->now = next > fuzz->now ? next : fuzz->now;
        timers_run(&fuzz->timers, fuzz->now);
    }
    fuzz->now = end;
}

static void feed(struct fuzz *fuzz, struct slice bytes, size_t piece)
{
    while (bytes.len > 0 && fuzz->up) {
        size_t len = bytes.len < piece ? bytes.len : piece;
        core_data(fuzz->core, slice_of(bytes.data, len));
        bytes = slice_of(bytes.data + len, bytes.len - len);
    }
}

static void ask(struct fuzz *fuzz, int kind)
{
    struct request what = {.kind = kind};
    if (name_parse(slice_str("bob"), &what.user) != OK)
        abort();
    fuzz->asked += core_ask(fuzz->core, &what, slice_str("hi")) > 0;
}

static void open_connection(struct fuzz *fuzz)
{
    pass(fuzz, 0);
    assert(fuzz->wanted || faults_happened());
    fuzz->up = true;
    core_opened(fuzz->core);
}

static void log_in(struct fuzz *fuzz)
{
    uint8_t token[TOKEN_SIZE] = {1};
    struct buf bytes;
    Earshot__ServerFrame frame = EARSHOT__SERVER_FRAME__INIT;
    Earshot__Welcome welcome = EARSHOT__WELCOME__INIT;
    welcome.user = bytes_of_slice(slice_str("alice"));
    welcome.token = bytes_of_slice(slice_of(token, sizeof token));
    frame.answers = 2;
    frame.body_case = EARSHOT__SERVER_FRAME__BODY_WELCOME;
    frame.welcome = &welcome;
    faults_pause();
    buf_init(&bytes, 1024);
    if (codec_write_server(&frame, &bytes) != OK)
        abort();
    faults_resume();
    feed(fuzz, buf_slice(&bytes), 1024);
    buf_free(&bytes);
}

static void feed_frame(struct fuzz *fuzz, struct draw *draw)
{
    uint8_t prefix[WIRE_PREFIX_MAX];
    struct buf frame;
    faults_pause();
    buf_init(&frame, 1 << 20);
    draw_frame(draw, &earshot__server_frame__descriptor, draw_byte(draw) % 64, &frame);
    faults_resume();
    if (buf_len(&frame) <= WIRE_FRAME_MAX) {
        feed(fuzz, slice_of(prefix, frame_prefix(buf_len(&frame), prefix)), sizeof prefix);
        feed(fuzz, buf_slice(&frame), SIZE_MAX);
    }
    buf_free(&frame);
}

/* The connection is lost, and comes back if the client wants it. */
static void reconnect(struct fuzz *fuzz)
{
    if (fuzz->up)
        core_lost(fuzz->core, EARSHOT_NO_CONNECTION, "lost");
    fuzz->up = fuzz->wanted = false;
    pass(fuzz, 60000);
    fuzz->up = fuzz->wanted && !fuzz->closed;
    if (fuzz->up)
        core_opened(fuzz->core);
}

static void feed_drawn(struct fuzz *fuzz, struct slice bytes)
{
    static const uint8_t token[TOKEN_SIZE] = {2};
    const struct slice names[] = {slice_str("alice"), slice_str("bob"), slice_str("\x1b[1m")};
    const struct slice texts[] = {slice_str("hi"), slice_str("caf\xc3\xa9\n\tand"), slice_str("\xff\x1b[2J")};
    const struct draw_row rows[] = {
        {.field = "user", .values = {names[0], names[1], names[2]}, .count = 3},
        {.field = "from", .values = {names[1], names[0], names[2]}, .count = 3},
        {.field = "to", .values = {names[0], names[1], names[2]}, .count = 3},
        {.field = "with", .values = {names[1], names[0], names[2]}, .count = 3},
        {.field = "users", .values = {names[1], names[0], names[2]}, .count = 3},
        {.field = "body", .values = {texts[0], texts[1], texts[2]}, .count = 3},
        {.field = "text", .values = {texts[0], texts[1], texts[2]}, .count = 3},
        {.field = "token", .values = {slice_of(token, TOKEN_SIZE)}, .count = 1},
        {.field = "channel", .values = {slice_str("one channel...16")}, .count = 1},
        {.field = "version", .numbers = {WIRE_VERSION, 0, 9}, .count = 3},
        {.field = "conversation", .numbers = {1, 2}, .count = 2},
        {.field = "id", .numbers = {1, 2, 3}, .count = 3},
        {.field = NULL},
    };
    struct draw draw = {bytes.data, bytes.data + bytes.len, rows};
    while (draw.at < draw.end) {
        uint8_t move = draw_byte(&draw);
        if (move < 220)
            feed_frame(fuzz, &draw);
        else if (move < 240)
            pass(fuzz, 100 * draw_byte(&draw));
        else
            reconnect(fuzz);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct core_ops ops = {connect_to, take, hang_up, on_event, load, save};
    struct core_options options = {.server = "h:1", .user = "alice", .password = "pw", .client = "fuzz"};
    struct fuzz fuzz = {.clock = {tell_time, tell_time}, .random = {fill}};
    unsigned how = size > 0 ? data[0] : 0;
    timers_init(&fuzz.timers);
    fuzz.world = (struct world){&fuzz.clock, &fuzz.timers, &fuzz.random, NULL};
    if (core_new(&options, &fuzz.world, &ops, &fuzz, &fuzz.core) != OK) {
        timers_free(&fuzz.timers);
        return 0;
    }
    core_start(fuzz.core);
    open_connection(&fuzz);
    if ((how & 0x80) == 0)
        log_in(&fuzz);
    for (unsigned i = 0; i < earshot__client_frame__descriptor.n_fields; i++) {
        int kind = (int)earshot__client_frame__descriptor.fields[i].id;
        if (requests_have(kind))
            ask(&fuzz, kind);
    }
    pass(&fuzz, 0);
    if (size > 1 && (how & 0x7f) == DRAWN)
        feed_drawn(&fuzz, slice_of(data + 1, size - 1));
    else if (size > 1)
        feed(&fuzz, slice_of(data + 1, size - 1), (how & 0x7f) == 0 ? 65536 : how & 0x7f);
    pass(&fuzz, 20000);
    fuzz.asked += core_logout(fuzz.core) > 0;
    pass(&fuzz, 1000);
    if (fuzz.up)
        core_lost(fuzz.core, EARSHOT_NO_CONNECTION, "over");
    pass(&fuzz, 40000);
    if (fuzz.closed && fuzz.answered != fuzz.asked)
        abort();
    core_free(&fuzz.core);
    timers_free(&fuzz.timers);
    return 0;
}
