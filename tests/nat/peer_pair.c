/*
 * peer_pair.c - one end of a private channel without server and names, for the NAT rig: descriptions and candidates go through
 * two files that the ends share, as lines.
 *
 *     peer_pair --offer|--answer --out FILE --in FILE [--relay udp|tcp:HOST:PORT:USER:PASSWORD]... [--messages N] [--every MS]
 *
 * Each end sends N numbered messages, one every MS milliseconds, and checks that the other's come in order, each once. It
 * prints `open direct|relay MS`, `path direct|relay`, `progress N` now and then, and at last `done RECEIVED` or `failed WHY`.
 * The asking end closes the channel when both have everything.
 */
#include "net/loop.h"
#include "peer/peer.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { READ_MS = 10, LINE_MAX_BYTES = 3 * PEER_DESCRIPTION_MAX, RELAYS_MAX = 4, LIMIT_MS = 90000, LAST = -1, GOODBYE_MS = 300 };

struct program {
    struct loop *loop;
    const struct world *world;
    struct peer *peer;
    struct peer_config config;
    struct peer_relay relays[RELAYS_MAX];
    const char *in_path, *out_path;
    FILE *out;
    int in;
    char line[LINE_MAX_BYTES];
    size_t line_len;
    int32_t messages, sent, received;
    int64_t every, began, described;
    bool open, other_done;
    struct timer reading, sending, leaving;
    int status;
};

static struct program program = {.messages = 20, .every = 5, .in = -1, .status = 1};

static void finish(int status, const char *why)
{
    if (!program.peer)
        return;
    program.status = status;
    if (status)
        printf("failed %s\n", why);
    else
        printf("done %d\n", (int)program.received);
    fflush(stdout);
    timer_stop(program.world->timers, &program.reading);
    timer_stop(program.world->timers, &program.sending);
    peer_free(&program.peer);
    timer_start(program.world->timers, &program.leaving, world_mono_ms(program.world) + GOODBYE_MS); /* to the relay */
}

static void leave(struct timer *timer)
{
    loop_stop(program.loop);
}

/* What goes to the other end: a letter, then the text with its line ends as \n. */

static void write_line(char kind, struct slice text)
{
    fputc(kind, program.out);
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] == '\n')
            fputs("\\n", program.out);
        else if (text.data[i] != '\r')
            fputc(text.data[i], program.out);
    }
    fputc('\n', program.out);
    fflush(program.out);
}

static size_t unfold(char *text)
{
    char *to = text;

    for (const char *from = text; *from; from++) {
        if (from[0] == '\\' && from[1] == 'n') {
            *to++ = '\n';
            from++;
        } else {
            *to++ = *from;
        }
    }
    *to = '\0';
    return (size_t)(to - text);
}

static void take_line(char *line)
{
    size_t len = unfold(line);

    if (!program.described)
        program.described = world_mono_ms(program.world);
    if (line[0] == 'D' && peer_describe(program.peer, slice_of(line + 1, len - 1)) != OK)
        fprintf(stderr, "a description was not accepted\n");
    else if (line[0] == 'C')
        peer_candidate(program.peer, slice_of(line + 1, len - 1));
}

static void read_lines(struct timer *timer)
{
    char *space = program.line + program.line_len, *end;
    ssize_t got = 0;

    if (program.in < 0)
        program.in = open(program.in_path, O_RDONLY | O_CLOEXEC);
    if (program.in >= 0)
        got = read(program.in, space, sizeof program.line - 1 - program.line_len);
    if (got > 0)
        program.line_len += (size_t)got;
    program.line[program.line_len] = '\0';
    while (program.peer && (end = memchr(program.line, '\n', program.line_len))) {
        size_t used = (size_t)(end - program.line) + 1;
        *end = '\0';
        take_line(program.line);
        memmove(program.line, program.line + used, program.line_len - used + 1);
        program.line_len -= used;
    }
    if (world_mono_ms(program.world) - program.began > LIMIT_MS)
        finish(1, "time is up");
    if (!program.peer)
        return;
    timer_start(program.world->timers, timer, world_mono_ms(program.world) + READ_MS);
}

/* Messages */

static void check_done(void)
{
    if (program.config.offers && program.received == program.messages && program.other_done)
        peer_close(program.peer);
}

static void send_number(int32_t number)
{
    if (peer_send(program.peer, slice_of(&number, sizeof number)) != OK)
        finish(1, "a message was refused");
}

