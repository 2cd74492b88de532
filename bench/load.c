/*
 * load.c - the load on a server, and what it costs that server: one workload, one line of JSON.
 *
 *     load WORKLOAD --protocol earshot|limit --port N --pid N [--plain] [--acknowledged] [--password] [--users N] [--window N]
 *          [--rate N] [--body N] [--senders N] [--at-once N] [--milliseconds N] [--settle MS] [--rest MS] [--patience SECONDS]
 *
 * WORKLOAD: pairs, light, fanout, offline, idle, logins; see workload_*.c. The server's users are those of tools/populate. Every
 * message is counted and has to arrive once and in order, or the run fails.
 */
#include "load.h"

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <sys/timerfd.h>
#include <unistd.h>

enum { TICK_MS = 5, LATE_MS = 10, HEARTBEAT_S = 25, LOGIN_S = 300 };

#define MS INT64_C(1000000)

static const struct workload *const workloads[] = {&pairs, &light, &fanout, &offline, &idle, &logins};

static void log_in_some(struct load *load)
{
    while (load->started < load->wanted && load->started - load->online < load->options.at_once)
        user_connect(&load->users[load->started++]);
}

void load_want(struct load *load, unsigned wanted)
{
    load->wanted = wanted;
    log_in_some(load);
}

static void enter(struct load *load, enum phase phase, int64_t length)
{
    load->phase = phase;
    load->until = length > 0 ? clock_ns() + length : INT64_MAX;
}

static void begin(struct load *load)
{
    load->before = cost_of(load->options.pid);
    load->began = clock_ns();
    enter(load, PHASE_RUN, load->options.length * MS);
    if (load->options.workload->began != NULL)
        load->options.workload->began(load);
}

static void end(struct load *load)
{
    load->verified = cost_of(load->options.pid);
    report(load);
    load->turn.stopped = true;
}

void load_check(struct load *load)
{
    if (load->phase < PHASE_DRAIN || load->phase == PHASE_REST || !load->options.workload->finished(load))
        return;
    if (load->phase == PHASE_VERIFY)
        end(load);
    else
        enter(load, PHASE_REST, load->options.rest * MS);
}

static void rested(struct load *load)
{
    load->after = cost_of(load->options.pid);
    enter(load, PHASE_VERIFY, load->options.patience * 1000 * MS);
    if (load->options.workload->verify == NULL || !load->options.workload->verify(load))
        end(load);
}

static void time_is_up(struct load *load)
{
    switch (load->phase) {
    case PHASE_SETTLE:
        begin(load);
        break;
    case PHASE_RUN:
        load->stopped = clock_ns();
        enter(load, PHASE_DRAIN, load->options.patience * 1000 * MS);
        load_check(load);
        break;
    case PHASE_REST:
        rested(load);
        break;
    default:
        stop("not everything came in time: sent %llu, accepted %llu, delivered %llu, online %u of %u",
             (unsigned long long)load->sent, (unsigned long long)load->accepted, (unsigned long long)load->delivered,
             load->online, load->wanted);
    }
}

/* Each user who is there says at least something every HEARTBEAT_S, one after the other. */
static void send_heartbeats(struct load *load, int64_t now)
{
    int64_t step = load->online > 0 ? HEARTBEAT_S * 1000 * MS / load->online : 0;
    for (; step > 0 && load->next_heartbeat <= now; load->next_heartbeat += step, load->pings++) {
        struct user *user = &load->users[load->pings % load->started];
        if (user->online)
            load->options.tongue->ping(user);
    }
}

static void tick(struct source *source, unsigned events)
{
    struct load *load = (struct load *)((char *)source - offsetof(struct load, timer));
    uint64_t expirations;
    int64_t now = clock_ns();
    if (read(load->timer_fd, &expirations, sizeof expirations) < 0)
        return;
    if (load->phase == PHASE_RUN && load->options.workload->tick != NULL)
        load->options.workload->tick(load, now < load->until ? now : load->until);
    if (now >= load->next_late) {
        load->next_late = now + LATE_MS * MS;
        if (load->started > 0)
            send_heartbeats(load, now);
        user_acknowledge_late(load);
    }
    if (now >= load->until)
        time_is_up(load);
}

static void one_more(struct user *user)
{
    struct load *load = user->load;
    log_in_some(load);
    if (load->phase == PHASE_LOGIN && load->online == load->wanted)
        enter(load, PHASE_SETTLE, load->options.settle * MS);
}

void load_online(struct user *user)
{
    struct load *load = user->load;
    if (load->started > 0)
        one_more(user);
    if (load->phase != PHASE_LOGIN && load->options.workload->online != NULL)
        load->options.workload->online(user);
}

