#include "login.h"
#include "text.h"
#include <stdio.h>
#include <strings.h>

void login_init(struct login *login, struct dialog *dialog, const char *server, const char *user)
{
    *login = (struct login){.dialog = dialog, .server = server};
    snprintf(login->user, sizeof login->user, "%s", user);
    ask_init(&login->ask);
}

void login_free(struct login *login)
{
    ask_free(&login->ask);
    explicit_bzero(login->password, sizeof login->password);
}

void login_cancel(struct login *login)
{
    if (login_asking(login))
        ask_tell(&login->ask, "\n");
    ask_cancel(&login->ask);
    login->step = LOGIN_IDLE;
}

/* ---- asking ---- */

static void pose(struct login *login, enum login_step step, const char *before, const char *name, const char *after)
{
    bool secret = step == LOGIN_PASSWORD || step == LOGIN_NEW_PASSWORD || step == LOGIN_REPEAT;
    struct buf prompt;
    buf_init(&prompt, TEXT_CAP);
    text_add(&prompt, before);
    text_safe_line(&prompt, slice_str(name));
    text_add(&prompt, after);
    text_bytes(&prompt, slice_of("", 1));
    login->step = step;
    ask_start(&login->ask, (const char *)buf_data(&prompt), !secret);
    buf_free(&prompt);
}

static void pose_trust(struct login *login, const char *fingerprint)
{
    struct buf before, indented;
    buf_init(&before, TEXT_CAP);
    buf_init(&indented, TEXT_CAP);
    text_format(&indented, "  %s", fingerprint);
    text_add(&before, "This is the first time you connect to ");
    text_safe_line(&before, slice_str(login->server));
    text_add(&before, ".\nIts certificate has the SHA-256 fingerprint\n");
    text_fingerprint(&before, "", buf_slice(&indented));
    text_bytes(&before, slice_of("", 1));
    pose(login, LOGIN_TRUST, (const char *)buf_data(&before), "", "\nTrust it from now on? (yes/no) ");
    buf_free(&indented);
    buf_free(&before);
}

static void nobody_trusts(struct login *login, const char *fingerprint)
{
    struct buf text;
    buf_init(&text, TEXT_CAP);
    text_add(&text, "There is no terminal to ask at whether to trust the server ");
    text_safe_line(&text, slice_str(login->server));
    text_format(&text, "; its certificate is\n  %s", fingerprint);
    text_bytes(&text, slice_of("", 1));
    dialog_fail(login->dialog, EARSHOT_NOT_TRUSTED, (const char *)buf_data(&text), EXIT_NOT_TRUSTED);
    buf_free(&text);
}

static void begin_trust(struct login *login, const struct earshot_event *event)
{
    const char *fingerprint = event->text ? event->text : "";
    if (ask_possible(&login->ask))
        pose_trust(login, fingerprint);
    else
        nobody_trusts(login, fingerprint);
}

static void begin_user(struct login *login, const struct earshot_event *event)
{
    if (ask_possible(&login->ask))
        pose(login, LOGIN_USER, "user: ", "", "");
    else
        dialog_fail(login->dialog, EARSHOT_USAGE, "No user is given: write USER@HOST.", EXIT_USAGE);
}

static void begin_password(struct login *login, const struct earshot_event *event)
{
    if (ask_possible(&login->ask))
        pose(login, LOGIN_PASSWORD, "password of ", login->user, ": ");
    else
        dialog_fail(login->dialog, EARSHOT_USAGE, "No password is given: use --password-file or EARSHOT_PASSWORD.", EXIT_USAGE);
}

static void begin_new_account(struct login *login, const struct earshot_event *event)
{
    if (ask_possible(&login->ask))
        pose(login, LOGIN_CREATE, "There is no user ", login->user, " yet. Create the account? (yes/no) ");
    else
        dialog_fail(login->dialog, EARSHOT_UNKNOWN_USER, NULL, EXIT_REFUSED);
}

static void (*const begin_by_type[])(struct login *, const struct earshot_event *) = {
    [EARSHOT_EVENT_UNKNOWN_SERVER] = begin_trust,
    [EARSHOT_EVENT_NEED_USER] = begin_user,
    [EARSHOT_EVENT_NEED_PASSWORD] = begin_password,
    [EARSHOT_EVENT_NEW_ACCOUNT] = begin_new_account,
};

