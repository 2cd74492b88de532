/* user.c - see user.h. */
#include "load.h"

#include <arpa/inet.h>

enum { ADDRESSES = 100 };

static void put_hex(uint8_t *to, uint64_t value, int digits)
{
    for (int i = digits - 1; i >= 0; i--, value >>= 4)
        to[i] = (uint8_t) "0123456789abcdef"[value & 15];
}

static uint64_t get_hex(const uint8_t *from, int digits)
{
    uint64_t value = 0;
    for (int i = 0; i < digits; i++)
        value = value << 4 | (uint64_t)(from[i] <= '9' ? from[i] - '0' : from[i] - 'a' + 10);
    return value;
}

static struct slice stamped(struct load *load, uint32_t sequence, int64_t when)
{
    put_hex(load->body, sequence, 8);
    put_hex(load->body + 8, (uint64_t)when, 16);
    return slice_of(load->body, load->options.body);
}

void user_send(struct user *user, unsigned to, uint32_t sequence, int64_t when)
{
    struct load *load = user->load;
    user->unanswered++;
    load->sent++;
    load->options.tongue->message(user, to, stamped(load, sequence, when));
}

void user_broadcast(struct user *user, uint32_t sequence, int64_t when)
{
    user->unanswered++;
    user->load->sent++;
    user->load->options.tongue->broadcast(user, stamped(user->load, sequence, when));
}

/* From several addresses: one has not ports enough for thousands of logins a second. */
void user_connect(struct user *user)
{
    static unsigned next;
    in_addr_t from = htonl(INADDR_LOOPBACK + 1 + next++ % ADDRESSES);
    user->welcome = user->online = false;
    user->connecting = clock_ns();
    turn_connect(&user->load->turn, &user->link, from, (uint16_t)user->load->options.port);
}

static void acknowledge(struct user *user, int64_t now)
{
    user->due = false;
    user->next_acknowledgement = now + ACKNOWLEDGE_MS * INT64_C(1000000);
    user->load->options.tongue->received(user);
}

static void make_due(struct user *user)
{
    struct load *load = user->load;
    user->due = true;
    if (user->listed)
        return;
    user->listed = true;
    user->next_due = NULL;
    if (load->last_due != NULL)
        load->last_due->next_due = user;
    else
        load->due = user;
    load->last_due = user;
}

/* Some in the list have acknowledged since, with what they sent. */
void user_acknowledge_late(struct load *load)
{
    int64_t now = clock_ns();
    struct user *user = load->due, *next;
    load->due = load->last_due = NULL;
    for (; user != NULL; user = next) {
        next = user->next_due;
        user->listed = false;
        if (user->due && now >= user->next_acknowledgement)
            acknowledge(user, now);
        else if (user->due)
            make_due(user);
    }
}

static void flushing(struct link *link)
{
    struct user *user = (struct user *)link;
    if (user->due && buf_len(&link->out) > 0)
        acknowledge(user, clock_ns());
}

void user_welcomed(struct user *user)
{
    user->welcome = true;
}

void user_caught_up(struct user *user)
{
    if (!user->welcome || user->online)
        return;
    user->online = true;
    user->load->online++;
    load_online(user);
}

void user_accepted(struct user *user)
{
    struct load *load = user->load;
    if (user->unanswered == 0)
        stop("user %u: an answer to nothing", user->index);
    user->unanswered--;
    load->accepted++;
    if (load->options.workload->accepted != NULL)
        load->options.workload->accepted(user);
    load_check(load);
}

void user_heard(struct user *user, struct slice body, bool acknowledged)
{
    struct load *load = user->load;
    if (body.len < STAMP_SIZE)
        stop("user %u: a message of somebody else", user->index);
    uint32_t sequence = (uint32_t)get_hex(body.data, 8);
    int64_t when = (int64_t)get_hex(body.data + 8, 16);
    if (sequence != user->expected)
        stop("user %u: message %u came, %u was expected: lost, twice, or out of order", user->index, sequence, user->expected);
    user->expected++;
    load->delivered++;
    if (load->phase < PHASE_REST) /* not what waited to be fetched */
        histogram_add(&load->latency, (uint64_t)(clock_ns() - when));
    if (acknowledged)
        make_due(user);
    if (load->options.workload->delivered != NULL)
        load->options.workload->delivered(user, sequence, when);
    load_check(load);
}

static void opened(struct link *link)
{
    struct user *user = (struct user *)link;
    user->load->options.tongue->login(user);
}

static size_t arrived(struct link *link, struct slice bytes)
{
    struct user *user = (struct user *)link;
    return user->load->options.tongue->hear(user, bytes);
}

static void closed(struct link *link)
{
    struct user *user = (struct user *)link;
    stop("user %u: the server has closed the connection", user->index);
}

const struct link_ops user_ops = {opened, arrived, flushing, closed};
