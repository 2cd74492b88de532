/*
 * workload_fanout.c - one user's broadcasts to all others, `window` of them under way: the next is sent when one has reached
 * everybody, whatever the server says about it.
 */
#include "load.h"

enum { MOST_UNDER_WAY = 1024 };

static unsigned reached[MOST_UNDER_WAY]; /* by those under way */

static unsigned receivers(const struct load *load)
{
    return load->options.users - 1;
}

static unsigned all_users(const struct load *load)
{
    return load->options.users;
}

static void send_next(struct load *load)
{
    struct user *sender = &load->users[0];
    reached[sender->sent % MOST_UNDER_WAY] = 0;
    user_broadcast(sender, sender->sent, clock_ns());
    sender->sent++;
}

static void open_window(struct load *load)
{
    for (unsigned i = 0; i < load->options.window && i < MOST_UNDER_WAY; i++)
        send_next(load);
}

static void delivered(struct user *user, uint32_t sequence, int64_t when)
{
    struct load *load = user->load;
    if (++reached[sequence % MOST_UNDER_WAY] == receivers(load) && load->phase == PHASE_RUN)
        send_next(load);
}

static bool all_arrived(const struct load *load)
{
    return load->delivered == load->sent * receivers(load) && (load->accepted == load->sent || !load->options.acknowledged);
}

const struct workload fanout = {
    .name = "fanout",
    .users = all_users,
    .began = open_window,
    .delivered = delivered,
    .finished = all_arrived,
};
