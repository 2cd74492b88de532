/*
 * session.c - a connection's life: frames cut out of what arrives, the end. (Deadlines are in patience.c.)
 *
 * Nothing is torn down inside a callback: session_end() writes the goodbye and leaves the rest to the end of the turn.
 */
#include "command.h"
#include "reply.h"

#include "base/log.h"
#include "wire/frame.h"

#include <assert.h>
#include <stdlib.h>

enum {
    UNANSWERED_MAX = 1024, /* requests of one client under way; beyond it nothing more is read from it */
    INPUT_CAP = 4 * 65536, /* held back while requests are under way, or a frame is incomplete */
};

const struct session_settings session_settings_default = {
    .timeout_ms = 0,
    .heartbeat_ms = 25 * 1000,
    .silence_ms = 43 * 1000,
    .login_ms = 120 * 1000,
    .rate = 5000,
    .burst = 20000,
    .output_cap = 1024 * 1024,
    .output_high = 512 * 1024,
};

/* ---- the hub ---- */

enum err hub_new(const struct world *world, struct shard *shard, const struct session_settings *settings, struct hub **out)
{
    struct hub *hub = calloc(1, sizeof *hub);
    if (hub == NULL)
        return ERR_MEMORY;
    hub->world = world;
    hub->shard = shard;
    hub->settings = *settings;
    arena_init(&hub->arena, WIRE_ARENA_CAP, WIRE_ARENA_KEEP);
    buf_init(&hub->out, 2 * WIRE_FRAME_MAX);
    *out = hub;
    return OK;
}

void hub_free(struct hub **hub)
{
    if (*hub == NULL)
        return;
    assert((*hub)->sessions == NULL);
    arena_free(&(*hub)->arena);
    buf_free(&(*hub)->out);
    free(*hub);
    *hub = NULL;
}

void hub_configure(struct hub *hub, const struct session_settings *settings)
{
    bool other_timeout = hub->settings.timeout_ms != settings->timeout_ms;
    hub->settings = *settings;
    for (struct session *session = hub->sessions; session != NULL; session = session->next) {
        if (other_timeout && (session->state & (STATE_GREETED | STATE_ONLINE)))
            reply_greeting(session, 0);
        patience_reconsider(session);
    }
}

size_t hub_sessions(const struct hub *hub)
{
    return hub->count;
}

size_t hub_held(const struct hub *hub)
{
    return hub->held;
}

size_t session_held(const struct session *session)
{
    return session->held + (session->participant != NULL ? participant_held(session->participant) : 0);
}

static enum err view(const struct session *session, enum err (*each)(void *ctx, const struct session_view *view), void *ctx)
{
    const struct world *world = session->hub->world;
    return each(ctx, &(struct session_view){
                         .user = participant_name(session->participant),
                         .device = participant_device(session->participant),
                         .address = session->address,
                         .since_ms = participant_joined_ms(session->participant),
                         .idle_ms = world_mono_ms(world) - session->command_ms,
                     });
}

enum err hub_view(const struct hub *hub, struct slice user, enum err (*each)(void *ctx, const struct session_view *view),
                  void *ctx)
{
    enum err err = OK;
    for (const struct session *session = hub->sessions; err == OK && session != NULL; session = session->next)
        if (session->participant != NULL && (user.len == 0 || slice_equal(user, participant_name(session->participant))))
            err = view(session, each, ctx);
    return err;
}

static void postpone(struct session *session)
{
    if (session->is_postponed)
        return;
    session->is_postponed = true;
    session->next_postponed = session->hub->postponed;
    session->hub->postponed = session;
}

void hub_shutdown(struct hub *hub)
{
    hub->stopping = true;
    for (struct session *session = hub->sessions; session != NULL; session = session->next)
        postpone(session);
}

/* ---- input ---- */

bool session_ready(const struct session *session)
{
    if (session->state == STATE_ENDING || session->credentials != NULL || session->listing != NULL || session->hub->stopping ||
        session->leaving || session->resting)
        return false;
    return session->participant == NULL || participant_unanswered(session->participant) < UNANSWERED_MAX;
}

