/* gate.c - the one gate: state, size and rate are checked here, for every command, before its handler runs. */
#include "command.h"
#include "reply.h"

#include "base/log.h"

enum {
    LIGHT_PER_TOKEN = 8, /* what costs nothing, or was refused, is worth about so much less than a command, */
    LIGHT_BURSTS = 2,    /* and may come in so many bursts at once */
};

/* The bucket holds `burst` tokens and fills at `rate` a second. */
static enum err spend(struct session *session, unsigned cost, unsigned *retry_after)
{
    const struct session_settings *settings = &session->hub->settings;
    if (settings->rate == 0 || cost == 0)
        return OK;
    int64_t now = world_mono_ms(session->hub->world);
    session->tokens += (double)(now - session->tokens_ms) * settings->rate / 1000;
    session->tokens_ms = now;
    if (session->tokens > settings->burst)
        session->tokens = settings->burst;
    if (session->tokens < cost) {
        *retry_after = (unsigned)((cost - session->tokens) / settings->rate) + 1;
        return ERR_RATE_LIMITED;
    }
    session->tokens -= cost;
    return OK;
}

/* The bucket may come to owe, for each charge up to what it holds: whoever asked much waits longer, and whoever had many such
 * requests under way the sum of it. */
void gate_charge(struct session *session, size_t cost)
{
    const struct session_settings *settings = &session->hub->settings;
    if (settings->rate != 0)
        session->tokens -= cost < settings->burst ? (double)cost : settings->burst;
}

/*
 * Requests without a cost and refused ones take time all the same. They fill a bucket of their own that leaks; when it is full
 * the session is not read until it is half empty. Nobody is told, TCP does it; only a flood gets there.
 */
static void count_light(struct session *session)
{
    const struct session_settings *settings = &session->hub->settings;
    int64_t now = world_mono_ms(session->hub->world);
    if (settings->rate == 0)
        return;
    session->light -= (double)(now - session->light_ms) * settings->rate * LIGHT_PER_TOKEN / 1000;
    session->light = session->light > 0 ? session->light + 1 : 1;
    session->light_ms = now;
    if (session->light < (double)LIGHT_BURSTS * settings->burst)
        return;
    session->resting = true;
    patience_within(session, gate_rest_ms(session, now));
}

int64_t gate_rest_ms(const struct session *session, int64_t now)
{
    const struct session_settings *settings = &session->hub->settings;
    double leak = (double)settings->rate * LIGHT_PER_TOKEN / 1000; /* a millisecond */
    double above = session->light - (double)(now - session->light_ms) * leak - (double)LIGHT_BURSTS * settings->burst / 2;
    return leak > 0 && above > 0 ? (int64_t)(above / leak) + 1 : 0;
}

static enum err check(struct session *session, const struct command *command, size_t size, unsigned *retry_after)
{
    if (command == NULL)
        return ERR_UNKNOWN_COMMAND;
    if ((command->states & session->state) == 0)
        return ERR_WRONG_STATE;
    if (size > command->size)
        return ERR_TOO_LONG;
    return spend(session, command->cost, retry_after);
}

void gate_pass(struct session *session, const Earshot__ClientFrame *frame, size_t size)
{
    const struct command *command = command_find(frame->body_case);
    const struct request request = {frame->number, frame};
    unsigned retry_after = 0;
    enum err err = check(session, command, size, &retry_after);
    if (command != NULL && command->activity)
        session_active(session);
    if (err == OK)
        err = command->handle(session, &request);
    if (err != OK || command->cost == 0)
        count_light(session);
    if (err == OK)
        return;
    if (log_enabled(LOG_DEBUG))
        log_event(LOG_DEBUG, "refused", log_str("command", command ? command->name : "?"), log_str("error", err_name(err)),
                  log_str("peer", session->address));
    reply_error(session, request.number, err, retry_after);
}
