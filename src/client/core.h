/*
 * core.h - the client's protocol machine, without sockets: bytes, time and questions go in, bytes and events come out.
 *
 * Everything it knows of the outside is `struct world` (clock, timers, randomness) and `struct core_ops`. link.c gives it a TLS
 * connection on an event loop; tests and simulations give it a script. One thread at a time.
 *
 * The calls of users (core_ask, core_logout, core_set_*) only note what is wanted and start a timer that is due at once: events
 * are emitted from timers and from core_opened, core_data, core_drained and core_lost, never inside a user's call. They may be
 * made inside the event callback.
 *
 * A connection: ops->connect, then core_opened() when it is up and its certificate is trusted, core_data() as bytes arrive,
 * core_lost() when it could not be made or has ended. After ops->hang_up, which may come in any of these states, nothing more of
 * that connection is reported.
 */
#ifndef CLIENT_CORE_H
#define CLIENT_CORE_H

#include "base/world.h"
#include "crypto/token.h"
#include "earshot/client.h"
#include "outbox.h"

struct transport;
struct identity;
struct contacts;

struct client_core;

struct core_ops {
    /* An error is treated as core_lost(EARSHOT_NO_CONNECTION). Not before the timer of core_start. */
    enum err (*connect)(void *ctx);
    /* All or nothing. ERR_CAP: core_drained() will say when to try again. */
    enum err (*write)(void *ctx, struct slice bytes);
    void (*hang_up)(void *ctx); /* what was written still goes out */
    void (*event)(void *ctx, const struct earshot_event *event);
    /* The saved token of this user's device. false: none. */
    bool (*load_token)(void *ctx, const struct name *user, struct token *token);
    void (*save_token)(void *ctx, const struct token *token); /* NULL: forget it */
};

struct core_options {
    const char *server; /* host:port, for events */
    const char *user, *password, *client;
    bool register_unknown, ask_register;
    /* For private channels; without a transport there are none. They must outlive the core. */
    const struct transport *transport;
    void *transport_ctx;
    const struct identity *identity;
    struct contacts *contacts;
};

/* Copies the options. ERR_MEMORY, ERR_BAD_NAME, ERR_BAD_PASSWORD. */
enum err core_new(const struct core_options *options, const struct world *world, const struct core_ops *ops, void *ctx,
                  struct client_core **out);
void core_free(struct client_core **core); /* takes NULL; tells nobody */
void core_start(struct client_core *core);

void core_opened(struct client_core *core);
void core_data(struct client_core *core, struct slice bytes);
void core_drained(struct client_core *core);
/* EARSHOT_NO_CONNECTION or EARSHOT_NOT_TRUSTED; `text` says it to people. */
void core_lost(struct client_core *core, enum earshot_error error, const char *text);

/* A request; its number, or minus an enum earshot_error. */
int64_t core_ask(struct client_core *core, const struct request *what, struct slice body);
int64_t core_logout(struct client_core *core);
size_t core_unanswered(const struct client_core *core);

/* EARSHOT_USAGE when nobody asked; EARSHOT_BAD_NAME, EARSHOT_BAD_PASSWORD: the question stands. */
enum earshot_error core_set_user(struct client_core *core, const char *user);
enum earshot_error core_set_password(struct client_core *core, const char *password);

#endif
