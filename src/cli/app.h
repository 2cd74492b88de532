/*
 * app.h - the running client: one poll loop over standard input, the library, the terminal's questions and signals.
 *
 * Signals arrive through a descriptor: SIGINT, SIGTERM and SIGHUP log out, a second one ends at once; SIGWINCH and SIGTSTP are
 * passed to the face.
 */
#ifndef CLI_APP_H
#define CLI_APP_H

#include "face.h"

struct app_options {
    struct earshot_options server;
    const char *target; /* for questions: the server as the user wrote it */
    const struct face_type *face;
    bool terminal; /* lines come from one */
};

/* Runs until it is over; an exit code (cli_exit.h). */
int app_run(const struct app_options *options);

#endif
