/*
 * err.h - the one error idiom.
 *
 * Functions that can fail return `enum err`; OK is 0. Out-parameters are untouched on failure. A programming error aborts by
 * assertion instead; what a peer, a file or a user gets wrong never does. No `errno` above src/base, src/net and src/store.
 *
 * The codes from ERR_UNKNOWN_COMMAND on are what a user may be told: err_name() gives the names that docs/PROTOCOL.md and the
 * client's --json promise. The ones before are for us: err_name() gives them names for logs.
 */
#ifndef BASE_ERR_H
#define BASE_ERR_H

enum err {
    OK = 0,
    ERR_MEMORY,    /* allocation failed */
    ERR_CAP,       /* a buffer, arena or queue is at its cap */
    ERR_AGAIN,     /* not complete yet: more input is needed */
    ERR_NOT_FOUND, /* no such thing, where no user-facing code says it better */
    ERR_EXISTS,
    ERR_INVALID, /* malformed input (a file, an option) */
    ERR_SYSTEM,  /* the operating system refused; logged where it happened */
    ERR_VERSION, /* made by a newer version of this program */
    ERR_STOPPED, /* shutting down */

    ERR_UNKNOWN_COMMAND,
    ERR_USAGE,
    ERR_UNKNOWN_USER,
    ERR_SELF,
    ERR_BLOCKED,
    ERR_OFFLINE,
    ERR_NOT_BLOCKED,
    ERR_ALREADY_BLOCKED,
    ERR_WRONG_PASSWORD,
    ERR_ACCOUNT_BLOCKED,
    ERR_REGISTRATION_CLOSED,
    ERR_BAD_NAME,
    ERR_BAD_PASSWORD,
    ERR_TOO_LONG,
    ERR_BAD_TEXT,
    ERR_RATE_LIMITED,
    ERR_NO_PRIVATE,
    ERR_DECLINED,
    ERR_PRIVATE_FAILED,
    ERR_NOT_STORED,
    ERR_UNAVAILABLE,
    ERR_NOT_ACCEPTED,
    ERR_BAD_TOKEN,
    ERR_BAD_FRAME,
    ERR_WRONG_STATE,
    ERR_NAME_TAKEN,
    ERR_COUNT
};

/* "unknown_user" for ERR_UNKNOWN_USER and so on; never NULL. */
const char *err_name(enum err err);

/* A default sentence for people, "There is no user of that name."; never NULL. */
const char *err_text(enum err err);

#endif
