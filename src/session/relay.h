/* relay.h - credentials for the configured TURN relays, made for one user and one introduction. */
#ifndef SESSION_RELAY_H
#define SESSION_RELAY_H

#include "connected.h"
#include "crypto/relay_password.h"

struct relay_grants {
    size_t count;
    char user[RELAY_USER_SIZE], password[RELAY_PASSWORD_SIZE];
    Earshot__Relay relays[SESSION_RELAYS];
    Earshot__Relay *pointers[SESSION_RELAYS];
};

/* None without a secret, or if the hash fails. */
void relay_grant(const struct session *session, struct relay_grants *grants);

#endif
