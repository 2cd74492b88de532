#include "crypto/password.h"
#include "crypto/token.h"
#include <errno.h>
#include <openssl/crypto.h>
#include <sodium.h>

_Static_assert(PASSWORD_HASH_SIZE == crypto_pwhash_argon2id_STRBYTES, "the library's string fits exactly");

const struct password_cost password_cost_default = {.passes = 2, .memory = (size_t)19 << 20};
const struct password_cost password_cost_least = {
    .passes = crypto_pwhash_argon2id_OPSLIMIT_MIN,
    .memory = crypto_pwhash_argon2id_MEMLIMIT_MIN,
};

enum err crypto_init(void)
{
    /* The system's settings of OpenSSL now, while their file can be read for certain. */
    (void)OPENSSL_init_crypto(OPENSSL_INIT_LOAD_CONFIG | OPENSSL_INIT_LOAD_CRYPTO_STRINGS, NULL);
    return sodium_init() < 0 ? ERR_SYSTEM : OK;
}

enum err password_hash(struct slice password, const struct password_cost *cost, char out[PASSWORD_HASH_SIZE])
{
    char hash[PASSWORD_HASH_SIZE];
    const char *text = password.len > 0 ? (const char *)password.data : "";
    if (crypto_pwhash_argon2id_str(hash, text, password.len, cost->passes, cost->memory) != 0)
        return ERR_MEMORY;
    memcpy(out, hash, sizeof hash);
    return OK;
}

enum err password_verify(const char *hash, struct slice password)
{
    const char *text = password.len > 0 ? (const char *)password.data : "";
    errno = 0;
    if (crypto_pwhash_argon2id_str_verify(hash, text, password.len) == 0)
        return OK;
    return errno == ENOMEM ? ERR_MEMORY : ERR_WRONG_PASSWORD;
}

bool password_needs_rehash(const char *hash, const struct password_cost *cost)
{
    return crypto_pwhash_argon2id_str_needs_rehash(hash, cost->passes, cost->memory) != 0;
}

enum err password_decoy(const struct password_cost *cost, char out[PASSWORD_HASH_SIZE])
{
    uint8_t unknowable[32];
    randombytes_buf(unknowable, sizeof unknowable);
    enum err err = password_hash(slice_of(unknowable, sizeof unknowable), cost, out);
    secret_wipe(unknowable, sizeof unknowable);
    return err;
}
