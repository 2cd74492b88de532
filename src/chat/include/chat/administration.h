/*
 * administration.h - what an administrator does to accounts, while people use them.
 *
 * A `struct administration` is filled in by the caller, who owns it, and all it points to, until `done`, which comes on the
 * shard's loop, never inside the call. The name is in its one spelling, the password has been checked.
 *
 * Whoever is disabled, or gets another password, is out at once and everywhere: sessions are told FAREWELL_REVOKED, every token
 * of the account is void, and a login that was under way comes to nothing.
 *
 * Errors: ERR_UNKNOWN_USER, ERR_NAME_TAKEN (add), ERR_NOT_BLOCKED (unblock: it was not), ERR_OFFLINE (kick), ERR_UNAVAILABLE,
 * ERR_NOT_STORED.
 */
#ifndef CHAT_ADMINISTRATION_H
#define CHAT_ADMINISTRATION_H

#include "chat/chat.h"

struct user;

struct administration {
    struct slice name, password;
    void (*done)(struct administration *administration);
    /* out */
    enum err err;
    unsigned sessions; /* that were told to go */
    /* src/chat's own */
    struct shard *shard;
    struct user *user;
    struct task task;
    struct job hashing;
    struct password_cost cost;
    enum err hashed;
    char hash[PASSWORD_HASH_SIZE];
    union {
        struct store_account_create create;
        struct store_account_password password;
        struct store_account_disable disable;
        struct store_failures failures;
        struct store_devices_forget forget;
    } op;
};

void administration_add(struct shard *shard, struct administration *administration);
void administration_disable(struct shard *shard, struct administration *administration);
void administration_enable(struct shard *shard, struct administration *administration);
/* Ends the block after wrong passwords, also of a name that nobody has. */
void administration_unblock(struct shard *shard, struct administration *administration);
void administration_password(struct shard *shard, struct administration *administration);
/* Ends all sessions; their tokens stay good. */
void administration_kick(struct shard *shard, struct administration *administration);

#endif