bool login_is_question(const struct earshot_event *event)
{
    unsigned type = event->type;
    return type < sizeof begin_by_type / sizeof begin_by_type[0] && begin_by_type[type] != NULL;
}

void login_event(struct login *login, const struct earshot_event *event)
{
    begin_by_type[event->type](login, event);
}

/* ---- answers ---- */

static bool is_yes(const char *answer)
{
    return strcasecmp(answer, "yes") == 0 || strcasecmp(answer, "y") == 0;
}

static bool is_no(const char *answer)
{
    return strcasecmp(answer, "no") == 0 || strcasecmp(answer, "n") == 0;
}

static void answer_trust(struct login *login, const char *answer)
{
    if (!is_yes(answer) && !is_no(answer))
        pose(login, LOGIN_TRUST, "Please write yes or no: ", "", "");
    else
        earshot_trust_server(login->dialog->client, is_yes(answer));
}

static void answer_user(struct login *login, const char *answer)
{
    snprintf(login->user, sizeof login->user, "%s", answer);
    if (earshot_set_user(login->dialog->client, answer) != EARSHOT_OK) {
        ask_tell(&login->ask, "A name has 1 to 32 of a-z 0-9 . _ - and begins with a letter or digit.\n");
        pose(login, LOGIN_USER, "user: ", "", "");
    }
}

static void give_password(struct login *login, const char *password, enum login_step again)
{
    if (earshot_set_password(login->dialog->client, password) == EARSHOT_OK)
        return;
    ask_tell(&login->ask, "That cannot be a password.\n");
    pose(login, again, "password: ", "", "");
}

static void answer_password(struct login *login, const char *answer)
{
    give_password(login, answer, LOGIN_PASSWORD);
}

static void answer_create(struct login *login, const char *answer)
{
    if (is_yes(answer))
        pose(login, LOGIN_NEW_PASSWORD, "new password: ", "", "");
    else if (is_no(answer))
        dialog_fail(login->dialog, EARSHOT_UNKNOWN_USER, NULL, EXIT_REFUSED);
    else
        pose(login, LOGIN_CREATE, "Please write yes or no: ", "", "");
}

static void answer_new_password(struct login *login, const char *answer)
{
    size_t len = strlen(answer);
    if (len < LOGIN_PASSWORD_MIN || len > LOGIN_PASSWORD_MAX) {
        ask_tell(&login->ask, "A password has 8 to 256 bytes.\n");
        pose(login, LOGIN_NEW_PASSWORD, "new password: ", "", "");
        return;
    }
    memcpy(login->password, answer, len + 1);
    pose(login, LOGIN_REPEAT, "the same again: ", "", "");
}

static void answer_repeat(struct login *login, const char *answer)
{
    if (strcmp(login->password, answer) == 0) {
        give_password(login, answer, LOGIN_NEW_PASSWORD);
    } else {
        ask_tell(&login->ask, "They differ.\n");
        pose(login, LOGIN_NEW_PASSWORD, "new password: ", "", "");
    }
    explicit_bzero(login->password, sizeof login->password);
}

void login_readable(struct login *login)
{
    static void (*const by_step[])(struct login *, const char *) = {
        [LOGIN_TRUST] = answer_trust,
        [LOGIN_USER] = answer_user,
        [LOGIN_PASSWORD] = answer_password,
        [LOGIN_CREATE] = answer_create,
        [LOGIN_NEW_PASSWORD] = answer_new_password,
        [LOGIN_REPEAT] = answer_repeat,
    };
    char answer[ASK_MAX];
    enum err err = ask_readable(&login->ask);
    if (err == ERR_AGAIN)
        return;
    enum login_step step = login->step;
    login->step = LOGIN_IDLE;
    if (err != OK) {
        dialog_fail(login->dialog, EARSHOT_OK, NULL, EXIT_REFUSED);
        return;
    }
    /* A new question wipes ask.line. */
    memcpy(answer, login->ask.line, sizeof answer);
    by_step[step](login, answer);
    explicit_bzero(answer, sizeof answer);
}
