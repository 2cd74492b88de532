/*
 * cmd_login.c - identify, login, register, resume: from a connection to a participant.
 *
 * A login takes a disk read and mostly a hash. Meanwhile the session's input waits, and what the login needs lives in
 * `credentials`, also when the connection goes before the answer comes.
 */
#include "command.h"
#include "reply.h"

#include "base/log.h"

#include <stdio.h>
#include <stdlib.h>

enum { FAILED_LOGINS_MAX = 10 }; /* on one connection */

struct credentials {
    struct login login; /* first: what chat gives back */
    struct session *session;
    uint64_t number;
    struct name name;
    uint8_t password[WIRE_PASSWORD_MAX];
    uint8_t token[WIRE_TOKEN_SIZE];
    char address[64];
    bool continues;
    uint64_t horizon;
    struct store_position *positions;
    size_t count;
};

static void credentials_free(struct credentials *credentials)
{
    free(credentials->positions);
    secret_wipe(credentials, sizeof *credentials);
    free(credentials);
}

static void write_welcome(struct session *session, const struct credentials *credentials)
{
    const struct login *login = &credentials->login;
    Earshot__Welcome welcome = EARSHOT__WELCOME__INIT;
    Earshot__ServerFrame frame = EARSHOT__SERVER_FRAME__INIT;
    welcome.user = bytes_of_slice(user_name(login->user));
    welcome.token = bytes_of_slice(slice_of(login->device_token.bytes, sizeof login->device_token.bytes));
    welcome.last_number = login->last_number;
    welcome.time_ms = world_wall_ms(session->hub->world);
    frame.answers = credentials->number;
    frame.body_case = EARSHOT__SERVER_FRAME__BODY_WELCOME;
    frame.welcome = &welcome;
    reply_write(session, &frame);
    secret_wipe(session->hub->out.bytes, session->hub->out.size);
}

static void join(struct session *session, const struct credentials *credentials)
{
    const struct resume resume = {
        .continues = credentials->continues,
        .horizon = credentials->horizon,
        .positions = credentials->positions,
        .count = credentials->count,
        .can_private = session->can_private,
    };
    write_welcome(session, credentials);
    enum err err = participant_join(session->hub->shard, &credentials->login, &resume, &tell_ops, session, &session->participant);
    if (err != OK) {
        if (err == ERR_WRONG_PASSWORD)
            session_end(session, EARSHOT__GOODBYE__REASON__REASON_REVOKED, "This device may no longer be logged in.");
        else
            session_end(session, EARSHOT__GOODBYE__REASON__REASON_FULL, "The server is out of memory.");
        return;
    }
    session->state = STATE_ONLINE;
    if (session->link != NULL)
        session->ops->hold(session->link); /* till it has caught up: mostly that is one look into the store */
    session->command_ms = world_mono_ms(session->hub->world);
    (void)timer_start(session->hub->world->timers, &session->timer, session->command_ms); /* deadlines have changed */
    log_event(LOG_INFO, "session_started", log_slice("user", user_name(credentials->login.user)),
              log_str("peer", session->address));
}

static void refuse(struct session *session, const struct credentials *credentials)
{
    const struct login *login = &credentials->login;
    static struct log_limit limit; /* a token that is wrong costs nothing */
    log_event_limited(&limit, world_mono_ms(session->hub->world), LOG_INFO, "login_refused",
                      log_slice("user", name_slice(&credentials->name)), log_str("peer", session->address),
                      log_str("error", err_name(login->err)));
    reply_error(session, credentials->number, login->err, login->retry_after);
    bool ours = login->err == ERR_UNAVAILABLE || login->err == ERR_NOT_STORED; /* no fault of the client's */
    if (!ours && ++session->failed_logins >= FAILED_LOGINS_MAX)
        session_end(session, EARSHOT__GOODBYE__REASON__REASON_PROTOCOL, "Too many failed logins.");
}

static void login_done(struct login *login)
{
    struct credentials *credentials = (struct credentials *)login;
    struct session *session = credentials->session;
    if (session->state == STATE_ENDING) {
        /* it went meanwhile */
    } else if (login->err == OK) {
        join(session, credentials);
    } else {
        refuse(session, credentials);
    }
    session->credentials = NULL;
    credentials_free(credentials);
    if (session->link == NULL)
        session_end_detached(session);
    else
        session_go_on(session);
}

/* Its answer comes soon, so that of what was sent with it may wait. */
static void begin(struct session *session, struct credentials *credentials)
{
    session->credentials = credentials;
    session->ops->hold(session->link);
}

