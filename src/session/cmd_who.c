/*
 * cmd_who.c - whoelse and whoelsesince.
 *
 * A long answer is written as far as the output has room for it; the rest when it has drained. Until then the session takes no
 * other request. Besides its row's cost a question costs what it took to answer it, which grows with the names.
 */
#include "command.h"
#include "reply.h"

#include <stdlib.h>

enum {
    NAMES_CAP = 64 * 1024 * 1024, /* a million users */
    NAMES_KEEP = 0,
    NAMES_PER_TOKEN = 20,
    ACCOUNTS_PER_TOKEN = 200, /* whoelsesince looks at all of them */
};

/* An answer being written. */
struct listing {
    struct arena arena; /* of `names`; what they point to lives for ever */
    struct slice *names;
    size_t count;
    uint64_t number;
};

void listing_drop(struct session *session)
{
    if (session->listing == NULL)
        return;
    arena_free(&session->listing->arena);
    free(session->listing);
    session->listing = NULL;
}

size_t listing_held(const struct session *session)
{
    return session->listing != NULL ? sizeof *session->listing + session->listing->arena.used : 0;
}

void listing_go_on(struct session *session)
{
    struct listing *listing = session->listing;
    bool more = listing != NULL;
    while (more && !tell_ops.congested(session)) {
        size_t written = reply_users(session, listing->number, listing->names, listing->count);
        listing->names += written;
        listing->count -= written;
        more = listing->count > 0;
    }
    if (!more)
        listing_drop(session);
}

static enum err who(struct session *session, const struct request *request, int64_t seconds)
{
    struct listing *listing = calloc(1, sizeof *listing);
    if (listing == NULL)
        return ERR_UNAVAILABLE;
    arena_init(&listing->arena, NAMES_CAP, NAMES_KEEP);
    listing->number = request->number;
    session->listing = listing;
    if (participant_who(session->participant, seconds, &listing->arena, &listing->names, &listing->count) != OK) {
        listing_drop(session);
        return ERR_UNAVAILABLE;
    }
    size_t looked_at = seconds < 0 ? 0 : participant_accounts(session->participant);
    gate_charge(session, listing->count / NAMES_PER_TOKEN + looked_at / ACCOUNTS_PER_TOKEN);
    if (request->number != 0)
        listing_go_on(session);
    else
        listing_drop(session);
    return OK;
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
