/* frames.c - what members say. */
#include "crowd.h"

#include <stdio.h>

enum err member_write(struct member *member, const Earshot__ClientFrame *frame)
{
    struct buf *out = &member->crowd->out;
    if (member->conn == NULL)
        return ERR_STOPPED;
    buf_clear(out);
    enum err err = codec_write_client(frame, out);
    return err == OK ? conn_write(member->conn, buf_slice(out)) : err;
}

static void write_empty(struct member *member, Earshot__ClientFrame__BodyCase body, uint64_t number)
{
    struct crowd *crowd = member->crowd;
    Earshot__ClientFrame frame = EARSHOT__CLIENT_FRAME__INIT;
    frame.number = number;
    if (codec_begin_client(&frame, body, &crowd->arena) == OK)
        (void)member_write(member, &frame);
}

static void write_password(struct member *member)
{
    struct crowd *crowd = member->crowd;
    char name[WIRE_NAME_MAX + 1], password[WIRE_PASSWORD_MAX + 1];
    const char *mark = strchr(crowd->password, '%');
    Earshot__Login login = EARSHOT__LOGIN__INIT;
    Earshot__ClientFrame frame = EARSHOT__CLIENT_FRAME__INIT;
    member_name(member, name);
    if (mark != NULL)
        snprintf(password, sizeof password, "%.*s%s%s", (int)(mark - crowd->password), crowd->password, name, mark + 1);
    else
        snprintf(password, sizeof password, "%s", crowd->password);
    login.user = bytes_of_slice(slice_str(name));
    login.password = bytes_of_slice(slice_str(password));
    frame.number = 2;
    frame.body_case = EARSHOT__CLIENT_FRAME__BODY_LOGIN;
    frame.login = &login;
    (void)member_write(member, &frame);
}

static void write_token(struct member *member)
{
    Earshot__Resume resume = EARSHOT__RESUME__INIT;
    Earshot__ClientFrame frame = EARSHOT__CLIENT_FRAME__INIT;
    resume.token = bytes_of_slice(slice_of(member->token, sizeof member->token));
    frame.number = 2;
    frame.body_case = EARSHOT__CLIENT_FRAME__BODY_RESUME;
    frame.resume = &resume;
    (void)member_write(member, &frame);
}

void member_login(struct member *member)
{
    Earshot__Hello hello = EARSHOT__HELLO__INIT;
    Earshot__ClientFrame frame = EARSHOT__CLIENT_FRAME__INIT;
    hello.version = WIRE_VERSION;
    frame.number = 1;
    frame.body_case = EARSHOT__CLIENT_FRAME__BODY_HELLO;
    frame.hello = &hello;
    (void)member_write(member, &frame);
    if (member->number < 2)
        member->number = 2;
    if (member->by_token && !member->forgotten)
        write_token(member);
    else
        write_password(member);
}

enum err member_send(struct member *member, unsigned to, struct slice body)
{
    char name[WIRE_NAME_MAX + 1];
    Earshot__SendMessage message = EARSHOT__SEND_MESSAGE__INIT;
    Earshot__ClientFrame frame = EARSHOT__CLIENT_FRAME__INIT;
    member_name(&member->crowd->members[to], name);
    message.to = bytes_of_slice(slice_str(name));
    message.body = bytes_of_slice(body);
    frame.number = ++member->number;
    frame.body_case = EARSHOT__CLIENT_FRAME__BODY_MESSAGE;
    frame.message = &message;
    return member_write(member, &frame);
}

void member_ask_who(struct member *member, int64_t since)
{
    Earshot__WhoElse now = EARSHOT__WHO_ELSE__INIT;
    Earshot__WhoElseSince then = EARSHOT__WHO_ELSE_SINCE__INIT;
    Earshot__ClientFrame frame = EARSHOT__CLIENT_FRAME__INIT;
    frame.number = ++member->number;
    if (since < 0) {
        frame.body_case = EARSHOT__CLIENT_FRAME__BODY_WHOELSE;
        frame.whoelse = &now;
    } else {
        then.seconds = (uint64_t)since;
        frame.body_case = EARSHOT__CLIENT_FRAME__BODY_WHOELSESINCE;
        frame.whoelsesince = &then;
    }
    (void)member_write(member, &frame);
}

void member_beat(struct member *member)
{
    struct crowd *crowd = member->crowd;
    if (member->state != STATE_ONLINE || member->heartbeat_ms == 0)
        return;
    write_empty(member, EARSHOT__CLIENT_FRAME__BODY_PING, 0);
    (void)timer_start(loop_world(crowd->loop)->timers, &member->heartbeat, now_ms(crowd) + member->heartbeat_ms);
}

void member_logout(struct member *member)
{
    if (member->state != STATE_ONLINE)
        return;
    write_empty(member, EARSHOT__CLIENT_FRAME__BODY_LOGOUT, ++member->number);
    member->forgotten = true;
}

/* Cumulative, for the conversation that spoke last. */
void member_acknowledge(struct member *member)
{
    Earshot__Position position = EARSHOT__POSITION__INIT, *positions[] = {&position};
    Earshot__Received received = EARSHOT__RECEIVED__INIT;
    Earshot__ClientFrame frame = EARSHOT__CLIENT_FRAME__INIT;
    position.conversation = member->conversation;
    position.id = member->last_id;
    received.n_positions = 1;
    received.positions = positions;
    frame.body_case = EARSHOT__CLIENT_FRAME__BODY_RECEIVED;
    frame.received = &received;
    (void)member_write(member, &frame);
    member->received = false;
}
