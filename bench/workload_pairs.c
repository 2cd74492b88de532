/*
 * workload_pairs.c - users in pairs who write to each other.
 *
 * pairs: each has `window` messages under way, and sends the next when one is answered (or, from a relay that answers nothing,
 * when one of the partner's arrives). light: `rate` messages a second in all, evenly, whatever the answers do; each counts from
 * the moment at which it was due, so that a pause of the server is in the latency of all that it held up.
 */
#include "load.h"

static unsigned all_users(const struct load *load)
{
    return load->options.users;
}

static void send_next(struct user *user, int64_t when)
{
    user_send(user, user->index ^ 1, user->sent++, when);
}

static void open_windows(struct load *load)
{
    for (unsigned i = 0; i < load->options.users; i++)
        for (unsigned j = 0; j < load->options.window; j++)
            send_next(&load->users[i], clock_ns());
}

static void again(struct user *user)
{
    if (user->load->phase == PHASE_RUN)
        send_next(user, clock_ns());
}

static void delivered(struct user *user, uint32_t sequence, int64_t when)
{
    if (user->load->options.acknowledged)
        return;
    user->unanswered--;
    again(user);
}

static bool all_arrived(const struct load *load)
{
    return load->delivered == load->sent && (load->accepted == load->sent || !load->options.acknowledged);
}

static void send_what_is_due(struct load *load, int64_t now)
{
    int64_t step = INT64_C(1000000000) / load->options.rate;
    for (int64_t when; (when = load->began + (int64_t)load->sent * step) <= now;)
        send_next(&load->users[load->sent % load->options.users], when);
}

const struct workload pairs = {
    .name = "pairs",
    .users = all_users,
    .began = open_windows,
    .accepted = again,
    .delivered = delivered,
    .finished = all_arrived,
};

const struct workload light = {
    .name = "light",
    .users = all_users,
    .tick = send_what_is_due,
    .finished = all_arrived,
};
