/*
 * core.c - the life of a client: attempts, loss, coming back, leaving. See core.h for what it promises, and
 *
 *     WAITING -> CONNECTING -> LOGIN (-> ASKING -> LOGIN) -> ONLINE -> LEAVING -> CLOSED
 *        ^            |          |                              |
 *        +------------+----------+------------------------------+   after it was online once; before that: CLOSED
 */
#include "base/printable.h"
#include "core_private.h"
#include "wire/frame.h"
#include <stdlib.h>

void core_start_timer(struct client_core *core, struct timer *timer, int64_t after_ms)
{
    /* Cannot fail: core_new has started them all once, so that the heap has room for them. */
    (void)timer_start(core->world->timers, timer, world_mono_ms(core->world) + after_ms);
}

void core_soon(struct client_core *core)
{
    if (core->soon.place == 0 && core->state != CORE_CLOSED)
        core_start_timer(core, &core->soon, 0);
}

void core_emit(struct client_core *core, const struct earshot_event *event)
{
    core->ops->event(core->ctx, event);
    arena_reset(&core->text);
}

const char *core_text(struct client_core *core, ProtobufCBinaryData bytes, const char *otherwise)
{
    char *text = bytes.len > 0 ? arena_alloc(&core->text, CORE_TEXT) : NULL;
    if (text == NULL)
        return otherwise;
    printable_copy(slice_of_bytes(bytes), text, CORE_TEXT);
    return text;
}

static void forget_output(struct client_core *core)
{
    if (core->secret_out && core->out.bytes != NULL)
        secret_wipe(core->out.bytes, core->out.size);
    core->secret_out = false;
    buf_clear(&core->out);
    if (core->out.size > CORE_KEEP)
        buf_shrink(&core->out);
}

static void stop_timers(struct client_core *core)
{
    struct timer *const all[] = {&core->soon,     &core->pulse, &core->active,   &core->slow,
                                 &core->deadline, &core->retry, &core->giving_up};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        timer_stop(core->world->timers, all[i]);
}

/* After a logout nobody shall come back as them with what is on the disk, whether the server could be told or not. If it ends
 * before there was a connection, nobody has looked yet which token that is. */
static void forget_token(struct client_core *core)
{
    if (!core->has_token && core->user.len > 0)
        (void)core->ops->load_token(core->ctx, &core->user, &core->token);
    core->ops->save_token(core->ctx, NULL);
}

static void wipe_secrets(struct client_core *core)
{
    if (core->logout_id != 0)
        forget_token(core);
    secret_wipe(core->password, sizeof core->password);
    secret_wipe(&core->token, sizeof core->token);
    core->password_len = 0;
    core->has_token = false;
}

static void hang_up(struct client_core *core)
{
    if (core->up || core->state == CORE_CONNECTING)
        core->ops->hang_up(core->ctx);
    core->up = false;
}

void core_finish(struct client_core *core, const struct earshot_event *closed)
{
    char text[CORE_TEXT];
    struct earshot_event last = *closed,
                         first = {.type = EARSHOT_EVENT_DISCONNECTED, .reason = closed->reason, .retry_after = -1};
    printable_copy(slice_str(closed->text ? closed->text : ""), text, sizeof text);
    last.type = EARSHOT_EVENT_CLOSED;
    last.text = first.text = text;
    hang_up(core);
    stop_timers(core);
    core->state = CORE_CLOSED;
    forget_output(core);
    wipe_secrets(core);
    if (last.reason != EARSHOT_REASON_NONE && last.reason != EARSHOT_REASON_LOGOUT)
        core_emit(core, &first);
    requests_fail_all(core, text);
    if (core->privates != NULL)
        privates_end(core->privates, "logged out");
    requests_fail_all(core, text); /* what that has asked for in vain */
    if (core->logout_id != 0) {
        enum earshot_event_type type = last.error == EARSHOT_OK ? EARSHOT_EVENT_OK : EARSHOT_EVENT_ERROR;
        core_emit(core, &(struct earshot_event){.type = type, .request = core->logout_id, .error = last.error, .text = text});
    }
    core->logout_id = 0;
    core_emit(core, &last);
}

void core_finish_error(struct client_core *core, enum earshot_error error, const char *text, unsigned retry_after)
{
    core_finish(core, &(struct earshot_event){.error = error, .text = text, .retry_after = (int)retry_after});
}

