/*
 * cmd_private.c - introductions for private channels.
 *
 * Asking is checked as it always will be (who exists, who may ask, who is online); no client can hold such a channel yet, so
 * the answer to what passes the checks is no_private.
 */
#include "command.h"
#include "reply.h"

enum err cmd_startprivate(struct session *session, const struct request *request)
{
    struct name name;
    if (name_parse(slice_of_bytes(request->frame->startprivate->user), &name) != OK)
        return ERR_UNKNOWN_USER;
    enum err err = participant_request_private(session->participant, name_slice(&name));
    if (err == OK)
        reply_done(session, request->number);
    return err;
}

enum err cmd_answerprivate(struct session *session, const struct request *request)
{
    return ERR_NO_PRIVATE;
}

enum err cmd_stopprivate(struct session *session, const struct request *request)
{
    return ERR_NO_PRIVATE;
}
