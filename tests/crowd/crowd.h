/*
 * crowd.h - thousands of clients of one server in one process, each of which may behave well or badly.
 *
 *     crowd --port 4000 [--host 127.0.0.1] [--prefix load] [--password load-password] [--members 20000]
 *
 * Commands come as lines on standard input, answers go as JSON lines to standard output. Members are numbered; the account of
 * member 7 is load7. In the password % stands for the account's name. A member's token is that of tools/populate (the account's
 * name, filled up with zero bytes) until the server has given it another. commands.c lists the commands:
 *
 *     login 0-999 how=token parallel=64 from=127.1.0.1 each=500
 *     rate 0-99 per_second=200 seconds=5
 *     whoelse 3
 *
 * Commands run side by side; each ends with one line that has "event":"done" and "n", the number of its line from 1. A line that
 * makes no sense is answered with "event":"error". End of input ends the program, without a word to the server.
 *
 * A command is a row in commands.c and a function; what takes time is a `struct errand`, which the function makes and later
 * finishes. Everything is on one loop and one thread.
 */
#ifndef CROWD_H
#define CROWD_H

#include "net/conn.h"
#include "wire/codec.h"
#include "wire/limits.h"

#include <stdlib.h>

#define CONTAINER_OF(pointer, type, member) ((type *)(void *)((char *)(pointer)-offsetof(type, member)))

struct crowd;
struct member;

/* A command's words: which members, then key=value. */
struct args {
    uint64_t n;
    const char *command;
    unsigned first, count; /* members [first, first + count) */
    char *keys[12], *values[12];
    unsigned pairs;
};

const char *args_text(const struct args *args, const char *key, const char *otherwise);
int64_t args_number(const struct args *args, const char *key, int64_t otherwise);
/* "3", "0-499" or "all". */
bool args_range(const struct crowd *crowd, const char *text, unsigned *first, unsigned *count);

struct command {
    const char *name;
    void (*run)(struct crowd *crowd, const struct args *args);
    const char *keys; /* what it understands, separated by blanks; others are an error */
};

extern const struct command commands[];
extern const size_t commands_count;
void command_line(struct crowd *crowd, char *line);

/* Something under way: a row of functions that hear what happens to members. Linked into the crowd. */
struct errand {
    struct errand *next;
    const struct errand_ops *ops;
    uint64_t n;
    char command[16];
    int64_t began; /* now_us */
    struct timer timer;
    struct crowd *crowd;
    unsigned first, count;
};

struct errand_ops {
    void (*online)(struct errand *errand, struct member *member);
    void (*refused)(struct errand *errand, struct member *member, const Earshot__Error *error); /* of a login */
    void (*lost)(struct errand *errand, struct member *member);                                 /* the connection, in any state */
    void (*answered)(struct errand *errand, struct member *member, const Earshot__ServerFrame *frame);
    void (*message)(struct errand *errand, struct member *member, const Earshot__Message *message);
};

enum state { STATE_AWAY, STATE_CONNECTING, STATE_ONLINE };

struct member {
    struct crowd *crowd;
    struct conn *conn; /* NULL: not connected */
    struct line *line;
    struct buf in;
    struct timer heartbeat;
    struct timer chore; /* reading or writing slowly */
    struct timer back;  /* coming back by itself */
    unsigned index, heartbeat_ms, chore_ms, attempts;
    uint32_t source;    /* IPv4 address to connect from, host order; 0: the system's choice */
    int receive_buffer; /* 0: the system's choice */
    enum state state;
    bool by_token, stays; /* stays: comes back by itself */
    bool entering;        /* a login command waits for it */
    bool sipping, received;
    bool forgotten;  /* has logged out: its token is void, and the password is needed again */
    bool asked_beat; /* heartbeats as often as the server asks for */
    uint64_t number, last_id, conversation;
    uint8_t token[WIRE_TOKEN_SIZE];
    struct buf slow;     /* bytes that are being sent slowly */
    uint8_t *shown;      /* while watching: a bit per member, as presence events have it */
    struct sent *sent;   /* when a message was sent, by number: see cmd_rate.c */
    unsigned wait_ms;    /* at least so long before it comes back */
    unsigned login_code; /* error code of the last refusal */
    unsigned goodbye;    /* reason of the last goodbye */
};

