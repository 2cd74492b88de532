/* tell.c - what the messenger tells a participant becomes frames. */
#include "command.h"
#include "relay.h"
#include "reply.h"

static struct session *told(void *ctx)
{
    return ctx;
}

/* To look for a number among thousands of messages takes the store a hundred times as long as to store one. */
enum { STEPS_PER_TOKEN = 1024 };

static void tell_answer(void *ctx, uint64_t number, const struct chat_answer *answer)
{
    struct session *session = told(ctx);
    unsigned retry_after = answer->retry_after;
    if (retry_after == 0 && (answer->err == ERR_NOT_STORED || answer->err == ERR_UNAVAILABLE))
        retry_after = 1;
    gate_charge(session, answer->searched / STEPS_PER_TOKEN);
    if (answer->err != OK)
        reply_error(session, number, answer->err, retry_after);
    else if (answer->id != 0)
        reply_accepted(session, number, answer->id, answer->time_ms);
    else
        reply_done(session, number);
    session_go_on(session);
}

static void tell_message(void *ctx, const struct chat_message *message)
{
    Earshot__Message event = EARSHOT__MESSAGE__INIT;
    Earshot__ServerFrame frame = EARSHOT__SERVER_FRAME__INIT;
    event.conversation = message->conversation;
    event.id = message->id;
    event.from = bytes_of_slice(message->from);
    event.to = bytes_of_slice(message->to);
    event.body = bytes_of_slice(message->body);
    event.time_ms = message->time_ms;
    event.stored = message->stored;
    frame.body_case = EARSHOT__SERVER_FRAME__BODY_EVENT_MESSAGE;
    frame.event_message = &event;
    reply_write(told(ctx), &frame);
}

/* The first participant who is told leaves the encoding in the memo; the others only copy it. */
static void write_memo(struct session *session, const Earshot__ServerFrame *frame, struct buf *memo)
{
    if (buf_len(memo) == 0 && codec_write_server(frame, memo) != OK)
        reply_write(session, frame);
    else
        reply_bytes(session, buf_slice(memo));
}

static void tell_broadcast(void *ctx, const struct chat_message *broadcast, struct buf *memo)
{
    Earshot__Broadcast event = EARSHOT__BROADCAST__INIT;
    Earshot__ServerFrame frame = EARSHOT__SERVER_FRAME__INIT;
    event.from = bytes_of_slice(broadcast->from);
    event.body = bytes_of_slice(broadcast->body);
    event.time_ms = broadcast->time_ms;
    frame.body_case = EARSHOT__SERVER_FRAME__BODY_EVENT_BROADCAST;
    frame.event_broadcast = &event;
    write_memo(told(ctx), &frame, memo);
}

static void tell_presence(void *ctx, struct slice name, bool online, struct buf *memo)
{
    Earshot__Presence event = EARSHOT__PRESENCE__INIT;
    Earshot__ServerFrame frame = EARSHOT__SERVER_FRAME__INIT;
    event.user = bytes_of_slice(name);
    event.online = online;
    frame.body_case = EARSHOT__SERVER_FRAME__BODY_EVENT_PRESENCE;
    frame.event_presence = &event;
    write_memo(told(ctx), &frame, memo);
}

static void tell_private_request(void *ctx, const struct chat_private *request)
{
    Earshot__PrivateRequest event = EARSHOT__PRIVATE_REQUEST__INIT;
    Earshot__ServerFrame frame = EARSHOT__SERVER_FRAME__INIT;
    event.from = bytes_of_slice(request->with);
    event.channel = bytes_of_slice(slice_of(request->channel, CHANNEL_SIZE));
    event.device = request->device;
    frame.body_case = EARSHOT__SERVER_FRAME__BODY_PRIVATE_REQUEST;
    frame.private_request = &event;
    reply_write(told(ctx), &frame);
}

static const Earshot__PrivateSettled__Outcome outcomes[] = {
    [SETTLED_ACCEPTED] = EARSHOT__PRIVATE_SETTLED__OUTCOME__OUTCOME_ACCEPTED,
    [SETTLED_DECLINED] = EARSHOT__PRIVATE_SETTLED__OUTCOME__OUTCOME_DECLINED,
    [SETTLED_EXPIRED] = EARSHOT__PRIVATE_SETTLED__OUTCOME__OUTCOME_EXPIRED,
    [SETTLED_CANCELLED] = EARSHOT__PRIVATE_SETTLED__OUTCOME__OUTCOME_CANCELLED,
};

static void tell_private_settled(void *ctx, const struct chat_private *settled)
{
    struct session *session = told(ctx);
    struct relay_grants grants;
    Earshot__PrivateSettled event = EARSHOT__PRIVATE_SETTLED__INIT;
    Earshot__ServerFrame frame = EARSHOT__SERVER_FRAME__INIT;
    event.with = bytes_of_slice(settled->with);
    event.channel = bytes_of_slice(slice_of(settled->channel, CHANNEL_SIZE));
    event.outcome = outcomes[settled->settlement];
    event.device = settled->device;
    event.nonce = bytes_of_slice(settled->content);
    if (settled->settlement == SETTLED_ACCEPTED && settled->device != 0) {
        relay_grant(session, &grants);
        event.n_relays = grants.count;
        event.relays = grants.pointers;
    }
    frame.body_case = EARSHOT__SERVER_FRAME__BODY_PRIVATE_SETTLED;
    frame.private_settled = &event;
    reply_write(session, &frame);
}

static void tell_signal(void *ctx, const struct chat_private *signal)
{
    Earshot__Signal event = EARSHOT__SIGNAL__INIT;
    Earshot__ServerFrame frame = EARSHOT__SERVER_FRAME__INIT;
    event.from = bytes_of_slice(signal->with);
    event.device = signal->device;
    event.channel = bytes_of_slice(slice_of(signal->channel, CHANNEL_SIZE));
    event.payload = bytes_of_slice(signal->content);
    frame.body_case = EARSHOT__SERVER_FRAME__BODY_SIGNAL;
    frame.signal = &event;
    reply_write(told(ctx), &frame);
}

static void tell_caught_up(void *ctx, uint64_t horizon)
{
    Earshot__CaughtUp event = EARSHOT__CAUGHT_UP__INIT;
    Earshot__ServerFrame frame = EARSHOT__SERVER_FRAME__INIT;
    event.horizon = horizon;
    frame.body_case = EARSHOT__SERVER_FRAME__BODY_CAUGHT_UP;
    frame.caught_up = &event;
    reply_write(told(ctx), &frame);
}

static void tell_farewell(void *ctx, enum farewell why)
{
    if (why == FAREWELL_REPLACED)
        session_end(told(ctx), EARSHOT__GOODBYE__REASON__REASON_REPLACED, "The same device has logged in again.");
    else if (why == FAREWELL_KICKED)
        session_end(told(ctx), EARSHOT__GOODBYE__REASON__REASON_REVOKED, "An administrator has ended this session.");
    else
        session_end(told(ctx), EARSHOT__GOODBYE__REASON__REASON_REVOKED, "This device may no longer be logged in.");
}

static bool is_congested(void *ctx)
{
    struct session *session = told(ctx);
    if (session->cut || session->link == NULL)
        return true;
    return session->ops->pending(session->link) > session->hub->settings.output_high;
}

const struct participant_ops tell_ops = {
    .answer = tell_answer,
    .message = tell_message,
    .broadcast = tell_broadcast,
    .presence = tell_presence,
    .private_request = tell_private_request,
    .private_settled = tell_private_settled,
    .signal = tell_signal,
    .caught_up = tell_caught_up,
    .farewell = tell_farewell,
    .congested = is_congested,
};
