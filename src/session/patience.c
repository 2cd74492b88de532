/*
 * patience.c - how long a session waits, and for what.
 *
 * One timer a session, looked at when it is due and set to what can become overdue next, so that traffic costs no timer. What it
 * watches over: that something is heard, that somebody logs in, that commands come (if wished), that a frame which was begun is
 * ended, and that output is read. All but the last two look at a peer that does too little; those two at one that does a little,
 * for ever: it keeps memory of ours occupied and is alive by every other measure.
 */
#include "command.h"
#include "reply.h"

enum {
    LENIENCE_MS = 250,      /* by which the inactivity logout waits for acknowledgements, */
    LENIENCE_MAX_MS = 2000, /* and how often: until so much */
    NEWS_MS = 2000,         /* in which a client can say that its user is there, when it hears of another timeout */
    FRAME_MS = 30 * 1000,   /* from a frame's first byte to its last */
    READ_MS = 30 * 1000,    /* in which a reader must take */
    READ_LEAST = 64 * 1024, /* so much of what waits for it, or all */
    TICK_MS = 100, /* deadlines come due together: a wake-up for each of ten thousand costs as much as their heartbeats */
};

static struct session *session_of(struct timer *timer)
{
    return (struct session *)((char *)timer - offsetof(struct session, timer));
}

static int64_t inactive_at(const struct session *session)
{
    const struct session_settings *settings = &session->hub->settings;
    if (session->state != STATE_ONLINE || settings->timeout_ms <= 0)
        return INT64_MAX;
    return session->command_ms + settings->timeout_ms + session->lenience_ms;
}

/*
 * What was delivered a moment ago and has not been acknowledged would come again at the next login: a client that is about to be
 * logged out gets a little time to say that it came.
 */
static void end_inactive(struct session *session)
{
    if (session->lenience_ms < LENIENCE_MAX_MS && participant_unacknowledged(session->participant))
        session->lenience_ms += LENIENCE_MS;
    else
        session_end(session, EARSHOT__GOODBYE__REASON__REASON_TIMEOUT, "Logged out after inactivity.");
}

/* Sets a reader its goal, and a new one when it has reached it. False: it did not in time. */
static bool reads(struct session *session, int64_t now)
{
    size_t pending = session->ops->pending(session->link);
    uint64_t taken = session->written > pending ? session->written - pending : 0;
    if (pending == 0) {
        session->goal_ms = 0;
    } else if (session->goal_ms == 0 || taken >= session->goal) {
        session->goal_ms = now;
        session->goal = taken + (pending < READ_LEAST ? pending : READ_LEAST);
    }
    return session->goal_ms == 0 || now < session->goal_ms + READ_MS;
}

static int64_t earlier(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t next_deadline(const struct session *session, int64_t now)
{
    const struct session_settings *settings = &session->hub->settings;
    int64_t due = earlier(session->heard_ms + settings->silence_ms, inactive_at(session));
    if (session->state < STATE_ONLINE)
        due = earlier(due, session->opened_ms + settings->login_ms);
    if (session->frame_ms > 0)
        due = earlier(due, session->frame_ms + FRAME_MS);
    if (session->goal_ms > 0)
        due = earlier(due, session->goal_ms + READ_MS);
    due = (due + TICK_MS - 1) / TICK_MS * TICK_MS;
    if (session->resting)
        due = earlier(due, now + gate_rest_ms(session, now));
    return due;
}

static void check_deadlines(struct session *session, int64_t now)
{
    const struct session_settings *settings = &session->hub->settings;
    if (session->paused) /* it is not being listened to */
        session->heard_ms = now;
    if (now >= session->heard_ms + settings->silence_ms)
        session_end(session, EARSHOT__GOODBYE__REASON__REASON_SILENT, "Nothing was heard for too long.");
    else if (session->state < STATE_ONLINE && now >= session->opened_ms + settings->login_ms)
        session_end(session, EARSHOT__GOODBYE__REASON__REASON_TIMEOUT, "Nobody logged in.");
    else if (now >= inactive_at(session))
        end_inactive(session);
    else if (session->frame_ms > 0 && now >= session->frame_ms + FRAME_MS)
        session_end(session, EARSHOT__GOODBYE__REASON__REASON_SILENT, "A frame was begun and not ended.");
    else if (!reads(session, now))
        session_end(session, EARSHOT__GOODBYE__REASON__REASON_TOO_SLOW, "What was sent was not read.");
}

static void deadline(struct timer *timer)
{
    struct session *session = session_of(timer);
    int64_t now = world_mono_ms(session->hub->world);
    if (session->resting && gate_rest_ms(session, now) == 0) {
        session->resting = false;
        session_go_on(session);
    }
    check_deadlines(session, now);
    if (session->state == STATE_ENDING)
        return;
    if (timer_start(session->hub->world->timers, &session->timer, next_deadline(session, now)) != OK)
        session_end(session, EARSHOT__GOODBYE__REASON__REASON_SHUTDOWN, "The server is out of memory.");
}

enum err patience_begin(struct session *session)
{
    session->timer.fire = deadline;
    return timer_start(session->hub->world->timers, &session->timer, next_deadline(session, session->opened_ms));
}

void patience_within(struct session *session, int64_t ms)
{
    int64_t due = world_mono_ms(session->hub->world) + ms;
    if (session->timer.place != 0 && session->timer.due > due)
        (void)timer_start(session->hub->world->timers, &session->timer, due); /* it is running: nothing can fail */
}

void patience_reconsider(struct session *session)
{
    int64_t now = world_mono_ms(session->hub->world);
    if (inactive_at(session) < now + NEWS_MS)
        session->lenience_ms += now + NEWS_MS - inactive_at(session);
    patience_within(session, next_deadline(session, now) - now);
}

void patience_frame(struct session *session, bool incomplete, bool another)
{
    if (!incomplete) {
        session->frame_ms = 0;
    } else if (session->frame_ms == 0 || another) {
        session->frame_ms = world_mono_ms(session->hub->world);
        patience_within(session, FRAME_MS);
    }
}
