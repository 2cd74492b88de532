/*
 * guard.h - what stands between strangers and accounts: wrong passwords counted by name, and by address.
 *
 * By name, whether an account has it or not (with registration closed the two must look alike): three in a row block the name for
 * a while; fewer are forgotten a day after the last. Attempts for one name go one at a time, so that many connections at once get
 * no more tries than one; the others wait in a short queue. By address: a bucket of failures that refills with time.
 *
 * Times are milliseconds of the monotonic clock: setting the wall clock neither ends a block nor prolongs it.
 *
 * One mutex; nothing is called with it held but the store's submit, so that the store has the records of a name in the order in
 * which they came about, whichever loops they came from. Safe from any thread.
 *
 * Memory is capped, and nobody is refused for that: when 100,000 names are held, the one longest untouched is forgotten. Only the
 * block of a name that somebody has is never forgotten; there are no more of those than accounts. Addresses that have nothing
 * more to say are swept when their table is full; if that does not help newcomers are not counted.
 */
#ifndef CHAT_GUARD_H
#define CHAT_GUARD_H

#include "base/strand.h"
#include "base/world.h"
#include "crypto/password.h"
#include "store/store.h"

struct guard;

enum {
    GUARD_FAILURES = 3,
    GUARD_MEMORY_MS = 24 * 3600 * 1000, /* for how long wrong passwords are remembered: "in a row" is not "ever" */
};

/* One attempt at a name, embedded in what makes it. */
struct guard_attempt {
    struct guard_attempt *next;
    struct guarded *guarded; /* the guard's */
    struct task *go;         /* posted to `home` when it is this attempt's turn, if it had to wait */
    struct strand *home;
};

enum err guard_new(struct random *random, const struct password_cost *cost, struct store *store, struct guard **out);
void guard_free(struct guard **guard);

/* From the store, at start; the most important come last. `known`: an account has the name. Its last failure counts as of `now`.
 */
enum err guard_restore(struct guard *guard, struct slice name, bool known, unsigned count, int64_t blocked_until, int64_t now);

/*
 * OK: this attempt may go on, and must end with guard_end. ERR_AGAIN: it waits; go on when `go` runs by calling again with the
 * same attempt (which can then still say ERR_ACCOUNT_BLOCKED). ERR_ACCOUNT_BLOCKED, ERR_UNAVAILABLE: it is over; *retry_after
 * says seconds.
 */
enum err guard_begin(struct guard *guard, struct slice name, bool known, struct guard_attempt *attempt, int64_t now,
                     unsigned *retry_after);

enum guard_outcome { GUARD_RIGHT, GUARD_WRONG, GUARD_NEITHER };

struct guard_record {
    bool changed; /* and handed to the store */
    unsigned count;
    int64_t blocked_until; /* 0: not blocked */
};

/*
 * The attempt is over; the next one goes. If that changed what is held against the name, `failures` is submitted to the store:
 * its name, time, and the op's home and done are the caller's to fill in, and if the record says `changed` it will come home.
 */
struct guard_record guard_end(struct guard *guard, struct guard_attempt *attempt, enum guard_outcome outcome, int64_t now,
                              int64_t block_ms, struct store_failures *failures);

/* Its failures are forgotten and a block ends, which is submitted likewise. False if there was nothing of that. */
bool guard_forgive(struct guard *guard, struct store_failures *failures);

/* A record of the name was not stored: it waits for guard_store_again(). */
void guard_not_stored(struct guard *guard, struct slice name, bool known);

/* Submits what is held now against a name whose record was not stored; false if there is none. failures->name is filled in: it is
 * in `name`, which has room for 255 bytes. */
bool guard_store_again(struct guard *guard, int64_t now, struct store_failures *failures, char *name);

/* May this address try? ERR_RATE_LIMITED with *retry_after. per_minute 0: always. */
enum err guard_address(struct guard *guard, const char *address, int64_t now, unsigned per_minute, unsigned *retry_after);
void guard_address_failed(struct guard *guard, const char *address, int64_t now, unsigned per_minute);

/* A hash that no password fits, made with the cost in force. */
const char *guard_decoy(const struct guard *guard);

#endif
