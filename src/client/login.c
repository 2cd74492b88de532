/*
 * login.c - from an open connection to Welcome.
 *
 * Hello and the first login frame go out in one write. Which frame: a token of this run, else the password, else a saved token,
 * else Identify, which finds out what to ask the user for.
 */
#include "core_private.h"
#include "errors.h"

static void ask(struct client_core *core, enum question question, enum earshot_event_type type)
{
    core->state = CORE_ASKING;
    core->question = question;
    timer_stop(core->world->timers, &core->deadline);
    core_emit(core, &(struct earshot_event){.type = type, .user = core->user.len > 0 ? core->user.text : NULL});
}

static void fill_resume(struct client_core *core, Earshot__Resume *resume)
{
    const struct position *since[POSITIONS_FRAME];
    resume->token = bytes_of_slice(slice_of(core->token.bytes, TOKEN_SIZE));
    /* Without a horizon the server goes by what was acknowledged, and what comes twice is dropped by its position. */
    if (!core->was_online || !core->positions.caught_up)
        return;
    size_t count = positions_since_horizon(&core->positions, since, POSITIONS_FRAME);
    arena_reset(&core->frame);
    resume->positions = requests_positions(core, since, count);
    resume->n_positions = resume->positions != NULL ? count : 0;
    resume->horizon = core->positions.horizon;
    resume->continues = true;
}

static void send_step(struct client_core *core, enum login_step step)
{
    Earshot__ClientFrame frame = EARSHOT__CLIENT_FRAME__INIT;
    Earshot__Identify identify = EARSHOT__IDENTIFY__INIT;
    Earshot__Login login = EARSHOT__LOGIN__INIT;
    Earshot__Register new_account = EARSHOT__REGISTER__INIT;
    Earshot__Resume resume = EARSHOT__RESUME__INIT;
    ProtobufCBinaryData password = bytes_of_slice(slice_of(core->password, core->password_len));
    frame.number = core->login_number = core->login_number + 1;
    core->step = step;
    core->secret_out = true;
    if (step == LOGIN_IDENTIFY) {
        frame.body_case = EARSHOT__CLIENT_FRAME__BODY_IDENTIFY;
        frame.identify = &identify;
        identify.user = bytes_of_slice(name_slice(&core->user));
    } else if (step == LOGIN_PASSWORD) {
        frame.body_case = EARSHOT__CLIENT_FRAME__BODY_LOGIN;
        frame.login = &login;
        login.user = bytes_of_slice(name_slice(&core->user));
        login.password = password;
        if (core->has_token)
            login.token = bytes_of_slice(slice_of(core->token.bytes, TOKEN_SIZE));
    } else if (step == LOGIN_REGISTER) {
        frame.body_case = EARSHOT__CLIENT_FRAME__BODY_REGISTER;
        frame.register_ = &new_account;
        new_account.user = bytes_of_slice(name_slice(&core->user));
        new_account.password = password;
    } else {
        frame.body_case = EARSHOT__CLIENT_FRAME__BODY_RESUME;
        frame.resume = &resume;
        fill_resume(core, &resume);
    }
    (void)core_write(core, &frame); /* what cannot be sent is not answered: the deadline ends it */
}

static void send_hello(struct client_core *core)
{
    Earshot__Hello hello = EARSHOT__HELLO__INIT;
    Earshot__ClientFrame frame = EARSHOT__CLIENT_FRAME__INIT;
    uint8_t *space;
    uint32_t capabilities[] = {EARSHOT__CAPABILITY__CAPABILITY_PRIVATE};
    hello.capabilities = capabilities;
    hello.n_capabilities = core->privates != NULL ? 1 : 0;
    hello.version = WIRE_VERSION;
    hello.client = bytes_of_slice(slice_str(core->client));
    core->login_number = frame.number = 1;
    frame.body_case = EARSHOT__CLIENT_FRAME__BODY_HELLO;
    frame.hello = &hello;
    (void)buf_reserve(&core->out, 2048, &space); /* so that growing leaves no copy of a password behind */
    (void)core_write(core, &frame);
}

