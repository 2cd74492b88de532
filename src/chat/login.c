/*
 * login.c - see chat/login.h.
 *
 * An attempt is a chain of steps, each started by the one before when its result comes home: the name's turn at the guard, the
 * account from the store, the hash from the pool, the failure record or the new account, the device. Whatever ends it goes
 * through finish(), exactly once, on the shard's loop. Changing a password is the same up to the judgement, so that it is no
 * better way to guess than a login.
 */
#include "chat/login.h"

#include "guard.h"
#include "in_use.h"
#include "presence.h"
#include "shard.h"

#include "base/log.h"

#include <assert.h>
#include <stdlib.h>

enum { CHANGES_MOST = 3 }; /* hashes that were replaced while one attempt relied on them */

struct attempt {
    struct shard *shard;
    struct login *login;
    void (*right)(struct attempt *attempt); /* what follows a right password */
    unsigned changes;
    struct guard_attempt turn;
    struct task go;
    struct job hashing;
    enum err verdict;
    char hash[PASSWORD_HASH_SIZE];   /* the account's, or the decoy's; then the new one */
    char rehash[PASSWORD_HASH_SIZE]; /* to be stored instead; "" if the old one is good enough */
    struct password_cost cost;
    struct token token;
    union {
        struct store_account_find find;
        struct store_account_create create;
        struct store_account_password password;
        struct store_device_find device_find;
        struct store_device_create device_create;
        struct store_failures failures;
    } op;
};

static struct attempt *attempt_of(struct store_op *op)
{
    struct attempt *attempt = (struct attempt *)((char *)op - offsetof(struct attempt, op));
    shard_came_home(attempt->shard);
    return attempt;
}

static void submit(struct attempt *attempt, enum store_verb verb, void (*done)(struct store_op *))
{
    struct store_op *op = (struct store_op *)&attempt->op;
    *op = (struct store_op){.verb = verb, .done = done};
    shard_submit(attempt->shard, op);
}

/* For the store. */
static int64_t wall_of(const struct attempt *attempt)
{
    assert(attempt->shard != NULL);
    return world_wall_ms(attempt->shard->world);
}

/* For the guard. */
static int64_t now_of(const struct attempt *attempt)
{
    return world_mono_ms(attempt->shard->world);
}

/* ---- the end ---- */

static void report(struct task *task)
{
    struct login *login = (struct login *)((char *)task - offsetof(struct login, task));
    shard_came_home(login->shard);
    login->done(login);
}

/* Through the strand, so that the answer never comes inside the call. */
static void report_later(struct shard *shard, struct login *login)
{
    login->task.run = report;
    login->shard = shard;
    shard->in_flight++;
    strand_post(shard->world->strand, &login->task);
}

static bool counts_against_address(enum err err)
{
    return err == ERR_WRONG_PASSWORD || err == ERR_UNKNOWN_USER || err == ERR_BAD_TOKEN || err == ERR_NAME_TAKEN;
}

static enum err outward(enum err err)
{
    return err == ERR_CAP || err == ERR_STOPPED || err == ERR_MEMORY || err == ERR_SYSTEM ? ERR_UNAVAILABLE : err;
}

static void finish(struct attempt *attempt, enum err err)
{
    struct login *login = attempt->login;
    struct shard *shard = attempt->shard;
    login->err = outward(err);
    if (login->err == ERR_UNAVAILABLE && login->retry_after == 0)
        login->retry_after = err == ERR_CAP ? surplus_wait(&shard->chat->surplus, now_of(attempt)) : 1;
    if (counts_against_address(err))
        guard_address_failed(shard->chat->guard, login->address, now_of(attempt), shard_settings(shard)->failures_a_minute);
    secret_wipe(attempt, sizeof *attempt);
    free(attempt);
    report_later(shard, login);
}

/* NULL without memory: that has been reported. */
static struct attempt *attempt_new(struct shard *shard, struct login *login)
{
    struct attempt *attempt = calloc(1, sizeof *attempt);
    login->err = ERR_UNAVAILABLE;
    login->retry_after = 1;
    login->user = NULL;
    login->device = login->last_number = 0;
    if (attempt == NULL) {
        report_later(shard, login);
        return NULL;
    }
    login->retry_after = 0;
    attempt->shard = shard;
    attempt->login = login;
    attempt->cost = shard_settings(shard)->cost;
    login->begun = shard->chat->revocations;
    login->ended = ended_count(&shard->chat->ended);
    return attempt;
}

static bool address_refused(struct attempt *attempt)
{
    struct login *login = attempt->login;
    struct shard *shard = attempt->shard;
    enum err err = guard_address(shard->chat->guard, login->address, now_of(attempt), shard_settings(shard)->failures_a_minute,
                                 &login->retry_after);
    if (err != OK)
        finish(attempt, err);
    return err != OK;
}