static void finish_logout(struct client_core *core)
{
    core_finish(core, &(struct earshot_event){.error = EARSHOT_OK, .reason = EARSHOT_REASON_LOGOUT, .text = "Logged out."});
}

/* The connection, or the attempt to make one, has ended. */
static void gone(struct client_core *core, enum earshot_error error, const char *text, unsigned retry_after)
{
    enum core_state before = core->state;
    core->up = false;
    pulse_stop(core);
    timer_stop(core->world->timers, &core->slow);
    timer_stop(core->world->timers, &core->deadline);
    buf_clear(&core->in);
    forget_output(core);
    if (before == CORE_CLOSED || before == CORE_ASKING)
        return; /* the user's answer makes the next connection */
    core->state = CORE_WAITING;
    if (before == CORE_LEAVING) {
        finish_logout(core);
    } else if (core->asks_if_open) { /* the password was wrong, and only why is not known */
        core_finish_error(core, EARSHOT_WRONG_PASSWORD, err_text(ERR_WRONG_PASSWORD), 0);
    } else if (error == EARSHOT_NOT_TRUSTED || !core->was_online) {
        core_finish_error(core, error, text, retry_after);
    } else {
        int64_t pause = reconnect_pause(&core->reconnect, core->world, retry_after);
        struct earshot_event event = {.type = EARSHOT_EVENT_DISCONNECTED, .reason = EARSHOT_REASON_NETWORK};
        event.text = text;
        event.retry_after = (int)((pause + 999) / 1000);
        core_start_timer(core, &core->retry, pause);
        if (before != CORE_ONLINE)
            event.type = EARSHOT_EVENT_RETRY;
        core_emit(core, &event);
        if (before == CORE_ONLINE) {
            requests_lost(core);
            if (core->privates != NULL)
                privates_server_lost(core->privates);
        }
        core_soon(core);
    }
}

void core_drop(struct client_core *core, const char *text, unsigned retry_after)
{
    char kept[CORE_TEXT];
    printable_copy(slice_str(text), kept, sizeof kept);
    hang_up(core);
    gone(core, EARSHOT_NO_CONNECTION, kept, retry_after);
}

void core_lost(struct client_core *core, enum earshot_error error, const char *text)
{
    gone(core, error, text, 0);
}

void core_connect(struct client_core *core)
{
    core->state = CORE_CONNECTING;
    if (core->ops->connect(core->ctx) != OK)
        gone(core, EARSHOT_NO_CONNECTION, "The connection cannot be made.", 0);
}

/* ---- output ---- */

enum err core_write(struct client_core *core, Earshot__ClientFrame *frame)
{
    return codec_write_client(frame, &core->out);
}

void core_flush(struct client_core *core)
{
    bool more = core->up;
    while (more) {
        if (core->state == CORE_ONLINE)
            requests_send(core);
        if (buf_len(&core->out) == 0)
            return;
        more = buf_len(&core->out) >= CORE_OUT_HIGH || core->secret_out; /* both kept requests back */
        enum err err = core->ops->write(core->ctx, buf_slice(&core->out));
        if (err == ERR_CAP)
            return; /* core_drained goes on */
        if (err != OK) {
            core_drop(core, "Nothing more can be sent.", 0);
            return;
        }
        core->last_sent = world_mono_ms(core->world);
        forget_output(core);
    }
}

/* ---- input ---- */

void core_opened(struct client_core *core)
{
    if (core->state != CORE_CONNECTING)
        return;
    core->up = true;
    core->state = CORE_LOGIN;
    buf_clear(&core->in);
    core->last_received = core->last_sent = world_mono_ms(core->world);
    core_start_timer(core, &core->deadline, CORE_LOGIN_MS);
    login_begin(core);
    core_flush(core);
}

static void take_frames(struct client_core *core)
{
    while (core->up) {
        struct slice payload;
        size_t used;
        enum err err = frame_next(buf_slice(&core->in), &payload, &used);
        if (err == ERR_AGAIN)
            return;
        Earshot__ServerFrame *frame = NULL;
        arena_reset(&core->frame);
        if (err == OK)
            err = codec_read_server(payload, &core->frame, &frame);
        if (err != OK) {
            core_drop(core, "The server sent something that is not the protocol.", 0);
            return;
        }
        buf_consume(&core->in, used);
        core->another_frame = true;
        incoming_frame(core, frame);
    }
}

