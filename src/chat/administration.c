/*
 * administration.c - see chat/administration.h.
 *
 * What is decided goes to disk first, then into memory, then to the sessions; only the end of a block goes into memory first.
 * Steps are operations of the store one after the other, never two at once: what they point to is wiped at the end.
 */
#include "chat/administration.h"

#include "guard.h"
#include "presence.h"
#include "shard.h"

#include "base/log.h"
#include "crypto/token.h"

static struct administration *of_op(struct store_op *op)
{
    struct administration *administration = (struct administration *)((char *)op - offsetof(struct administration, op));
    shard_came_home(administration->shard);
    return administration;
}

static struct administration *of_job(struct job *job)
{
    return (struct administration *)((char *)job - offsetof(struct administration, hashing));
}

static void submit(struct administration *administration, enum store_verb verb, void (*done)(struct store_op *))
{
    struct store_op *op = (struct store_op *)&administration->op;
    *op = (struct store_op){.verb = verb, .done = done};
    shard_submit(administration->shard, op);
}

/* ---- the end ---- */

static void finish(struct administration *administration, enum err err)
{
    bool busy = err == ERR_CAP || err == ERR_STOPPED || err == ERR_MEMORY;
    secret_wipe(administration->hash, sizeof administration->hash);
    administration->err = busy ? ERR_UNAVAILABLE : err;
    administration->done(administration);
}

static void finish_task(struct task *task)
{
    struct administration *administration = (struct administration *)((char *)task - offsetof(struct administration, task));
    shard_came_home(administration->shard);
    finish(administration, administration->err);
}

/* Through the strand, so that `done` never comes inside the call. */
static void finish_later(struct administration *administration, enum err err)
{
    administration->err = err;
    administration->task.run = finish_task;
    administration->shard->in_flight++;
    strand_post(administration->shard->world->strand, &administration->task);
}

static void begin(struct shard *shard, struct administration *administration)
{
    administration->shard = shard;
    administration->sessions = 0;
    administration->user = directory_find(shard->chat->directory, administration->name);
}

/* Every session and every login under way of the account. */
static void revoke(struct administration *administration)
{
    administration->sessions = presence_revoke(administration->shard, administration->user, 0, 0);
}

/* ---- hashing ---- */

static void hash_work(struct job *job)
{
    struct administration *administration = of_job(job);
    administration->hashed = password_hash(administration->password, &administration->cost, administration->hash);
}

static void hash_off_loop(struct administration *administration, void (*done)(struct job *))
{
    struct shard *shard = administration->shard;
    administration->cost = shard_settings(shard)->cost;
    administration->hashing = (struct job){.home = shard->world->strand, .work = hash_work, .done = done};
    enum err err = pool_submit(shard->chat->parts.pool, &administration->hashing);
    if (err == OK)
        shard->in_flight++;
    else
        finish_later(administration, err);
}

/* ---- a new account ---- */

static void added(struct store_op *op)
{
    struct administration *administration = of_op(op);
    enum err err = op->err;
    if (err == OK)
        err = directory_add(administration->shard->chat->directory, administration->op.create.account, administration->name,
                            &administration->user);
    if (err == OK)
        log_event(LOG_INFO, "account_created", log_slice("user", administration->name), log_str("by", "administrator"));
    finish(administration, err);
}

static void add_hashed(struct job *job)
{
    struct administration *administration = of_job(job);
    shard_came_home(administration->shard);
    if (administration->hashed != OK) {
        finish(administration, administration->hashed);
        return;
    }
    administration->op.create = (struct store_account_create){
        .name = administration->name,
        .password = administration->hash,
        .time = world_wall_ms(administration->shard->world),
    };
    submit(administration, STORE_ACCOUNT_CREATE, added);
}

void administration_add(struct shard *shard, struct administration *administration)
{
    begin(shard, administration);
    if (administration->user != NULL)
        finish_later(administration, ERR_NAME_TAKEN);
    else
        hash_off_loop(administration, add_hashed);
}

/* ---- another password ---- */

static void password_in_force(struct store_op *op)
{
    struct administration *administration = of_op(op);
    if (op->err == OK) {
        revoke(administration);
        log_event(LOG_INFO, "password_changed", log_slice("user", administration->name), log_str("by", "administrator"));
    }
    finish(administration, op->err);
}

