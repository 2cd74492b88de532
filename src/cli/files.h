/* files.h - what the client takes from the file system and the environment: the password, and where its state is. */
#ifndef CLI_FILES_H
#define CLI_FILES_H

#include "base/buf.h"

enum { FILES_PASSWORD_SIZE = 1024 };

/* The first line of the file without its end and a byte order mark. ERR_USAGE with a sentence in `why` if it cannot be read, or
 * is empty or too long. */
enum err files_read_password(const char *path, char password[FILES_PASSWORD_SIZE], struct buf *why);

/* The first two lines of a file likewise, for `password FILE`. What cannot be read at once is not waited for. The sentence does
 * not name the file, in case that was a password after all. */
enum err files_read_passwords(const char *path, char current[FILES_PASSWORD_SIZE], char another[FILES_PASSWORD_SIZE],
                              struct buf *why);

/* EARSHOT_PASSWORD, which is then wiped from the environment. ERR_NOT_FOUND if it is not set. ERR_USAGE as above. */
enum err files_take_password(char password[FILES_PASSWORD_SIZE], struct buf *why);

/* Whether the file of --ca can be read at all; NULL is fine. ERR_USAGE as above. */
enum err files_check_certificate(const char *path, struct buf *why);

/* $XDG_STATE_HOME/earshot or ~/.local/state/earshot, to be freed; NULL if there is no home. */
char *files_state_default(void);

/* Why the library could not use it, for a message. */
const char *files_state_trouble(const char *path);

/* Makes the folders above `path`, for its owner only, where they are missing. */
void files_make_parents(const char *path);

#endif