/* What has been said about one member by presence events to all that watch. */
struct told {
    uint64_t online, offline;
    int64_t last_offline; /* now_us */
};

struct crowd {
    struct loop *loop;
    struct tls_context *tls;
    struct member *members;
    struct told *told;
    unsigned size, online, connecting;
    const char *host, *prefix, *password;
    uint16_t port;
    struct errand *errands;
    struct buf out, line;
    struct arena arena;
    uint64_t lines, delivered, accepted, disordered, refused, goodbyes, lost, ended_well;
};

int64_t now_us(void);
int64_t now_ms(const struct crowd *crowd);
void fail(const char *what);

/* ---- answers ---- */

/* printf a whole line and flush it. */
void say(struct crowd *crowd, const char *format, ...) __attribute__((format(printf, 2, 3)));
void say_done(struct crowd *crowd, const struct args *args);
void say_wrong(struct crowd *crowd, uint64_t n, const char *why);

/* Allocates `size` bytes that begin with a errand, and links it. */
void *errand_new(struct crowd *crowd, const struct args *args, size_t size, const struct errand_ops *ops);
void errand_timer(struct errand *errand, void (*fire)(struct timer *), int64_t in_ms);
/* Unlinks and frees it; the answer has been said. */
void errand_end(struct errand *errand);
static inline bool errand_has(const struct errand *errand, const struct member *member)
{
    return member->index - errand->first < errand->count;
}

/* ---- members ---- */

void member_init(struct crowd *crowd, unsigned index);
void member_name(const struct member *member, char name[WIRE_NAME_MAX + 1]);
/* Connects and logs in. */
void member_connect(struct member *member);
/* Closes now, without goodbye. */
void member_abort(struct member *member);
/* -1 if it is not one of ours. */
int member_of_name(const struct crowd *crowd, struct slice name);

enum err member_write(struct member *member, const Earshot__ClientFrame *frame);
enum err member_send(struct member *member, unsigned to, struct slice body); /* its number is member->number */
void member_login(struct member *member);
void member_ask_who(struct member *member, int64_t since); /* since < 0: whoelse */
void member_beat(struct member *member);
void member_acknowledge(struct member *member);
void member_logout(struct member *member);

/* ---- commands ---- */

void cmd_login(struct crowd *crowd, const struct args *args);
void cmd_await(struct crowd *crowd, const struct args *args);
void cmd_stay(struct crowd *crowd, const struct args *args);
void cmd_logout(struct crowd *crowd, const struct args *args);
void cmd_close(struct crowd *crowd, const struct args *args);
void cmd_heartbeat(struct crowd *crowd, const struct args *args);
void cmd_pause(struct crowd *crowd, const struct args *args);
void cmd_unpause(struct crowd *crowd, const struct args *args);
void cmd_sip(struct crowd *crowd, const struct args *args);
void cmd_dribble(struct crowd *crowd, const struct args *args);
void cmd_send(struct crowd *crowd, const struct args *args);
void cmd_rate(struct crowd *crowd, const struct args *args);
void cmd_whoelse(struct crowd *crowd, const struct args *args);
void cmd_watch(struct crowd *crowd, const struct args *args);
void cmd_shown(struct crowd *crowd, const struct args *args);
void cmd_state(struct crowd *crowd, const struct args *args);
void cmd_port(struct crowd *crowd, const struct args *args);

/* cmd_rate.c: an answer to a number has come. cmd_who.c: a presence event. */
void rate_answered(struct member *member, const Earshot__ServerFrame *frame);
void watch_event(struct member *member, const Earshot__Presence *presence);

#endif
