/*
 * identity.h - the key of a device: Ed25519 (RFC 8032) through libsodium, and SHA-256 for what it signs.
 *
 * Kept in a file of mode 0600 that appears whole or not at all, and is never replaced: two programs that make one at the same
 * time end up with the same. Call crypto_init() first. Reading and writing block on the disk for a moment.
 */
#ifndef CRYPTO_IDENTITY_H
#define CRYPTO_IDENTITY_H

#include "base/err.h"
#include "base/slice.h"
#include "base/world.h"

enum { IDENTITY_KEY = 32, IDENTITY_SEED = 32, IDENTITY_SIGNATURE = 64, DIGEST_SIZE = 32 };

struct identity {
    uint8_t key[IDENTITY_KEY]; /* public */
    uint8_t seed[IDENTITY_SEED];
};

void identity_make(struct random *random, struct identity *identity);
void identity_wipe(struct identity *identity);

/* `dir` is a descriptor of the folder. ERR_NOT_FOUND, ERR_INVALID (not an identity), ERR_SYSTEM. */
enum err identity_load(int dir, const char *name, struct identity *identity);
/* ERR_EXISTS (which stays), ERR_SYSTEM. */
enum err identity_save(int dir, const char *name, const struct identity *identity);
/* The one that is there, or a new one that is there from now on. ERR_INVALID, ERR_SYSTEM. */
enum err identity_open(int dir, const char *name, struct random *random, struct identity *identity);

void identity_sign(const struct identity *identity, struct slice text, uint8_t signature[IDENTITY_SIGNATURE]);
bool identity_verify(const uint8_t key[IDENTITY_KEY], struct slice text, const uint8_t signature[IDENTITY_SIGNATURE]);

void digest(struct slice text, uint8_t out[DIGEST_SIZE]); /* SHA-256 */

#endif
