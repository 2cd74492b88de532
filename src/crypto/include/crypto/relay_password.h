/*
 * relay_password.h - credentials for a TURN relay that shares a secret with us: the scheme that coturn calls use-auth-secret
 * (draft-uberti-behave-turn-rest). The user name is "EXPIRY:NAME" with a time in seconds since 1970, the password the
 * base64 of HMAC-SHA1(secret, user name). The relay refuses them after that time.
 */
#ifndef CRYPTO_RELAY_PASSWORD_H
#define CRYPTO_RELAY_PASSWORD_H

#include "base/err.h"
#include "base/slice.h"

enum { RELAY_USER_SIZE = 64, RELAY_PASSWORD_SIZE = 32, RELAY_SECONDS = 24 * 3600 };

/* `name`: at most 32 bytes. ERR_SYSTEM if the hash is not to be had; ERR_INVALID for a longer name. */
enum err relay_password(struct slice secret, struct slice name, int64_t expires, char user[RELAY_USER_SIZE],
                        char password[RELAY_PASSWORD_SIZE]);

#endif
