/* errors.c - see errors.h. Names and sentences are those of base/err.h wherever it has them: one row an error. */
#include "errors.h"
#include "wire/codec.h"

static const struct row {
    enum earshot_error error;
    enum err err;
    const char *name; /* NULL: err_name's */
} rows[] = {
    {EARSHOT_OK, OK, "ok"},
    {EARSHOT_UNKNOWN_COMMAND, ERR_UNKNOWN_COMMAND, NULL},
    {EARSHOT_USAGE, ERR_USAGE, NULL},
    {EARSHOT_UNKNOWN_USER, ERR_UNKNOWN_USER, NULL},
    {EARSHOT_SELF, ERR_SELF, NULL},
    {EARSHOT_BLOCKED, ERR_BLOCKED, NULL},
    {EARSHOT_OFFLINE, ERR_OFFLINE, NULL},
    {EARSHOT_NOT_BLOCKED, ERR_NOT_BLOCKED, NULL},
    {EARSHOT_ALREADY_BLOCKED, ERR_ALREADY_BLOCKED, NULL},
    {EARSHOT_WRONG_PASSWORD, ERR_WRONG_PASSWORD, NULL},
    {EARSHOT_ACCOUNT_BLOCKED, ERR_ACCOUNT_BLOCKED, NULL},
    {EARSHOT_REGISTRATION_CLOSED, ERR_REGISTRATION_CLOSED, NULL},
    {EARSHOT_BAD_NAME, ERR_BAD_NAME, NULL},
    {EARSHOT_BAD_PASSWORD, ERR_BAD_PASSWORD, NULL},
    {EARSHOT_TOO_LONG, ERR_TOO_LONG, NULL},
    {EARSHOT_BAD_TEXT, ERR_BAD_TEXT, NULL},
    {EARSHOT_RATE_LIMITED, ERR_RATE_LIMITED, NULL},
    {EARSHOT_NO_PRIVATE, ERR_NO_PRIVATE, NULL},
    {EARSHOT_DECLINED, ERR_DECLINED, NULL},
    {EARSHOT_PRIVATE_FAILED, ERR_PRIVATE_FAILED, NULL},
    {EARSHOT_NOT_STORED, ERR_NOT_STORED, NULL},
    {EARSHOT_UNAVAILABLE, ERR_UNAVAILABLE, NULL},
    {EARSHOT_NOT_ACCEPTED, ERR_NOT_ACCEPTED, NULL},
    {EARSHOT_NAME_TAKEN, ERR_NAME_TAKEN, NULL},
    {EARSHOT_NO_MEMORY, ERR_MEMORY, "no_memory"},
    {EARSHOT_BAD_OPTION, ERR_INVALID, "bad_option"},
    {EARSHOT_NO_CONNECTION, ERR_STOPPED, "no_connection"},
    {EARSHOT_NOT_TRUSTED, ERR_COUNT, "not_trusted"},
    {EARSHOT_NO_STATE, ERR_SYSTEM, "no_state"},
};

enum { ROWS = sizeof rows / sizeof rows[0] };

enum earshot_error error_from_err(enum err err)
{
    for (size_t i = 0; i < ROWS; i++) {
        if (rows[i].err == err)
            return rows[i].error;
    }
    return EARSHOT_UNAVAILABLE;
}

enum earshot_error error_from_wire(uint32_t code)
{
    enum err err = codec_error(code);
    /* Whatever a peer sends, an Error is never a success, nor one of this library's own. */
    enum earshot_error error = err == OK ? EARSHOT_UNAVAILABLE : error_from_err(err);
    return error >= EARSHOT_NO_MEMORY ? EARSHOT_UNAVAILABLE : error;
}

const char *error_name(enum earshot_error error)
{
    for (size_t i = 0; i < ROWS; i++) {
        if (rows[i].error == error)
            return rows[i].name ? rows[i].name : err_name(rows[i].err);
    }
    return "unknown";
}

const char *reason_name(enum earshot_reason reason)
{
    static const char *const names[] = {
        [EARSHOT_REASON_NONE] = "none",         [EARSHOT_REASON_LOGOUT] = "logout",   [EARSHOT_REASON_TIMEOUT] = "timeout",
        [EARSHOT_REASON_SHUTDOWN] = "shutdown", [EARSHOT_REASON_NETWORK] = "network", [EARSHOT_REASON_REPLACED] = "replaced",
        [EARSHOT_REASON_REVOKED] = "revoked",
    };
    return (size_t)reason < sizeof names / sizeof names[0] ? names[reason] : "unknown";
}
