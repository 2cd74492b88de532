/*
 * server_key.h - how a server is called in the files of the state directory: "host:port", or "[address]:port".
 *
 * A name means the same host in capitals or not, and with a dot at its end or not; so its key is in small letters and without the
 * dot. Lines that were written with the name as it had been typed still count for it. Pure.
 */
#ifndef CLIENT_SERVER_KEY_H
#define CLIENT_SERVER_KEY_H

#include "base/slice.h"

enum { SERVER_KEY_SIZE = 280, SERVER_KEY_HOST = SERVER_KEY_SIZE - 16 };

/* `host` has SERVER_KEY_HOST bytes at most. */
void server_key(const char *host, uint16_t port, char key[SERVER_KEY_SIZE]);

/* What follows "server " in the line; data NULL if it speaks of another. */
struct slice server_key_value(struct slice line, const char *key);

#endif
