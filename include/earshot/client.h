/*
 * earshot/client.h - the earshot client library: for bots and front ends.
 *
 * One `struct earshot_client` is one user's connection to one server, kept alive: it reconnects by itself with growing, jittered
 * pauses, resumes where it was, resends what was not acknowledged, and delivers nothing twice. It starts no threads that you can
 * see and works in any event loop:
 *
 *     struct earshot_options options = {.host = "chat.example.org", .user = "bot", .password = "..."};
 *     struct earshot_client *client;
 *     if (earshot_open(&options, on_event, NULL, &client) != EARSHOT_OK) ...
 *     struct pollfd p = {.fd = earshot_fd(client), .events = POLLIN};
 *     while (!done && poll(&p, 1, -1) >= 0)
 *         earshot_progress(client);
 *     earshot_close(client);
 *
 * Events arrive in the callback, only inside earshot_progress(). Pointers in an event are valid during the callback. All calls
 * for one client must come from one thread at a time; different clients are independent. Strings are UTF-8. A body has a NUL
 * behind it, but goes by its length; it is what somebody else wrote: never print it to a terminal without removing control
 * characters (earshot_printable does).
 *
 * Requests return a request number (above 0), which the answering event repeats in `request`, or a negative enum earshot_error
 * when the request cannot even be made: a bad name or text, EARSHOT_UNAVAILABLE when 10,000 requests or 16 MiB wait already, or
 * after a logout. They may be made at any time, also while the connection is down: they wait. Exactly one of EARSHOT_EVENT_OK,
 * _USERS or _ERROR answers each, but for EARSHOT_NOT_ACCEPTED: that is a notice that the connection was lost before the answer;
 * the client resends the message by itself and a final answer follows.
 *
 * Private channels run between the two machines, end to end encrypted. earshot_startprivate, and a yes, are answered with
 * EARSHOT_EVENT_OK when the server has passed them on; what becomes of them comes later with the same number in `request`:
 * EARSHOT_EVENT_PRIVATE_OPEN, or EARSHOT_EVENT_ERROR (EARSHOT_DECLINED, EARSHOT_PRIVATE_FAILED; the text says what would help),
 * or EARSHOT_EVENT_PRIVATE_CLOSED (taken back). earshot_private is answered with EARSHOT_EVENT_OK when the other client has shown
 * it.
 */
#ifndef EARSHOT_CLIENT_H
#define EARSHOT_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define EARSHOT_API __attribute__((visibility("default")))
#else
#define EARSHOT_API
#endif

/* Names as in the protocol: earshot_error_name(EARSHOT_UNKNOWN_USER) is "unknown_user". */
enum earshot_error {
    EARSHOT_OK = 0,
    EARSHOT_UNKNOWN_COMMAND = 1,
    EARSHOT_USAGE = 2,
    EARSHOT_UNKNOWN_USER = 3,
    EARSHOT_SELF = 4,
    EARSHOT_BLOCKED = 5,
    EARSHOT_OFFLINE = 6,
    EARSHOT_NOT_BLOCKED = 7,
    EARSHOT_ALREADY_BLOCKED = 8,
    EARSHOT_WRONG_PASSWORD = 9,
    EARSHOT_ACCOUNT_BLOCKED = 10,
    EARSHOT_REGISTRATION_CLOSED = 11,
    EARSHOT_BAD_NAME = 12,
    EARSHOT_BAD_PASSWORD = 13,
    EARSHOT_TOO_LONG = 14,
    EARSHOT_BAD_TEXT = 15,
    EARSHOT_RATE_LIMITED = 16,
    EARSHOT_NO_PRIVATE = 17,
    EARSHOT_DECLINED = 18,
    EARSHOT_PRIVATE_FAILED = 19,
    EARSHOT_NOT_STORED = 20,
    EARSHOT_UNAVAILABLE = 21,
    EARSHOT_NOT_ACCEPTED = 22,
    EARSHOT_NAME_TAKEN = 23,
    /* Of this library, not of the protocol. */
    EARSHOT_NO_MEMORY = 100,
    EARSHOT_BAD_OPTION = 101,    /* see options; earshot_open only */
    EARSHOT_NO_CONNECTION = 102, /* cannot connect */
    EARSHOT_NOT_TRUSTED = 103,   /* the server's certificate */
    EARSHOT_NO_STATE = 104       /* the state directory cannot be used */
};

EARSHOT_API const char *earshot_error_name(enum earshot_error error);

enum earshot_trust {
    EARSHOT_TRUST_PINNED, /* known servers only (or those that `ca` or the system's CAs vouch for) */
    EARSHOT_TRUST_NEW,    /* pin a first-seen certificate; refuse a changed one */
    EARSHOT_TRUST_ASK     /* EARSHOT_EVENT_UNKNOWN_SERVER asks; answer with earshot_trust_server */
};

