/* cli_exit.h - the exit codes of earshot, as its manual promises them. */
#ifndef CLI_EXIT_H
#define CLI_EXIT_H

enum cli_exit {
    EXIT_LOGGED_OUT = 0,
    EXIT_USAGE = 1,
    EXIT_UNREACHABLE = 2,          /* cannot connect; also no memory, no state directory */
    EXIT_NOT_TRUSTED = 3,          /* the server's certificate */
    EXIT_REFUSED = 4,              /* the login */
    EXIT_LOGGED_OUT_BY_SERVER = 5, /* inactivity, shutdown */
    EXIT_SIGNAL = 128              /* plus the signal that ended it before it could log out */
};

#endif
