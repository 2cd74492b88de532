/*
 * store.c - what storing costs, without a network: groups of messages through store.h, on a directory of this run.
 *
 *     store --group 8 --messages 20000 --pairs 100 --received 1 --directory /var/tmp
 *
 * A group is submitted, answered, then the next one, so the group is what the store commits at once. `pairs` conversations are
 * written in turn or, with --random, in any order; with --received each message is also acknowledged by its receiver, in the
 * group after. Prints one line: CPU time of the whole process per message, wall clock, and bytes written by system calls.
 */
#include "store/sqlite.h"
#include <getopt.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

struct bench {
    struct strand home;
    pthread_mutex_t mutex;
    pthread_cond_t posted;
    struct store *store;
    unsigned group, messages, pairs, body;
    bool received, random;
    size_t unanswered;
    uint64_t *accounts, *numbers, *devices;
    uint8_t text[16384];
};

static struct bench bench;

static void post(struct strand *strand, struct task *first, struct task *last)
{
    size_t count = 0;
    for (struct task *task = first, *next; count++, next = task->next, task->run(task), task != last; task = next)
        ;
    pthread_mutex_lock(&bench.mutex);
    bench.unanswered -= count;
    if (bench.unanswered == 0)
        pthread_cond_signal(&bench.posted);
    pthread_mutex_unlock(&bench.mutex);
}

static void done(struct store_op *op)
{
    if (op->err == OK)
        return;
    fprintf(stderr, "store: %s\n", err_name(op->err));
    exit(1);
}

static void begin(size_t count)
{
    pthread_mutex_lock(&bench.mutex);
    bench.unanswered = count;
    pthread_mutex_unlock(&bench.mutex);
}

static void await(void)
{
    pthread_mutex_lock(&bench.mutex);
    while (bench.unanswered > 0)
        pthread_cond_wait(&bench.posted, &bench.mutex);
    pthread_mutex_unlock(&bench.mutex);
}

static void submit(struct store_op *op, enum store_verb verb)
{
    *op = (struct store_op){.verb = verb, .done = done, .home = &bench.home};
    store_submit(bench.store, op);
}

static void make_users(void)
{
    enum { AT_ONCE = 1000 };
    static struct store_account_create creates[AT_ONCE];
    static struct store_device_create devices[AT_ONCE];
    static char names[AT_ONCE][16];
    for (unsigned from = 0, users = 2 * bench.pairs; from < users; from += AT_ONCE) {
        unsigned count = users - from < AT_ONCE ? users - from : AT_ONCE;
        begin(count);
        for (unsigned i = 0; i < count; i++) {
            snprintf(names[i], sizeof names[i], "u%u", from + i);
            creates[i] = (struct store_account_create){.name = slice_str(names[i]), .password = "x"};
            submit(&creates[i].op, STORE_ACCOUNT_CREATE);
        }
        await();
        begin(count);
        for (unsigned i = 0; i < count; i++) {
            bench.accounts[from + i] = creates[i].account;
            devices[i] = (struct store_device_create){.account = creates[i].account};
            memcpy(devices[i].token, &creates[i].account, sizeof creates[i].account);
            submit(&devices[i].op, STORE_DEVICE_CREATE);
        }
        await();
        for (unsigned i = 0; i < count; i++)
            bench.devices[from + i] = devices[i].device;
    }
}

static double clock_us(clockid_t clock)
{
    struct timespec time;
    clock_gettime(clock, &time);
    return (double)time.tv_sec * 1e6 + (double)time.tv_nsec / 1e3;
}

static unsigned long long written(void)
{
    char line[64];
    unsigned long long bytes = 0;
    FILE *file = fopen("/proc/self/io", "r");
    while (file != NULL && fgets(line, sizeof line, file) != NULL)
        sscanf(line, "wchar: %llu", &bytes);
    if (file != NULL)
        fclose(file);
    return bytes;
}

static unsigned long long next_random(void)
{
    static unsigned long long state = 88172645463325252;
    state ^= state << 13, state ^= state >> 7, state ^= state << 17;
    return state;
}

