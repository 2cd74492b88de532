/*
 * load.h - one run: what was asked for, how far it is, what was counted.
 *
 * Users log in; when all are there the run begins: the server's CPU time is read, the workload sends for so many seconds, stops,
 * and waits until everything has arrived; after a rest (for what the server has put off) the CPU time is read
 * again. Nothing that is counted falls out of the measure at either end.
 */
#ifndef BENCH_LOAD_H
#define BENCH_LOAD_H

#include "cost.h"
#include "histogram.h"
#include "user.h"

#include <stdio.h>

struct load;

/* What users do. All but `name`, `users` and `finished` may be NULL. */
struct workload {
    const char *name;
    unsigned (*users)(const struct load *load); /* how many log in before it begins */
    void (*began)(struct load *load);
    void (*tick)(struct load *load, int64_t now); /* each millisecond, or as often as the rate asks for */
    void (*online)(struct user *user);            /* after the run has begun */
    void (*accepted)(struct user *user);
    void (*delivered)(struct user *user, uint32_t sequence, int64_t when);
    bool (*finished)(const struct load *load); /* after the stop: has everything arrived? */
    bool (*verify)(struct load *load);         /* after the measuring; true if it takes time: `finished` is then asked again */
};

enum phase { PHASE_LOGIN, PHASE_SETTLE, PHASE_RUN, PHASE_DRAIN, PHASE_REST, PHASE_VERIFY };

struct options {
    const struct workload *workload;
    const struct tongue *tongue;
    unsigned port, pid, users, window, rate, body, senders, at_once;
    unsigned length, settle, rest; /* milliseconds: of the run, before it, after it */
    unsigned patience;             /* seconds, for what has not arrived when the run ends */
    bool plain, acknowledged, password;
};

struct load {
    struct turn turn;
    struct options options;
    struct user *users;
    struct source timer;
    int timer_fd;
    enum phase phase;
    unsigned started, online, wanted; /* users: connecting or more; there; to be there */
    int64_t until;                    /* when this phase ends, if it does by itself */
    int64_t began, stopped, next_late, next_heartbeat;
    uint64_t sent, accepted, delivered, logins, pings;
    struct cost before, after, verified; /* at the beginning of the run, after the rest, after the verification */
    uint64_t empty;                      /* bytes of memory before the first login */
    struct histogram latency;            /* nanoseconds from stamp to delivery */
    struct user *due, *last_due;         /* those that have something to acknowledge */
    void *scratch;                       /* the workload's */
    uint8_t body[BODY_MOST];
};

extern const struct workload pairs, light, fanout, offline, idle, logins;

void load_online(struct user *user);
void load_check(struct load *load);                 /* is the drain, or the verification, over? */
void load_want(struct load *load, unsigned wanted); /* so many users are to be online */
void report(const struct load *load);               /* one line of JSON */

#endif
