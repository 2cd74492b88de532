/*
 * workload_offline.c - `senders` users, each with `window` messages unanswered, write to users who are not there: each sender to
 * its own share of them in turn. Then those log in, and everything that was accepted has to come, once and in order.
 */
#include "load.h"

static unsigned senders(const struct load *load)
{
    return load->options.senders;
}

static unsigned share(const struct load *load)
{
    return (load->options.users - load->options.senders) / load->options.senders;
}

static void send_next(struct user *user)
{
    struct load *load = user->load;
    unsigned turn = user->sent / share(load), which = user->sent % share(load);
    user->sent++;
    user_send(user, load->options.senders * (which + 1) + user->index, turn, clock_ns());
}

static void open_windows(struct load *load)
{
    for (unsigned i = 0; i < load->options.senders; i++)
        for (unsigned j = 0; j < load->options.window; j++)
            send_next(&load->users[i]);
}

static void again(struct user *user)
{
    if (user->load->phase == PHASE_RUN)
        send_next(user);
}

static bool all_arrived(const struct load *load)
{
    bool all_there = load->online == load->options.users;
    return load->accepted == load->sent && (load->phase != PHASE_VERIFY || (all_there && load->delivered == load->sent));
}

static bool let_all_come(struct load *load)
{
    load_want(load, load->options.senders * (share(load) + 1));
    return true;
}

static void came(struct user *user)
{
    load_check(user->load);
}

const struct workload offline = {
    .name = "offline",
    .users = senders,
    .began = open_windows,
    .online = came,
    .accepted = again,
    .finished = all_arrived,
    .verify = let_all_come,
};
