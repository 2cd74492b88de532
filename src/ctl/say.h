/*
 * say.h - all that earshotctl prints goes through here, and is made printable on its way (base/printable.h): a server that has
 * been taken over must not reach the terminal of the root who asks it.
 */
#ifndef CTL_SAY_H
#define CTL_SAY_H

#include "base/err.h"
#include "base/slice.h"
#include <stdio.h>

/* ERR_MEMORY; ERR_SYSTEM: it cannot be written. */
enum err say(FILE *to, struct slice text);

/* "earshotctl: ...", with its newline, on standard error. */
void say_error(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
