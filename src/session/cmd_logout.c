/* cmd_logout.c - logout: the device's token ends with the session. */
#include "command.h"
#include "reply.h"

enum err cmd_logout(struct session *session, const struct request *request)
{
    reply_done(session, request->number);
    session->forget = true;
    session_end(session, EARSHOT__GOODBYE__REASON__REASON_LOGOUT, "Logged out.");
    return OK;
}
