/* main.c - options, limits, and lines from standard input; see crowd.h. */
#include "crowd.h"

#include "net/watch.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

enum { DESCRIPTORS = 24000, LINE_MAX_BYTES = 65536 };

void fail(const char *what)
{
    fprintf(stderr, "crowd: %s\n", what);
    exit(1);
}

int64_t now_us(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (int64_t)time.tv_sec * 1000000 + time.tv_nsec / 1000;
}

int64_t now_ms(const struct crowd *crowd)
{
    return world_mono_ms(loop_world(crowd->loop));
}

static void take_lines(struct crowd *crowd)
{
    for (;;) {
        uint8_t *start = crowd->line.bytes + crowd->line.start;
        uint8_t *end = buf_len(&crowd->line) ? memchr(start, '\n', buf_len(&crowd->line)) : NULL;
        if (end == NULL)
            return;
        *end = '\0';
        command_line(crowd, (char *)start);
        buf_consume(&crowd->line, (size_t)(end - start) + 1);
    }
}

static void input_ready(void *owner, int events, bool broken)
{
    struct crowd *crowd = owner;
    char bytes[4096];
    ssize_t len = read(STDIN_FILENO, bytes, sizeof bytes);
    if (len < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (len <= 0)
        exit(0);
    if (buf_append(&crowd->line, bytes, (size_t)len) != OK)
        fail("a line is too long");
    take_lines(crowd);
}

static void raise_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return;
    if (limit.rlim_max < DESCRIPTORS && limit.rlim_max != RLIM_INFINITY) {
        limit.rlim_max = DESCRIPTORS; /* for root */
        limit.rlim_cur = DESCRIPTORS;
        if (setrlimit(RLIMIT_NOFILE, &limit) == 0)
            return;
        getrlimit(RLIMIT_NOFILE, &limit);
    }
    limit.rlim_cur = limit.rlim_max < DESCRIPTORS ? limit.rlim_max : DESCRIPTORS;
    setrlimit(RLIMIT_NOFILE, &limit);
}

static void parse(struct crowd *crowd, int argc, char **argv)
{
    static const struct option options[] = {
        {"port", required_argument, NULL, 'p'},    {"host", required_argument, NULL, 'h'},
        {"prefix", required_argument, NULL, 'n'},  {"password", required_argument, NULL, 'w'},
        {"members", required_argument, NULL, 'm'}, {0},
    };
    for (int c; (c = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        if (c == 'p')
            crowd->port = (uint16_t)strtoul(optarg, NULL, 10);
        else if (c == 'h')
            crowd->host = optarg;
        else if (c == 'n')
            crowd->prefix = optarg;
        else if (c == 'w')
            crowd->password = optarg;
        else if (c == 'm')
            crowd->size = (unsigned)strtoul(optarg, NULL, 10);
        else
            fail("usage: crowd --port N [--host ADDRESS] [--prefix NAME] [--password TEXT] [--members N]");
    }
    if (crowd->port == 0 || crowd->size == 0 || strlen(crowd->prefix) > WIRE_NAME_MAX - 10)
        fail("a port, at least one member, a short prefix");
}

int main(int argc, char **argv)
{
    struct crowd crowd = {.host = "127.0.0.1", .prefix = "load", .password = "load-password", .size = 20000};
    const char *why;
    struct watch *watch;
    parse(&crowd, argc, argv);
    raise_limit();
    crowd.members = calloc(crowd.size, sizeof *crowd.members);
    crowd.told = calloc(crowd.size, sizeof *crowd.told);
    if (crowd.members == NULL || crowd.told == NULL || loop_new(&crowd.loop) != OK ||
        tls_client_new(NULL, &crowd.tls, &why) != OK)
        fail("out of memory");
    buf_init(&crowd.out, 1 << 20);
    buf_init(&crowd.line, LINE_MAX_BYTES);
    arena_init(&crowd.arena, WIRE_ARENA_CAP, WIRE_ARENA_KEEP);
    for (unsigned i = 0; i < crowd.size; i++)
        member_init(&crowd, i);
    if (watch_new(crowd.loop, dup(STDIN_FILENO), input_ready, &crowd, &watch) != OK)
        fail("cannot watch standard input");
    watch_set(watch, WATCH_READ);
    loop_run(crowd.loop);
    return 0;
}
