/*
 * requests.c - one row a request: how it is put on the wire, what answers it, and what happens to it when the connection is lost
 * before the answer. A new request is one row here, one function in api.c, and one here to fill in its fields if it has any.
 */
#include "core_private.h"
#include "errors.h"
#include <assert.h>
#include <stdlib.h>

static ProtobufCBinaryData text_of(const struct request *request)
{
    return bytes_of_slice(slice_of(request->body, request->body_len));
}

static ProtobufCBinaryData user_of(const struct request *request)
{
    return bytes_of_slice(name_slice(&request->user));
}

/* The body of a change of password: the present one, a NUL, the other one. */
static void passwords_of(const struct request *request, struct slice *current, struct slice *another)
{
    const uint8_t *nul = memchr(request->body, '\0', request->body_len);
    size_t len = nul != NULL ? (size_t)(nul - request->body) : request->body_len;
    size_t skipped = nul != NULL ? len + 1 : len;
    *current = slice_of(request->body, len);
    *another = slice_of(request->body + skipped, request->body_len - skipped);
}

static ProtobufCBinaryData channel_of(const struct request *request)
{
    return bytes_of_slice(slice_of(request->channel, sizeof request->channel));
}

static void fill_message(const struct request *request, Earshot__ClientFrame *frame)
{
    frame->message->to = user_of(request);
    frame->message->body = text_of(request);
}

static void fill_broadcast(const struct request *request, Earshot__ClientFrame *frame)
{
    frame->broadcast->body = text_of(request);
}

static void fill_whoelsesince(const struct request *request, Earshot__ClientFrame *frame)
{
    frame->whoelsesince->seconds = request->seconds;
}

static void fill_block(const struct request *request, Earshot__ClientFrame *frame)
{
    frame->block->user = user_of(request);
}

static void fill_unblock(const struct request *request, Earshot__ClientFrame *frame)
{
    frame->unblock->user = user_of(request);
}

static void fill_password(const struct request *request, Earshot__ClientFrame *frame)
{
    struct slice current, another;
    passwords_of(request, &current, &another);
    frame->password->current = bytes_of_slice(current);
    frame->password->another = bytes_of_slice(another);
}

static void fill_startprivate(const struct request *request, Earshot__ClientFrame *frame)
{
    frame->startprivate->user = user_of(request);
    frame->startprivate->channel = channel_of(request);
}

static void fill_answerprivate(const struct request *request, Earshot__ClientFrame *frame)
{
    frame->answerprivate->user = user_of(request);
    frame->answerprivate->accept = request->accept;
    frame->answerprivate->channel = channel_of(request);
    frame->answerprivate->device = request->device;
    frame->answerprivate->nonce = text_of(request);
}

static void fill_stopprivate(const struct request *request, Earshot__ClientFrame *frame)
{
    frame->stopprivate->user = user_of(request);
    frame->stopprivate->channel = channel_of(request);
}

static void fill_signal(const struct request *request, Earshot__ClientFrame *frame)
{
    frame->signal->user = user_of(request);
    frame->signal->channel = channel_of(request);
    frame->signal->device = request->device;
    frame->signal->payload = text_of(request);
}

enum when_lost {
    ASK_AGAIN,          /* silently: asking twice is harmless */
    ASK_AGAIN_AND_TELL, /* the server recognises it by its number */
    NOT_TWICE,          /* nobody would recognise it */
};

