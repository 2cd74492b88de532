/* command.c - the table. See command.h. */
#include "command.h"

enum {
    ONCE = STATE_NEW,
    BEFORE = STATE_GREETED,
    LOGGED_IN = STATE_ONLINE,
    SMALL = 256, /* a name and little else */
    ANY = WIRE_FRAME_MAX,
};

/* clang-format off */
static const struct command commands[] = {
    [EARSHOT__CLIENT_FRAME__BODY_HELLO]         = {"hello",         ONCE,      1, SMALL * 4, false, cmd_hello},
    [EARSHOT__CLIENT_FRAME__BODY_IDENTIFY]      = {"identify",      BEFORE,    1, SMALL,     false, cmd_identify},
    [EARSHOT__CLIENT_FRAME__BODY_LOGIN]         = {"login",         BEFORE,    1, SMALL * 4, false, cmd_login},
    [EARSHOT__CLIENT_FRAME__BODY_REGISTER]      = {"register",      BEFORE,    1, SMALL * 4, false, cmd_register},
    [EARSHOT__CLIENT_FRAME__BODY_RESUME]        = {"resume",        BEFORE,    1, ANY,       false, cmd_resume},
    [EARSHOT__CLIENT_FRAME__BODY_MESSAGE]       = {"message",       LOGGED_IN, 1, ANY,       true,  cmd_message},
    [EARSHOT__CLIENT_FRAME__BODY_BROADCAST]     = {"broadcast",     LOGGED_IN, 5, ANY,       true,  cmd_broadcast},
    [EARSHOT__CLIENT_FRAME__BODY_WHOELSE]       = {"whoelse",       LOGGED_IN, 5, SMALL,     true,  cmd_whoelse},
    [EARSHOT__CLIENT_FRAME__BODY_WHOELSESINCE]  = {"whoelsesince",  LOGGED_IN, 5, SMALL,     true,  cmd_whoelsesince},
    [EARSHOT__CLIENT_FRAME__BODY_BLOCK]         = {"block",         LOGGED_IN, 1, SMALL,     true,  cmd_block},
    [EARSHOT__CLIENT_FRAME__BODY_UNBLOCK]       = {"unblock",       LOGGED_IN, 1, SMALL,     true,  cmd_unblock},
    [EARSHOT__CLIENT_FRAME__BODY_LOGOUT]        = {"logout",        LOGGED_IN, 0, SMALL,     true,  cmd_logout},
    [EARSHOT__CLIENT_FRAME__BODY_RECEIVED]      = {"received",      LOGGED_IN, 0, ANY,       false, cmd_received},
    [EARSHOT__CLIENT_FRAME__BODY_PING]          = {"ping",          BEFORE | LOGGED_IN, 0, SMALL, false, cmd_ping},
    [EARSHOT__CLIENT_FRAME__BODY_STARTPRIVATE]  = {"startprivate",  LOGGED_IN, 5, SMALL,     true,  cmd_startprivate},
    [EARSHOT__CLIENT_FRAME__BODY_ANSWERPRIVATE] = {"answerprivate", LOGGED_IN, 1, SMALL,     true,  cmd_answerprivate},
    [EARSHOT__CLIENT_FRAME__BODY_STOPPRIVATE]   = {"stopprivate",   LOGGED_IN, 1, SMALL,     true,  cmd_stopprivate},
    [EARSHOT__CLIENT_FRAME__BODY_SIGNAL]        = {"signal",        LOGGED_IN, 1, ANY,       false, cmd_signal},
    [EARSHOT__CLIENT_FRAME__BODY_PASSWORD]      = {"password",      LOGGED_IN, 5, SMALL * 4, true,  cmd_password},
};
/* clang-format on */

const struct command *command_find(Earshot__ClientFrame__BodyCase body)
{
    size_t row = (size_t)body;
    if (row >= sizeof commands / sizeof commands[0] || commands[row].handle == NULL)
        return NULL;
    return &commands[row];
}
