/* workers.c - threads that take jobs from one bounded queue and send them home. Signals are left to the other threads. */
#include "net/workers.h"
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>

struct workers {
    struct pool pool;
    pthread_mutex_t lock;
    pthread_cond_t waiting; /* for a job, or for the end */
    struct job *first, **last;
    size_t queued, most;
    bool stopping;
    unsigned count;
    pthread_t threads[];
};

static void come_home(struct task *task)
{
    struct job *job = (struct job *)(void *)((char *)task - offsetof(struct job, task));

    job->done(job);
}

static struct job *take(struct workers *workers)
{
    struct job *job;

    pthread_mutex_lock(&workers->lock);
    while (!workers->first && !workers->stopping)
        pthread_cond_wait(&workers->waiting, &workers->lock);
    job = workers->first;
    if (job) {
        workers->first = job->next;
        if (!workers->first)
            workers->last = &workers->first;
        workers->queued--;
    }
    pthread_mutex_unlock(&workers->lock);
    return job;
}

static void *work(void *arg)
{
    struct workers *workers = arg;
    struct job *job;

    while ((job = take(workers)) != NULL) {
        job->work(job);
        job->task.run = come_home;
        strand_post(job->home, &job->task);
    }
    return NULL;
}

static enum err submit(struct pool *pool, struct job *job)
{
    struct workers *workers = (struct workers *)(void *)((char *)pool - offsetof(struct workers, pool));
    enum err err = OK;

    pthread_mutex_lock(&workers->lock);
    if (workers->stopping) {
        err = ERR_STOPPED;
    } else if (workers->queued >= workers->most) {
        err = ERR_CAP;
    } else {
        job->next = NULL;
        *workers->last = job;
        workers->last = &job->next;
        workers->queued++;
        pthread_cond_signal(&workers->waiting);
    }
    pthread_mutex_unlock(&workers->lock);
    return err;
}

static enum err start_threads(struct workers *workers, unsigned threads)
{
    sigset_t all, before;
    int failed = 0;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    while (workers->count < threads && !failed) {
        failed = pthread_create(&workers->threads[workers->count], NULL, work, workers);
        if (!failed)
            workers->count++;
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return failed ? ERR_SYSTEM : OK;
}

enum err workers_new(unsigned threads, size_t queue, struct workers **out)
{
    struct workers *workers = calloc(1, sizeof *workers + threads * sizeof workers->threads[0]);
    enum err err;

    if (!workers)
        return ERR_MEMORY;
    workers->pool.submit = submit;
    workers->last = &workers->first;
    workers->most = queue;
    pthread_mutex_init(&workers->lock, NULL);
    pthread_cond_init(&workers->waiting, NULL);
    err = start_threads(workers, threads);
    if (err) {
        workers_free(&workers);
        return err;
    }
    *out = workers;
    return OK;
}

void workers_free(struct workers **pointer)
{
    struct workers *workers = *pointer;

    *pointer = NULL;
    if (!workers)
        return;
    pthread_mutex_lock(&workers->lock);
    workers->stopping = true;
    pthread_cond_broadcast(&workers->waiting);
    pthread_mutex_unlock(&workers->lock);
    for (unsigned i = 0; i < workers->count; i++)
        pthread_join(workers->threads[i], NULL);
    pthread_cond_destroy(&workers->waiting);
    pthread_mutex_destroy(&workers->lock);
    free(workers);
}

struct pool *workers_pool(struct workers *workers)
{
    return &workers->pool;
}