static const struct rule {
    Earshot__ServerFrame__BodyCase answer;                                    /* 0 in a row that is not there */
    void (*fill)(const struct request *request, Earshot__ClientFrame *frame); /* its fields; NULL if it has none */
    enum when_lost when_lost;
    enum err done_before; /* asked a second time, this refusal means that the first time worked */
    bool private;         /* answered to private.c, not to the user */
    const char *in_doubt; /* what is said if it was sent, and cannot be sent again, and no answer will come */
} rules[] = {
#define ROW(answer, ...)                                                                                                         \
    {                                                                                                                            \
        EARSHOT__SERVER_FRAME__BODY_##answer, __VA_ARGS__                                                                        \
    }
    [REQUEST(MESSAGE)] = ROW(ACCEPTED, fill_message, ASK_AGAIN_AND_TELL, OK),
    [REQUEST(BROADCAST)] = ROW(ANNOUNCED, fill_broadcast, NOT_TWICE, OK,
                               .in_doubt = "The connection was lost; the broadcast may or may not have been sent."),
    [REQUEST(WHOELSE)] = ROW(USERS, NULL, ASK_AGAIN, OK),
    [REQUEST(WHOELSESINCE)] = ROW(USERS, fill_whoelsesince, ASK_AGAIN, OK),
    [REQUEST(BLOCK)] = ROW(DONE, fill_block, ASK_AGAIN, ERR_ALREADY_BLOCKED),
    [REQUEST(UNBLOCK)] = ROW(DONE, fill_unblock, ASK_AGAIN, ERR_NOT_BLOCKED),
    [REQUEST(PASSWORD)] = ROW(DONE, fill_password, NOT_TWICE, OK,
                              .in_doubt = "The connection was lost; the password may or may not have been changed."),
    [REQUEST(STARTPRIVATE)] = ROW(DONE, fill_startprivate, ASK_AGAIN, OK, true),
    [REQUEST(ANSWERPRIVATE)] = ROW(DONE, fill_answerprivate, ASK_AGAIN, OK, true),
    [REQUEST(STOPPRIVATE)] = ROW(DONE, fill_stopprivate, ASK_AGAIN, OK, true),
    [REQUEST(SIGNAL)] = ROW(DONE, fill_signal, ASK_AGAIN, OK, true),
#undef ROW
};

bool requests_have(int kind)
{
    return kind >= 0 && kind < (int)(sizeof rules / sizeof rules[0]) && rules[kind].answer != 0;
}

bool requests_are_private(int kind)
{
    assert(kind < 0 || requests_have(kind));
    return kind < 0 || rules[kind].private;
}

/* ---- sending ---- */

Earshot__Position **requests_positions(struct client_core *core, const struct position *const from[], size_t count)
{
    Earshot__Position **list = arena_array(&core->frame, count + 1, sizeof(void *));
    Earshot__Position *positions = arena_array(&core->frame, count + 1, sizeof *positions);
    if (list == NULL || positions == NULL)
        return NULL;
    for (size_t i = 0; i < count; i++) {
        list[i] = &positions[i];
        earshot__position__init(&positions[i]);
        positions[i].conversation = from[i]->conversation;
        positions[i].id = from[i]->id;
    }
    return list;
}

static void send_received(struct client_core *core)
{
    const struct position *due[POSITIONS_FRAME];
    size_t count = 0;
    while (count < POSITIONS_FRAME && (due[count] = positions_take_due(&core->positions)) != NULL)
        count++;
    Earshot__Received received = EARSHOT__RECEIVED__INIT;
    Earshot__ClientFrame frame = EARSHOT__CLIENT_FRAME__INIT;
    arena_reset(&core->frame);
    received.positions = requests_positions(core, due, count);
    received.n_positions = received.positions != NULL ? count : 0;
    frame.body_case = EARSHOT__CLIENT_FRAME__BODY_RECEIVED;
    frame.received = &received;
    /* One that cannot be sent costs a repetition later, which is then recognised. */
    (void)core_write(core, &frame);
}

static enum err send_request(struct client_core *core, struct request *request)
{
    const struct rule *rule = &rules[request->kind];
    Earshot__ClientFrame frame = EARSHOT__CLIENT_FRAME__INIT;
    frame.number = request->number != 0 ? request->number : core->number + 1;
    arena_reset(&core->frame);
    enum err err = codec_begin_client(&frame, (Earshot__ClientFrame__BodyCase)request->kind, &core->frame);
    if (err != OK)
        return err;
    if (rule->fill != NULL)
        rule->fill(request, &frame);
    if (request->kind == REQUEST(PASSWORD)) {
        uint8_t *space;
        (void)buf_reserve(&core->out, 2048, &space); /* so that growing leaves no copy behind */
    }
    err = core_write(core, &frame);
    if (err != OK)
        return err;
    if (request->kind == REQUEST(PASSWORD))
        core->secret_out = true; /* and nothing follows it */
    core->number = frame.number > core->number ? frame.number : core->number;
    outbox_sent(&core->outbox, request, frame.number);
    return OK;
}

