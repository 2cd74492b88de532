/*
 * load.c - load on a running earshotd: users in pairs who write to each other, or users who only stay.
 *
 *     load --port 4000 --users 200 --window 1 --seconds 5          pairs: each has `window` messages unacknowledged
 *     load --port 4000 --users 2000 --idle --seconds 30            logged in, heartbeats only
 *
 * Users are named load0, load1, ... with the password "load-password"; they must exist (import them). Every message is counted:
 * at the end, what was acknowledged and what was delivered must be equal, and each conversation in order. Prints one line of
 * name=value pairs; bench/run puts the server's CPU time beside it.
 */
#include "net/conn.h"
#include "wire/codec.h"
#include "wire/frame.h"
#include "wire/limits.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#define PASSWORD "load-password"

enum { OUT_CAP = 4 * 1024 * 1024, CONNECT_MS = 60 * 1000, LOGINS_AT_ONCE = 64, HEARTBEAT_MS = 15 * 1000 };

struct load {
    struct loop *loop;
    struct tls_context *tls;
    struct client *clients;
    unsigned users, window, body, seconds, online, starting, started;
    uint16_t port;
    bool idle, measuring, stopping;
    uint64_t sent, acknowledged, delivered, disordered;
    int64_t began, ended;
    struct timer timer;
    struct buf out;
    struct arena arena;
    uint8_t *text;
};

struct client {
    struct load *load;
    struct conn *conn;
    struct buf in;
    struct timer heartbeat;
    unsigned index, unanswered;
    uint64_t number, last_id, conversation;
    bool online, received;
};

static void fail(const char *what)
{
    fprintf(stderr, "load: %s\n", what);
    exit(1);
}

static int64_t now(struct load *load)
{
    return world_mono_ms(loop_world(load->loop));
}

static void write_frame(struct client *client, const Earshot__ClientFrame *frame)
{
    struct buf *out = &client->load->out;
    buf_clear(out);
    if (codec_write_client(frame, out) != OK || conn_write(client->conn, buf_slice(out)) != OK)
        fail("cannot write");
}

static void send_message(struct client *client)
{
    struct load *load = client->load;
    char to[32];
    Earshot__SendMessage message = EARSHOT__SEND_MESSAGE__INIT;
    Earshot__ClientFrame frame = EARSHOT__CLIENT_FRAME__INIT;
    snprintf(to, sizeof to, "load%u", client->index ^ 1);
    message.to = bytes_of_slice(slice_str(to));
    message.body = bytes_of_slice(slice_of(load->text, load->body));
    frame.number = ++client->number;
    frame.body_case = EARSHOT__CLIENT_FRAME__BODY_MESSAGE;
    frame.message = &message;
    write_frame(client, &frame);
    client->unanswered++;
    load->sent++;
}

static void send_received(struct client *client)
{
    Earshot__Position position = EARSHOT__POSITION__INIT, *positions[] = {&position};
    Earshot__Received received = EARSHOT__RECEIVED__INIT;
    Earshot__ClientFrame frame = EARSHOT__CLIENT_FRAME__INIT;
    position.conversation = client->conversation;
    position.id = client->last_id;
    received.n_positions = 1;
    received.positions = positions;
    frame.body_case = EARSHOT__CLIENT_FRAME__BODY_RECEIVED;
    frame.received = &received;
    write_frame(client, &frame);
    client->received = false;
}

static void send_ping(struct timer *timer)
{
    struct client *client = (struct client *)((char *)timer - offsetof(struct client, heartbeat));
    Earshot__Ping ping = EARSHOT__PING__INIT;
    Earshot__ClientFrame frame = EARSHOT__CLIENT_FRAME__INIT;
    frame.body_case = EARSHOT__CLIENT_FRAME__BODY_PING;
    frame.ping = &ping;
    write_frame(client, &frame);
    timer_start(loop_world(client->load->loop)->timers, timer, now(client->load) + HEARTBEAT_MS);
}

static void login(struct client *client)
{
    char name[32];
    Earshot__Hello hello = EARSHOT__HELLO__INIT;
    Earshot__Login credentials = EARSHOT__LOGIN__INIT;
    Earshot__ClientFrame frame = EARSHOT__CLIENT_FRAME__INIT;
    hello.version = WIRE_VERSION;
    frame.number = 1;
    frame.body_case = EARSHOT__CLIENT_FRAME__BODY_HELLO;
    frame.hello = &hello;
    write_frame(client, &frame);
    snprintf(name, sizeof name, "load%u", client->index);
    credentials.user = bytes_of_slice(slice_str(name));
    credentials.password = bytes_of_slice(slice_str(PASSWORD));
    frame.number = 2;
    frame.body_case = EARSHOT__CLIENT_FRAME__BODY_LOGIN;
    frame.login = &credentials;
    write_frame(client, &frame);
    client->number = 2;
}

static void start_clients(struct load *load);

static void begin(struct load *load)
{
    printf("online users=%u\n", load->users);
    fflush(stdout);
    load->measuring = true;
    load->began = now(load);
    timer_start(loop_world(load->loop)->timers, &load->timer, load->began + load->seconds * 1000);
    for (unsigned i = 0; !load->idle && i < load->users; i++)
        for (unsigned j = 0; j < load->window; j++)
            send_message(&load->clients[i]);
}

