/* safety.c - see safety.h. */
#include "safety.h"
#include <stdio.h>

static const char domain[] = "earshot safety 1"; /* with its NUL */

static uint8_t *put(uint8_t *at, const void *data, size_t len)
{
    memcpy(at, data, len);
    return at + len;
}

void safety_code(const struct safety *safety, char code[SAFETY_CODE])
{
    uint8_t all[sizeof domain + 2 * (SAFETY_ID + IDENTITY_KEY + SAFETY_PRINT + SAFETY_NONCE)], sum[DIGEST_SIZE];
    const struct safety_end *asker = &safety->asker, *answerer = &safety->answerer;
    uint8_t *at = put(all, domain, sizeof domain);
    at = put(at, safety->channel, SAFETY_ID);
    at = put(at, safety->nonce, SAFETY_ID);
    at = put(at, asker->key, IDENTITY_KEY);
    at = put(at, answerer->key, IDENTITY_KEY);
    at = put(at, asker->print, SAFETY_PRINT);
    at = put(at, answerer->print, SAFETY_PRINT);
    at = put(at, asker->nonce, SAFETY_NONCE);
    at = put(at, answerer->nonce, SAFETY_NONCE);
    digest(slice_of(all, (size_t)(at - all)), sum);
    uint64_t number = 0;
    for (size_t i = 0; i < 5; i++)
        number = number << 8 | sum[i];
    number %= 1000000000000u;
    snprintf(code, SAFETY_CODE, "%04u %04u %04u", (unsigned)(number / 100000000), (unsigned)(number / 10000 % 10000),
             (unsigned)(number % 10000));
}

void safety_commit(const uint8_t nonce[SAFETY_NONCE], uint8_t commit[DIGEST_SIZE])
{
    digest(slice_of(nonce, SAFETY_NONCE), commit);
}

bool safety_kept(const uint8_t nonce[SAFETY_NONCE], const uint8_t commit[DIGEST_SIZE])
{
    uint8_t sum[DIGEST_SIZE];
    safety_commit(nonce, sum);
    return memcmp(sum, commit, sizeof sum) == 0;
}