static enum err credentials_new(struct session *session, const struct request *request, struct credentials **out)
{
    struct credentials *credentials = calloc(1, sizeof *credentials);
    if (credentials == NULL)
        return ERR_UNAVAILABLE;
    credentials->session = session;
    credentials->number = request->number;
    snprintf(credentials->address, sizeof credentials->address, "%s", session->address);
    credentials->login.address = credentials->address;
    credentials->login.done = login_done;
    *out = credentials;
    return OK;
}

static enum err set_name(struct credentials *credentials, ProtobufCBinaryData user)
{
    enum err err = name_parse(slice_of_bytes(user), &credentials->name);
    credentials->login.name = name_slice(&credentials->name);
    return err;
}

static void set_password(struct credentials *credentials, ProtobufCBinaryData password)
{
    memcpy(credentials->password, password.data, password.len);
    credentials->login.password = slice_of(credentials->password, password.len);
}

static void set_token(struct credentials *credentials, ProtobufCBinaryData token)
{
    if (token.len != sizeof credentials->token)
        return;
    memcpy(credentials->token, token.data, token.len);
    credentials->login.token = slice_of(credentials->token, token.len);
}

enum err cmd_identify(struct session *session, const struct request *request)
{
    struct name name;
    unsigned retry_after = 0;
    enum err err = name_parse(slice_of_bytes(request->frame->identify->user), &name);
    if (err != OK)
        return err;
    err = login_identify(session->hub->shard, name_slice(&name), session->address, &retry_after);
    if (err != OK && err != ERR_UNKNOWN_USER) {
        reply_error(session, request->number, err, retry_after);
        return OK;
    }
    Earshot__Challenge challenge = EARSHOT__CHALLENGE__INIT;
    Earshot__ServerFrame frame = EARSHOT__SERVER_FRAME__INIT;
    challenge.kind = err == OK ? EARSHOT__CHALLENGE__KIND__KIND_PASSWORD : EARSHOT__CHALLENGE__KIND__KIND_NEW_ACCOUNT;
    frame.answers = request->number;
    frame.body_case = EARSHOT__SERVER_FRAME__BODY_CHALLENGE;
    frame.challenge = &challenge;
    reply_write(session, &frame);
    return OK;
}

/* The steps that login and register have in common. */
static enum err with_password(struct session *session, const struct request *request, ProtobufCBinaryData user,
                              ProtobufCBinaryData password, struct credentials **out)
{
    struct credentials *credentials;
    enum err err = password_check(slice_of_bytes(password));
    if (err == OK)
        err = credentials_new(session, request, &credentials);
    if (err != OK)
        return err;
    err = set_name(credentials, user);
    if (err != OK) {
        credentials_free(credentials);
        return err;
    }
    set_password(credentials, password);
    *out = credentials;
    return OK;
}

enum err cmd_login(struct session *session, const struct request *request)
{
    const Earshot__Login *login = request->frame->login;
    struct credentials *credentials;
    enum err err = with_password(session, request, login->user, login->password, &credentials);
    if (err != OK)
        return err;
    set_token(credentials, login->token);
    begin(session, credentials);
    login_with_password(session->hub->shard, &credentials->login);
    return OK;
}

enum err cmd_register(struct session *session, const struct request *request)
{
    const Earshot__Register *registers = request->frame->register_;
    struct credentials *credentials;
    enum err err = password_check_new(slice_of_bytes(registers->password));
    if (err == OK)
        err = with_password(session, request, registers->user, registers->password, &credentials);
    if (err != OK)
        return err;
    begin(session, credentials);
    login_register(session->hub->shard, &credentials->login);
    return OK;
}

static enum err copy_positions(struct credentials *credentials, const Earshot__Resume *resume)
{
    credentials->positions = calloc(resume->n_positions + 1, sizeof *credentials->positions);
    if (credentials->positions == NULL)
        return ERR_UNAVAILABLE;
    for (size_t i = 0; i < resume->n_positions; i++)
        credentials->positions[i] = (struct store_position){resume->positions[i]->conversation, resume->positions[i]->id};
    credentials->count = resume->n_positions;
    return OK;
}

enum err cmd_resume(struct session *session, const struct request *request)
{
    const Earshot__Resume *resume = request->frame->resume;
    struct credentials *credentials;
    enum err err = credentials_new(session, request, &credentials);
    if (err != OK)
        return err;
    err = copy_positions(credentials, resume);
    if (err != OK) {
        credentials_free(credentials);
        return err;
    }
    credentials->continues = resume->continues;
    credentials->horizon = resume->horizon;
    set_token(credentials, resume->token);
    begin(session, credentials);
    login_with_token(session->hub->shard, &credentials->login);
    return OK;
}
