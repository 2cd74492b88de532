/* micro_strand.c - handing work to another event loop's thread: one task at a time with an answer each, and 64 in one chain. */
#include "micro.h"
#include "net/loop.h"

#include <pthread.h>

enum { CHAIN = 64 };

static struct loop *here, *there;
static pthread_t thread;
static unsigned left, chain;
static struct task tasks[CHAIN];

static void *serve(void *unused)
{
    loop_run(there);
    return NULL;
}

static void came_back(struct task *task);

/* The last one goes back, so that nobody looks at the chain any more. */
static void went(struct task *task)
{
    if (task != &tasks[chain - 1])
        return;
    task->run = came_back;
    strand_post(loop_strand(here), task);
}

static void send_chain(unsigned length)
{
    for (unsigned i = 0; i < length; i++)
        tasks[i] = (struct task){.next = i + 1 < length ? &tasks[i + 1] : NULL, .run = went};
    struct strand *strand = loop_strand(there);
    strand->post(strand, &tasks[0], &tasks[length - 1]);
}

static void came_back(struct task *task)
{
    left = left > chain ? left - chain : 0;
    if (left == 0)
        loop_stop(here);
    else
        send_chain(chain);
}

static void run(unsigned count, unsigned length)
{
    left = count;
    chain = length;
    send_chain(length);
    loop_run(here);
}

static void set_up(void)
{
    demand(loop_new(&here) == OK && loop_new(&there) == OK, "make loops");
    demand(pthread_create(&thread, NULL, serve, NULL) == 0, "make a thread");
}

static void ones(unsigned count)
{
    run(count, 1);
}

static void chains(unsigned count)
{
    run(count, CHAIN);
}

const struct micro micro_strand[] = {
    {"post-and-answer", set_up, ones},
    {"post-chain-of-64", NULL, chains},
    {0},
};
