/*
 * limit.c - the limit: what a relay costs that does nothing but relay, on the machine on which a server is measured.
 *
 *     limit [--certificate FILE --key FILE] [--acknowledge] [--log FILE [--room MIB]] [--port N]
 *
 * One thread, epoll, frames that name their destination (limit_frame.h), one write a turn and connection. No accounts, no names,
 * no rights, nothing checked but lengths. With --acknowledge it answers each message to its sender; with --log it also has it on
 * disk before that, and keeps for users who are not there what they then get when they come. Prints "ready PORT".
 */
#include "limit_frame.h"
#include "limit_log.h"
#include "turn.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

enum { USERS = 1 << 17, ACCEPT_MOST = 256 };

struct peer {
    struct link link;
    uint32_t user;
    struct peer *next; /* all who are logged in, or those that may be used again */
    struct peer **place;
};

static struct relay {
    struct turn turn;
    struct source listener;
    int fd;
    bool acknowledges, logs;
    struct limit_log log;
    uint64_t last;
    struct peer *users[USERS];
    struct limit_queue queues[USERS];
    struct peer *online, *unused;
} relay;

static void put(struct link *link, const struct limit_head *head, const void *body)
{
    link_write(link, head, sizeof *head);
    if (head->length > 0)
        link_write(link, body, head->length);
}

static void answer(struct link *link, enum limit_kind kind, uint64_t number)
{
    put(link, &(struct limit_head){.kind = (uint16_t)kind, .number = number}, NULL);
}

static void leave(struct peer *peer)
{
    if (peer->place == NULL)
        return;
    *peer->place = peer->next;
    if (peer->next != NULL)
        peer->next->place = peer->place;
    peer->place = NULL;
    if (relay.users[peer->user] == peer)
        relay.users[peer->user] = NULL;
}

static void login(struct peer *peer, const struct limit_head *head, const uint8_t *body)
{
    if (head->user >= USERS)
        stop("there is no user %u", head->user);
    leave(peer);
    peer->user = head->user;
    peer->next = relay.online;
    peer->place = &relay.online;
    if (peer->next != NULL)
        peer->next->place = &peer->next;
    relay.online = peer;
    relay.users[peer->user] = peer;
    answer(&peer->link, LIMIT_WELCOME, 0);
    if (relay.logs)
        limit_log_commit(&relay.log); /* what waits may still be in the batch */
    while (relay.logs && limit_log_take(&relay.log, &relay.queues[peer->user], link_out(&peer->link)))
        ;
    answer(&peer->link, LIMIT_CAUGHT_UP, relay.last);
}

static void forward(struct peer *peer, const struct limit_head *head, const uint8_t *body)
{
    if (head->user >= USERS)
        stop("there is no user %u", head->user);
    struct peer *to = relay.users[head->user];
    struct limit_head out = {head->length, LIMIT_DELIVER, peer->user, ++relay.last};
    if (to != NULL)
        put(&to->link, &out, body);
    if (relay.logs)
        limit_log_append(&relay.log, &out, body, to == NULL ? &relay.queues[head->user] : NULL);
    if (relay.acknowledges)
        answer(&peer->link, LIMIT_ACCEPTED, head->number);
}

static void broadcast(struct peer *peer, const struct limit_head *head, const uint8_t *body)
{
    struct limit_head out = {head->length, LIMIT_DELIVER, peer->user, ++relay.last};
    for (struct peer *to = relay.online; to != NULL; to = to->next)
        if (to != peer)
            put(&to->link, &out, body);
    if (relay.acknowledges)
        answer(&peer->link, LIMIT_ACCEPTED, head->number);
}

static void received(struct peer *peer, const struct limit_head *head, const uint8_t *body)
{
}

static void ping(struct peer *peer, const struct limit_head *head, const uint8_t *body)
{
    answer(&peer->link, LIMIT_PING, head->number);
}

static void (*const hear[LIMIT_KINDS])(struct peer *peer, const struct limit_head *head, const uint8_t *body) = {
    [LIMIT_LOGIN] = login,       [LIMIT_SEND] = forward, [LIMIT_BROADCAST] = broadcast,
    [LIMIT_RECEIVED] = received, [LIMIT_PING] = ping,
};

static void opened(struct link *link)
{
}

static size_t arrived(struct link *link, struct slice bytes)
{
    struct limit_head head;
    size_t used = 0;
    while (bytes.len - used >= sizeof head) {
        memcpy(&head, bytes.data + used, sizeof head);
        if (bytes.len - used < sizeof head + head.length)
            break;
        if (head.kind >= LIMIT_KINDS || hear[head.kind] == NULL)
            stop("not a frame for the limit");
        hear[head.kind]((struct peer *)link, &head, bytes.data + used + sizeof head);
        used += sizeof head + head.length;
    }
    return used;
}

/* Its memory may still be in the turn's list; that is kept in mind when it is used again. */
static void closed(struct link *link)
{
    struct peer *peer = (struct peer *)link;
    leave(peer);
    peer->next = relay.unused;
    relay.unused = peer;
}

static const struct link_ops ops = {opened, arrived, NULL, closed};

static void accept_peers(struct source *source, unsigned events)
{
    int fd;
    for (int i = 0; i < ACCEPT_MOST && (fd = accept4(relay.fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0; i++) {
        struct peer *peer = relay.unused;
        if (peer != NULL)
            relay.unused = peer->next;
        else if ((peer = calloc(1, sizeof *peer)) == NULL)
            stop("no memory for a connection");
        peer->place = NULL;
        turn_adopt(&relay.turn, &peer->link, fd);
    }
}

static void commit(struct turn *turn)
{
    limit_log_commit(&relay.log);
}

static void listen_on(uint16_t port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof address;
    int one = 1;
    relay.fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    setsockopt(relay.fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(relay.fd, (struct sockaddr *)&address, len) != 0 || listen(relay.fd, 4096) != 0 ||
        getsockname(relay.fd, (struct sockaddr *)&address, &len) != 0)
        stop("cannot listen: %s", strerror(errno));
    relay.listener.ready = accept_peers;
    turn_watch(&relay.turn, relay.fd, &relay.listener);
    printf("ready 127.0.0.1:%u\n", ntohs(address.sin_port));
    fflush(stdout);
}

int main(int argc, char **argv)
{
    static const struct option options[] = {
        {"certificate", required_argument, NULL, 'c'},
        {"key", required_argument, NULL, 'k'},
        {"acknowledge", no_argument, NULL, 'a'},
        {"log", required_argument, NULL, 'l'},
        {"room", required_argument, NULL, 'r'},
        {"port", required_argument, NULL, 'p'},
        {0},
    };
    const char *values[128] = {['r'] = "256", ['p'] = "0"};
    for (int c; (c = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        if (c == '?')
            stop("usage: limit [--certificate FILE --key FILE] [--acknowledge] [--log FILE [--room MIB]] [--port N]");
        values[c] = optarg != NULL ? optarg : "";
    }
    raise_file_limit();
    turn_init(&relay.turn, values['c'] != NULL && values['k'] != NULL ? tls_server(values['c'], values['k']) : NULL, &ops);
    relay.logs = values['l'] != NULL;
    relay.acknowledges = relay.logs || values['a'] != NULL;
    if (relay.logs) {
        limit_log_open(&relay.log, values['l'], strtoull(values['r'], NULL, 10) << 20);
        relay.turn.ending = commit;
    }
    listen_on((uint16_t)strtoul(values['p'], NULL, 10));
    turn_run(&relay.turn);
}