static void welcomed(struct client *client)
{
    struct load *load = client->load;
    client->online = true;
    load->online++;
    load->starting--;
    client->heartbeat.fire = send_ping;
    timer_start(loop_world(load->loop)->timers, &client->heartbeat, now(load) + HEARTBEAT_MS);
    if (load->online == load->users)
        begin(load);
    else
        start_clients(load);
}

static void finish_if_done(struct load *load)
{
    if (load->stopping && load->acknowledged == load->sent && load->delivered == load->sent)
        loop_stop(load->loop);
}

static void handle(struct client *client, const Earshot__ServerFrame *frame)
{
    struct load *load = client->load;
    switch (frame->body_case) {
    case EARSHOT__SERVER_FRAME__BODY_WELCOME:
        welcomed(client);
        break;
    case EARSHOT__SERVER_FRAME__BODY_ACCEPTED:
        client->unanswered--;
        load->acknowledged++;
        if (!load->stopping)
            send_message(client);
        break;
    case EARSHOT__SERVER_FRAME__BODY_EVENT_MESSAGE:
        load->delivered++;
        if (frame->event_message->id <= client->last_id)
            load->disordered++;
        client->last_id = frame->event_message->id;
        client->conversation = frame->event_message->conversation;
        client->received = true;
        break;
    case EARSHOT__SERVER_FRAME__BODY_ERROR:
        fprintf(stderr, "load: %.*s\n", (int)frame->error->text.len, (const char *)frame->error->text.data);
        exit(1);
    default:
        break;
    }
}

static void opened(void *ctx, struct conn *conn)
{
    login(ctx);
}

static void arrived(void *ctx, struct slice bytes)
{
    struct client *client = ctx;
    struct load *load = client->load;
    if (buf_append(&client->in, bytes.data, bytes.len) != OK)
        fail("too much input");
    struct slice payload;
    size_t used;
    while (frame_next(buf_slice(&client->in), &payload, &used) == OK) {
        Earshot__ServerFrame *frame;
        arena_reset(&load->arena);
        if (codec_read_server(payload, &load->arena, &frame) != OK)
            fail("bad frame");
        handle(client, frame);
        buf_consume(&client->in, used);
    }
    if (client->received)
        send_received(client);
    buf_shrink(&client->in);
    finish_if_done(load);
}

static void closed(void *ctx, enum conn_end end)
{
    struct client *client = ctx;
    if (!client->load->stopping)
        fail("a connection was lost");
}

static const struct conn_ops ops = {opened, arrived, NULL, closed};

static void start_clients(struct load *load)
{
    while (load->started < load->users && load->starting < LOGINS_AT_ONCE) {
        struct client *client = &load->clients[load->started];
        client->load = load;
        client->index = load->started++;
        buf_init(&client->in, 1 << 24);
        load->starting++;
        if (conn_connect(load->loop, load->tls, "127.0.0.1", load->port, CONNECT_MS, OUT_CAP, &ops, client, &client->conn) != OK)
            fail("cannot connect");
    }
}

static void time_is_up(struct timer *timer)
{
    struct load *load = (struct load *)((char *)timer - offsetof(struct load, timer));
    if (load->stopping)
        fail("not everything was acknowledged and delivered within 30 s");
    load->stopping = true;
    load->ended = now(load);
    timer_start(loop_world(load->loop)->timers, timer, load->ended + 30 * 1000);
    finish_if_done(load);
}

static void parse(struct load *load, int argc, char **argv)
{
    static const struct option options[] = {
        {"port", required_argument, NULL, 'p'},
        {"users", required_argument, NULL, 'u'},
        {"window", required_argument, NULL, 'w'},
        {"seconds", required_argument, NULL, 's'},
        {"body", required_argument, NULL, 'b'},
        {"idle", no_argument, NULL, 'i'},
        {0},
    };
    for (int c; (c = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        unsigned value = optarg ? (unsigned)strtoul(optarg, NULL, 10) : 0;
        if (c == 'p')
            load->port = (uint16_t)value;
        else if (c == 'u')
            load->users = value;
        else if (c == 'w')
            load->window = value;
        else if (c == 's')
            load->seconds = value;
        else if (c == 'b')
            load->body = value;
        else if (c == 'i')
            load->idle = true;
        else
            fail("usage: load --port N [--users N] [--window N] [--seconds N] [--body N] [--idle]");
    }
    if (load->port == 0 || load->users < 2 || load->users % 2 != 0 || load->body < 1 || load->body > WIRE_TEXT_MAX)
        fail("a port, an even number of users, a body of 1 to 16384 bytes");
}

int main(int argc, char **argv)
{
    struct load load = {.users = 200, .window = 1, .seconds = 5, .body = 64};
    const char *why;
    parse(&load, argc, argv);
    load.clients = calloc(load.users, sizeof *load.clients);
    load.text = malloc(load.body);
    if (load.clients == NULL || load.text == NULL || loop_new(&load.loop) != OK || tls_client_new(NULL, &load.tls, &why) != OK)
        fail("out of memory");
    memset(load.text, 'x', load.body);
    buf_init(&load.out, 1 << 20);
    arena_init(&load.arena, WIRE_ARENA_CAP, WIRE_ARENA_KEEP);
    load.timer.fire = time_is_up;
    start_clients(&load);
    loop_run(load.loop);
    printf("acknowledged=%llu delivered=%llu disordered=%llu milliseconds=%lld\n", (unsigned long long)load.acknowledged,
           (unsigned long long)load.delivered, (unsigned long long)load.disordered, (long long)(load.ended - load.began));
    return load.disordered != 0;
}
