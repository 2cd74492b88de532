#include "words.h"
#include "text.h"
#include <stdio.h>
#include <time.h>

/* ---- errors ---- */

/* The protocol's codes stand in the same order in both lists. */
_Static_assert(ERR_NOT_ACCEPTED - ERR_UNKNOWN_COMMAND == EARSHOT_NOT_ACCEPTED - EARSHOT_UNKNOWN_COMMAND, "codes out of step");
_Static_assert(ERR_NOT_STORED - ERR_UNKNOWN_COMMAND == EARSHOT_NOT_STORED - EARSHOT_UNKNOWN_COMMAND, "codes out of step");

const char *words_error_code(enum earshot_error error)
{
    return error == EARSHOT_NO_CONNECTION ? "unavailable" : earshot_error_name(error);
}

static const char *default_sentence(enum earshot_error error)
{
    if (error >= EARSHOT_UNKNOWN_COMMAND && error <= EARSHOT_NOT_ACCEPTED)
        return err_text(ERR_UNKNOWN_COMMAND + (error - EARSHOT_UNKNOWN_COMMAND));
    static const struct {
        enum earshot_error error;
        const char *text;
    } ours[] = {
        {EARSHOT_NAME_TAKEN, "Somebody else has that name."},
        {EARSHOT_NO_MEMORY, "Out of memory."},
        {EARSHOT_BAD_OPTION, "The options are not right."},
        {EARSHOT_NO_CONNECTION, "Cannot connect."},
        {EARSHOT_NOT_TRUSTED, "The server's certificate is not trusted."},
        {EARSHOT_NO_STATE, "The state directory cannot be used."},
    };
    for (size_t i = 0; i < sizeof ours / sizeof ours[0]; i++)
        if (ours[i].error == error)
            return ours[i].text;
    return "It did not work.";
}

const char *words_error_text(const struct earshot_event *event)
{
    return event->text != NULL && event->text[0] != '\0' ? event->text : default_sentence(event->error);
}

/* ---- pieces ---- */

struct sentence {
    struct buf *out;
    struct words *words;
    const struct palette *palette;
    const struct notice *notice;
    const struct earshot_event *event;
};

static struct tm local_time(int64_t ms)
{
    struct tm local = {0};
    time_t seconds = (time_t)(ms / 1000);
    localtime_r(&seconds, &local);
    return local;
}

static void put_faint(struct sentence *s, const char *text)
{
    text_format(s->out, "%s%s%s ", s->palette->faint, text, s->palette->reset);
}

static void put_time(struct sentence *s, int64_t ms, bool date)
{
    struct tm local = local_time(ms);
    char text[64];
    if (date)
        strftime(text, sizeof text, "%Y-%m-%d %H:%M", &local);
    else
        strftime(text, sizeof text, "%H:%M", &local);
    put_faint(s, text);
}

static int64_t day_of(int64_t ms)
{
    struct tm local = local_time(ms);
    return (local.tm_year + 1900) * 1000 + local.tm_yday + 1;
}

static void put_now(struct sentence *s)
{
    put_time(s, s->notice->now_ms, false);
}

/* When it was sent; with the date if it waited for us or is not of today. */
static void put_sent(struct sentence *s)
{
    bool today = day_of(s->event->time_ms) == day_of(s->notice->now_ms);
    put_time(s, s->event->time_ms, s->event->stored || !today);
}

static void put_name(struct sentence *s, const char *name)
{
    text_add(s->out, palette_name(s->palette, name));
    text_safe_line(s->out, slice_str(name));
    text_add(s->out, s->palette->reset);
}

/* On one line, or with its further lines indented. */
static void put_text(struct sentence *s, struct slice text)
{
    if (s->words->linear) {
        text_safe_line(s->out, text);
        return;
    }
    while (text.len > 0) {
        const uint8_t *newline = memchr(text.data, '\n', text.len);
        size_t len = newline ? (size_t)(newline - text.data) : text.len;
        text_safe(s->out, slice_of(text.data, len));
        if (newline == NULL)
            break;
        text_add(s->out, "\n      ");
        text = slice_of(newline + 1, text.len - len - 1);
    }
}

/* A text of several lines, a fingerprint halved so that it fits; on one line where that is the rule. */
static void put_lines(struct sentence *s, const char *text)
{
    const char *separator = "";
    while (*text != '\0') {
        size_t len = strcspn(text, "\n");
        text_add(s->out, separator);
        if (s->words->linear)
            text_safe_line(s->out, slice_of(text, len));
        else
            text_fingerprint(s->out, "      ", slice_of(text, len));
        text += len;
        text += strspn(text, s->words->linear ? "\n " : "\n");
        separator = s->words->linear ? " " : "\n      ";
    }
}

