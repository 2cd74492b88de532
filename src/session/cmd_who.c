/* cmd_who.c - whoelse and whoelsesince. */
#include "command.h"
#include "reply.h"

enum { NAMES_CAP = 64 * 1024 * 1024, NAMES_KEEP = 0 }; /* a million users */

static enum err who(struct session *session, const struct request *request, int64_t seconds)
{
    struct arena arena;
    struct slice *names;
    size_t count;
    arena_init(&arena, NAMES_CAP, NAMES_KEEP);
    enum err err = participant_who(session->participant, seconds, &arena, &names, &count);
    if (err == OK)
        reply_users(session, request->number, names, count);
    arena_free(&arena);
    return err == OK ? OK : ERR_UNAVAILABLE;
}

enum err cmd_whoelse(struct session *session, const struct request *request)
{
    return who(session, request, -1);
}

enum err cmd_whoelsesince(struct session *session, const struct request *request)
{
    uint64_t seconds = request->frame->whoelsesince->seconds;
    return who(session, request, seconds > INT64_MAX / 1000 ? INT64_MAX / 1000 : (int64_t)seconds);
}
