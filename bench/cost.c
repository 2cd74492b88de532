/* cost.c - see cost.h. */
#include "cost.h"
#include "turn.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* Which event loop a thread is; COST_LOOPS: none. */
static unsigned loop_of(unsigned pid, const char *task)
{
    char path[320];
    unsigned number = COST_LOOPS;
    if (strtoul(task, NULL, 10) == pid)
        return 0;
    snprintf(path, sizeof path, "/proc/%u/task/%s/comm", pid, task);
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return COST_LOOPS; /* it has just ended */
    if (fscanf(file, "lane-%u", &number) != 1 || number > COST_LOOPS)
        number = COST_LOOPS;
    fclose(file);
    return number;
}

static uint64_t thread_cpu(unsigned pid, const char *task)
{
    char path[320];
    unsigned long long running = 0;
    snprintf(path, sizeof path, "/proc/%u/task/%s/schedstat", pid, task);
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return 0; /* it has just ended */
    if (fscanf(file, "%llu", &running) != 1)
        stop("cannot read %s", path);
    fclose(file);
    return running;
}

static void count_threads(unsigned pid, struct cost *cost)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%u/task", pid);
    DIR *tasks = opendir(path);
    if (tasks == NULL)
        stop("cannot read %s: %s", path, strerror(errno));
    for (struct dirent *task; (task = readdir(tasks)) != NULL;)
        if (task->d_name[0] != '.') {
            uint64_t taken = thread_cpu(pid, task->d_name);
            unsigned loop = loop_of(pid, task->d_name);
            cost->cpu_ns += taken;
            if (loop < COST_LOOPS)
                cost->loop_ns[loop] = taken;
        }
    closedir(tasks);
}

static uint64_t memory(unsigned pid)
{
    char path[64], line[256];
    unsigned long long kib = 0;
    snprintf(path, sizeof path, "/proc/%u/status", pid);
    FILE *file = fopen(path, "re");
    if (file == NULL)
        stop("cannot read %s: %s", path, strerror(errno));
    while (fgets(line, sizeof line, file) != NULL && sscanf(line, "RssAnon: %llu", &kib) != 1)
        ;
    fclose(file);
    return kib * 1024;
}

struct cost cost_of(unsigned pid)
{
    if (pid == 0)
        pid = (unsigned)getpid();
    struct cost cost = {.memory = memory(pid)};
    count_threads(pid, &cost);
    return cost;
}

uint64_t cost_busiest_loop(const struct cost *before, const struct cost *after)
{
    uint64_t most = 0;
    for (unsigned i = 0; i < COST_LOOPS; i++)
        if (after->loop_ns[i] - before->loop_ns[i] > most)
            most = after->loop_ns[i] - before->loop_ns[i];
    return most;
}
