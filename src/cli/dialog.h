/*
 * dialog.h - between the library, the commands and a face.
 *
 * Lines come in numbered, become requests, and their answers go to the face as notices that know their line again; what nobody
 * asked for goes to the face as it comes. It decides when to log out and with which code the program ends. It does no input or
 * output of its own and takes the clock and the face as given, so tests that play the library drive it whole.
 *
 * Every line that is not blank gets exactly one final answer, if need be when the connection ends. The owner calls dialog_event
 * from the library's callback, dialog_turn once a turn after the library's progress, and stops when `over` is set.
 *
 * Passwords are not in a line: when `passwords_n` is set its owner brings them, from the file that was named or from the
 * terminal, with dialog_passwords or dialog_no_passwords.
 *
 * One line at most is held back while the library's outbox is full; dialog_ready is false meanwhile, while DIALOG_UNANSWERED_MAX
 * requests have no answer, while passwords are wanted, before the first login and after a logout was asked for.
 */
#ifndef CLI_DIALOG_H
#define CLI_DIALOG_H

#include "base/map.h"
#include "cli_exit.h"
#include "face.h"

enum { DIALOG_UNANSWERED_MAX = 1000, DIALOG_CATCH_UP_MS = 5000, DIALOG_GIVE_UP_S = 30 /* the library's */ };

struct dialog {
    struct earshot_client *client;
    struct face *face;
    struct clock *clock;
    bool terminal; /* lines come from one: a leading slash and aliases are understood */

    struct map asked; /* request number to struct asked */
    struct names names;
    uint64_t lines;       /* handed in so far */
    struct buf held;      /* a line that the library had no room for */
    uint64_t held_n;      /* its number; 0: none */
    uint64_t passwords_n; /* the line that wants passwords; 0: none */
    char *passwords_file; /* where they are; "": to be asked for */
    bool was_online;      /* at least once */
    bool is_online, caught_up;
    bool ended;       /* no more lines will come */
    int64_t ended_ms; /* monotonic, when that was seen to matter */
    bool leaving;     /* a logout was asked for */
    bool told_gone;   /* the face knows that this connection is over for good */
    bool over;
    int exit_code;
};

void dialog_init(struct dialog *dialog, struct clock *clock, bool terminal);
void dialog_free(struct dialog *dialog);
/* Both must be there before the first event or line. */
void dialog_begin(struct dialog *dialog, struct earshot_client *client, struct face *face);

/* An event of the library's, but for its questions (login.h). */
void dialog_event(struct dialog *dialog, const struct earshot_event *event);

bool dialog_ready(const struct dialog *dialog);
void dialog_line(struct dialog *dialog, struct slice line, enum earshot_error fault);
void dialog_end_of_input(struct dialog *dialog);

/* What `passwords_n` wants, for the request; or why there are none. */
void dialog_passwords(struct dialog *dialog, const char *current, const char *another);
void dialog_no_passwords(struct dialog *dialog, enum earshot_error error, const char *text);

/* Logs out, and waits for it; the second time, or before the first login, ends at once with `exit_code`, and says what is left
 * without an answer. */
void dialog_quit(struct dialog *dialog, int exit_code);

/* Ends at once; an error is shown unless it is EARSHOT_OK. */
void dialog_fail(struct dialog *dialog, enum earshot_error error, const char *text, int exit_code);

void dialog_turn(struct dialog *dialog);
/* Milliseconds until dialog_turn has something to do by itself, or -1. */
int dialog_pause(const struct dialog *dialog);

#endif
