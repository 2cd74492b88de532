/* cmd_message.c - message and broadcast. */
#include "command.h"
#include "reply.h"

/* A long broadcast costs more: whoever is thrown out for not reading fast enough was thrown out by its sender. */
enum { CHEAP_BYTES = 256, BYTES_PER_TOKEN = 16 };
/* A long message costs more, too: it is the disk that it fills. */
enum { STORED_BYTES_PER_TOKEN = 1024 };

enum err cmd_message(struct session *session, const struct request *request)
{
    const Earshot__SendMessage *message = request->frame->message;
    struct slice body = slice_of_bytes(message->body);
    struct name to;
    enum err err = name_parse(slice_of_bytes(message->to), &to);
    if (err != OK)
        return ERR_UNKNOWN_USER; /* nobody can have such a name */
    err = text_check(body);
    if (err != OK)
        return err;
    gate_charge(session, body.len / STORED_BYTES_PER_TOKEN);
    participant_message(session->participant, request->number, name_slice(&to), body);
    return OK;
}

enum err cmd_broadcast(struct session *session, const struct request *request)
{
    struct slice body = slice_of_bytes(request->frame->broadcast->body);
    Earshot__Announced announced = EARSHOT__ANNOUNCED__INIT;
    Earshot__ServerFrame frame = EARSHOT__SERVER_FRAME__INIT;
    unsigned delivered;
    bool withheld;
    enum err err = text_check(body);
    if (err == OK)
        err = participant_broadcast(session->participant, body, &delivered, &withheld);
    if (err != OK)
        return err;
    gate_charge(session, body.len > CHEAP_BYTES ? (body.len - CHEAP_BYTES) / BYTES_PER_TOKEN : 0);
    announced.delivered = delivered;
    announced.withheld = withheld;
    frame.answers = request->number;
    frame.body_case = EARSHOT__SERVER_FRAME__BODY_ANNOUNCED;
    frame.announced = &announced;
    if (request->number != 0)
        reply_write(session, &frame);
    return OK;
}
