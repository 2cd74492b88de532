/* signals.c - see signals.h. */
#include "server/signals.h"
#include <signal.h>

static const struct {
    int number;
    enum signal_meaning meaning;
} watched[] = {{SIGTERM, SIGNAL_STOP}, {SIGINT, SIGNAL_STOP}, {SIGHUP, SIGNAL_RELOAD}};

enum { WATCHED = sizeof watched / sizeof watched[0] };

static void arrived(uv_signal_t *handle, int number)
{
    struct signals *signals = handle->data;
    for (size_t i = 0; i < WATCHED; i++)
        if (watched[i].number == number)
            signals->notice(signals, watched[i].meaning);
}

enum err signals_start(struct signals *signals, struct loop *loop, void (*notice)(struct signals *, enum signal_meaning))
{
    signals->notice = notice;
    for (size_t i = 0; i < WATCHED; i++) {
        uv_signal_t *handle = &signals->handles[i];
        if (uv_signal_init(loop_uv(loop), handle) != 0)
            return ERR_SYSTEM;
        handle->data = signals;
        if (uv_signal_start(handle, arrived, watched[i].number) != 0)
            return ERR_SYSTEM;
    }
    return OK;
}

void signals_stop(struct signals *signals)
{
    for (size_t i = 0; i < WATCHED; i++)
        uv_signal_stop(&signals->handles[i]);
}