static void put_end(struct sentence *s)
{
    text_add(s->out, "\n");
}

static struct slice event_body(const struct sentence *s)
{
    return slice_of(s->event->body, s->event->body_len);
}

static void put_arrow(struct sentence *s, const char *to)
{
    text_add(s->out, s->words->linear ? "to " : "\xe2\x86\x92 ");
    put_name(s, to);
}

/* ---- answers ---- */

/* Not stopprivate: that the channel is closed is an event of its own. */
static void answer_done(struct sentence *s)
{
    static const struct {
        const char *command, *before, *after;
    } done[] = {
        {"block", "", " is blocked"},
        {"unblock", "", " is no longer blocked"},
        {"startprivate", "asked ", " for a private channel"},
        {"no", "declined the private channel", NULL},
        {"password", "the password is changed; your other devices are logged out", NULL},
        {"verify", "the safety code shared with ", " is noted as compared"},
    };
    for (size_t i = 0; i < sizeof done / sizeof done[0]; i++) {
        if (strcmp(s->notice->command->name, done[i].command) != 0)
            continue;
        put_now(s);
        text_add(s->out, done[i].before);
        if (done[i].after != NULL) {
            put_name(s, s->notice->user);
            text_add(s->out, done[i].after);
        }
        put_end(s);
    }
}

static void answer_key(struct sentence *s)
{
    char line[128];
    put_now(s);
    text_add(s->out, "the changed key of ");
    put_name(s, s->notice->user);
    text_add(s->out, " is trusted from now on; ask again");
    if (s->event->text != NULL) {
        snprintf(line, sizeof line, "\n  %s", s->event->text);
        text_add(s->out, ". It is");
        put_lines(s, line);
    }
    put_end(s);
}

static void put_private(struct sentence *s)
{
    text_format(s->out, "%s[private]%s ", s->palette->good, s->palette->reset);
}

static void answer_private(struct sentence *s)
{
    put_now(s);
    put_private(s);
    if (s->words->linear)
        text_add(s->out, "sent ");
    put_arrow(s, s->notice->user);
    if (!s->words->linear) {
        text_add(s->out, ": ");
        put_text(s, s->notice->text);
    }
    put_end(s);
}

static void answer_message(struct sentence *s)
{
    put_sent(s);
    if (s->words->linear)
        text_add(s->out, "sent ");
    put_arrow(s, s->notice->user);
    if (!s->words->linear) {
        text_add(s->out, ": ");
        put_text(s, s->notice->text);
    }
    put_end(s);
}

static void answer_broadcast(struct sentence *s)
{
    unsigned reached = s->event->delivered;
    put_now(s);
    if (!s->words->linear) {
        text_add(s->out, "\xe2\x86\x92 all: ");
        put_text(s, s->notice->text);
        text_format(s->out, " %s(", s->palette->faint);
    } else {
        text_add(s->out, "sent to all: ");
    }
    text_format(s->out, "%u %s reached%s", reached, reached == 1 ? "user" : "users",
                s->event->withheld ? ", some could not be" : "");
    if (!s->words->linear)
        text_format(s->out, ")%s", s->palette->reset);
    put_end(s);
}

static void answer_help(struct sentence *s)
{
    words_help(s->out, s->palette, !s->words->linear);
}

static void say_ok(struct sentence *s)
{
    static void (*const by_answer[])(struct sentence *) = {
        [ANSWER_DONE] = answer_done,           [ANSWER_CHANNEL] = answer_done,
        [ANSWER_PRIVATE] = answer_private,     [ANSWER_MESSAGE] = answer_message,
        [ANSWER_BROADCAST] = answer_broadcast, [ANSWER_USERS] = answer_done,
        [ANSWER_HELP] = answer_help,           [ANSWER_KEY] = answer_key,
    };
    if (s->notice->command != NULL)
        by_answer[s->notice->command->answer](s);
}

/* One line of the names that nobody asked for: as many as there is room for. */
static void say_who_is_here(struct sentence *s)
{
    size_t count = s->event->user_count, shown = 0;
    size_t room = (size_t)(s->words->width > 0 ? s->words->width : 80), used = strlen("12:00 online: ");
    put_now(s);
    text_format(s->out, "%sonline: ", s->palette->faint);
    for (; shown < count; shown++) {
        size_t len = strlen(s->event->users[shown]) + strlen(", ");
        size_t after = shown + 1 < count ? strlen("and 1000000 more") : 0;
        if (used + len + after > room)
            break;
        text_add(s->out, shown ? ", " : "");
        text_safe_line(s->out, slice_str(s->event->users[shown]));
        used += len;
    }
    if (shown < count)
        text_format(s->out, "%s%zu %s", shown ? " and " : "", count - shown, shown ? "more" : "users");
    text_add(s->out, s->palette->reset);
    put_end(s);
}

