/*
 * login.h - the questions of a login: who are you, do you trust this server, what is your password, shall I create the account.
 *
 * The library asks by events; this turns each into one or more questions at the terminal and hands the answer back. Where there
 * is no terminal to ask at, the answer is no, and the dialog ends with a sentence that says which option would have helped.
 */
#ifndef CLI_LOGIN_H
#define CLI_LOGIN_H

#include "ask.h"
#include "dialog.h"

enum login_step {
    LOGIN_IDLE,
    LOGIN_TRUST,
    LOGIN_USER,
    LOGIN_PASSWORD,
    LOGIN_CREATE,
    LOGIN_NEW_PASSWORD,
    LOGIN_REPEAT,
};

enum { LOGIN_PASSWORD_MIN = 8, LOGIN_PASSWORD_MAX = 256 };

struct login {
    struct dialog *dialog;
    struct ask ask;
    const char *server; /* as the user wrote it */
    enum login_step step;
    char user[ASK_MAX];
    char password[ASK_MAX]; /* the new one, until it was repeated */
};

void login_init(struct login *login, struct dialog *dialog, const char *server, const char *user);
void login_free(struct login *login);

bool login_is_question(const struct earshot_event *event);
/* A question of the library's: asks at the terminal, or answers at once. */
void login_event(struct login *login, const struct earshot_event *event);

static inline bool login_asking(const struct login *login)
{
    return login->step != LOGIN_IDLE;
}

/* ask.in is readable. */
void login_readable(struct login *login);
/* No more questions: the program is about to end. */
void login_cancel(struct login *login);

#endif