static void bad_frame(struct session *session)
{
    static struct log_limit limit;
    log_event_limited(&limit, world_mono_ms(session->hub->world), LOG_INFO, "bad_frame", log_str("peer", session->address));
    Earshot__Error error = EARSHOT__ERROR__INIT;
    Earshot__ServerFrame frame = EARSHOT__SERVER_FRAME__INIT;
    error.code = codec_error_code(ERR_BAD_FRAME);
    error.text = bytes_of_slice(slice_str(err_text(ERR_BAD_FRAME)));
    frame.body_case = EARSHOT__SERVER_FRAME__BODY_ERROR;
    frame.error = &error;
    reply_write(session, &frame);
    session_end(session, EARSHOT__GOODBYE__REASON__REASON_PROTOCOL, "That was not the earshot protocol.");
}

/* Handles one frame of `in`; *used stays 0 if there is no whole one. */
static void handle_frame(struct session *session, struct slice in, size_t *used)
{
    struct hub *hub = session->hub;
    struct slice payload;
    Earshot__ClientFrame *frame;
    enum err err = frame_next(in, &payload, used);
    if (err == ERR_AGAIN)
        return;
    if (err == OK) {
        arena_reset(&hub->arena);
        err = codec_read_client(payload, &hub->arena, &frame);
    }
    if (err == OK)
        gate_pass(session, frame, payload.len);
    else
        bad_frame(session);
}

/* Handles whole frames while the session is ready; returns how many bytes that took. */
static size_t handle_frames(struct session *session, struct slice in)
{
    size_t done = 0;
    while (session_ready(session) && done < in.len) {
        size_t used = 0;
        handle_frame(session, slice_of(in.data + done, in.len - done), &used);
        if (used == 0)
            break;
        done += used;
    }
    return done;
}

static void pause_link(struct session *session, bool paused)
{
    if (session->paused == paused || session->link == NULL)
        return;
    session->paused = paused;
    session->ops->pause(session->link, paused);
}

static void account(struct session *session)
{
    size_t held = session->in.size + listing_held(session);
    session->hub->held += held - session->held; /* wraps to a difference */
    session->held = held;
}

static void handle_input(struct session *session)
{
    size_t used = handle_frames(session, buf_slice(&session->in));
    buf_consume(&session->in, used);
    buf_shrink(&session->in);
    patience_frame(session, buf_len(&session->in) > 0 && session_ready(session), used > 0);
    account(session);
    pause_link(session, !session_ready(session) && session->state != STATE_ENDING);
}

void session_input(struct session *session, struct slice bytes)
{
    session->heard_ms = world_mono_ms(session->hub->world);
    if (session->state == STATE_ENDING)
        return;
    size_t used = 0;
    if (buf_len(&session->in) == 0)
        used = handle_frames(session, bytes);
    if (session->state == STATE_ENDING)
        return;
    enum err err = used < bytes.len ? buf_append(&session->in, bytes.data + used, bytes.len - used) : OK;
    if (err != OK) {
        bad_frame(session);
        return;
    }
    if (used < bytes.len || !session_ready(session))
        handle_input(session);
}

void session_go_on(struct session *session)
{
    if (session->paused || buf_len(&session->in) > 0 || session->hub->stopping || session->leaving)
        postpone(session);
}

void session_drained(struct session *session)
{
    if (session->listing != NULL) {
        listing_go_on(session);
        account(session);
        session_go_on(session);
    }
    if (session->participant != NULL && session->state == STATE_ONLINE)
        participant_drained(session->participant);
}

/* ---- beginning and end ---- */