struct earshot_options {
    const char *host;      /* name or address */
    uint16_t port;         /* 0: 4000 */
    const char *user;      /* NULL: EARSHOT_EVENT_NEED_USER asks */
    const char *password;  /* NULL: a saved token, else EARSHOT_EVENT_NEED_PASSWORD asks; copied, wiped on close */
    bool register_unknown; /* create the account if the name is unknown */
    bool ask_register;     /* EARSHOT_EVENT_NEW_ACCOUNT asks instead of failing with unknown_user */
    const char *ca;        /* PEM file with a certificate to trust, or NULL */
    enum earshot_trust trust;
    const char *state;  /* directory for known servers and tokens, created 0700; NULL: keep nothing (and in private channels
                           have another key in every run) */
    const char *client; /* your program's name and version, for the server's log; NULL: the library's */
    bool hide_address;  /* private channels only through a relay: the other end does not learn this machine's addresses */
};

enum earshot_event_type {
    EARSHOT_EVENT_UNKNOWN_SERVER = 1, /* `text`: fingerprint; answer with earshot_trust_server */
    EARSHOT_EVENT_NEED_USER,          /* answer with earshot_set_user */
    EARSHOT_EVENT_NEED_PASSWORD,      /* answer with earshot_set_password */
    EARSHOT_EVENT_NEW_ACCOUNT,        /* no such user: answer with earshot_set_password (creates it), or close */
    EARSHOT_EVENT_ONLINE,             /* `user`, `text`: server as host:port; again after every reconnect */
    EARSHOT_EVENT_OK,              /* answers `request`; `id`, `time_ms` for a message; `delivered`, `withheld` for a broadcast */
    EARSHOT_EVENT_USERS,           /* answers `request`; `users`, `user_count` */
    EARSHOT_EVENT_ERROR,           /* answers `request`, or 0; `error`, `text`, `retry_after` */
    EARSHOT_EVENT_MESSAGE,         /* `user` (from), `body`, `id`, `time_ms`, `stored` */
    EARSHOT_EVENT_SENT,            /* sent by another device of ours: `user` (to), `body`, `id`, `time_ms` */
    EARSHOT_EVENT_BROADCAST,       /* `user` (from), `body`, `time_ms` */
    EARSHOT_EVENT_PRESENCE,        /* `user`, `online` */
    EARSHOT_EVENT_CAUGHT_UP,       /* everything that was stored for us has arrived */
    EARSHOT_EVENT_DISCONNECTED,    /* `reason`, `retry_after`: seconds until it tries again, or -1 if it will not */
    EARSHOT_EVENT_CLOSED,          /* the last event: logged out, refused or failed: `error` says (OK after a logout), `text`,
                                      `retry_after`; `reason` if the server logged us out */
    EARSHOT_EVENT_PRIVATE_REQUEST, /* `user` asks; answer with earshot_answer_private */
    EARSHOT_EVENT_PRIVATE_OPEN,    /* `user`, `text`: the safety code, `relayed`, `verified`; `request`: what began it */
    EARSHOT_EVENT_PRIVATE,         /* `user` (from), `body` */
    EARSHOT_EVENT_PRIVATE_PATH,    /* `user`, `relayed`: it goes another way now */
    EARSHOT_EVENT_PRIVATE_CLOSED,  /* `user`, `text`: the reason; of a channel that was open, or a request that was shown */
    EARSHOT_EVENT_RETRY,           /* still disconnected, another attempt has failed: `text`: why, `retry_after`: as before */
    EARSHOT_EVENT_OTHER_CERTIFICATE /* not the one that is remembered, but a CA vouches for it, and it is taken: `text`: both */
};

enum earshot_reason {
    EARSHOT_REASON_NONE = 0,
    EARSHOT_REASON_LOGOUT,
    EARSHOT_REASON_TIMEOUT,
    EARSHOT_REASON_SHUTDOWN,
    EARSHOT_REASON_NETWORK,
    EARSHOT_REASON_REPLACED,
    EARSHOT_REASON_REVOKED /* the device or the account may no longer be logged in */
};

EARSHOT_API const char *earshot_reason_name(enum earshot_reason reason);

/* New fields may be added at the end. */
struct earshot_event {
    enum earshot_event_type type;
    int64_t request;
    enum earshot_error error;
    enum earshot_reason reason;
    const char *user;
    const char *text;
    const char *body;
    size_t body_len;
    uint64_t id;
    int64_t time_ms; /* milliseconds since 1970 UTC */
    bool stored, online, withheld;
    uint32_t delivered;
    int retry_after; /* seconds; 0 if waiting does not help */
    const char *const *users;
    size_t user_count;
    bool relayed;  /* the private channel goes through a relay */
    bool verified; /* the key at its other end has been compared (earshot_verify) */
};

struct earshot_client;

typedef void earshot_callback(void *ctx, const struct earshot_event *event);

/* Starts connecting. EARSHOT_OK, EARSHOT_BAD_OPTION (host, `ca`), EARSHOT_BAD_NAME, EARSHOT_BAD_PASSWORD, EARSHOT_NO_MEMORY,
 * EARSHOT_NO_STATE. */
