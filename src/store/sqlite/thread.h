/* thread.h - starting a thread that leaves all signals to the others. */
#ifndef STORE_SQLITE_THREAD_H
#define STORE_SQLITE_THREAD_H

#include "base/err.h"
#include <pthread.h>
#include <signal.h>

/* ERR_SYSTEM. The name has at most 15 bytes. */
static inline enum err thread_start(pthread_t *thread, const char *name, void *(*work)(void *), void *argument)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int code = pthread_create(thread, NULL, work, argument);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (code != 0)
        return ERR_SYSTEM;
    pthread_setname_np(*thread, name);
    return OK;
}

#endif
