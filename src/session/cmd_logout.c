/* cmd_logout.c - logout: the device's token ends with the session, once what was asked before it has been answered. */
#include "command.h"
#include "reply.h"

void logout_finish(struct session *session)
{
    reply_done(session, session->logout_number);
    session_end(session, EARSHOT__GOODBYE__REASON__REASON_LOGOUT, "Logged out.");
}

enum err cmd_logout(struct session *session, const struct request *request)
{
    session->forget = true;
    session->logout_number = request->number;
    session->leaving = true;
    session_go_on(session); /* the end of the turn sees whether something is unanswered */
    return OK;
}
