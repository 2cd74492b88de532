/*
 * ledger.h - what must be true, whatever happens: every claim of the messenger that a run can be checked against.
 *
 * People report what they ask, what they are answered and what reaches them; the first thing that cannot be true ends the test
 * with the letter, the people and the time. People and devices are numbers.
 */
#ifndef TEST_LEDGER_H
#define TEST_LEDGER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { PEOPLE = 90, DEVICES = 100, GRACE_MS = 5000 };

enum fate { ASKED, ACCEPTED, REFUSED, UNKNOWN };

struct letter {
    unsigned from, to;
    enum fate fate;
    int64_t asked;
    uint64_t id;
    uint8_t reached;  /* devices of the receiver, as bits */
    uint8_t again_ok; /* devices on which it may come once more: its acknowledgement was lost with an unclean end */
};

struct rule_of_block {
    enum { NOT_BLOCKED, BLOCKED, UNSURE } state;
    int64_t since;
};

struct ledger {
    const int64_t *now;
    struct letter *letters;
    size_t count, room;
    size_t accepted, delivered, broadcasts, presences, samples;
    uint64_t last_sent[PEOPLE][PEOPLE];          /* id of the latest accepted letter, of people with one device */
    uint64_t last_read[DEVICES][PEOPLE];         /* id of the latest letter on a device in its conversation with somebody */
    struct rule_of_block blocks[PEOPLE][PEOPLE]; /* [who][whom] */
    bool unsure_presence[DEVICES][PEOPLE];
    bool sees[DEVICES][PEOPLE];
    uint64_t hash;
    char why[256];
};

void ledger_init(struct ledger *ledger, const int64_t *now);
void ledger_free(struct ledger *ledger);

unsigned device_owner(unsigned device);
unsigned device_bit(unsigned device); /* its number among its owner's */
unsigned devices_of(unsigned person);

/* Into the hash that two runs of one seed must share. */
void ledger_note(struct ledger *ledger, const char *format, ...) __attribute__((format(printf, 2, 3)));

size_t ledger_ask(struct ledger *ledger, unsigned from, unsigned to);
void ledger_accepted(struct ledger *ledger, size_t letter, uint64_t id);
void ledger_refused(struct ledger *ledger, size_t letter);
void ledger_unknown(struct ledger *ledger, size_t letter);
/* `other`: the other side of the conversation; `copy`: sent by another device of the same person. */
void ledger_read(struct ledger *ledger, unsigned device, size_t letter, uint64_t id, unsigned other, bool copy);

void ledger_block(struct ledger *ledger, unsigned who, unsigned whom, int state);
bool ledger_blocks(const struct ledger *ledger, unsigned who, unsigned whom); /* for sure, and for a while */
bool ledger_unsure(const struct ledger *ledger, unsigned who, unsigned whom); /* changed lately, or nobody knows */
void ledger_broadcast(struct ledger *ledger, unsigned device, unsigned from);
void ledger_presence(struct ledger *ledger, unsigned device, unsigned who, bool online);

/* At the end: everything accepted has arrived. */
void ledger_settled(struct ledger *ledger);

_Noreturn void ledger_wrong(struct ledger *ledger, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
