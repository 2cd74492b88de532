/* cmd_private.c - introductions for private channels: asking, answering, and signals between the two ends. docs/PRIVATE.md. */
#include "chat/introduction.h"
#include "command.h"
#include "reply.h"

/* What these commands have in common: a user and a channel. */
struct introduced {
    struct name name;
    const uint8_t *channel;
};

static enum err read_introduced(struct session *session, ProtobufCBinaryData user, ProtobufCBinaryData channel,
                                struct introduced *out)
{
    if (name_parse(slice_of_bytes(user), &out->name) != OK)
        return ERR_UNKNOWN_USER;
    if (channel.len != CHANNEL_SIZE)
        return session->can_private ? ERR_USAGE : ERR_NO_PRIVATE;
    out->channel = channel.data;
    return OK;
}

static enum err done(struct session *session, const struct request *request, enum err err)
{
    if (err == OK)
        reply_done(session, request->number);
    return err == ERR_MEMORY ? ERR_UNAVAILABLE : err;
}

enum err cmd_startprivate(struct session *session, const struct request *request)
{
    const Earshot__StartPrivate *start = request->frame->startprivate;
    static uint8_t no_channel[CHANNEL_SIZE];
    ProtobufCBinaryData channel = start->channel;
    struct introduced with;
    if (!session->can_private) /* it will be refused, but for the first reason that applies */
        channel = (ProtobufCBinaryData){CHANNEL_SIZE, no_channel};
    enum err err = read_introduced(session, start->user, channel, &with);
    if (err == OK)
        err = introduction_ask(session->participant, name_slice(&with.name), with.channel);
    return done(session, request, err);
}

enum err cmd_answerprivate(struct session *session, const struct request *request)
{
    const Earshot__AnswerPrivate *answer = request->frame->answerprivate;
    static const uint8_t no_nonce[NONCE_SIZE];
    struct introduced with;
    enum err err = read_introduced(session, answer->user, answer->channel, &with);
    if (err == OK && answer->nonce.len != NONCE_SIZE && (answer->accept || answer->nonce.len != 0))
        err = ERR_USAGE;
    if (err != OK)
        return err;
    const struct introduction_answer what = {
        .name = name_slice(&with.name),
        .device = answer->device,
        .channel = with.channel,
        .nonce = answer->nonce.len == NONCE_SIZE ? answer->nonce.data : no_nonce,
        .accept = answer->accept,
    };
    return done(session, request, introduction_answer(session->participant, &what));
}

enum err cmd_stopprivate(struct session *session, const struct request *request)
{
    const Earshot__StopPrivate *stop = request->frame->stopprivate;
    struct introduced with;
    enum err err = read_introduced(session, stop->user, stop->channel, &with);
    if (err == OK)
        err = introduction_cancel(session->participant, with.channel);
    return done(session, request, err);
}

enum { SIGNAL_BYTES_PER_TOKEN = 1024 };

enum err cmd_signal(struct session *session, const struct request *request)
{
    const Earshot__SendSignal *signal = request->frame->signal;
    gate_charge(session, signal->payload.len / SIGNAL_BYTES_PER_TOKEN);
    struct introduced with;
    enum err err = read_introduced(session, signal->user, signal->channel, &with);
    if (err == OK)
        err = introduction_signal(session->participant, name_slice(&with.name), signal->device, with.channel,
                                  slice_of_bytes(signal->payload));
    return done(session, request, err);
}