static void look_again(struct client_core *core, int64_t when)
{
    if (when > world_mono_ms(core->world) && (core->slow.place == 0 || core->slow.due > when))
        core_start_timer(core, &core->slow, when - world_mono_ms(core->world));
}

static bool may_ask(const struct client_core *core)
{
    return core->outbox.unsent != NULL && core->outbox.in_flight < CORE_IN_FLIGHT && buf_len(&core->out) < CORE_OUT_HIGH &&
           !core->secret_out && world_mono_ms(core->world) >= core->paused_until;
}

/* Acknowledgements go with whatever goes out anyway, with a logout, or when they are due. */
static void send_acknowledgements(struct client_core *core)
{
    int64_t now = world_mono_ms(core->world);
    bool leaving = core->logout_id != 0 && core->outbox.count == 0;
    bool now_or_never = leaving || now >= core->next_ack || may_ask(core);
    while (now_or_never && core->positions.first_due != NULL && buf_len(&core->out) < CORE_OUT_HIGH) {
        send_received(core);
        core->next_ack = now + CORE_ACK_MS;
    }
    if (core->positions.first_due != NULL)
        look_again(core, core->next_ack);
}

void requests_send(struct client_core *core)
{
    send_acknowledgements(core);
    while (may_ask(core)) {
        if (send_request(core, core->outbox.unsent) != OK)
            break;
    }
    if (core->outbox.unsent != NULL)
        look_again(core, core->paused_until);
}

/* ---- answers ---- */

/* It leaves the outbox before the callback may look at it. */
static void settle(struct client_core *core, struct request *request, struct earshot_event *event)
{
    event->request = request->id;
    outbox_take(&core->outbox, request);
    core->progress = world_mono_ms(core->world);
    core->anew = false;
    if (rules[request->kind].private)
        privates_answered(core->privates, request, event->error, event->text);
    else
        core_emit(core, event);
    request_free(&request);
}

/* For a device that has to log in with it again, should its token end. */
static void remember_password(struct client_core *core, const struct request *request)
{
    struct slice current, another;
    passwords_of(request, &current, &another);
    if (core->password_len == 0 || another.len > WIRE_PASSWORD_MAX)
        return;
    secret_wipe(core->password, sizeof core->password);
    memcpy(core->password, another.data, another.len);
    core->password_len = another.len;
}

void requests_fail(struct client_core *core, struct request *request, enum earshot_error error, const char *text)
{
    settle(core, request, &(struct earshot_event){.type = EARSHOT_EVENT_ERROR, .error = error, .text = text});
}

static void refused(struct client_core *core, struct request *request, const Earshot__Error *error)
{
    enum err err = codec_error(error->code);
    if ((request->repeated || request->kind == REQUEST(SIGNAL)) && err == ERR_RATE_LIMITED) {
        /* The user did not hurry, the reconnect or the channel did. */
        int64_t wait_s = error->retry_after < 1 ? 1 : error->retry_after;
        outbox_again(&core->outbox, request);
        core->paused_until = world_mono_ms(core->world) + (wait_s < CORE_PAUSE_MOST_S ? wait_s : CORE_PAUSE_MOST_S) * 1000;
        return;
    }
    struct earshot_event event = {.type = EARSHOT_EVENT_OK};
    if (!request->repeated || err == OK || err != rules[request->kind].done_before) {
        event.type = EARSHOT_EVENT_ERROR;
        event.error = error_from_wire(error->code);
        event.text = err == ERR_UNKNOWN_COMMAND ? "This server does not know that command; it may be older than this program."
                                                : core_text(core, error->text, err_text(err));
        event.retry_after = error->retry_after < INT32_MAX ? (int)error->retry_after : INT32_MAX;
    }
    settle(core, request, &event);
}

