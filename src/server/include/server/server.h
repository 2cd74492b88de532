/*
 * server.h - the whole server: opens what it needs in order, serves until it is told to stop, closes in reverse.
 *
 * On the calling thread, which becomes the first of the event loops and handles the signals: SIGTERM and SIGINT stop, at once
 * when they come a second time; SIGHUP reads the configuration again.
 */
#ifndef SERVER_SERVER_H
#define SERVER_SERVER_H

#include "server/config.h"

enum { EXIT_STOPPED = 0, EXIT_CONFIGURATION = 1, EXIT_CANNOT_START = 2 };

/* `argc` and `argv` are those that gave `config`, for reading it again. Returns the exit code. */
int server_run(const struct config *config, int argc, char *const argv[]);

/* --restore: puts a backup in the place of the database while no server runs. Returns the exit code, and says what it did. */
int server_restore(const struct config *config);

/* What --check looks at besides the settings themselves: the files that they name, for root as the server's user. ERR_INVALID
 * with `problems`; what is in it after OK are warnings. Call with a single thread. */
enum err server_check(const struct config *config, struct buf *problems);

#endif