EARSHOT_API enum earshot_error earshot_open(const struct earshot_options *options, earshot_callback *callback, void *ctx,
                                            struct earshot_client **client);
/* At once, whatever is under way (earshot_logout waits), but for the last words of open private channels: those may take 2 s.
 * Takes NULL. Not inside the callback. */
EARSHOT_API void earshot_close(struct earshot_client *client);

/* Readable when earshot_progress() has something to do. Do not read from it. */
EARSHOT_API int earshot_fd(const struct earshot_client *client);
/* Does what there is to do, without blocking. */
EARSHOT_API void earshot_progress(struct earshot_client *client);

/* Answers to events; EARSHOT_USAGE when nobody asked. EARSHOT_BAD_NAME, EARSHOT_BAD_PASSWORD: the question stands.
 * A password given here that the server refuses is asked for again: EARSHOT_EVENT_ERROR (EARSHOT_WRONG_PASSWORD, or
 * EARSHOT_BAD_PASSWORD for one that a new account may not have), then the same question. One from the options that is refused,
 * and one after which the account is blocked (`retry_after` is set), end it: EARSHOT_EVENT_CLOSED. */
EARSHOT_API enum earshot_error earshot_trust_server(struct earshot_client *client, bool trust);
EARSHOT_API enum earshot_error earshot_set_user(struct earshot_client *client, const char *user);
EARSHOT_API enum earshot_error earshot_set_password(struct earshot_client *client, const char *password);

EARSHOT_API int64_t earshot_message(struct earshot_client *client, const char *to, const char *body, size_t len);
EARSHOT_API int64_t earshot_broadcast(struct earshot_client *client, const char *body, size_t len);
EARSHOT_API int64_t earshot_whoelse(struct earshot_client *client);
EARSHOT_API int64_t earshot_whoelsesince(struct earshot_client *client, uint64_t seconds);
EARSHOT_API int64_t earshot_block(struct earshot_client *client, const char *user);
EARSHOT_API int64_t earshot_unblock(struct earshot_client *client, const char *user);
/* Another password, of 8 to 256 bytes of UTF-8, for an account whose present one is `current`; -EARSHOT_BAD_PASSWORD. Both are
 * copied, and wiped once it is answered. EARSHOT_EVENT_OK: it is on disk, and holds from now on; all other devices of the account
 * are logged out, this one stays. Errors: EARSHOT_WRONG_PASSWORD, of which three in a row, here or at logins, block the account
 * (`retry_after` is set then) and EARSHOT_ACCOUNT_BLOCKED while they do; EARSHOT_RATE_LIMITED, also while an earlier call is not
 * answered; EARSHOT_UNKNOWN_COMMAND from a server that is too old; EARSHOT_NOT_STORED; EARSHOT_UNAVAILABLE with `retry_after`.
 * After all these nothing has changed. EARSHOT_UNAVAILABLE without it: there will be no answer, and nobody here knows; the text
 * says so. It is not sent again: a login with the other password tells. */
EARSHOT_API int64_t earshot_change_password(struct earshot_client *client, const char *current, const char *another);
EARSHOT_API int64_t earshot_startprivate(struct earshot_client *client, const char *user);
EARSHOT_API int64_t earshot_stopprivate(struct earshot_client *client, const char *user);
EARSHOT_API int64_t earshot_private(struct earshot_client *client, const char *user, const char *body, size_t len);
/* `user` may be NULL if only one asks. EARSHOT_NO_PRIVATE if nobody does. */
EARSHOT_API int64_t earshot_answer_private(struct earshot_client *client, const char *user, bool accept);
/* The key of this contact has changed, which ended an attempt: the next one may go on with it. The answer's `text` is its
 * fingerprint, which the error had, too. */
EARSHOT_API int64_t earshot_trust_contact(struct earshot_client *client, const char *user);
/* The safety code of the open channel was compared, by voice or in person: its key counts as verified from now on. */
EARSHOT_API int64_t earshot_verify(struct earshot_client *client, const char *user);

/* Sends what waits, then logs out; EARSHOT_EVENT_CLOSED follows. While the connection is down it keeps trying for 30 s if
 * messages wait, and ends at once otherwise. A server that answers nothing is given up after 90 s on each of two connections. The
 * token of this device is deleted however that ends, also by an earshot_close that does not wait. */
EARSHOT_API int64_t earshot_logout(struct earshot_client *client);

/* Requests without a final answer yet. */
EARSHOT_API size_t earshot_unanswered(const struct earshot_client *client);

/*
 * Copies text so that it is safe to print: bytes that are not UTF-8 and control characters (C0 but tab and newline, DEL, C1, and
 * those of bidirectional text: U+061C, U+200E, U+200F, U+202A..202E, U+2066..2069) become U+FFFD. NUL-terminates; returns the
 * length it needs without the NUL, as snprintf does.
 */
EARSHOT_API size_t earshot_printable(const char *text, size_t len, char *out, size_t size);

EARSHOT_API const char *earshot_version(void);

#ifdef __cplusplus
}
#endif

#endif
