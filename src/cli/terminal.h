/*
 * terminal.h - leaves the terminal as it was found, however the program ends.
 *
 * Process-wide, because a terminal and signal handlers are: call terminal_guard once, early. It remembers the settings and puts
 * them back at exit and on signals that kill (a segmentation fault, an abort, SIGQUIT), after which the signal takes its course.
 */
#ifndef CLI_TERMINAL_H
#define CLI_TERMINAL_H

#include <stdbool.h>

/* `fd`: a terminal. */
void terminal_guard(int fd);
/* Whether bracketed paste has to be switched off again. */
void terminal_guard_paste(bool on);
/* Of the terminal `fd`, now; 0 if nobody knows. */
int terminal_columns(int fd);
/* Safe in a signal handler. */
void terminal_restore(void);

#endif
