/* cost.c - see cost.h. */
#include "cost.h"
#include "turn.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

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

static uint64_t cpu(unsigned pid)
{
    char path[64];
    uint64_t sum = 0;
    snprintf(path, sizeof path, "/proc/%u/task", pid);
    DIR *tasks = opendir(path);
    if (tasks == NULL)
        stop("cannot read %s: %s", path, strerror(errno));
    for (struct dirent *task; (task = readdir(tasks)) != NULL;)
        if (task->d_name[0] != '.')
            sum += thread_cpu(pid, task->d_name);
    closedir(tasks);
    return sum;
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
    return (struct cost){cpu(pid), memory(pid)};
}
