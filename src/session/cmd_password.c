/* cmd_password.c - password: another one. A second request before the first one is answered is refused, since each is two hashes.
 */
#include "command.h"
#include "reply.h"

enum err cmd_password(struct session *session, const struct request *request)
{
    struct slice current = slice_of_bytes(request->frame->password->current);
    struct slice another = slice_of_bytes(request->frame->password->another);
    enum err err = password_check(current);
    if (err == OK)
        err = password_check_new(another);
    if (err == OK)
        err = participant_password(session->participant, request->number, current, another, session->address);
    if (err != ERR_RATE_LIMITED && err != ERR_UNAVAILABLE)
        return err;
    reply_error(session, request->number, err, 1);
    return OK;
}