static void run(void)
{
    struct store_append *appends = calloc(bench.group, sizeof *appends);
    struct store_advance *advances = calloc(bench.group, sizeof *advances);
    struct store_position *positions = calloc(bench.group, sizeof *positions);
    bool any = false;
    for (unsigned sent = 0; sent < bench.messages; sent += bench.group) {
        begin(any ? 2 * bench.group : bench.group);
        for (unsigned i = 0; any && i < bench.group; i++) {
            positions[i] = (struct store_position){appends[i].conversation, appends[i].id};
            advances[i] = (struct store_advance){.account = appends[i].receiver, .positions = &positions[i], .count = 1};
            submit(&advances[i].op, STORE_ADVANCE);
        }
        for (unsigned i = 0; i < bench.group; i++) {
            unsigned from = (bench.random ? (unsigned)(next_random() % (2 * bench.pairs)) : (sent + i) % (2 * bench.pairs));
            appends[i] = (struct store_append){.sender = bench.accounts[from],
                                               .receiver = bench.accounts[from ^ 1],
                                               .device = bench.devices[from],
                                               .number = ++bench.numbers[from],
                                               .body = slice_of(bench.text, bench.body),
                                               .quota = 100000000,
                                               .time = 1000};
            submit(&appends[i].op, STORE_APPEND);
        }
        await();
        any = bench.received;
    }
    free(appends);
    free(advances);
    free(positions);
}

static void parse(int argc, char **argv, const char **directory)
{
    static const struct option options[] = {
        {"group", required_argument, NULL, 'g'},     {"messages", required_argument, NULL, 'm'},
        {"pairs", required_argument, NULL, 'p'},     {"body", required_argument, NULL, 'b'},
        {"received", no_argument, NULL, 'r'},        {"random", no_argument, NULL, 'x'},
        {"directory", required_argument, NULL, 'd'}, {0},
    };
    for (int c; (c = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        unsigned value = optarg ? (unsigned)strtoul(optarg, NULL, 10) : 0;
        if (c == 'g')
            bench.group = value;
        else if (c == 'm')
            bench.messages = value;
        else if (c == 'p')
            bench.pairs = value;
        else if (c == 'b')
            bench.body = value;
        else if (c == 'r')
            bench.received = true;
        else if (c == 'x')
            bench.random = true;
        else if (c == 'd')
            *directory = optarg;
        else
            exit(1);
    }
    if (bench.group == 0 || bench.pairs == 0 || bench.body > sizeof bench.text) {
        fprintf(stderr, "store: a group and pairs of at least 1, a body of at most %zu bytes\n", sizeof bench.text);
        exit(1);
    }
}

int main(int argc, char **argv)
{
    char path[256];
    const char *directory = "/tmp", *why = "";
    bench = (struct bench){.home = {post}, .group = 8, .messages = 20000, .pairs = 100, .body = 64};
    parse(argc, argv, &directory);
    pthread_mutex_init(&bench.mutex, NULL);
    pthread_cond_init(&bench.posted, NULL);
    bench.accounts = calloc(2 * bench.pairs, sizeof *bench.accounts);
    bench.devices = calloc(2 * bench.pairs, sizeof *bench.devices);
    bench.numbers = calloc(2 * bench.pairs, sizeof *bench.numbers);
    snprintf(path, sizeof path, "%s/earshot-bench-%d.db", directory, (int)getpid());
    struct store_sqlite_config config = {.path = path, .queue_bytes = 1 << 28};
    if (store_sqlite_open(&config, &bench.store, &why) != OK) {
        fprintf(stderr, "store: %s\n", why);
        return 1;
    }
    make_users();
    unsigned messages = bench.messages;
    bench.messages = messages / 4; /* to warm up: conversations, quotas */
    run();
    bench.messages = messages;
    double cpu = clock_us(CLOCK_PROCESS_CPUTIME_ID), wall = clock_us(CLOCK_MONOTONIC);
    unsigned long long bytes = written();
    run();
    printf("group=%-5u pairs=%u received=%d: %.2f us of CPU, %.2f us, %llu bytes a message\n", bench.group, bench.pairs,
           bench.received, (clock_us(CLOCK_PROCESS_CPUTIME_ID) - cpu) / messages, (clock_us(CLOCK_MONOTONIC) - wall) / messages,
           (written() - bytes) / messages);
    store_stop(&bench.store);
    for (const char *const *ending = (const char *const[]){"", ".lock", "-redo", NULL}; *ending != NULL; ending++) {
        char file[280];
        snprintf(file, sizeof file, "%s%s", path, *ending);
        unlink(file);
    }
    return 0;
}
