/*
 * json.c - the face for scripts: one object a line for everything that happens.
 *
 * The names of events and fields are promises (earshot(1)); fields may be added at the end of an object, none removed or renamed.
 * One table row per event; what an `ok` carries beyond the line it answers depends on the command's row.
 */
#include "base/json.h"
#include "base/timestamp.h"
#include "stream.h"
#include "text.h"
#include "words.h"
#include <inttypes.h>

static void field_text(struct buf *out, const char *name, struct slice text)
{
    text_format(out, ",\"%s\":", name);
    text_must(json_string(out, text));
}

static void field_str(struct buf *out, const char *name, const char *text)
{
    field_text(out, name, slice_str(text ? text : ""));
}

static void field_number(struct buf *out, const char *name, uint64_t number)
{
    text_format(out, ",\"%s\":%" PRIu64, name, number);
}

static void field_bool(struct buf *out, const char *name, bool value)
{
    text_format(out, ",\"%s\":%s", name, value ? "true" : "false");
}

static void field_time(struct buf *out, int64_t ms)
{
    char time[TIMESTAMP_SIZE];
    timestamp_format(ms, time);
    field_str(out, "time", time);
}

static void field_answer(struct buf *out, const struct notice *notice)
{
    if (notice->n == 0)
        return;
    field_number(out, "n", notice->n);
    if (notice->command != NULL)
        field_str(out, "command", notice->command->name);
}

static void field_retry(struct buf *out, int seconds)
{
    if (seconds > 0)
        field_number(out, "retry_after", (uint64_t)seconds);
}

static void field_body(struct buf *out, const struct earshot_event *event)
{
    field_text(out, "body", slice_of(event->body, event->body_len));
}

/* ---- one function per event ---- */

static void show_online(struct buf *out, const struct notice *notice)
{
    field_str(out, "user", notice->event->user);
    field_str(out, "server", notice->event->text);
}

static void ok_done(struct buf *out, const struct notice *notice)
{
}

static void ok_message(struct buf *out, const struct notice *notice)
{
    field_number(out, "id", notice->event->id);
    field_time(out, notice->event->time_ms);
}

static void ok_broadcast(struct buf *out, const struct notice *notice)
{
    field_number(out, "delivered", notice->event->delivered);
    field_bool(out, "withheld", notice->event->withheld);
}

static void ok_help(struct buf *out, const struct notice *notice)
{
    text_add(out, ",\"commands\":[");
    for (size_t i = 0; i < cli_command_count; i++) {
        const struct cli_command *command = &cli_commands[i];
        text_format(out, "%s{\"command\":\"%s\"", i ? "," : "", command->name);
        field_str(out, "arguments", cli_arguments_text(command->arguments));
        field_str(out, "help", command->help);
        text_add(out, "}");
    }
    text_add(out, "]");
}

static void ok_key(struct buf *out, const struct notice *notice)
{
    if (notice->event->text != NULL)
        field_str(out, "fingerprint", notice->event->text);
}

static void (*const ok_by_answer[])(struct buf *, const struct notice *) = {
    [ANSWER_DONE] = ok_done,           [ANSWER_CHANNEL] = ok_done, [ANSWER_PRIVATE] = ok_done, [ANSWER_MESSAGE] = ok_message,
    [ANSWER_BROADCAST] = ok_broadcast, [ANSWER_USERS] = ok_done,   [ANSWER_HELP] = ok_help,    [ANSWER_KEY] = ok_key,
};

static void show_ok(struct buf *out, const struct notice *notice)
{
    field_answer(out, notice);
    if (notice->command != NULL)
        ok_by_answer[notice->command->answer](out, notice);
}

static void show_users(struct buf *out, const struct notice *notice)
{
    field_answer(out, notice);
    text_add(out, ",\"users\":[");
    for (size_t i = 0; i < notice->event->user_count; i++) {
        text_add(out, i ? "," : "");
        text_must(json_string(out, slice_str(notice->event->users[i])));
    }
    text_add(out, "]");
}

static void show_error(struct buf *out, const struct notice *notice)
{
    const struct earshot_event *event = notice->event;
    if (notice->n != 0)
        field_number(out, "n", notice->n);
    field_str(out, "code", words_error_code(event->error));
    field_str(out, "text", words_error_text(event));
    field_retry(out, event->retry_after);
    if (notice->n != 0 && notice->command != NULL)
        field_str(out, "command", notice->command->name);
}

static void show_message(struct buf *out, const struct notice *notice)
{
    field_str(out, "from", notice->event->user);
    field_body(out, notice->event);
    field_number(out, "id", notice->event->id);
    field_time(out, notice->event->time_ms);
    field_bool(out, "stored", notice->event->stored);
}