enum err session_open(struct hub *hub, const struct session_link *ops, void *link, const char *address, struct session **out)
{
    struct session *session = calloc(1, sizeof *session);
    if (session == NULL)
        return ERR_MEMORY;
    session->hub = hub;
    session->ops = ops;
    session->link = link;
    session->state = STATE_NEW;
    session->opened_ms = session->heard_ms = session->tokens_ms = session->light_ms = world_mono_ms(hub->world);
    session->tokens = hub->settings.burst;
    buf_init(&session->in, INPUT_CAP);
    session->address = address;
    if (patience_begin(session) != OK) {
        free(session);
        return ERR_MEMORY;
    }
    session->next = hub->sessions;
    session->prev = &hub->sessions;
    if (session->next != NULL)
        session->next->prev = &session->next;
    hub->sessions = session;
    hub->count++;
    *out = session;
    return OK;
}

static void write_goodbye(struct session *session, Earshot__Goodbye__Reason reason, const char *text)
{
    Earshot__Goodbye goodbye = EARSHOT__GOODBYE__INIT;
    Earshot__ServerFrame frame = EARSHOT__SERVER_FRAME__INIT;
    goodbye.reason = reason;
    goodbye.text = bytes_of_slice(slice_str(text));
    frame.body_case = EARSHOT__SERVER_FRAME__BODY_GOODBYE;
    frame.goodbye = &goodbye;
    reply_write(session, &frame);
}

void session_end(struct session *session, Earshot__Goodbye__Reason reason, const char *text)
{
    if (session->state == STATE_ENDING)
        return;
    session->state = STATE_ENDING;
    if (!session->cut)
        write_goodbye(session, reason, text);
    session->cut = true;
    if (session->participant != NULL)
        log_event(LOG_INFO, "session_ended", log_slice("user", participant_name(session->participant)),
                  log_str("peer", session->address), log_str("why", text));
    postpone(session);
}

static void session_free(struct session *session)
{
    struct hub *hub = session->hub;
    struct session **link = &hub->postponed;
    while (session->is_postponed && *link != session)
        link = &(*link)->next_postponed;
    if (session->is_postponed)
        *link = session->next_postponed;
    *session->prev = session->next;
    if (session->next != NULL)
        session->next->prev = session->prev;
    hub->count--;
    timer_stop(hub->world->timers, &session->timer);
    free(session);
}

static void leave(struct session *session)
{
    timer_stop(session->hub->world->timers, &session->timer);
    participant_leave(&session->participant, session->forget);
}

void session_closed(struct session *session)
{
    if (session->participant != NULL && session->state != STATE_ENDING)
        log_event(LOG_INFO, "session_lost", log_slice("user", participant_name(session->participant)),
                  log_str("peer", session->address));
    session->link = NULL;
    session->state = STATE_ENDING;
    leave(session);
    listing_drop(session);
    buf_free(&session->in);
    account(session);
    if (session->credentials == NULL) /* else the login under way frees it */
        session_free(session);
}

void session_end_detached(struct session *session)
{
    session_free(session);
}

static bool has_unanswered(const struct session *session)
{
    return session->credentials != NULL || session->listing != NULL ||
           (session->participant != NULL && participant_unanswered(session->participant) > 0);
}

/* At the end of the turn: go on reading, or go. */
static void settle(struct session *session)
{
    if (session->link == NULL)
        return; /* the login under way frees it */
    if (session->leaving && session->state != STATE_ENDING && !has_unanswered(session))
        logout_finish(session);
    if (session->hub->stopping && session->state != STATE_ENDING) {
        pause_link(session, true);
        if (!has_unanswered(session))
            session_end(session, EARSHOT__GOODBYE__REASON__REASON_SHUTDOWN, "The server is shutting down.");
    }
    if (session->state == STATE_ENDING) {
        leave(session);
        if (!session->closing)
            session->ops->close(session->link);
        session->closing = true;
    } else if (!session->hub->stopping) {
        handle_input(session);
    }
}

void hub_flush(struct hub *hub)
{
    while (hub->postponed != NULL) { /* settling one may postpone others */
        struct session *session = hub->postponed;
        hub->postponed = session->next_postponed;
        session->is_postponed = false;
        settle(session);
    }
}