static void say_users(struct sentence *s)
{
    if (s->notice->n == 0) {
        if (s->event->user_count > 0)
            say_who_is_here(s);
        return;
    }
    bool since = s->notice->command != NULL && s->notice->command->arguments == ARGUMENTS_SECONDS;
    const char *when = since ? "online since then" : "online";
    put_now(s);
    if (s->event->user_count == 0) {
        text_format(s->out, "nobody else %s %s\n", since ? "was" : "is", when);
        return;
    }
    text_format(s->out, "%s: ", when);
    for (size_t i = 0; i < s->event->user_count; i++) {
        text_add(s->out, i ? ", " : "");
        put_name(s, s->event->users[i]);
    }
    put_end(s);
}

/* ---- what others do, and the link ---- */

/* "! message bob: There is no such user." names the line it answers, which by then may have left the screen. */
static void say_error(struct sentence *s)
{
    const struct notice *notice = s->notice;
    bool notice_only = s->event->error == EARSHOT_NOT_ACCEPTED;
    put_now(s);
    text_format(s->out, "%s%s", notice_only ? s->palette->faint : s->palette->bad,
                s->words->linear ? (notice_only ? "notice: " : "error: ") : "! ");
    if (notice->n != 0 && notice->command != NULL) {
        text_add(s->out, notice->command->name);
        if (*notice->user)
            text_add(s->out, " ");
        text_safe_line(s->out, slice_str(notice->user));
        text_add(s->out, ": ");
    }
    put_lines(s, words_error_text(s->event));
    if (s->event->retry_after > 0)
        text_format(s->out, " (try again in %d s)", s->event->retry_after);
    text_add(s->out, s->palette->reset);
    put_end(s);
}

static void say_online(struct sentence *s)
{
    put_now(s);
    text_format(s->out, "%sonline%s as ", s->palette->good, s->palette->reset);
    put_name(s, s->event->user ? s->event->user : "");
    text_add(s->out, " on ");
    text_safe_line(s->out, slice_str(s->event->text ? s->event->text : ""));
    put_end(s);
}

static void say_message(struct sentence *s)
{
    put_sent(s);
    put_name(s, s->event->user);
    text_add(s->out, ": ");
    put_text(s, event_body(s));
    put_end(s);
}

static void say_sent(struct sentence *s)
{
    put_sent(s);
    put_arrow(s, s->event->user);
    text_add(s->out, ": ");
    put_text(s, event_body(s));
    put_end(s);
}

static void say_broadcast(struct sentence *s)
{
    put_sent(s);
    put_name(s, s->event->user);
    text_add(s->out, " to all: ");
    put_text(s, event_body(s));
    put_end(s);
}

static void say_presence(struct sentence *s)
{
    put_now(s);
    put_name(s, s->event->user);
    text_format(s->out, "%s is %s%s", s->palette->faint, s->event->online ? "online" : "offline", s->palette->reset);
    put_end(s);
}

static void say_nothing(struct sentence *s)
{
}

static void say_disconnected(struct sentence *s)
{
    static const char *const reasons[] = {
        [EARSHOT_REASON_NONE] = "disconnected",
        [EARSHOT_REASON_LOGOUT] = "logged out",
        [EARSHOT_REASON_TIMEOUT] = "logged out by the server: inactive for too long",
        [EARSHOT_REASON_SHUTDOWN] = "the server is shutting down",
        [EARSHOT_REASON_NETWORK] = "connection lost",
        [EARSHOT_REASON_REVOKED] = "logged out by the server: this device may not be logged in any more",
        [EARSHOT_REASON_REPLACED] = "logged out by the server: this device connected again",
    };
    unsigned reason = s->event->reason;
    put_now(s);
    text_add(s->out, s->palette->bad);
    text_add(s->out, reason < sizeof reasons / sizeof reasons[0] ? reasons[reason] : reasons[0]);
    if (s->event->retry_after >= 0)
        text_add(s->out, ", trying again");
    text_add(s->out, s->palette->reset);
    put_end(s);
}

static void say_goodbye(struct sentence *s)
{
    put_now(s);
    text_add(s->out, "goodbye\n");
}

static void say_private_request(struct sentence *s)
{
    put_now(s);
    put_name(s, s->event->user);
    text_format(s->out, " asks for a private channel: %syes or no?%s", s->palette->bold, s->palette->reset);
    put_end(s);
}

static const char *path_text(const struct earshot_event *event)
{
    return event->relayed ? "through a relay" : "directly";
}

