/* incoming.c - one row a frame from the server: in which states it is heard, and by whom. What fits no row is ignored. */
#include "core_private.h"
#include "errors.h"

enum { HEARD_LOGIN = 1, HEARD_ONLINE = 2, HEARD_OTHERWISE = 4, HEARD_ALWAYS = 7 };

static void greeting(struct client_core *core, const Earshot__ServerFrame *frame)
{
    uint32_t seconds = frame->greeting->heartbeat_seconds;
    core->heartbeat_ms = (int64_t)(seconds < CORE_HEARTBEAT_MOST_S ? seconds : CORE_HEARTBEAT_MOST_S) * 1000;
    pulse_patience(core, (int64_t)frame->greeting->timeout_seconds * 1000);
}

static void answer(struct client_core *core, const Earshot__ServerFrame *frame)
{
    if (core->state == CORE_LOGIN) {
        login_answer(core, frame);
        return;
    }
    if (frame->answers != 0) {
        requests_answer(core, frame);
    } else if (frame->body_case == EARSHOT__SERVER_FRAME__BODY_ERROR) {
        struct earshot_event event = {.type = EARSHOT_EVENT_ERROR, .error = error_from_wire(frame->error->code)};
        event.text = core_text(core, frame->error->text, err_text(codec_error(frame->error->code)));
        core_emit(core, &event);
    }
}

/* A body with a NUL behind it, for those who print it. */
static void put_body(struct client_core *core, ProtobufCBinaryData body, struct earshot_event *event)
{
    char *copy = arena_alloc(&core->text, body.len + 1);
    event->body = "";
    if (copy == NULL)
        return;
    if (body.len > 0)
        memcpy(copy, body.data, body.len);
    copy[body.len] = '\0';
    event->body = copy;
    event->body_len = body.len;
}

static void message(struct client_core *core, const Earshot__ServerFrame *frame)
{
    const Earshot__Message *message = frame->event_message;
    struct name from, to;
    struct earshot_event event = {.type = EARSHOT_EVENT_MESSAGE, .id = message->id, .time_ms = message->time_ms};
    enum err err = positions_note(&core->positions, message->conversation, message->id);
    if (err == ERR_EXISTS)
        return;
    if (err != OK) {
        core_drop(core, "There is no memory for what the server sent.", 0);
        return;
    }
    if (name_parse(slice_of_bytes(message->from), &from) != OK || name_parse(slice_of_bytes(message->to), &to) != OK)
        return;
    event.user = from.text;
    event.stored = message->stored;
    if (slice_equal(name_slice(&from), name_slice(&core->user))) {
        event.type = EARSHOT_EVENT_SENT;
        event.user = to.text;
    }
    put_body(core, message->body, &event);
    core_emit(core, &event);
}

static void broadcast(struct client_core *core, const Earshot__ServerFrame *frame)
{
    struct name from;
    struct earshot_event event = {.type = EARSHOT_EVENT_BROADCAST, .time_ms = frame->event_broadcast->time_ms};
    if (name_parse(slice_of_bytes(frame->event_broadcast->from), &from) != OK)
        return;
    event.user = from.text;
    put_body(core, frame->event_broadcast->body, &event);
    core_emit(core, &event);
}

static void presence(struct client_core *core, const Earshot__ServerFrame *frame)
{
    struct name user;
    if (name_parse(slice_of_bytes(frame->event_presence->user), &user) != OK)
        return;
    core_emit(core, &(struct earshot_event){
                        .type = EARSHOT_EVENT_PRESENCE, .user = user.text, .online = frame->event_presence->online});
}

static void caught_up(struct client_core *core, const Earshot__ServerFrame *frame)
{
    positions_caught_up(&core->positions, frame->caught_up->horizon);
    core_emit(core, &(struct earshot_event){.type = EARSHOT_EVENT_CAUGHT_UP});
}

static void private_request(struct client_core *core, const Earshot__ServerFrame *frame)
{
    if (core->privates != NULL)
        privates_request(core->privates, frame->private_request);
}

static void private_settled(struct client_core *core, const Earshot__ServerFrame *frame)
{
    if (core->privates != NULL)
        privates_settled(core->privates, frame->private_settled);
}

static void signal_of_peer(struct client_core *core, const Earshot__ServerFrame *frame)
{
    if (core->privates != NULL)
        privates_signal(core->privates, frame->signal);
}

