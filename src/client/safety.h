/* safety.h - the code that two people compare to know that nobody is in between. docs/PRIVATE.md says from what it comes. Pure.
 */
#ifndef CLIENT_SAFETY_H
#define CLIENT_SAFETY_H

#include "crypto/identity.h"

enum {
    SAFETY_ID = 16,              /* channel, nonce of the answerer's device */
    SAFETY_NONCE = 32,           /* what both ends show each other on the channel */
    SAFETY_PRINT = 32,           /* SHA-256 of a certificate */
    SAFETY_CODE = 4 * 3 + 2 + 1, /* "0123 4567 8901" */
};

struct safety_end {
    uint8_t key[IDENTITY_KEY], print[SAFETY_PRINT], nonce[SAFETY_NONCE];
};

struct safety {
    uint8_t channel[SAFETY_ID], nonce[SAFETY_ID];
    struct safety_end asker, answerer;
};

void safety_code(const struct safety *safety, char code[SAFETY_CODE]);

/* What the asker sends before it knows the answerer's nonce. */
void safety_commit(const uint8_t nonce[SAFETY_NONCE], uint8_t commit[DIGEST_SIZE]);
bool safety_kept(const uint8_t nonce[SAFETY_NONCE], const uint8_t commit[DIGEST_SIZE]);

#endif