static void password_hashed(struct job *job)
{
    struct administration *administration = of_job(job);
    shard_came_home(administration->shard);
    if (administration->hashed != OK) {
        finish(administration, administration->hashed);
        return;
    }
    administration->op.password =
        (struct store_account_password){.account = administration->user->id, .password = administration->hash, .forget = true};
    submit(administration, STORE_ACCOUNT_PASSWORD, password_in_force);
}

void administration_password(struct shard *shard, struct administration *administration)
{
    begin(shard, administration);
    if (administration->user == NULL)
        finish_later(administration, ERR_UNKNOWN_USER);
    else
        hash_off_loop(administration, password_hashed);
}

/* ---- disabled, enabled ---- */

/* In force also if the devices could not be forgotten: their tokens are refused as long as it is disabled. */
static void disabled_in_force(struct store_op *op)
{
    struct administration *administration = of_op(op);
    revoke(administration);
    log_event(LOG_INFO, "account_disabled", log_slice("user", administration->name));
    finish(administration, op->err);
}

static void disabled(struct store_op *op)
{
    struct administration *administration = of_op(op);
    if (op->err != OK) {
        finish(administration, op->err);
        return;
    }
    administration->user->disabled = true;
    administration->op.forget = (struct store_devices_forget){.account = administration->user->id};
    submit(administration, STORE_DEVICES_FORGET, disabled_in_force);
}

void administration_disable(struct shard *shard, struct administration *administration)
{
    begin(shard, administration);
    if (administration->user == NULL) {
        finish_later(administration, ERR_UNKNOWN_USER);
        return;
    }
    administration->op.disable = (struct store_account_disable){.account = administration->user->id, .disabled = true};
    submit(administration, STORE_ACCOUNT_DISABLE, disabled);
}

static void enabled(struct store_op *op)
{
    struct administration *administration = of_op(op);
    if (op->err == OK) {
        administration->user->disabled = false;
        log_event(LOG_INFO, "account_enabled", log_slice("user", administration->name));
    }
    finish(administration, op->err);
}

void administration_enable(struct shard *shard, struct administration *administration)
{
    begin(shard, administration);
    if (administration->user == NULL) {
        finish_later(administration, ERR_UNKNOWN_USER);
        return;
    }
    administration->op.disable = (struct store_account_disable){.account = administration->user->id, .disabled = false};
    submit(administration, STORE_ACCOUNT_DISABLE, enabled);
}

/* ---- the block after wrong passwords ---- */

static void unblocked(struct store_op *op)
{
    struct administration *administration = of_op(op);
    if (op->err != OK)
        guard_not_stored(administration->shard->chat->guard, administration->name, administration->user != NULL);
    finish(administration, op->err);
}

/* Memory first, and with it to the store: what an attempt under way says after this is stored after it too (guard.h). */
void administration_unblock(struct shard *shard, struct administration *administration)
{
    begin(shard, administration);
    administration->op.failures = (struct store_failures){
        .op = {.done = unblocked, .home = shard->world->strand},
        .name = administration->name,
        .time = world_wall_ms(shard->world),
    };
    if (!guard_forgive(shard->chat->guard, &administration->op.failures)) {
        finish_later(administration, administration->user != NULL ? ERR_NOT_BLOCKED : ERR_UNKNOWN_USER);
        return;
    }
    shard->in_flight++;
    log_event(LOG_INFO, "account_unblocked", log_slice("user", administration->name));
}

/* ---- out ---- */

void administration_kick(struct shard *shard, struct administration *administration)
{
    begin(shard, administration);
    if (administration->user != NULL)
        administration->sessions = presence_expel_all(shard, administration->user, FAREWELL_KICKED);
    if (administration->sessions > 0)
        log_event(LOG_INFO, "sessions_ended", log_slice("user", administration->name),
                  log_int("sessions", administration->sessions));
    finish_later(administration, administration->user == NULL    ? ERR_UNKNOWN_USER
                                 : administration->sessions == 0 ? ERR_OFFLINE
                                                                 : OK);
}
