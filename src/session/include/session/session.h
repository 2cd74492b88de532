/*
 * session.h - one connected client: bytes in, bytes out, between them a state machine, one gate and one table of commands.
 *
 * A `struct hub` holds what the sessions of one loop share. A session is made when a link (a TLS connection, or a simulated one)
 * is open, fed with session_input(), and ends with session_closed(), called exactly once when the link is gone; it is then freed.
 * All on the loop's thread. link->close asks the link to flush and close; session_closed() follows later, never inside.
 */
#ifndef SESSION_SESSION_H
#define SESSION_SESSION_H

#include "chat/participant.h"

enum { SESSION_RELAYS = 8, SESSION_RELAY_URL = 256, SESSION_RELAY_SECRET = 256 };

/* Read at each use; may be changed on the loop's thread. */
struct session_settings {
    int64_t timeout_ms;   /* logout after so long without a command; 0: never */
    int64_t heartbeat_ms; /* how often a client says something at least */
    int64_t silence_ms;   /* nothing heard for so long: gone. Presence is true within this plus a second */
    int64_t login_ms;     /* time to log in */
    unsigned rate, burst; /* command costs a second, and at once; rate 0: no limit */
    size_t output_cap;    /* bytes that may wait for a slow reader before it is dropped */
    size_t output_high;   /* bytes beyond which stored messages wait */
    /* TURN relays offered for private channels, and the secret shared with them. */
    char relays[SESSION_RELAYS][SESSION_RELAY_URL]; /* RFC 7065 */
    size_t relay_count;
    uint8_t relay_secret[SESSION_RELAY_SECRET];
    size_t relay_secret_len;
};

extern const struct session_settings session_settings_default;

struct hub;
struct session;

struct session_link {
    enum err (*write)(void *link, struct slice bytes); /* ERR_CAP: output_cap reached */
    size_t (*pending)(void *link);                     /* bytes not yet taken by the network */
    void (*hold)(void *link);                          /* what this turn wrote may wait for what is written next, a moment */
    void (*pause)(void *link, bool paused);            /* stop or go on reading */
    void (*close)(void *link);
};

/* `world` and `shard` must outlive the hub. ERR_MEMORY. */
enum err hub_new(const struct world *world, struct shard *shard, const struct session_settings *settings, struct hub **out);
void hub_free(struct hub **hub); /* no sessions may be left. Takes NULL */
void hub_configure(struct hub *hub, const struct session_settings *settings);

/* Tells every client that the server stops, once what it asked for has been answered, and closes. */
void hub_shutdown(struct hub *hub);
size_t hub_sessions(const struct hub *hub);
/* Memory, in bytes, of what its sessions hold back: input, and lists that wait for room in the output. */
size_t hub_held(const struct hub *hub);

/* A session that is logged in, for people. */
struct session_view {
    struct slice user;
    uint64_t device;
    const char *address;
    int64_t since_ms; /* wall */
    int64_t idle_ms;  /* since its latest command */
};
/* Each that is logged in; `user` empty: of everybody. Stops at the first error and returns it. */
enum err hub_view(const struct hub *hub, struct slice user, enum err (*each)(void *ctx, const struct session_view *view),
                  void *ctx);

/* For the end of the turn, before shard_flush: what was postponed. */
void hub_flush(struct hub *hub);

/* `address` of the peer without port: has to stay until session_closed(). ERR_MEMORY. */
enum err session_open(struct hub *hub, const struct session_link *ops, void *link, const char *address, struct session **out);
void session_input(struct session *session, struct slice bytes);
void session_drained(struct session *session); /* the link's output fell low again */
void session_closed(struct session *session);
size_t session_held(const struct session *session); /* its part of hub_held() and of shard_held() */

#endif
