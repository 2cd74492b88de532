/*
 * workload_logins.c - connections and little else.
 *
 * idle: all users are there and say nothing but heartbeats. logins: `at_once` connections at a
 * time are made, log in, and are closed as soon as they have caught up; user after user.
 */
#include "load.h"

static unsigned all_users(const struct load *load)
{
    return load->options.users;
}

static bool at_once(const struct load *load)
{
    return true;
}

const struct workload idle = {
    .name = "idle",
    .users = all_users,
    .finished = at_once,
};

static unsigned nobody(const struct load *load)
{
    return 0;
}

static void connect_some(struct load *load)
{
    for (unsigned i = 0; i < load->options.at_once; i++, load->sent++)
        user_connect(&load->users[i]);
}

static void next(struct user *user)
{
    struct load *load = user->load;
    histogram_add(&load->latency, (uint64_t)(clock_ns() - user->connecting));
    link_close(&user->link);
    load->logins++;
    if (load->phase == PHASE_RUN) {
        load->sent++;
        user_connect(&load->users[(user->index + load->options.at_once) % load->options.users]);
    }
    load_check(load);
}

static bool none_under_way(const struct load *load)
{
    return load->logins == load->sent;
}

const struct workload logins = {
    .name = "logins",
    .users = nobody,
    .began = connect_some,
    .online = next,
    .finished = none_under_way,
};
