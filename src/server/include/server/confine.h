/*
 * confine.h - which rights the server keeps: another user, and the files that serving and reloading need. See sandbox/sandbox.h.
 *
 * Called once, single-threaded, when the listening sockets are open and the data directory exists; before anything that a peer or
 * a database had a hand in is read.
 */
#ifndef SERVER_CONFINE_H
#define SERVER_CONFINE_H

#include "server/config.h"

/* Also makes the data directory, for the user who is to have it. Logs `sandbox`, and what is missing. ERR_INVALID (there is no
 * such user), ERR_SYSTEM (the user cannot be changed to; or `sandbox = required`, and something is missing) with a sentence. */
enum err confine(const struct config *config, struct buf *why);

/* Are files confined in this process? What a reload names for the first time may then be out of reach. */
bool confined_to_files(void);

#endif