static void settle_users(struct client_core *core, struct request *request)
{
    const char **names = calloc(request->user_count + 1, sizeof *names);
    if (names == NULL) {
        requests_fail(core, request, EARSHOT_NO_MEMORY, "There is no memory for so many names.");
        return;
    }
    const char *at = (const char *)request->users;
    for (size_t i = 0; i < request->user_count; i++, at += strlen(at) + 1)
        names[i] = at;
    settle(core, request,
           &(struct earshot_event){.type = EARSHOT_EVENT_USERS, .users = names, .user_count = request->user_count});
    free(names);
}

static void take_users(struct client_core *core, struct request *request, const Earshot__Users *users)
{
    for (size_t i = 0; i < users->n_users; i++) {
        struct name name;
        if (name_parse(slice_of_bytes(users->users[i]), &name) != OK)
            continue;
        if (outbox_add_user(&core->outbox, request, &name) != OK) {
            requests_fail(core, request, EARSHOT_UNAVAILABLE, "The answer is too long.");
            return;
        }
    }
    if (!users->more)
        settle_users(core, request);
}

void requests_answer(struct client_core *core, const Earshot__ServerFrame *frame)
{
    struct request *request = outbox_find(&core->outbox, frame->answers);
    struct earshot_event event = {.type = EARSHOT_EVENT_OK};
    if (request == NULL)
        return; /* a pong, or nonsense */
    if (frame->body_case == EARSHOT__SERVER_FRAME__BODY_ERROR) {
        refused(core, request, frame->error);
    } else if (frame->body_case != rules[request->kind].answer) {
        requests_fail(core, request, EARSHOT_UNAVAILABLE, "The server's answer does not fit the question.");
    } else if (frame->body_case == EARSHOT__SERVER_FRAME__BODY_USERS) {
        take_users(core, request, frame->users);
    } else {
        if (frame->body_case == EARSHOT__SERVER_FRAME__BODY_ACCEPTED) {
            event.id = frame->accepted->id;
            event.time_ms = frame->accepted->time_ms;
        } else if (frame->body_case == EARSHOT__SERVER_FRAME__BODY_ANNOUNCED) {
            event.delivered = frame->announced->delivered;
            event.withheld = frame->announced->withheld;
        } else if (request->kind == REQUEST(PASSWORD)) {
            remember_password(core, request);
        }
        settle(core, request, &event);
    }
}

/* ---- loss ---- */

void requests_lost(struct client_core *core)
{
    struct request *next;
    for (struct request *request = core->outbox.first; request != NULL; request = next) {
        /* Callbacks may add requests, at the end; they take none away. */
        bool sent = request->in_flight;
        enum when_lost when_lost = rules[request->kind].when_lost;
        if (sent)
            outbox_again(&core->outbox, request);
        struct earshot_event notice = {.type = EARSHOT_EVENT_ERROR, .request = request->id, .error = EARSHOT_NOT_ACCEPTED};
        notice.text = "The connection was lost before the answer; the message will be sent again.";
        if (sent && when_lost == ASK_AGAIN_AND_TELL)
            core_emit(core, &notice);
        next = request->next;
        if (sent && when_lost == NOT_TWICE)
            requests_fail(core, request, EARSHOT_UNAVAILABLE, rules[request->kind].in_doubt);
    }
}

void requests_device_changed(struct client_core *core)
{
    struct request *next;
    for (struct request *request = core->outbox.first; request != NULL; request = next) {
        next = request->next;
        if (request->repeated && rules[request->kind].when_lost == ASK_AGAIN_AND_TELL)
            requests_fail(core, request, EARSHOT_UNAVAILABLE,
                          "The connection was lost; the message may or may not have been sent.");
    }
}

void requests_fail_all(struct client_core *core, const char *text)
{
    struct request *request;
    while ((request = core->outbox.first) != NULL) {
        const char *in_doubt = request->in_flight ? rules[request->kind].in_doubt : NULL;
        requests_fail(core, request, EARSHOT_UNAVAILABLE, in_doubt != NULL ? in_doubt : text);
    }
}
