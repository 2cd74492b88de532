/*
 * password.h - password hashes: Argon2id (RFC 9106) through libsodium, in its standard string.
 *
 * Hashing takes about 14 ms and 19 MiB with the default cost: never on a loop thread. Safe from any thread after crypto_init().
 */
#ifndef CRYPTO_PASSWORD_H
#define CRYPTO_PASSWORD_H

#include "base/err.h"
#include "base/slice.h"

enum { PASSWORD_HASH_SIZE = 128 }; /* with the NUL */

struct password_cost {
    uint64_t passes; /* t */
    size_t memory;   /* bytes */
};

extern const struct password_cost password_cost_default; /* t=2, 19 MiB */
extern const struct password_cost password_cost_least;   /* as cheap as the library allows: for simulations only */

/* Once, before anything else of src/crypto; ERR_SYSTEM if the library cannot start. May be called again. */
enum err crypto_init(void);

/* ERR_MEMORY when the memory cannot be had. */
enum err password_hash(struct slice password, const struct password_cost *cost, char out[PASSWORD_HASH_SIZE]);

/* OK or ERR_WRONG_PASSWORD; ERR_MEMORY. A malformed hash is a wrong password. */
enum err password_verify(const char *hash, struct slice password);

/* Was it made with other parameters than these? */
bool password_needs_rehash(const char *hash, const struct password_cost *cost);

/* A well-formed hash of an unknowable password with this cost: verifying against it takes as long as a real one. */
enum err password_decoy(const struct password_cost *cost, char out[PASSWORD_HASH_SIZE]);

#endif