/* ---- the device ---- */

static void welcome(struct attempt *attempt, uint64_t device, uint64_t last_number, const struct token *token)
{
    attempt->login->device = device;
    attempt->login->last_number = last_number;
    attempt->login->device_token = *token;
    finish(attempt, OK);
}

static void begin_again(struct attempt *attempt);

static void device_created(struct store_op *op)
{
    struct attempt *attempt = attempt_of(op);
    const struct store_device_create *create = &attempt->op.device_create;
    for (unsigned i = 0; op->err == OK && i < create->dropped_count; i++)
        presence_end_device(attempt->shard, attempt->login->user, create->dropped[i]);
    if (op->err == ERR_NOT_FOUND)
        begin_again(attempt);
    else if (op->err != OK)
        finish(attempt, op->err);
    else
        welcome(attempt, create->device, 0, &attempt->token);
}

static void make_device(struct attempt *attempt)
{
    struct store_device_create *create = &attempt->op.device_create;
    struct token_hash hash;
    token_make(attempt->shard->chat->parts.random, &attempt->token);
    token_digest(&attempt->token, &hash);
    memset(create, 0, sizeof *create);
    create->account = attempt->login->user->id;
    memcpy(create->token, hash.bytes, sizeof create->token);
    create->password = attempt->hash;
    create->time = wall_of(attempt);
    create->keep = shard_settings(attempt->shard)->devices;
    in_use_note(attempt->shard, attempt->login->user);
    submit(attempt, STORE_DEVICE_CREATE, device_created);
}

static bool find_device(struct attempt *attempt, void (*done)(struct store_op *))
{
    struct store_device_find *find = &attempt->op.device_find;
    struct token_hash hash;
    if (attempt->login->token.len != TOKEN_SIZE)
        return false;
    memcpy(attempt->token.bytes, attempt->login->token.data, TOKEN_SIZE);
    token_digest(&attempt->token, &hash);
    memset(find, 0, sizeof *find);
    memcpy(find->token, hash.bytes, sizeof find->token);
    find->time = wall_of(attempt);
    submit(attempt, STORE_DEVICE_FIND, done);
    return true;
}

/* After a right password: the same device as before if its token says so. */
static void device_known(struct store_op *op)
{
    struct attempt *attempt = attempt_of(op);
    const struct store_device_find *find = &attempt->op.device_find;
    if (op->err == OK && find->account == attempt->login->user->id)
        welcome(attempt, find->device, find->last_number, &attempt->token);
    else
        make_device(attempt);
}

static void choose_device(struct attempt *attempt)
{
    if (!find_device(attempt, device_known))
        make_device(attempt);
}

/* ---- with a password ---- */

static void rehash_stored(struct store_op *op)
{
    struct attempt *attempt = attempt_of(op);
    if (op->err == OK)
        memcpy(attempt->hash, attempt->rehash, sizeof attempt->hash);
    else if (op->err != ERR_NOT_FOUND) /* then it has been replaced meanwhile: no device is made with it */
        log_event(LOG_WARN, "rehash_not_stored", log_str("error", err_name(op->err)));
    choose_device(attempt);
}

static void log_in(struct attempt *attempt)
{
    if (attempt->rehash[0] == '\0') {
        choose_device(attempt);
        return;
    }
    attempt->op.password = (struct store_account_password){
        .account = attempt->login->user->id, .password = attempt->rehash, .replaces = attempt->hash};
    submit(attempt, STORE_ACCOUNT_PASSWORD, rehash_stored);
}

static void failures_stored(struct store_op *op)
{
    struct attempt *attempt = attempt_of(op);
    if (op->err != OK)
        guard_not_stored(attempt->shard->chat->guard, attempt->login->name, attempt->login->user != NULL);
    if (attempt->verdict == OK)
        attempt->right(attempt);
    else
        finish(attempt, attempt->verdict);
}

static void judge(struct attempt *attempt, enum guard_outcome outcome)
{
    struct shard *shard = attempt->shard;
    struct login *login = attempt->login;
    int64_t now = now_of(attempt);
    attempt->op.failures = (struct store_failures){
        .op = {.done = failures_stored, .home = shard->world->strand}, .name = login->name, .time = wall_of(attempt)};
    const struct guard_record record = guard_end(shard->chat->guard, &attempt->turn, outcome, now,
                                                 shard_settings(shard)->block_duration_ms, &attempt->op.failures);
    if (record.blocked_until > now) {
        login->retry_after = (unsigned)((record.blocked_until - now + 999) / 1000);
        log_event(LOG_WARN, "account_blocked", log_slice("user", login->name), log_str("peer", login->address),
                  log_int("seconds", login->retry_after));
    }
    if (record.changed)
        shard->in_flight++; /* until the record comes home */
    else if (attempt->verdict == OK)
        attempt->right(attempt);
    else
        finish(attempt, attempt->verdict);
}

