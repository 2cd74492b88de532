/*
 * store.h - what must survive, as asynchronous domain verbs. No SQL above this line, no policy below it.
 *
 * Each verb is a struct whose first member is `struct store_op op`; the caller owns it, fills the inputs and op.done and op.home,
 * and submits. Until `done` runs (on op.home) the op and all that its inputs point to belong to the store. The store executes ops
 * in the order submitted (per submitting thread) on a thread of its own, commits whatever is queued as one group, and only then
 * reports: when `done` runs with OK, what was written is on disk (fsync). Positions and logins (STORE_ADVANCE, STORE_LOGIN_OPEN,
 * STORE_LOGIN_CLOSE), of which nobody is told, are written then, and on disk with the next operation that is. Outputs are valid
 * when op.err is OK.
 *
 * Errors, besides those named at a verb: ERR_NOT_STORED (disk full or failing: nothing of this op was written; later ops may
 * succeed), ERR_CAP (queue full; reported through done as well), ERR_STOPPED.
 *
 * Times are milliseconds since 1970 UTC. Ids are positive, 0 is "none". Message ids rise in the order of storing: within a
 * conversation they are its order, and a position in it is the id of the last message that counts.
 *
 *     struct store_append *append = ...;
 *     append->op = (struct store_op){.verb = STORE_APPEND, .done = appended, .home = world->strand};
 *     append->sender = alice; append->receiver = bob; append->body = ...;
 *     store_submit(store, &append->op);
 */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include "base/arena.h"
#include "base/strand.h"

enum store_verb {
    STORE_ACCOUNT_FIND,
    STORE_ACCOUNT_CREATE,
    STORE_ACCOUNT_PASSWORD,
    STORE_ACCOUNT_DISABLE,
    STORE_DEVICE_CREATE,
    STORE_DEVICE_FIND,
    STORE_DEVICES_USED,
    STORE_DEVICE_FORGET,
    STORE_DEVICES_FORGET,
    STORE_APPEND,
    STORE_PENDING,
    STORE_SINCE,
    STORE_ADVANCE,
    STORE_BLOCK,
    STORE_LOGIN_OPEN,
    STORE_LOGIN_CLOSE,
    STORE_FAILURES,
    STORE_ALIVE,
    STORE_TIDY,
    STORE_BACKUP,
    STORE_VERB_COUNT
};

struct store_op {
    struct task task; /* its `next` links a chain that is to be submitted; the store's, between submit and done */
    enum store_verb verb;
    enum err err; /* set before done */
    void (*done)(struct store_op *op);
    struct strand *home; /* where done runs */
};

/* Account by name. ERR_UNKNOWN_USER. */
struct store_account_find {
    struct store_op op;
    struct slice name; /* in its one spelling */
    /* out */
    uint64_t account;
    char password[128]; /* hash */
    bool disabled;
};

/* ERR_NAME_TAKEN. */
struct store_account_create {
    struct store_op op;
    struct slice name;
    const char *password; /* hash */
    int64_t time;
    /* out */
    uint64_t account;
};

/* A new password hash, and with it, or not at all, the end of devices. ERR_UNKNOWN_USER; ERR_NOT_FOUND: the one to be replaced
 * is not there any more. */
struct store_account_password {
    struct store_op op;
    uint64_t account;
    const char *password;
    const char *replaces; /* nothing but this hash; NULL: whatever there is */
    bool forget;          /* all its devices end, */
    uint64_t keep;        /* but for this one; 0: for none */
};

/* May it be used to log in? ERR_UNKNOWN_USER. */
struct store_account_disable {
    struct store_op op;
    uint64_t account;
    bool disabled;
};

enum { STORE_TOKEN_HASH = 32 };

/* A new device of an account. At most `keep` devices stay per account: the longest unused go (their ids in `dropped`).
 * ERR_UNKNOWN_USER; ERR_NOT_FOUND: the account has another password hash by now. */
struct store_device_create {
    struct store_op op;
    uint64_t account;
    uint8_t token[STORE_TOKEN_HASH]; /* hash of it */
    const char *password;            /* for whom this hash let in; NULL: whatever there is */
    int64_t time;
    unsigned keep; /* 0: no limit */
    /* out */
    uint64_t device;
    uint64_t dropped[8];
    unsigned dropped_count;
};

/* Device by the hash of its token; notes `time` as last used. ERR_BAD_TOKEN. */
struct store_device_find {
    struct store_op op;
    uint8_t token[STORE_TOKEN_HASH];
    int64_t time;
    /* out */
    uint64_t device, account;
    uint64_t last_number; /* highest `number` of a message stored from it */
    bool disabled;        /* its account */
};

/* Notes `time` as last used by these devices. Ids that are none are ignored. */
struct store_devices_used {
    struct store_op op;
    const uint64_t *devices;
    size_t count;
    int64_t time;
};

struct store_device_forget {
    struct store_op op;
    uint64_t device;
};

/* All devices of an account. */
struct store_devices_forget {
    struct store_op op;
    uint64_t account;
};

/*
 * A message to one user, durable when done. A (device, number) seen before is not stored again: `duplicate` is set and the
 * outputs are those of the first time. Device 0 or number 0 is never a duplicate. A resent message is looked for among the
 * sender's latest 16,384 in the conversation. The sender must have checked blocks before. ERR_CAP: the receiver's unreceived
 * messages are at the quota. ERR_UNKNOWN_USER; ERR_SELF: sender and receiver are one; ERR_INVALID: a number above INT64_MAX.
 */
