/*
 * people.h - a hundred devices with the real client on them, and what their owners do: come, go, write, block, lose their
 * network.
 *
 * Everything that happens to a device goes into the ledger. A run of a device lasts from people_start() to the client's last
 * event; its token outlives it.
 */
#ifndef TEST_PEOPLE_H
#define TEST_PEOPLE_H

#include "core.h"
#include "ledger.h"
#include "network.h"

enum { RECENT = 64 };

struct asked {
    enum { ASKED_LETTER, ASKED_BLOCK, ASKED_UNBLOCK, ASKED_WHO, ASKED_SAMPLE, ASKED_OTHER } kind;
    size_t what; /* letter, or person */
    bool repeated;
};

struct device {
    struct people *people;
    unsigned number;
    struct world world;
    struct client_core *core; /* NULL: not running */
    struct wire *wire;
    struct token token;
    bool has_token, online, closed, knows_presence, leaving;
    bool lost;           /* the wire broke, and the client has not caught up since */
    bool has_horizon;    /* it has caught up in this run */
    struct asked *asked; /* by request number, of this run */
    size_t asked_room;
    size_t recent[RECENT]; /* letters read lately whose acknowledgement may get lost with this run */
    size_t recent_count;
    bool sampled;
};

struct people {
    struct network network;
    struct ledger ledger;
    struct device devices[DEVICES];
    int64_t trouble; /* when the disk last refused something */
};

void people_open(struct people *people, struct stage *stage);
void people_close(struct people *people);

void people_start(struct people *people, unsigned device, const char *password); /* a new run; NULL: with its token */
bool people_idle(const struct people *people, unsigned device);                  /* not running */
bool people_online(const struct people *people, unsigned device);

void people_message(struct people *people, unsigned device, unsigned to);
void people_broadcast(struct people *people, unsigned device);
void people_who(struct people *people, unsigned device);
void people_who_since(struct people *people, unsigned device, uint64_t seconds);
void people_block(struct people *people, unsigned device, unsigned whom, bool on);
void people_logout(struct people *people, unsigned device);

/* Nothing is asked for a while: is what one device is told, and what all have been told, the truth? False: it could not be
 * judged, because somebody was coming or going. */
bool people_sample(struct people *people, unsigned device);

#endif
