#include "base/err.h"
#include <stddef.h>

struct description {
    const char *name, *text;
};

static const struct description descriptions[ERR_COUNT] = {
    [OK] = {"ok", "Done."},
    [ERR_MEMORY] = {"memory", "There is no memory left."},
    [ERR_CAP] = {"cap", "A limit has been reached."},
    [ERR_AGAIN] = {"again", "More input is needed."},
    [ERR_NOT_FOUND] = {"not_found", "There is no such thing."},
    [ERR_EXISTS] = {"exists", "It exists already."},
    [ERR_INVALID] = {"invalid", "The input is malformed."},
    [ERR_SYSTEM] = {"system", "The operating system refused."},
    [ERR_VERSION] = {"version", "It was made by a newer version of this program."},
    [ERR_STOPPED] = {"stopped", "It is shutting down."},
    [ERR_UNKNOWN_COMMAND] = {"unknown_command", "There is no such command."},
    [ERR_USAGE] = {"usage", "The command is incomplete or malformed."},
    [ERR_UNKNOWN_USER] = {"unknown_user", "There is no user of that name."},
    [ERR_SELF] = {"self", "You cannot do that to yourself."},
    [ERR_BLOCKED] = {"blocked", "That user has blocked you."},
    [ERR_OFFLINE] = {"offline", "That user is not online."},
    [ERR_NOT_BLOCKED] = {"not_blocked", "You have not blocked that user."},
    [ERR_ALREADY_BLOCKED] = {"already_blocked", "You have blocked that user already."},
    [ERR_WRONG_PASSWORD] = {"wrong_password", "The password is wrong."},
    [ERR_ACCOUNT_BLOCKED] = {"account_blocked", "The account is blocked after too many wrong passwords."},
    [ERR_REGISTRATION_CLOSED] = {"registration_closed", "This server does not take new accounts."},
    [ERR_BAD_NAME] = {"bad_name", "A user name is 1 to 32 of a-z, 0-9, '.', '_' and '-', beginning with a letter or digit."},
    [ERR_BAD_PASSWORD] = {"bad_password", "A password is 8 to 256 bytes of UTF-8."},
    [ERR_TOO_LONG] = {"too_long", "The text is too long."},
    [ERR_BAD_TEXT] = {"bad_text", "The text is not UTF-8, or contains control characters."},
    [ERR_RATE_LIMITED] = {"rate_limited", "Too much at once; wait a little."},
    [ERR_NO_PRIVATE] = {"no_private", "Private channels are not available."},
    [ERR_DECLINED] = {"declined", "That user declined."},
    [ERR_PRIVATE_FAILED] = {"private_failed", "The private channel could not be made."},
    [ERR_NOT_STORED] = {"not_stored", "The server could not store it; nothing was changed, and nothing delivered."},
    [ERR_UNAVAILABLE] = {"unavailable", "The server cannot do that at the moment."},
    [ERR_NOT_ACCEPTED] = {"not_accepted", "The connection was lost before the answer; it will be sent again."},
    [ERR_BAD_TOKEN] = {"bad_token", "This device is no longer logged in; log in with the password."},
    [ERR_BAD_FRAME] = {"bad_frame", "That does not follow the protocol."},
    [ERR_WRONG_STATE] = {"wrong_state", "That cannot be asked at this moment."},
    [ERR_NAME_TAKEN] = {"name_taken", "There is a user of that name already."},
};

static const struct description *describe(enum err err)
{
    static const struct description unknown = {"unknown", "Something went wrong."};
    if ((unsigned)err >= ERR_COUNT || descriptions[err].name == NULL)
        return &unknown;
    return &descriptions[err];
}

const char *err_name(enum err err)
{
    return describe(err)->name;
}

const char *err_text(enum err err)
{
    return describe(err)->text;
}