struct store_append {
    struct store_op op;
    uint64_t sender, receiver, device, number;
    struct slice body;
    int64_t time;
    uint64_t quota;  /* messages that may wait for the receiver; 0: no limit */
    bool only_known; /* answered if it is a duplicate, otherwise not stored: ERR_NOT_FOUND */
    /* out */
    uint64_t id, conversation;
    uint64_t previous;   /* id of the message before it in the conversation, 0 if first (or unknown because duplicate) */
    int64_t stored_time; /* of the first time, if duplicate */
    bool duplicate;
    uint64_t searched; /* steps that the search for a resent one took, thirteen a row; also with ERR_NOT_FOUND and ERR_CAP */
};

struct store_message {
    uint64_t id, conversation;
    uint64_t sender, receiver, device;
    int64_t time;
    struct slice body;
};

/*
 * A page of messages in order of id, in `rows` (in the op's arena, which the caller inits and frees, and the store resets; it
 * holds what fits, ERR_CAP if not even one). Ask again with after = the last row's id while `more`. `horizon`: the highest id
 * stored when this page was read; read before the rows, so that everything up to it was visible.
 *
 * STORE_PENDING: what other users sent to the account and none of its devices has acknowledged (see STORE_ADVANCE).
 * STORE_SINCE: everything in the account's conversations with id > after, but for what `device` itself sent.
 */
struct store_page {
    struct store_op op;
    uint64_t account, device, after;
    unsigned limit;     /* rows at most */
    size_t limit_bytes; /* of bodies, about; at least one row comes */
    struct arena arena;
    /* out */
    struct store_message *rows;
    size_t count;
    bool more;
    uint64_t horizon;
};

struct store_position {
    uint64_t conversation, id;
};

/* The account has received everything in these conversations up to these ids. Never moves back; foreign conversations and ids
 * from the future are ignored. */
struct store_advance {
    struct store_op op;
    uint64_t account;
    struct store_position *positions;
    size_t count;
};

/* on: ERR_ALREADY_BLOCKED; off: ERR_NOT_BLOCKED. */
struct store_block {
    struct store_op op;
    uint64_t account, other;
    bool on;
    int64_t time;
};

/* The account's first session begins: an interval in which it is online, which takes the place of those that have ended. */
struct store_login_open {
    struct store_op op;
    uint64_t account;
    int64_t time;
    /* out */
    uint64_t login;
};

struct store_login_close {
    struct store_op op;
    uint64_t login;
    int64_t time;
};

/* Wrong passwords in a row for a name (existing or not), and until when it is blocked (0: not). count 0 removes the row. */
struct store_failures {
    struct store_op op;
    struct slice name;
    unsigned count;
    int64_t blocked_until;
    int64_t time;
};

/* The server lives at this time. After a crash, open logins are taken to have ended then. */
struct store_alive {
    struct store_op op;
    int64_t time;
};

/* Housekeeping in small steps: messages received by both sides and older
 * than `messages_before`, logins ended before `logins_before`, devices unused since `devices_before`, failures older than
 * `failures_before` unless their block still stood then. `more`: ask again later. */
struct store_tidy {
    struct store_op op;
    int64_t messages_before, logins_before, devices_before, failures_before;
    unsigned limit; /* rows of each kind */
    /* out */
    uint64_t deleted;
    bool more;
};

/*
 * A consistent copy of everything into a new file (0600, fsynced), made beside the other work: it holds at least what was
 * acknowledged before it was submitted. One at a time. ERR_UNAVAILABLE (one is under way, or this store cannot), ERR_EXISTS
 * (the file), ERR_NOT_STORED (no room, or the copy cannot be made; nothing is left of it), ERR_STOPPED.
 */
struct store_backup {
    struct store_op op;
    const char *path;
    /* out */
    uint64_t mark;  /* highest id of a message that is in it; 0: none */
    uint64_t bytes; /* of the file */
};

/* What is in memory while serving, told at start. Called in store_load(), in this order: accounts, blocks, failures
 * (the longest blocked last). */
struct store_reader {
    void *ctx;
    /* last_online: end of the latest login interval, 0 if never. */
    enum err (*account)(void *ctx, uint64_t account, struct slice name, bool disabled, int64_t last_online);
    enum err (*block)(void *ctx, uint64_t account, uint64_t other);
    enum err (*failures)(void *ctx, struct slice name, unsigned count, int64_t blocked_until);
};

struct store;

struct store_ops {
    enum err (*load)(struct store *store, const struct store_reader *reader);
    /* A chain of operations, first to last linked by task.next, last->task.next ignored. */
    void (*submit)(struct store *store, struct store_op *first, struct store_op *last);
    void (*stop)(struct store **store);
};

struct store {
    const struct store_ops *ops;
};

/* Synchronous; before the first submit. The reader's first error ends it. */
static inline enum err store_load(struct store *store, const struct store_reader *reader)
{
    return store->ops->load(store, reader);
}

/* From any thread; never blocks on a disk, never calls done inside. */
static inline void store_submit(struct store *store, struct store_op *op)
{
    store->ops->submit(store, op, op);
}

/* All of a turn under one lock, and with one wake-up: first to last, linked by task.next. */
static inline void store_submit_chain(struct store *store, struct store_op *first, struct store_op *last)
{
    store->ops->submit(store, first, last);
}

/* Executes and commits everything submitted, posts the results, closes. Takes a pointer to NULL. */
static inline void store_stop(struct store **store)
{
    if (*store != NULL)
        (*store)->ops->stop(store);
}

#endif
