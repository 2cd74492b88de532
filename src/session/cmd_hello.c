/* cmd_hello.c - hello, ping, and the acknowledgement of deliveries: the protocol's own housekeeping. */
#include "command.h"
#include "reply.h"

enum err cmd_hello(struct session *session, const struct request *request)
{
    const Earshot__Hello *hello = request->frame->hello;
    if (hello->version < WIRE_VERSION)
        return ERR_USAGE;
    for (size_t i = 0; i < hello->n_capabilities; i++)
        session->can_private |= hello->capabilities[i] == EARSHOT__CAPABILITY__CAPABILITY_PRIVATE;
    session->state = STATE_GREETED;
    reply_greeting(session, request->number);
    return OK;
}

enum err cmd_ping(struct session *session, const struct request *request)
{
    Earshot__Pong pong = EARSHOT__PONG__INIT;
    Earshot__ServerFrame frame = EARSHOT__SERVER_FRAME__INIT;
    if (request->frame->ping->active)
        session_active(session);
    frame.answers = request->number;
    frame.body_case = EARSHOT__SERVER_FRAME__BODY_PONG;
    frame.pong = &pong;
    reply_write(session, &frame);
    return OK;
}

enum err cmd_received(struct session *session, const struct request *request)
{
    const Earshot__Received *received = request->frame->received;
    for (size_t i = 0; i < received->n_positions; i++)
        participant_received(session->participant, received->positions[i]->conversation, received->positions[i]->id);
    reply_done(session, request->number);
    return OK;
}
