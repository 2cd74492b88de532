/*
 * signals.h - SIGTERM, SIGINT and SIGHUP, told on an event loop.
 *
 * The struct is the caller's and must outlive the loop. While it is started the signals do nothing else; stopped, they have
 * their default meaning again.
 */
#ifndef SERVER_SIGNALS_H
#define SERVER_SIGNALS_H

#include "net/loop.h"
#include <uv.h>

enum signal_meaning { SIGNAL_STOP, SIGNAL_RELOAD };

struct signals {
    uv_signal_t handles[3];
    void (*notice)(struct signals *signals, enum signal_meaning meaning); /* on the loop's thread */
};

/* ERR_SYSTEM. */
enum err signals_start(struct signals *signals, struct loop *loop, void (*notice)(struct signals *, enum signal_meaning));
void signals_stop(struct signals *signals);

#endif