/* What to send for a user who is known. */
static enum login_step first_step(const struct client_core *core)
{
    if (core->wants_account)
        return LOGIN_REGISTER;
    if (core->has_token && (core->was_online || core->password_len == 0))
        return LOGIN_RESUME;
    return core->password_len > 0 ? LOGIN_PASSWORD : LOGIN_IDENTIFY;
}

static void load_token(struct client_core *core)
{
    if (!core->was_online && !core->has_token)
        core->has_token = core->ops->load_token(core->ctx, &core->user, &core->token);
}

void login_begin(struct client_core *core)
{
    core->step = LOGIN_NONE;
    core->asks_if_open = false;
    send_hello(core);
    if (core->user.len == 0) {
        core_flush(core);
        ask(core, QUESTION_USER, EARSHOT_EVENT_NEED_USER);
        return;
    }
    load_token(core);
    send_step(core, first_step(core));
}

void login_answered_question(struct client_core *core)
{
    core->answered = false;
    core->question = QUESTION_NONE;
    if (core->state != CORE_ASKING)
        return;
    if (!core->up) {
        core_connect(core);
        return;
    }
    core->state = CORE_LOGIN;
    core_start_timer(core, &core->deadline, CORE_LOGIN_MS);
    load_token(core);
    send_step(core, first_step(core));
}

static void unknown_user(struct client_core *core, const char *text, unsigned retry_after)
{
    if (core->register_unknown && core->password_len > 0)
        send_step(core, LOGIN_REGISTER);
    else if (core->ask_register || core->register_unknown)
        ask(core, QUESTION_ACCOUNT, EARSHOT_EVENT_NEW_ACCOUNT);
    else
        core_finish_error(core, EARSHOT_UNKNOWN_USER, text, retry_after);
}

/*
 * A server that takes no new accounts answers an unknown name like a wrong password, so that nobody learns which names exist.
 * Whoever wants an account is not helped by that: asked for one, the server says that it takes none, whatever the name.
 */
static void ask_if_open(struct client_core *core)
{
    core->asks_if_open = true;
    send_step(core, LOGIN_REGISTER);
}

static void said_if_open(struct client_core *core, enum err err)
{
    core->asks_if_open = false;
    if (err == ERR_REGISTRATION_CLOSED)
        core_finish_error(core, EARSHOT_REGISTRATION_CLOSED,
                          "The password is wrong, or there is no such user and this server does not take new accounts.", 0);
    else
        core_finish_error(core, EARSHOT_WRONG_PASSWORD, err_text(ERR_WRONG_PASSWORD), 0);
}

static void bad_token(struct client_core *core)
{
    core->has_token = false;
    secret_wipe(&core->token, sizeof core->token);
    core->ops->save_token(core->ctx, NULL);
    send_step(core, core->password_len > 0 ? LOGIN_PASSWORD : LOGIN_IDENTIFY);
}

static void challenged(struct client_core *core, const Earshot__Challenge *challenge)
{
    if (core->step != LOGIN_IDENTIFY)
        return;
    if (challenge->kind == EARSHOT__CHALLENGE__KIND__KIND_NEW_ACCOUNT)
        unknown_user(core, err_text(ERR_UNKNOWN_USER), 0);
    else
        ask(core, QUESTION_PASSWORD, EARSHOT_EVENT_NEED_PASSWORD);
}

/* Somebody who types may mistype; the server counts, and says with retry_after when it has been too often. */
static bool may_type_again(const struct client_core *core, enum err err, unsigned retry_after)
{
    bool password = err == ERR_BAD_PASSWORD || (err == ERR_WRONG_PASSWORD && core->step == LOGIN_PASSWORD);
    return password && core->password_typed && retry_after == 0;
}

/* With retry_after the name is blocked now, which is what has to be said. */
static bool would_register(const struct client_core *core, enum err err, unsigned retry_after)
{
    return err == ERR_WRONG_PASSWORD && core->step == LOGIN_PASSWORD && core->register_unknown && !core->was_online &&
           retry_after == 0;
}