static void verify_work(struct job *job)
{
    struct attempt *attempt = (struct attempt *)((char *)job - offsetof(struct attempt, hashing));
    const struct login *login = attempt->login;
    bool another = login->another.len > 0;
    attempt->rehash[0] = '\0';
    attempt->verdict = password_verify(attempt->hash, login->password);
    if (attempt->verdict == OK && (another || password_needs_rehash(attempt->hash, &attempt->cost)) &&
        password_hash(another ? login->another : login->password, &attempt->cost, attempt->rehash) != OK)
        attempt->rehash[0] = '\0';
}

static void verified(struct job *job)
{
    struct attempt *attempt = (struct attempt *)((char *)job - offsetof(struct attempt, hashing));
    shard_came_home(attempt->shard);
    tally_count(&attempt->shard->tally.hashed);
    struct user *user = attempt->login->user;
    if (attempt->verdict == OK && (user == NULL || user->disabled))
        attempt->verdict = ERR_WRONG_PASSWORD;
    judge(attempt, attempt->verdict == OK ? GUARD_RIGHT : attempt->verdict == ERR_WRONG_PASSWORD ? GUARD_WRONG : GUARD_NEITHER);
}

/* ERR_CAP or ERR_STOPPED: nothing will come. */
static enum err hash_off_loop(struct attempt *attempt, void (*work)(struct job *), void (*done)(struct job *))
{
    struct shard *shard = attempt->shard;
    attempt->hashing = (struct job){.home = shard->world->strand, .work = work, .done = done};
    enum err err = pool_submit(shard->chat->parts.pool, &attempt->hashing);
    if (err == OK)
        shard->in_flight++;
    return err;
}

static void account_found(struct store_op *op)
{
    struct attempt *attempt = attempt_of(op);
    enum err err = op->err;
    if (err == OK)
        memcpy(attempt->hash, attempt->op.find.password, sizeof attempt->hash);
    else if (err == ERR_UNKNOWN_USER) /* the same work for a name that nobody has */
        memcpy(attempt->hash, guard_decoy(attempt->shard->chat->guard), sizeof attempt->hash);
    if (err == OK || err == ERR_UNKNOWN_USER)
        err = hash_off_loop(attempt, verify_work, verified);
    if (err != OK) {
        attempt->verdict = err;
        judge(attempt, GUARD_NEITHER);
    }
}

static void take_turn(struct attempt *attempt)
{
    struct login *login = attempt->login;
    enum err err = guard_begin(attempt->shard->chat->guard, login->name, login->user != NULL, &attempt->turn, now_of(attempt),
                               &login->retry_after);
    if (err == ERR_AGAIN)
        return;
    shard_came_home(attempt->shard);
    if (err != OK) {
        finish(attempt, err);
        return;
    }
    login->retry_after = 0;
    attempt->op.find = (struct store_account_find){.name = login->name};
    submit(attempt, STORE_ACCOUNT_FIND, account_found);
}

static void turn_came(struct task *task)
{
    take_turn((struct attempt *)((char *)task - offsetof(struct attempt, go)));
}

static void stand_in_line(struct attempt *attempt)
{
    struct shard *shard = attempt->shard;
    attempt->go.run = turn_came;
    attempt->turn.go = &attempt->go;
    attempt->turn.home = shard->world->strand;
    shard->in_flight++; /* also while it waits in line */
    take_turn(attempt);
}

/* The hash has been replaced since it was verified: the password is still the same if a login has had it hashed anew, and another
 * one if a second device or an administrator was quicker. So it is looked at again. */
static void begin_again(struct attempt *attempt)
{
    if (++attempt->changes < CHANGES_MOST)
        stand_in_line(attempt);
    else
        finish(attempt, ERR_UNAVAILABLE);
}

void login_with_password(struct shard *shard, struct login *login)
{
    struct attempt *attempt = attempt_new(shard, login);
    if (attempt == NULL || address_refused(attempt))
        return;
    login->user = directory_find(shard->chat->directory, login->name);
    if (login->user == NULL && shard_settings(shard)->registration_open) {
        finish(attempt, ERR_UNKNOWN_USER);
        return;
    }
    attempt->right = log_in;
    stand_in_line(attempt);
}

enum err login_identify(struct shard *shard, struct slice name, const char *address, unsigned *retry_after)
{
    struct chat *chat = shard->chat;
    unsigned limit = shard_settings(shard)->failures_a_minute;
    int64_t now = world_mono_ms(shard->world);
    enum err err = guard_address(chat->guard, address, now, limit, retry_after);
    if (err != OK)
        return err;
    if (!shard_settings(shard)->registration_open || directory_find(chat->directory, name) != NULL)
        return OK;
    guard_address_failed(chat->guard, address, now, limit);
    return ERR_UNKNOWN_USER;
}

