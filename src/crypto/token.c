#include "crypto/token.h"
#include <sodium.h>

void token_make(struct random *random, struct token *token)
{
    random->fill(random, token->bytes, sizeof token->bytes);
}

void token_digest(const struct token *token, struct token_hash *hash)
{
    crypto_generichash(hash->bytes, sizeof hash->bytes, token->bytes, sizeof token->bytes, NULL, 0);
}

void secret_wipe(void *data, size_t len)
{
    sodium_memzero(data, len);
}