/* What was begun must be ended, though something is heard all the time. While not online there is a deadline anyway. */
static void watch_frame(struct client_core *core)
{
    bool begun = buf_len(&core->in) > 0;
    if (core->state != CORE_ONLINE)
        return;
    if (!begun)
        timer_stop(core->world->timers, &core->deadline);
    else if (core->deadline.place == 0 || core->another_frame)
        core_start_timer(core, &core->deadline, CORE_FRAME_MS);
}

void core_data(struct client_core *core, struct slice bytes)
{
    core->another_frame = false;
    core->last_received = world_mono_ms(core->world);
    core->ping_sent = -1;
    while (bytes.len > 0 && core->up) {
        size_t part = bytes.len < WIRE_FRAME_MAX ? bytes.len : WIRE_FRAME_MAX;
        if (buf_append(&core->in, bytes.data, part) != OK) {
            core_drop(core, "There is no memory for what the server sent.", 0);
            return;
        }
        bytes = slice_of(bytes.data + part, bytes.len - part);
        take_frames(core);
    }
    if (core->in.size > CORE_KEEP)
        buf_shrink(&core->in);
    watch_frame(core);
    core_flush(core);
    if (core->logout_id != 0)
        core_soon(core);
}

void core_drained(struct client_core *core)
{
    core_flush(core);
}

/* ---- timers ---- */

static void send_logout(struct client_core *core)
{
    Earshot__Logout logout = EARSHOT__LOGOUT__INIT;
    Earshot__ClientFrame frame = EARSHOT__CLIENT_FRAME__INIT;
    core_flush(core); /* the last acknowledgements */
    if (core->state != CORE_ONLINE)
        return;
    frame.number = ++core->number;
    frame.body_case = EARSHOT__CLIENT_FRAME__BODY_LOGOUT;
    frame.logout = &logout;
    if (core_write(core, &frame) != OK)
        return;
    core->state = CORE_LEAVING;
    pulse_stop(core);
    core->ops->save_token(core->ctx, NULL);
    core_start_timer(core, &core->deadline, CORE_GOODBYE_MS);
    core_flush(core);
}

/* Private texts have been answered, and the other ends have been told that we go. */
static bool left_privates(struct client_core *core)
{
    if (core->privates == NULL)
        return true;
    if (privates_unanswered(core->privates) > 0 || (core->state == CORE_ONLINE && core->outbox.count > 0))
        return false;
    privates_end(core->privates, "logged out");
    return true;
}

/* The next answer must come in time. */
static void watch_answers(struct client_core *core)
{
    if (core->state != CORE_ONLINE)
        return;
    if (core->outbox.count > 0)
        core_start_timer(core, &core->giving_up, core->progress + CORE_UNANSWERED_MS - world_mono_ms(core->world));
    else
        timer_stop(core->world->timers, &core->giving_up);
}

static void leave(struct client_core *core)
{
    if (core->state == CORE_CLOSED || core->state == CORE_LEAVING)
        return;
    watch_answers(core);
    if (!left_privates(core))
        return;
    bool back = core->was_online && (core->state == CORE_WAITING || core->state == CORE_CONNECTING || core->state == CORE_LOGIN);
    if (core->state == CORE_ASKING || (back && core->outbox.messages == 0))
        finish_logout(core);
    else if (back && core->giving_up.place == 0)
        core_start_timer(core, &core->giving_up, CORE_GIVE_UP_MS);
    else if (core->state == CORE_ONLINE && core->outbox.count == 0)
        send_logout(core);
}

static void soon_fire(struct timer *timer)
{
    struct client_core *core = CORE_OF(timer, soon);
    if (core->answered)
        login_answered_question(core);
    if (core->logout_id != 0)
        leave(core);
    core_flush(core);
}

static void slow_fire(struct timer *timer)
{
    core_flush(CORE_OF(timer, slow));
}

static void retry_fire(struct timer *timer)
{
    core_connect(CORE_OF(timer, retry));
}

