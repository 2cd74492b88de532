/*
 * state.h - what a client keeps between runs, in one directory (0700):
 *
 *     known_servers           "host:port fingerprint" lines, or "host:port ca fingerprint"; see server_key.h
 *     tokens/SERVER_USER.N    the token of a device, 0600
 *     contacts, identity      see contacts.h and crypto/identity.h
 *
 * Files are replaced as a whole (temporary name, fsync, rename). known_servers is changed under a lock, so that several clients
 * can use the directory. Each running client of one user at one server holds another slot N, and thereby is another device: the
 * slot is locked as long as the process lives. Calls block on the disk for a moment.
 */
#ifndef CLIENT_STATE_H
#define CLIENT_STATE_H

#include "crypto/cert.h"
#include "crypto/token.h"
#include "wire/validate.h"

struct state;
struct token_slot;

/* Makes the directory, with those above it, if it is not there. ERR_SYSTEM, ERR_MEMORY. */
enum err state_open(const char *path, struct state **out);
void state_free(struct state **state);    /* takes NULL */
int state_dir(const struct state *state); /* its descriptor */

struct known_server {
    char fingerprint[FINGERPRINT_SIZE];
    bool vouched; /* not pinned: a CA vouched for it when it was last seen */
};

/* `server`: as server_key makes it. ERR_NOT_FOUND; ERR_SYSTEM, ERR_MEMORY, ERR_CAP. */
enum err state_known_server(struct state *state, const char *server, struct known_server *out);
enum err state_remember_server(struct state *state, const char *server, const struct known_server *known);

/* The first free slot; `server` as above. ERR_SYSTEM, ERR_CAP (all taken, or the names too long), ERR_MEMORY. */
enum err token_slot_claim(struct state *state, const char *server, const struct name *user, struct token_slot **out);
void token_slot_release(struct token_slot **slot); /* takes NULL; the token stays */
bool token_slot_load(struct token_slot *slot, struct token *token);
enum err token_slot_save(struct token_slot *slot, const struct token *token); /* NULL: forget it */

#endif
