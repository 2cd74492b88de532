/* relay_password.c - see relay_password.h. */
#include "crypto/relay_password.h"

#include <inttypes.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>

enum { NAME_MAX_BYTES = 32, SHA1_SIZE = 20 };

enum err relay_password(struct slice secret, struct slice name, int64_t expires, char user[RELAY_USER_SIZE],
                        char password[RELAY_PASSWORD_SIZE])
{
    unsigned char mac[EVP_MAX_MD_SIZE];
    unsigned len = 0;
    if (name.len > NAME_MAX_BYTES)
        return ERR_INVALID;
    char text[RELAY_USER_SIZE];
    int size = snprintf(text, sizeof text, "%" PRId64 ":%.*s", expires, (int)name.len, (const char *)name.data);
    if (HMAC(EVP_sha1(), secret.data, (int)secret.len, (const unsigned char *)text, (size_t)size, mac, &len) == NULL ||
        len != SHA1_SIZE)
        return ERR_SYSTEM;
    memcpy(user, text, (size_t)size + 1);
    EVP_EncodeBlock((unsigned char *)password, mac, SHA1_SIZE); /* 28 characters and a NUL */
    return OK;
}
