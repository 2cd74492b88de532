/* gate.c - the one gate: state, size and rate are checked here, for every command, before its handler runs. */
#include "command.h"
#include "reply.h"

#include "base/log.h"

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

/* The bucket may owe, up to what it holds: whoever asked much waits longer. */
void gate_charge(struct session *session, size_t cost)
{
    const struct session_settings *settings = &session->hub->settings;
    if (settings->rate != 0)
        session->tokens -= cost < settings->burst ? (double)cost : settings->burst;
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
    if (err == OK)
        return;
    if (log_enabled(LOG_DEBUG))
        log_event(LOG_DEBUG, "refused", log_str("command", command ? command->name : "?"), log_str("error", err_name(err)),
                  log_str("peer", session->address));
    reply_error(session, request.number, err, retry_after);
}
