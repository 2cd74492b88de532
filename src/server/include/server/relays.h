/* relays.h - the TURN relays that clients are told of, and the secret shared with them. */
#ifndef SERVER_RELAYS_H
#define SERVER_RELAYS_H

#include "server/config.h"
#include "session/session.h"

/* Reads the secret. ERR_INVALID with a sentence in `why`: relays without a secret, or one that cannot be read. */
enum err relays_load(const struct config *config, struct session_settings *settings, struct buf *why);

#endif