static void deadline_fire(struct timer *timer)
{
    struct client_core *core = CORE_OF(timer, deadline);
    if (core->state == CORE_LEAVING)
        finish_logout(core);
    else if (core->state == CORE_ONLINE)
        core_drop(core, "The server began to say something and did not end it.", 0);
    else
        core_drop(core, "The server did not answer in time.", 0);
}

static void giving_up_fire(struct timer *timer)
{
    struct client_core *core = CORE_OF(timer, giving_up);
    if (core->state == CORE_ONLINE && !core->anew) {
        core->anew = true;
        core->progress = world_mono_ms(core->world);
        core_drop(core, "The server does not answer.", 0);
    } else if (core->state == CORE_ONLINE) {
        core_finish_error(core, EARSHOT_UNAVAILABLE, "The server does not answer.", 0);
    } else if (core->state != CORE_LEAVING) {
        core_finish_error(core, EARSHOT_NO_CONNECTION, "The connection did not come back.", 0);
    }
}

/* ---- making and freeing ---- */

static enum err reserve_timers(struct client_core *core)
{
    struct timer *const all[] = {&core->soon,     &core->pulse, &core->active,   &core->slow,
                                 &core->deadline, &core->retry, &core->giving_up};
    void (*const fire[])(struct timer *) = {soon_fire,     pulse_fire, pulse_active_fire, slow_fire,
                                            deadline_fire, retry_fire, giving_up_fire};
    enum err err = OK;
    for (size_t i = 0; i < sizeof all / sizeof all[0] && err == OK; i++) {
        all[i]->fire = fire[i];
        err = timer_start(core->world->timers, all[i], INT64_MAX);
    }
    stop_timers(core);
    return err;
}

static enum err take_options(struct client_core *core, const struct core_options *options)
{
    struct slice password = slice_str(options->password ? options->password : "");
    core->register_unknown = options->register_unknown;
    core->ask_register = options->ask_register;
    if (options->user != NULL && name_parse(slice_str(options->user), &core->user) != OK)
        return ERR_BAD_NAME;
    if (options->password != NULL && password_check(password) != OK)
        return ERR_BAD_PASSWORD;
    memcpy(core->password, password.data, password.len);
    core->password_len = password.len;
    core->server = strdup(options->server);
    core->client = strdup(options->client);
    return core->server != NULL && core->client != NULL ? OK : ERR_MEMORY;
}

enum err core_new(const struct core_options *options, const struct world *world, const struct core_ops *ops, void *ctx,
                  struct client_core **out)
{
    struct client_core *core = calloc(1, sizeof *core);
    if (core == NULL)
        return ERR_MEMORY;
    uint64_t seed[2] = {world_random_u64(world), world_random_u64(world)};
    core->world = world;
    core->ops = ops;
    core->ctx = ctx;
    core->number = CORE_FIRST_NUMBER - 1;
    core->ping_sent = -1;
    buf_init(&core->in, (size_t)2 * (WIRE_FRAME_MAX + WIRE_PREFIX_MAX));
    buf_init(&core->out, CORE_OUT_CAP);
    arena_init(&core->frame, WIRE_ARENA_CAP, WIRE_ARENA_KEEP);
    arena_init(&core->text, WIRE_ARENA_CAP, WIRE_ARENA_KEEP);
    outbox_init(&core->outbox);
    positions_init(&core->positions, seed);
    reconnect_init(&core->reconnect);
    enum err err = reserve_timers(core);
    if (err == OK)
        err = take_options(core, options);
    if (err == OK && options->transport != NULL)
        err = core_add_privates(core, options);
    if (err != OK) {
        core_free(&core);
        return err;
    }
    *out = core;
    return OK;
}

void core_free(struct client_core **core)
{
    struct client_core *old = *core;
    if (old == NULL)
        return;
    *core = NULL;
    privates_free(&old->privates);
    stop_timers(old);
    forget_output(old);
    wipe_secrets(old);
    buf_free(&old->in);
    buf_free(&old->out);
    arena_free(&old->frame);
    arena_free(&old->text);
    outbox_free(&old->outbox);
    positions_free(&old->positions);
    free(old->server);
    free(old->client);
    free(old);
}

void core_start(struct client_core *core)
{
    if (core->state != CORE_IDLE)
        return;
    core->state = CORE_WAITING;
    core_start_timer(core, &core->retry, 0);
}
