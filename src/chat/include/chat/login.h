/*
 * login.h - who is it? Passwords, registration, device tokens; blocks after three wrong passwords; limits per address.
 *
 * A `struct login` is filled in by the caller, who owns it and keeps it until `done`; inputs are copied where they are needed
 * longer. `done` comes on the shard's loop, never inside the call. On OK the caller goes on with participant_join().
 *
 * Errors: ERR_BAD_NAME, ERR_UNKNOWN_USER (registration open), ERR_WRONG_PASSWORD (closed: also for unknown names, after the same
 * work; retry_after set when this failure blocked the account), ERR_ACCOUNT_BLOCKED, ERR_REGISTRATION_CLOSED, ERR_BAD_PASSWORD,
 * ERR_NAME_TAKEN, ERR_BAD_TOKEN, ERR_RATE_LIMITED, ERR_UNAVAILABLE, ERR_NOT_STORED.
 */
#ifndef CHAT_LOGIN_H
#define CHAT_LOGIN_H

#include "chat/chat.h"
#include "crypto/token.h"

struct user;

struct login {
    struct slice name, password; /* login, register, change; wiped by their owner */
    struct slice another;        /* change: the password from now on, checked */
    uint64_t keep;               /* change: the device that stays */
    struct slice token;          /* resume: required; login: of the device, may be empty */
    const char *address;         /* of the peer, without port */
    void (*done)(struct login *login);
    /* out */
    enum err err;
    unsigned retry_after; /* seconds; 0 if waiting does not help */
    struct user *user;
    uint64_t device, last_number;
    struct token device_token;
    /* src/chat's own */
    uint64_t begun; /* revocations there had been */
    uint64_t ended; /* devices that had ended */
    struct task task;
    struct shard *shard;
};

void login_with_password(struct shard *shard, struct login *login);
void login_register(struct shard *shard, struct login *login);
void login_with_token(struct shard *shard, struct login *login);

/*
 * Another password for somebody who is logged in and knows the present one, which is verified, and counted if it is wrong, as at
 * a login. When `done` says OK it is on disk, all other devices of the account have ended, and so have logins under way. Errors:
 * ERR_WRONG_PASSWORD, ERR_ACCOUNT_BLOCKED, ERR_RATE_LIMITED, ERR_UNAVAILABLE, ERR_NOT_STORED, after all of which nothing has
 * changed.
 */
void login_change_password(struct shard *shard, struct login *login);

/* What to ask an unknown or known name for; at once. OK: the password. ERR_UNKNOWN_USER: registration is open and the name is
 * free. ERR_BAD_NAME, ERR_RATE_LIMITED. */
enum err login_identify(struct shard *shard, struct slice name, const char *address, unsigned *retry_after);

struct slice user_name(const struct user *user);

#endif
