/*
 * fuzz_session.c - whatever a client sends, its session answers with whole frames and ends without a trace.
 *
 * A server on a stage (tests/unit/simulation/world.h): "alice" listens on one shard, the bytes come on the other, from somebody
 * who has logged in as "hello" or from a stranger. The first byte of the input says which, and into how large pieces the rest is
 * cut.
 */
#include "../unit/simulation/world.c"

#include "base/log.h"
#include "session/session.h"
#include "wire/codec.h"
#include "wire/frame.h"
#include "wire/limits.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { OUT_CAP = 256 * 1024, LOGGED_IN = 1, INPUTS_PER_STAGE = 100 };

struct caller {
    struct session *session;
    struct buf out;
    bool hung_up;
};

/* Opening a store takes longer than most inputs, so that a stage serves many of them; each gets a user of its own. */
static struct stage *stage;
static unsigned served;

static struct hub *hubs[STAGE_SHARDS];

static enum err link_write(void *link, struct slice bytes)
{
    struct caller *caller = link;
    assert(!caller->hung_up);
    return buf_append(&caller->out, bytes.data, bytes.len);
}

static size_t link_pending(void *link)
{
    return buf_len(&((struct caller *)link)->out);
}

static void link_pause(void *link, bool paused)
{
}

static void link_close(void *link)
{
    struct caller *caller = link;
    assert(!caller->hung_up);
    caller->hung_up = true;
}

static const struct session_link caller_link = {link_write, link_pending, link_pause, link_close};

static void turn_end(void *ctx, unsigned shard)
{
    hub_flush(hubs[shard]);
}

static void settle(void)
{
    for (unsigned i = 0; i < STAGE_SHARDS; i++)
        stage_wake(stage, i);
    stage_settle(stage);
}

/* Everything written so far is whole frames of the protocol. */
static void read_out(struct caller *caller)
{
    struct arena arena;
    struct slice payload;
    size_t used;
    arena_init(&arena, WIRE_ARENA_CAP, WIRE_ARENA_KEEP);
    while (frame_next(buf_slice(&caller->out), &payload, &used) == OK) {
        Earshot__ServerFrame *frame;
        arena_reset(&arena);
        if (codec_read_server(payload, &arena, &frame) != OK || frame->body_case == EARSHOT__SERVER_FRAME__BODY__NOT_SET)
            abort();
        buf_consume(&caller->out, used);
    }
    arena_free(&arena);
    if (buf_len(&caller->out) > 0)
        abort();
    if (!caller->hung_up)
        session_drained(caller->session);
    settle();
}

static void call_in(struct caller *caller, unsigned shard)
{
    *caller = (struct caller){0};
    buf_init(&caller->out, OUT_CAP);
    if (session_open(hubs[shard], &caller_link, caller, "192.0.2.1", &caller->session) != OK)
        abort();
}

static void log_in(struct caller *caller, const char *user, bool is_new)
{
    struct buf bytes;
    Earshot__Hello hello = EARSHOT__HELLO__INIT;
    Earshot__Register wish = EARSHOT__REGISTER__INIT;
    Earshot__Login login = EARSHOT__LOGIN__INIT;
    Earshot__ClientFrame frame = EARSHOT__CLIENT_FRAME__INIT;
    uint32_t capabilities[] = {EARSHOT__CAPABILITY__CAPABILITY_PRIVATE};
    buf_init(&bytes, 4096);
    hello.version = WIRE_VERSION;
    hello.n_capabilities = 1;
    hello.capabilities = capabilities;
    frame.number = 1;
    frame.body_case = EARSHOT__CLIENT_FRAME__BODY_HELLO;
    frame.hello = &hello;
    (void)codec_write_client(&frame, &bytes);
    wish.user = bytes_of_slice(slice_str(user));
    wish.password = bytes_of_slice(slice_str("correct horse"));
    login.user = wish.user;
    login.password = wish.password;
    frame.body_case = is_new ? EARSHOT__CLIENT_FRAME__BODY_REGISTER : EARSHOT__CLIENT_FRAME__BODY_LOGIN;
    if (is_new)
        frame.register_ = &wish;
    else
        frame.login = &login;
    (void)codec_write_client(&frame, &bytes);
    session_input(caller->session, buf_slice(&bytes));
    buf_free(&bytes);
    settle();
    read_out(caller);
}

static void hang_up(struct caller *caller)
{
    session_closed(caller->session);
    settle();
    buf_free(&caller->out);
}

static void feed(struct caller *caller, struct slice bytes, size_t piece)
{
    while (bytes.len > 0 && !caller->hung_up) {
        size_t len = piece > 0 && piece < bytes.len ? piece : bytes.len;
        session_input(caller->session, slice_of(bytes.data, len));
        if (bytes.len % 2)
            settle();
        bytes = slice_of(bytes.data + len, bytes.len - len);
    }
    settle();
}

static void close_stage(void)
{
    for (unsigned i = 0; i < STAGE_SHARDS && stage != NULL; i++)
        hub_free(&hubs[i]);
    if (stage != NULL)
        stage->turn_end = NULL;
    stage_free(&stage);
}

static void open_stage(void)
{
    if (stage == NULL)
        atexit(close_stage);
    close_stage();
    log_setup(2, LOG_TEXT, LOG_ERROR);
    stage = stage_new(NULL, 1);
    for (unsigned i = 0; i < STAGE_SHARDS; i++)
        if (hub_new(&stage->worlds[i], stage->shards[i], &session_settings_default, &hubs[i]) != OK)
            abort();
    stage->turn_end = turn_end;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct caller alice, caller;
    char user[16];
    if (size == 0)
        return 0;
    if (served++ % INPUTS_PER_STAGE == 0)
        open_stage();
    call_in(&alice, 0);
    log_in(&alice, "alice", served % INPUTS_PER_STAGE == 1);
    call_in(&caller, 1);
    snprintf(user, sizeof user, "hello%u", served);
    if (data[0] & LOGGED_IN)
        log_in(&caller, user, true);
    feed(&caller, slice_of(data + 1, size - 1), data[0] >> 1);
    read_out(&caller);
    read_out(&alice);
    stage_pass(stage, 1000);
    hang_up(&caller);
    hang_up(&alice);
    for (unsigned i = 0; i < STAGE_SHARDS; i++)
        assert(hub_sessions(hubs[i]) == 0);
    return 0;
}
