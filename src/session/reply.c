/* reply.c - see reply.h. */
#include "reply.h"

#include <stdio.h>

#define SERVER_NAME "earshotd"

enum { USERS_PER_FRAME = 1000 }; /* of 32 bytes and a little: well under a frame */

/* Without memory for one frame the stream cannot go on. */
static void no_memory(struct session *session)
{
    session->cut = true;
    session_end(session, EARSHOT__GOODBYE__REASON__REASON_SHUTDOWN, "The server is out of memory.");
}

void reply_bytes(struct session *session, struct slice bytes)
{
    if (session->cut || session->link == NULL)
        return;
    enum err err = session->ops->write(session->link, bytes);
    session->written += err == OK ? bytes.len : 0;
    if (err == OK)
        return;
    session->cut = true;
    if (err == ERR_CAP)
        session_end(session, EARSHOT__GOODBYE__REASON__REASON_TOO_SLOW, "Too much waited to be read.");
    else if (err != ERR_STOPPED) /* that is a link on its way out: session_closed() follows */
        no_memory(session);
}

void reply_write(struct session *session, const Earshot__ServerFrame *frame)
{
    struct buf *out = &session->hub->out;
    buf_clear(out);
    enum err err = codec_write_server(frame, out);
    if (err == OK)
        reply_bytes(session, buf_slice(out));
    else
        no_memory(session);
}

void reply_greeting(struct session *session, uint64_t number)
{
    Earshot__Greeting greeting = EARSHOT__GREETING__INIT;
    Earshot__ServerFrame frame = EARSHOT__SERVER_FRAME__INIT;
    greeting.version = WIRE_VERSION;
    greeting.server = bytes_of_slice(slice_str(SERVER_NAME));
    greeting.heartbeat_seconds = (uint32_t)(session->hub->settings.heartbeat_ms / 1000);
    greeting.timeout_seconds = (uint32_t)(session->hub->settings.timeout_ms / 1000);
    frame.answers = number;
    frame.body_case = EARSHOT__SERVER_FRAME__BODY_GREETING;
    frame.greeting = &greeting;
    reply_write(session, &frame);
}

void reply_done(struct session *session, uint64_t number)
{
    Earshot__Done done = EARSHOT__DONE__INIT;
    Earshot__ServerFrame frame = EARSHOT__SERVER_FRAME__INIT;
    frame.answers = number;
    frame.body_case = EARSHOT__SERVER_FRAME__BODY_DONE;
    frame.done = &done;
    if (number != 0)
        reply_write(session, &frame);
}

static void error_frame(struct session *session, uint64_t number, enum err err, unsigned retry_after, const char *text)
{
    Earshot__Error error = EARSHOT__ERROR__INIT;
    Earshot__ServerFrame frame = EARSHOT__SERVER_FRAME__INIT;
    error.code = codec_error_code(err);
    error.text = bytes_of_slice(slice_str(text));
    error.retry_after = retry_after;
    frame.answers = number;
    frame.body_case = EARSHOT__SERVER_FRAME__BODY_ERROR;
    frame.error = &error;
    if (number != 0)
        reply_write(session, &frame);
}

void reply_error(struct session *session, uint64_t number, enum err err, unsigned retry_after)
{
    char text[128];
    snprintf(text, sizeof text, "Wrong password. The account is blocked for %u seconds.", retry_after);
    bool blocks = err == ERR_WRONG_PASSWORD && retry_after > 0;
    error_frame(session, number, err, retry_after, blocks ? text : err_text(err));
}

void reply_accepted(struct session *session, uint64_t number, uint64_t id, int64_t time_ms)
{
    Earshot__Accepted accepted = EARSHOT__ACCEPTED__INIT;
    Earshot__ServerFrame frame = EARSHOT__SERVER_FRAME__INIT;
    accepted.id = id;
    accepted.time_ms = time_ms;
    frame.answers = number;
    frame.body_case = EARSHOT__SERVER_FRAME__BODY_ACCEPTED;
    frame.accepted = &accepted;
    if (number != 0)
        reply_write(session, &frame);
}

static void users_frame(struct session *session, uint64_t number, const struct slice *names, size_t count, bool more)
{
    ProtobufCBinaryData list[USERS_PER_FRAME];
    Earshot__Users users = EARSHOT__USERS__INIT;
    Earshot__ServerFrame frame = EARSHOT__SERVER_FRAME__INIT;
    for (size_t i = 0; i < count; i++)
        list[i] = bytes_of_slice(names[i]);
    users.n_users = count;
    users.users = list;
    users.more = more;
    frame.answers = number;
    frame.body_case = EARSHOT__SERVER_FRAME__BODY_USERS;
    frame.users = &users;
    reply_write(session, &frame);
}

size_t reply_users(struct session *session, uint64_t number, const struct slice *names, size_t count)
{
    size_t part = count > USERS_PER_FRAME ? USERS_PER_FRAME : count;
    users_frame(session, number, names, part, count > part);
    return part;
}
