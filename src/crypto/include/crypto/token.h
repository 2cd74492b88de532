/* token.h - device tokens: 32 random bytes, of which the server keeps only a hash (BLAKE2b-256). */
#ifndef CRYPTO_TOKEN_H
#define CRYPTO_TOKEN_H

#include "base/slice.h"
#include "base/world.h"

enum { TOKEN_SIZE = 32, TOKEN_HASH_SIZE = 32 };

struct token {
    uint8_t bytes[TOKEN_SIZE];
};

struct token_hash {
    uint8_t bytes[TOKEN_HASH_SIZE];
};

void token_make(struct random *random, struct token *token);
void token_digest(const struct token *token, struct token_hash *hash);

/* Overwrites secrets in memory; the compiler does not remove it. */
void secret_wipe(void *data, size_t len);

#endif
