/* cmd_block.c - block and unblock. */
#include "command.h"

static enum err set(struct session *session, const struct request *request, ProtobufCBinaryData user, bool on)
{
    struct name name;
    if (name_parse(slice_of_bytes(user), &name) != OK)
        return ERR_UNKNOWN_USER;
    participant_block(session->participant, request->number, name_slice(&name), on);
    return OK;
}

enum err cmd_block(struct session *session, const struct request *request)
{
    return set(session, request, request->frame->block->user, true);
}

enum err cmd_unblock(struct session *session, const struct request *request)
{
    return set(session, request, request->frame->unblock->user, false);
}