static void show_sent(struct buf *out, const struct notice *notice)
{
    field_str(out, "to", notice->event->user);
    field_body(out, notice->event);
    field_number(out, "id", notice->event->id);
    field_time(out, notice->event->time_ms);
}

static void show_broadcast(struct buf *out, const struct notice *notice)
{
    field_str(out, "from", notice->event->user);
    field_body(out, notice->event);
    field_time(out, notice->event->time_ms);
}

static void show_presence(struct buf *out, const struct notice *notice)
{
    field_str(out, "user", notice->event->user);
    field_bool(out, "online", notice->event->online);
}

static void show_nothing(struct buf *out, const struct notice *notice)
{
}

static void show_disconnected(struct buf *out, const struct notice *notice)
{
    field_str(out, "reason", earshot_reason_name(notice->event->reason));
    if (notice->event->retry_after >= 0)
        field_number(out, "retry_after", (uint64_t)notice->event->retry_after);
}

static void show_from(struct buf *out, const struct notice *notice)
{
    field_str(out, "from", notice->event->user);
}

static void show_path(struct buf *out, const struct notice *notice)
{
    field_str(out, "with", notice->event->user);
    field_str(out, "path", notice->event->relayed ? "relay" : "direct");
}

static void show_private_open(struct buf *out, const struct notice *notice)
{
    show_path(out, notice);
    field_str(out, "safety", notice->event->text);
    field_bool(out, "verified", notice->event->verified);
}

static void show_private(struct buf *out, const struct notice *notice)
{
    show_from(out, notice);
    field_body(out, notice->event);
}

static void show_private_closed(struct buf *out, const struct notice *notice)
{
    field_str(out, "with", notice->event->user);
    field_str(out, "reason", notice->event->text);
}

static void show_other_certificate(struct buf *out, const struct notice *notice)
{
    field_str(out, "text", notice->event->text);
}

static const struct {
    const char *name;
    void (*fields)(struct buf *out, const struct notice *notice);
} events[] = {
    [EARSHOT_EVENT_ONLINE] = {"online", show_online},
    [EARSHOT_EVENT_OK] = {"ok", show_ok},
    [EARSHOT_EVENT_USERS] = {"users", show_users},
    [EARSHOT_EVENT_ERROR] = {"error", show_error},
    [EARSHOT_EVENT_MESSAGE] = {"message", show_message},
    [EARSHOT_EVENT_SENT] = {"sent", show_sent},
    [EARSHOT_EVENT_BROADCAST] = {"broadcast", show_broadcast},
    [EARSHOT_EVENT_PRESENCE] = {"presence", show_presence},
    [EARSHOT_EVENT_CAUGHT_UP] = {"caught_up", show_nothing},
    [EARSHOT_EVENT_DISCONNECTED] = {"disconnected", show_disconnected},
    [EARSHOT_EVENT_CLOSED] = {"goodbye", show_nothing},
    [EARSHOT_EVENT_PRIVATE_REQUEST] = {"private_request", show_from},
    [EARSHOT_EVENT_PRIVATE_OPEN] = {"private_open", show_private_open},
    [EARSHOT_EVENT_PRIVATE] = {"private", show_private},
    [EARSHOT_EVENT_PRIVATE_PATH] = {"private_path", show_path},
    [EARSHOT_EVENT_PRIVATE_CLOSED] = {"private_closed", show_private_closed},
    [EARSHOT_EVENT_OTHER_CERTIFICATE] = {"other_certificate", show_other_certificate},
};

static void json_show(struct face *face, const struct notice *notice)
{
    struct buf *out = &stream_of(face)->output.buf;
    unsigned type = notice->event->type;
    if (type >= sizeof events / sizeof events[0] || events[type].name == NULL)
        return;
    if (type == EARSHOT_EVENT_USERS && notice->n == 0)
        return; /* nobody asked */
    text_format(out, "{\"event\":\"%s\"", events[type].name);
    events[type].fields(out, notice);
    text_add(out, "}\n");
    stream_written(stream_of(face));
}

extern const struct face_type json_face;

static void json_create(const struct face_host *host, struct face **face)
{
    stream_create(&json_face, host, face);
}

const struct face_type json_face = {
    .name = "json",
    .help = "one JSON object a line for every event",
    .create = json_create,
    .free = stream_free,
    .hungry = stream_hungry,
    .input = stream_input,
    .show = json_show,
    .flush = stream_flush,
    .problem = stream_problem,
};
