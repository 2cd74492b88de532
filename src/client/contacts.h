/*
 * contacts.h - whose keys we know: each device of a contact has one, pinned when first seen and marked when compared.
 *
 * The file `contacts` in the state directory, lines "server user key pinned|verified" with the key in hexadecimal; read anew for
 * every question and replaced as a whole under a lock, so that several programs may use it. Without a state directory it all
 * lives in memory. The descriptor stays the caller's.
 */
#ifndef CLIENT_CONTACTS_H
#define CLIENT_CONTACTS_H

#include "crypto/identity.h"
#include "wire/validate.h"

struct contacts;

enum contact {
    CONTACT_NEW,     /* no key of theirs is known */
    CONTACT_CHANGED, /* others are, not this one */
    CONTACT_PINNED,
    CONTACT_VERIFIED,
};

/* `dir`: descriptor of the state directory, or -1. `server`: as server_key makes it; copied. ERR_MEMORY. */
enum err contacts_new(int dir, const char *server, struct contacts **out);
void contacts_free(struct contacts **contacts); /* takes NULL */

/* ERR_SYSTEM, ERR_MEMORY, ERR_CAP: nothing is known, and nobody may be trusted for it. */
enum err contacts_judge(struct contacts *contacts, const struct name *user, const uint8_t key[IDENTITY_KEY], enum contact *out);
/* The one that was kept last. ERR_NOT_FOUND; the same errors. */
enum err contacts_last(struct contacts *contacts, const struct name *user, uint8_t key[IDENTITY_KEY]);
/* The key is theirs from now on. One that is verified stays so. Same errors. */
enum err contacts_keep(struct contacts *contacts, const struct name *user, const uint8_t key[IDENTITY_KEY], bool verified);

#endif