static void ask_for_another_password(struct client_core *core, enum earshot_error error, const char *text)
{
    bool account = core->step == LOGIN_REGISTER;
    secret_wipe(core->password, sizeof core->password);
    core->password_len = 0;
    core->password_typed = core->wants_account = false;
    core_emit(core, &(struct earshot_event){.type = EARSHOT_EVENT_ERROR, .error = error, .text = text});
    if (account)
        ask(core, QUESTION_ACCOUNT, EARSHOT_EVENT_NEW_ACCOUNT);
    else
        ask(core, QUESTION_PASSWORD, EARSHOT_EVENT_NEED_PASSWORD);
}

static void refused(struct client_core *core, const Earshot__Error *error)
{
    enum err err = codec_error(error->code);
    const char *text = core_text(core, error->text, err_text(err));
    bool passing = err == ERR_UNAVAILABLE || err == ERR_RATE_LIMITED || err == ERR_NOT_STORED;
    if (core->asks_if_open)
        said_if_open(core, err);
    else if (core->step == LOGIN_RESUME && err == ERR_BAD_TOKEN)
        bad_token(core);
    else if (core->step == LOGIN_PASSWORD && err == ERR_UNKNOWN_USER)
        unknown_user(core, text, error->retry_after);
    else if (may_type_again(core, err, error->retry_after))
        ask_for_another_password(core, error_from_wire(error->code), text);
    else if (would_register(core, err, error->retry_after))
        ask_if_open(core);
    else if (core->was_online && passing)
        core_drop(core, text, error->retry_after);
    else
        core_finish_error(core, error_from_wire(error->code), text, error->retry_after);
}

static void take_token(struct client_core *core, ProtobufCBinaryData token)
{
    if (token.len != TOKEN_SIZE)
        return;
    bool same = core->has_token && memcmp(core->token.bytes, token.data, TOKEN_SIZE) == 0;
    memcpy(core->token.bytes, token.data, TOKEN_SIZE);
    secret_wipe(token.data, token.len);
    core->has_token = true;
    if (!same)
        core->ops->save_token(core->ctx, &core->token);
}

static void welcomed(struct client_core *core, const Earshot__Welcome *welcome)
{
    struct name user;
    uint64_t last = welcome->last_number < UINT64_MAX / 2 ? welcome->last_number : UINT64_MAX / 2;
    if (core->step < LOGIN_PASSWORD)
        return;
    if (name_parse(slice_of_bytes(welcome->user), &user) != OK || !slice_equal(name_slice(&user), name_slice(&core->user))) {
        core_drop(core, "The server takes us for somebody else.", 0);
        return;
    }
    bool same_device = core->step == LOGIN_RESUME;
    take_token(core, welcome->token);
    core->number = last > core->number ? last : core->number;
    core->state = CORE_ONLINE;
    core->step = LOGIN_NONE;
    core->wants_account = core->asks_if_open = false;
    core->paused_until = 0;
    timer_stop(core->world->timers, &core->deadline);
    timer_stop(core->world->timers, &core->giving_up);
    reconnect_online(&core->reconnect, core->world);
    pulse_start(core);
    core_emit(core, &(struct earshot_event){.type = EARSHOT_EVENT_ONLINE, .user = core->user.text, .text = core->server});
    if (core->was_online && !same_device)
        requests_device_changed(core);
    core->was_online = true;
}

void login_answer(struct client_core *core, const Earshot__ServerFrame *frame)
{
    bool error = frame->body_case == EARSHOT__SERVER_FRAME__BODY_ERROR;
    if (core->step == LOGIN_NONE || (frame->answers != core->login_number && !(error && frame->answers == 0)))
        return;
    if (error)
        refused(core, frame->error);
    else if (frame->body_case == EARSHOT__SERVER_FRAME__BODY_WELCOME)
        welcomed(core, frame->welcome);
    else if (frame->body_case == EARSHOT__SERVER_FRAME__BODY_CHALLENGE)
        challenged(core, frame->challenge);
}