/* ---- another password ---- */

static void changed(struct store_op *op)
{
    struct attempt *attempt = attempt_of(op);
    enum err err = op->err;
    if (err == ERR_NOT_FOUND) {
        begin_again(attempt);
        return;
    }
    if (err == OK) {
        /* If the account was revoked meanwhile, by an administrator, its devices have ended, also this one. */
        (void)presence_revoke(attempt->shard, attempt->login->user, attempt->login->keep, attempt->login->begun);
        guard_address_failed(attempt->shard->chat->guard, attempt->login->address, now_of(attempt),
                             shard_settings(attempt->shard)->failures_a_minute); /* no failure, but two hashes each */
    }
    finish(attempt, err);
}

static void change(struct attempt *attempt)
{
    if (attempt->rehash[0] == '\0') {
        finish(attempt, ERR_MEMORY);
        return;
    }
    attempt->op.password = (struct store_account_password){.account = attempt->login->user->id,
                                                           .password = attempt->rehash,
                                                           .replaces = attempt->hash,
                                                           .forget = true,
                                                           .keep = attempt->login->keep};
    submit(attempt, STORE_ACCOUNT_PASSWORD, changed);
}

void login_change_password(struct shard *shard, struct login *login)
{
    struct attempt *attempt = attempt_new(shard, login);
    if (attempt == NULL || address_refused(attempt))
        return;
    login->user = directory_find(shard->chat->directory, login->name);
    attempt->right = change;
    stand_in_line(attempt);
}

/* ---- a new account ---- */

static void account_created(struct store_op *op)
{
    struct attempt *attempt = attempt_of(op);
    struct login *login = attempt->login;
    enum err err = op->err;
    if (err == OK)
        err = directory_add(attempt->shard->chat->directory, attempt->op.create.account, login->name, &login->user);
    if (err != OK) {
        finish(attempt, err);
        return;
    }
    log_event(LOG_INFO, "account_created", log_slice("user", login->name), log_str("peer", login->address));
    guard_address_failed(attempt->shard->chat->guard, login->address, now_of(attempt),
                         shard_settings(attempt->shard)->failures_a_minute); /* no failure, but as little to be had without end */
    make_device(attempt);
}

static void hash_work(struct job *job)
{
    struct attempt *attempt = (struct attempt *)((char *)job - offsetof(struct attempt, hashing));
    attempt->verdict = password_hash(attempt->login->password, &attempt->cost, attempt->hash);
}

static void hashed(struct job *job)
{
    struct attempt *attempt = (struct attempt *)((char *)job - offsetof(struct attempt, hashing));
    shard_came_home(attempt->shard);
    tally_count(&attempt->shard->tally.hashed);
    if (attempt->verdict != OK) {
        finish(attempt, attempt->verdict);
        return;
    }
    attempt->op.create =
        (struct store_account_create){.name = attempt->login->name, .password = attempt->hash, .time = wall_of(attempt)};
    submit(attempt, STORE_ACCOUNT_CREATE, account_created);
}

void login_register(struct shard *shard, struct login *login)
{
    struct attempt *attempt = attempt_new(shard, login);
    if (attempt == NULL || address_refused(attempt))
        return;
    attempt->right = log_in; /* should its password be replaced at once */
    enum err err = OK;
    if (!shard_settings(shard)->registration_open)
        err = ERR_REGISTRATION_CLOSED;
    else if (directory_find(shard->chat->directory, login->name) != NULL)
        err = ERR_NAME_TAKEN;
    else
        err = hash_off_loop(attempt, hash_work, hashed);
    if (err != OK)
        finish(attempt, err);
}

/* ---- with a token ---- */

static void device_resumed(struct store_op *op)
{
    struct attempt *attempt = attempt_of(op);
    const struct store_device_find *find = &attempt->op.device_find;
    struct login *login = attempt->login;
    if (op->err == OK)
        login->user = directory_by_id(attempt->shard->chat->directory, find->account);
    if (op->err != OK)
        finish(attempt, op->err);
    else if (login->user == NULL || find->disabled || login->user->disabled)
        finish(attempt, ERR_BAD_TOKEN);
    else
        welcome(attempt, find->device, find->last_number, &attempt->token);
}

/*
 * Not bound by the address's limit: a token cannot be guessed and costs no hash, and somebody else's failures behind the same
 * address must not keep a running client out.
 */
void login_with_token(struct shard *shard, struct login *login)
{
    struct attempt *attempt = attempt_new(shard, login);
    if (attempt == NULL)
        return;
    if (!find_device(attempt, device_resumed))
        finish(attempt, ERR_BAD_TOKEN);
}