static void start_timer(struct load *load)
{
    bool paced = load->options.workload == &light;
    long step = paced ? 1000000000L / (long)load->options.rate : TICK_MS * MS;
    struct itimerspec every = {.it_interval.tv_nsec = step, .it_value.tv_nsec = step};
    load->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    if (load->timer_fd < 0 || timerfd_settime(load->timer_fd, 0, &every, NULL) != 0)
        stop("no timer: %s", strerror(errno));
    load->timer.ready = tick;
    turn_watch(&load->turn, load->timer_fd, &load->timer);
}

static const struct number {
    const char *name;
    size_t offset;
    unsigned otherwise, least, most;
} numbers[] = {
    {"port", offsetof(struct options, port), 0, 1, 65535},
    {"pid", offsetof(struct options, pid), 0, 0, UINT32_MAX},
    {"users", offsetof(struct options, users), 200, 2, 100000},
    {"window", offsetof(struct options, window), 1, 1, 1024},
    {"rate", offsetof(struct options, rate), 2000, 2, 1000000},
    {"milliseconds", offsetof(struct options, length), 3000, 1, 3600000},
    {"settle", offsetof(struct options, settle), 300, 1, 10000},
    {"rest", offsetof(struct options, rest), 500, 1, 10000},
    {"patience", offsetof(struct options, patience), 60, 1, 3600},
    {"body", offsetof(struct options, body), 64, STAMP_SIZE, BODY_MOST},
    {"senders", offsetof(struct options, senders), 8, 1, 1000},
    {"at-once", offsetof(struct options, at_once), 64, 1, 1000},
};

enum { NUMBERS = sizeof numbers / sizeof numbers[0], PROTOCOL = NUMBERS, PLAIN, ACKNOWLEDGED, PASSWORD, OPTIONS };

static void set_number(struct options *options, const struct number *number, unsigned long value)
{
    if (value < number->least || value > number->most)
        stop("--%s is from %u to %u", number->name, number->least, number->most);
    *(unsigned *)((char *)options + number->offset) = (unsigned)value;
}

static void set(struct options *options, int which, const char *value)
{
    if (which < NUMBERS)
        set_number(options, &numbers[which], strtoul(value, NULL, 10));
    options->plain |= which == PLAIN;
    options->acknowledged |= which == ACKNOWLEDGED;
    options->password |= which == PASSWORD;
    if (which == PROTOCOL)
        options->tongue = strcmp(value, "limit") == 0 ? &tongue_limit : &tongue_earshot;
}

static void parse(struct options *options, int argc, char **argv)
{
    struct option rows[OPTIONS + 1] = {
        [PROTOCOL] = {"protocol", required_argument, NULL, PROTOCOL},
        [PLAIN] = {"plain", no_argument, NULL, PLAIN},
        [ACKNOWLEDGED] = {"acknowledged", no_argument, NULL, ACKNOWLEDGED},
        [PASSWORD] = {"password", no_argument, NULL, PASSWORD},
    };
    *options = (struct options){.tongue = &tongue_earshot};
    for (int i = 0; i < NUMBERS; i++) {
        rows[i] = (struct option){numbers[i].name, required_argument, NULL, i};
        *(unsigned *)((char *)options + numbers[i].offset) = numbers[i].otherwise;
    }
    for (int which; (which = getopt_long(argc, argv, "", rows, NULL)) != -1;) {
        if (which >= OPTIONS)
            stop("see the head of load.c for how to call it");
        set(options, which, optarg);
    }
    for (size_t i = 0; optind < argc && i < sizeof workloads / sizeof workloads[0]; i++)
        if (strcmp(argv[optind], workloads[i]->name) == 0)
            options->workload = workloads[i];
    if (options->workload == NULL || options->port == 0)
        stop("a workload and a port");
    options->acknowledged |= options->tongue == &tongue_earshot;
}

int main(int argc, char **argv)
{
    static struct load load;
    parse(&load.options, argc, argv);
    raise_file_limit();
    load.users = calloc(load.options.users, sizeof *load.users);
    if (load.users == NULL)
        stop("no memory for the users");
    for (unsigned i = 0; i < load.options.users; i++)
        load.users[i] = (struct user){.load = &load, .index = i, .link.fd = -1};
    memset(load.body, 'x', sizeof load.body);
    turn_init(&load.turn, load.options.plain ? NULL : tls_client(), &user_ops);
    start_timer(&load);
    load.next_heartbeat = clock_ns();
    load.empty = cost_of(load.options.pid).memory;
    enter(&load, PHASE_LOGIN, LOGIN_S * 1000 * MS);
    load_want(&load, load.options.workload->users(&load));
    if (load.wanted == 0)
        enter(&load, PHASE_SETTLE, load.options.settle * MS);
    turn_run(&load.turn);
}