/* Farewells after which coming back would be wrong; after any other the connection is made anew. */
static const struct farewell {
    Earshot__Goodbye__Reason from;
    enum earshot_reason reason;
    enum earshot_error error;
    const char *text;
} farewells[] = {
    {EARSHOT__GOODBYE__REASON__REASON_LOGOUT, EARSHOT_REASON_LOGOUT, EARSHOT_OK, "Logged out."},
    {EARSHOT__GOODBYE__REASON__REASON_TIMEOUT, EARSHOT_REASON_TIMEOUT, EARSHOT_UNAVAILABLE,
     "Logged out after too long without a command."},
    {EARSHOT__GOODBYE__REASON__REASON_SHUTDOWN, EARSHOT_REASON_SHUTDOWN, EARSHOT_UNAVAILABLE, "The server stops."},
    {EARSHOT__GOODBYE__REASON__REASON_REPLACED, EARSHOT_REASON_REPLACED, EARSHOT_UNAVAILABLE,
     "This device has connected again elsewhere."},
    {EARSHOT__GOODBYE__REASON__REASON_REVOKED, EARSHOT_REASON_REVOKED, EARSHOT_UNAVAILABLE,
     "This device may no longer be logged in."},
};

static void goodbye(struct client_core *core, const Earshot__ServerFrame *frame)
{
    const Earshot__Goodbye *goodbye = frame->goodbye;
    unsigned retry_after = goodbye->retry_after < RECONNECT_OBEY_S ? goodbye->retry_after : RECONNECT_OBEY_S;
    for (size_t i = 0; i < sizeof farewells / sizeof farewells[0]; i++) {
        const struct farewell *row = &farewells[i];
        if (row->from != goodbye->reason)
            continue;
        if (core->state == CORE_ASKING && row->reason == EARSHOT_REASON_TIMEOUT)
            break; /* people type slowly; their answer connects again */
        if (row->reason == EARSHOT_REASON_REVOKED)
            core->ops->save_token(core->ctx, NULL);
        struct earshot_event closed = {.error = row->error, .reason = row->reason, .retry_after = (int)retry_after};
        closed.text = core_text(core, goodbye->text, row->text);
        core_finish(core, &closed);
        return;
    }
    core_drop(core, core_text(core, goodbye->text, "The server has ended the connection."), retry_after);
}

static const struct row {
    unsigned heard;
    void (*hear)(struct client_core *core, const Earshot__ServerFrame *frame);
} rows[] = {
#define ROW(name) [EARSHOT__SERVER_FRAME__BODY_##name]
    ROW(GREETING) = {HEARD_ALWAYS, greeting},
    ROW(CHALLENGE) = {HEARD_LOGIN, answer},
    ROW(WELCOME) = {HEARD_LOGIN, answer},
    ROW(DONE) = {HEARD_ONLINE, answer},
    ROW(ACCEPTED) = {HEARD_ONLINE, answer},
    ROW(ANNOUNCED) = {HEARD_ONLINE, answer},
    ROW(USERS) = {HEARD_ONLINE, answer},
    ROW(ERROR) = {HEARD_LOGIN | HEARD_ONLINE, answer},
    ROW(EVENT_MESSAGE) = {HEARD_ONLINE, message},
    ROW(EVENT_BROADCAST) = {HEARD_ONLINE, broadcast},
    ROW(EVENT_PRESENCE) = {HEARD_ONLINE, presence},
    ROW(CAUGHT_UP) = {HEARD_ONLINE, caught_up},
    ROW(PRIVATE_REQUEST) = {HEARD_ONLINE, private_request},
    ROW(PRIVATE_SETTLED) = {HEARD_ONLINE, private_settled},
    ROW(SIGNAL) = {HEARD_ONLINE, signal_of_peer},
    ROW(GOODBYE) = {HEARD_ALWAYS, goodbye},
#undef ROW
};

void incoming_frame(struct client_core *core, const Earshot__ServerFrame *frame)
{
    unsigned heard = core->state == CORE_LOGIN ? HEARD_LOGIN : core->state == CORE_ONLINE ? HEARD_ONLINE : HEARD_OTHERWISE;
    size_t kind = (size_t)frame->body_case;
    if (kind < sizeof rows / sizeof rows[0] && rows[kind].hear != NULL && (rows[kind].heard & heard))
        rows[kind].hear(core, frame);
}