static void say_private_open(struct sentence *s)
{
    put_now(s);
    put_private(s);
    text_add(s->out, "open with ");
    put_name(s, s->event->user);
    text_format(s->out, ", %s; safety code %s", path_text(s->event), s->palette->bold);
    text_safe_line(s->out, slice_str(s->event->text ? s->event->text : ""));
    text_add(s->out, s->palette->reset);
    text_add(s->out, s->event->verified ? " (compared before)" : " (compare it, then: verify ");
    if (!s->event->verified) {
        text_safe_line(s->out, slice_str(s->event->user));
        text_add(s->out, ")");
    }
    put_end(s);
}

static void say_private(struct sentence *s)
{
    put_now(s);
    put_private(s);
    put_name(s, s->event->user);
    text_add(s->out, ": ");
    put_text(s, event_body(s));
    put_end(s);
}

static void say_private_path(struct sentence *s)
{
    put_now(s);
    put_private(s);
    text_add(s->out, "the channel with ");
    put_name(s, s->event->user);
    text_format(s->out, " now goes %s", path_text(s->event));
    put_end(s);
}

static void say_private_closed(struct sentence *s)
{
    put_now(s);
    put_private(s);
    text_add(s->out, "closed with ");
    put_name(s, s->event->user);
    text_add(s->out, ": ");
    text_safe_line(s->out, slice_str(s->event->text ? s->event->text : ""));
    put_end(s);
}

static void say_other_certificate(struct sentence *s)
{
    put_now(s);
    text_add(s->out, s->palette->bad);
    put_lines(s, s->event->text ? s->event->text : "");
    text_add(s->out, s->palette->reset);
    put_end(s);
}

static void (*const say_by_type[])(struct sentence *) = {
    [EARSHOT_EVENT_ONLINE] = say_online,
    [EARSHOT_EVENT_OK] = say_ok,
    [EARSHOT_EVENT_USERS] = say_users,
    [EARSHOT_EVENT_ERROR] = say_error,
    [EARSHOT_EVENT_MESSAGE] = say_message,
    [EARSHOT_EVENT_SENT] = say_sent,
    [EARSHOT_EVENT_BROADCAST] = say_broadcast,
    [EARSHOT_EVENT_PRESENCE] = say_presence,
    [EARSHOT_EVENT_CAUGHT_UP] = say_nothing,
    [EARSHOT_EVENT_DISCONNECTED] = say_disconnected,
    [EARSHOT_EVENT_CLOSED] = say_goodbye,
    [EARSHOT_EVENT_PRIVATE_REQUEST] = say_private_request,
    [EARSHOT_EVENT_PRIVATE_OPEN] = say_private_open,
    [EARSHOT_EVENT_PRIVATE] = say_private,
    [EARSHOT_EVENT_PRIVATE_PATH] = say_private_path,
    [EARSHOT_EVENT_PRIVATE_CLOSED] = say_private_closed,
    [EARSHOT_EVENT_OTHER_CERTIFICATE] = say_other_certificate,
};

/* A line of its own when the day has changed since the last one. */
static void put_new_day(struct sentence *s)
{
    int64_t today = day_of(s->notice->now_ms);
    bool changed = s->words->day != 0 && s->words->day != today;
    s->words->day = today;
    if (!changed)
        return;
    struct tm local = local_time(s->notice->now_ms);
    char text[128];
    strftime(text, sizeof text, "%A %e %B %Y", &local);
    text_add(s->out, "\xe2\x94\x80\xe2\x94\x80 ");
    put_faint(s, text);
    text_add(s->out, "\xe2\x94\x80\xe2\x94\x80\n");
}

void words_notice(struct buf *out, struct words *words, const struct notice *notice)
{
    unsigned type = notice->event->type;
    if (type >= sizeof say_by_type / sizeof say_by_type[0] || say_by_type[type] == NULL)
        return;
    struct sentence s = {out, words, words->palette, notice, notice->event};
    if (!words->linear)
        put_new_day(&s);
    say_by_type[type](&s);
}

void words_remark(struct buf *out, struct words *words, int64_t now_ms, const char *text)
{
    const struct notice notice = {.now_ms = now_ms};
    struct sentence s = {out, words, words->palette, &notice, NULL};
    put_now(&s);
    text_safe_line(out, slice_str(text));
    put_end(&s);
}

void words_help(struct buf *out, const struct palette *palette, bool slash)
{
    for (size_t i = 0; i < cli_command_count; i++) {
        const struct cli_command *command = &cli_commands[i];
        const char *arguments = cli_arguments_text(command->arguments);
        text_format(out, "  %s%s%s%s %s%*s%s\n", palette->bold, slash ? "/" : "", command->name, palette->reset, arguments,
                    (int)(24 - strlen(command->name) - strlen(arguments)), "", command->help);
    }
}
