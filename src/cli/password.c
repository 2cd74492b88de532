/* password.c - see password.h. */
#include "password.h"
#include "base/utf8.h"
#include "files.h"
#include "login.h"
#include "text.h"

void password_init(struct password *password, struct dialog *dialog, struct ask *ask)
{
    *password = (struct password){.dialog = dialog, .ask = ask};
}

bool password_wanted(const struct password *password)
{
    return password->dialog->passwords_n != 0 && !password_asking(password);
}

bool password_by_hand(const struct password *password)
{
    return password->dialog->passwords_file[0] == '\0' && ask_possible(password->ask);
}

static void forget(struct password *password)
{
    password->step = PASSWORD_IDLE;
    explicit_bzero(password->current, sizeof password->current);
    explicit_bzero(password->another, sizeof password->another);
}

void password_drop(struct password *password)
{
    if (!password_asking(password))
        return;
    ask_tell(password->ask, "\n");
    ask_cancel(password->ask);
    forget(password);
}

void password_take_back(struct password *password)
{
    password_drop(password);
    dialog_no_passwords(password->dialog, EARSHOT_USAGE, "Nothing was changed.");
}

/* ---- asking ---- */

static void pose(struct password *password, enum password_step step)
{
    static const char *const prompts[] = {
        [PASSWORD_CURRENT] = "current password: ",
        [PASSWORD_NEW] = "new password: ",
        [PASSWORD_REPEAT] = "the same again: ",
    };
    password->step = step;
    ask_start(password->ask, prompts[step], false);
}

static void again(struct password *password, const char *why, enum password_step step)
{
    ask_tell(password->ask, why);
    pose(password, step);
}

static bool is_password(const char *text, size_t least)
{
    size_t len = strlen(text);
    return len >= least && len <= LOGIN_PASSWORD_MAX && utf8_valid(slice_str(text));
}

static void answer_current(struct password *password, const char *answer)
{
    if (!is_password(answer, 1)) {
        again(password, "That cannot be a password.\n", PASSWORD_CURRENT);
        return;
    }
    strcpy(password->current, answer);
    pose(password, PASSWORD_NEW);
}

static void answer_new(struct password *password, const char *answer)
{
    if (!is_password(answer, LOGIN_PASSWORD_MIN)) {
        again(password, "A password has 8 to 256 bytes of UTF-8.\n", PASSWORD_NEW);
        return;
    }
    strcpy(password->another, answer);
    pose(password, PASSWORD_REPEAT);
}

static void answer_repeat(struct password *password, const char *answer)
{
    if (strcmp(password->another, answer) != 0) {
        again(password, "They differ.\n", PASSWORD_NEW);
        return;
    }
    dialog_passwords(password->dialog, password->current, password->another);
    forget(password);
}

void password_readable(struct password *password)
{
    static void (*const by_step[])(struct password *, const char *) = {
        [PASSWORD_CURRENT] = answer_current,
        [PASSWORD_NEW] = answer_new,
        [PASSWORD_REPEAT] = answer_repeat,
    };
    char answer[ASK_MAX];
    enum err err = ask_readable(password->ask);
    if (err == ERR_AGAIN)
        return;
    if (err != OK) {
        forget(password);
        password_take_back(password);
        return;
    }
    /* A new question wipes ask.line. */
    memcpy(answer, password->ask->line, sizeof answer);
    by_step[password->step](password, answer);
    explicit_bzero(answer, sizeof answer);
    if (!password_asking(password))
        explicit_bzero(password->ask->line, sizeof password->ask->line);
}

/* ---- from a file ---- */

static void read_file(struct password *password)
{
    char current[FILES_PASSWORD_SIZE], another[FILES_PASSWORD_SIZE];
    struct buf why;
    buf_init(&why, TEXT_CAP);
    enum err err = files_read_passwords(password->dialog->passwords_file, current, another, &why);
    text_bytes(&why, slice_of("", 1));
    if (err == OK)
        dialog_passwords(password->dialog, current, another);
    else
        dialog_no_passwords(password->dialog, EARSHOT_USAGE, (const char *)buf_data(&why));
    buf_free(&why);
    explicit_bzero(current, sizeof current);
    explicit_bzero(another, sizeof another);
}

void password_begin(struct password *password)
{
    if (password_by_hand(password))
        pose(password, PASSWORD_CURRENT);
    else if (password->dialog->passwords_file[0] != '\0')
        read_file(password);
    else
        dialog_no_passwords(
            password->dialog, EARSHOT_USAGE,
            "There is no terminal to ask at. Usage: password FILE, with the present password on the first line of "
            "FILE and the new one on the second.");
}
