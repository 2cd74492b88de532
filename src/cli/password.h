/*
 * password.h - where the passwords of the command `password` come from: questions at the terminal, or the file that it names.
 *
 * What was typed is never echoed, is no line of the conversation, and is wiped. Ctrl-C and Ctrl-D take the questions back.
 */
#ifndef CLI_PASSWORD_H
#define CLI_PASSWORD_H

#include "ask.h"
#include "dialog.h"

enum password_step { PASSWORD_IDLE, PASSWORD_CURRENT, PASSWORD_NEW, PASSWORD_REPEAT };

struct password {
    struct dialog *dialog;
    struct ask *ask; /* shared with the login */
    enum password_step step;
    char current[ASK_MAX], another[ASK_MAX];
};

void password_init(struct password *password, struct dialog *dialog, struct ask *ask);

/* Does the dialog want passwords that nobody has been asked for yet? */
bool password_wanted(const struct password *password);
/* It wants them from a person who can be asked. */
bool password_by_hand(const struct password *password);
/* Reads the file, begins to ask, or refuses. */
void password_begin(struct password *password);

static inline bool password_asking(const struct password *password)
{
    return password->step != PASSWORD_IDLE;
}

/* ask->in is readable. */
void password_readable(struct password *password);
/* By the person: the line is answered, the password is as before. */
void password_take_back(struct password *password);
/* No more questions, something more important has come. What the dialog wants it must answer itself. */
void password_drop(struct password *password);

#endif
