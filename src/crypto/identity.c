/* identity.c - see crypto/identity.h. The file is one line: "ed25519 " and the seed in hexadecimal. */
#include "crypto/identity.h"
#include "crypto/token.h"
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <unistd.h>

_Static_assert(IDENTITY_KEY == crypto_sign_PUBLICKEYBYTES, "sizes");
_Static_assert(IDENTITY_SEED == crypto_sign_SEEDBYTES, "sizes");
_Static_assert(IDENTITY_SIGNATURE == crypto_sign_BYTES, "sizes");
_Static_assert(DIGEST_SIZE == crypto_hash_sha256_BYTES, "sizes");

static const char file_start[] = "ed25519 ";

enum { START = sizeof file_start - 1, HEX = 2 * IDENTITY_SEED, FILE_LEN = START + HEX + 1, NAME = 256 };

static void from_seed(struct identity *identity)
{
    uint8_t secret[crypto_sign_SECRETKEYBYTES];
    crypto_sign_seed_keypair(identity->key, secret, identity->seed);
    secret_wipe(secret, sizeof secret);
}

void identity_make(struct random *random, struct identity *identity)
{
    random->fill(random, identity->seed, sizeof identity->seed);
    from_seed(identity);
}

void identity_wipe(struct identity *identity)
{
    secret_wipe(identity, sizeof *identity);
}

/* ---- the file ---- */

static enum err parse(const char *text, size_t len, struct identity *identity)
{
    struct identity read;
    size_t seed_len = 0;
    const char *end = NULL;
    bool shaped = len == FILE_LEN && memcmp(text, file_start, START) == 0 && text[len - 1] == '\n';
    if (!shaped || sodium_hex2bin(read.seed, sizeof read.seed, text + START, HEX, NULL, &seed_len, &end) != 0 ||
        seed_len != sizeof read.seed || end != text + START + HEX)
        return ERR_INVALID;
    from_seed(&read);
    *identity = read;
    identity_wipe(&read);
    return OK;
}

enum err identity_load(int dir, const char *name, struct identity *identity)
{
    char text[FILE_LEN + 1];
    size_t len = 0;
    ssize_t got = 1;
    int fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return errno == ENOENT ? ERR_NOT_FOUND : ERR_SYSTEM;
    while (len < sizeof text && got > 0) {
        got = read(fd, text + len, sizeof text - len);
        if (got < 0 && errno == EINTR)
            got = 1;
        else if (got > 0)
            len += (size_t)got;
    }
    close(fd);
    enum err err = got < 0 ? ERR_SYSTEM : parse(text, len, identity);
    secret_wipe(text, sizeof text);
    return err;
}

static enum err write_whole(int dir, const char *name, const char *text)
{
    int fd = openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return ERR_SYSTEM;
    enum err err = write(fd, text, FILE_LEN) == FILE_LEN && fsync(fd) == 0 ? OK : ERR_SYSTEM;
    return close(fd) == 0 ? err : ERR_SYSTEM;
}

enum err identity_save(int dir, const char *name, const struct identity *identity)
{
    char text[FILE_LEN + 1], beside[NAME];
    uint64_t tag;
    randombytes_buf(&tag, sizeof tag);
    if (snprintf(beside, sizeof beside, "%s.%016llx.new", name, (unsigned long long)tag) >= (int)sizeof beside)
        return ERR_SYSTEM;
    memcpy(text, file_start, START);
    sodium_bin2hex(text + START, HEX + 1, identity->seed, sizeof identity->seed);
    text[FILE_LEN - 1] = '\n';
    enum err err = write_whole(dir, beside, text);
    secret_wipe(text, sizeof text);
    /* A link fails where a rename would replace what somebody else has just put there. */
    if (err == OK && linkat(dir, beside, dir, name, 0) != 0)
        err = errno == EEXIST ? ERR_EXISTS : ERR_SYSTEM;
    unlinkat(dir, beside, 0);
    return err == OK && fsync(dir) != 0 ? ERR_SYSTEM : err;
}

enum err identity_open(int dir, const char *name, struct random *random, struct identity *identity)
{
    enum err err = identity_load(dir, name, identity);
    if (err != ERR_NOT_FOUND)
        return err;
    struct identity made;
    identity_make(random, &made);
    err = identity_save(dir, name, &made);
    if (err == OK)
        *identity = made;
    else if (err == ERR_EXISTS)
        err = identity_load(dir, name, identity);
    identity_wipe(&made);
    return err;
}

/* ---- using it ---- */

void identity_sign(const struct identity *identity, struct slice text, uint8_t signature[IDENTITY_SIGNATURE])
{
    uint8_t key[crypto_sign_PUBLICKEYBYTES], secret[crypto_sign_SECRETKEYBYTES];
    crypto_sign_seed_keypair(key, secret, identity->seed);
    crypto_sign_detached(signature, NULL, text.data, text.len, secret);
    secret_wipe(secret, sizeof secret);
}

bool identity_verify(const uint8_t key[IDENTITY_KEY], struct slice text, const uint8_t signature[IDENTITY_SIGNATURE])
{
    return crypto_sign_verify_detached(signature, text.data, text.len, key) == 0;
}

void digest(struct slice text, uint8_t out[DIGEST_SIZE])
{
    crypto_hash_sha256(out, text.data, text.len);
}