static void send_next(struct timer *timer)
{
    if (program.sent == program.messages)
        return;
    send_number(program.sent++);
    if (program.peer && program.sent < program.messages)
        timer_start(program.world->timers, timer, world_mono_ms(program.world) + program.every);
}

static void on_data(void *ctx, struct slice message)
{
    int32_t number;

    memcpy(&number, message.data, sizeof number);
    if (number == LAST) {
        program.other_done = true;
    } else if (number != program.received) {
        printf("expected %d, got %d\n", (int)program.received, (int)number);
        finish(1, "a message was lost or came twice");
        return;
    } else {
        program.received++;
    }
    if (program.received % 100 == 0)
        printf("progress %d\n", (int)program.received);
    fflush(stdout);
    if (program.received == program.messages && number != LAST)
        send_number(LAST);
    if (program.peer)
        check_done();
}

static void on_description(void *ctx, struct slice sdp)
{
    write_line('D', sdp);
}

static void on_candidate(void *ctx, struct slice candidate)
{
    write_line('C', candidate);
}

static void on_open(void *ctx, enum peer_path path)
{
    program.open = true;
    printf("open %s %d\n", path == PEER_DIRECT ? "direct" : "relay", (int)(world_mono_ms(program.world) - program.described));
    fflush(stdout);
    timer_start(program.world->timers, &program.sending, world_mono_ms(program.world));
}

static void on_path(void *ctx, enum peer_path path)
{
    printf("path %s\n", path == PEER_DIRECT ? "direct" : "relay");
    fflush(stdout);
}

static void on_drained(void *ctx)
{
}

static void on_closed(void *ctx, enum peer_end end, const char *why)
{
    bool complete = end == PEER_CLOSED && program.received == program.messages && program.other_done;

    finish(complete ? 0 : 1, why);
}

static const struct peer_ops ops = {on_description, on_candidate, on_open, on_path, on_data, on_drained, on_closed};

/* Options */

static bool take_relay(char *text)
{
    struct peer_relay *relay = &program.relays[program.config.relay_count];
    char *transport = strtok(text, ":"), *host = strtok(NULL, ":"), *port = strtok(NULL, ":");

    relay->user = strtok(NULL, ":");
    relay->password = strtok(NULL, ":");
    if (!relay->password || program.config.relay_count == RELAYS_MAX)
        return false;
    relay->transport = strcmp(transport, "tcp") == 0 ? PEER_RELAY_TCP : PEER_RELAY_UDP;
    relay->host = host;
    relay->port = (uint16_t)atoi(port);
    program.config.relay_count++;
    return true;
}

static bool take_options(int count, char **words)
{
    for (int i = 1; i < count; i++) {
        char *value = i + 1 < count ? words[i + 1] : NULL;
        bool flag = true;
        if (strcmp(words[i], "--offer") == 0)
            program.config.offers = true;
        else if (strcmp(words[i], "--answer") == 0)
            program.config.offers = false;
        else if (strcmp(words[i], "--relay-only") == 0)
            program.config.relay_only = true;
        else
            flag = false;
        if (flag)
            continue;
        if (!value)
            return false;
        if (strcmp(words[i], "--in") == 0)
            program.in_path = value;
        else if (strcmp(words[i], "--out") == 0)
            program.out_path = value;
        else if (strcmp(words[i], "--messages") == 0)
            program.messages = atoi(value);
        else if (strcmp(words[i], "--every") == 0)
            program.every = atoi(value);
        else if (strcmp(words[i], "--relay") != 0 || !take_relay(value))
            return false;
        i++;
    }
    return program.in_path && program.out_path;
}

int main(int count, char **words)
{
    if (!take_options(count, words)) {
        fprintf(stderr, "usage: see the head of peer_pair.c\n");
        return 2;
    }
    program.out = fopen(program.out_path, "we");
    if (!program.out || loop_new(&program.loop) != OK)
        return 2;
    program.world = loop_world(program.loop);
    program.began = world_mono_ms(program.world);
    program.reading.fire = read_lines;
    program.leaving.fire = leave;
    program.sending.fire = send_next;
    program.config.loop = program.loop;
    program.config.relays = program.relays;
    program.config.ops = &ops;
    if (peer_new(&program.config, &program.peer) != OK)
        return 2;
    timer_start(program.world->timers, &program.reading, program.began);
    loop_run(program.loop);
    peer_free(&program.peer);
    loop_free(&program.loop);
    fclose(program.out);
    if (program.in >= 0)
        close(program.in);
    return program.status;
}
