/*
 * pulse.c - heartbeats. When we have said nothing, or heard nothing, for the server's heartbeat, a ping goes out; when nothing at
 * all comes back for a heartbeat and ten seconds more, the connection is dead, whatever TCP thinks.
 *
 * What is said on a private channel passes the server by, which would log two people out in the middle of their talk if it does
 * so with those who give no command. Only to such a server, and four times within its patience at most, a ping says that its
 * user is there: at the first such command, and at the end of a quarter in which there were more.
 */
#include "core_private.h"

static int64_t later(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static int64_t earlier(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static void send_ping(struct client_core *core, bool active)
{
    Earshot__Ping ping = EARSHOT__PING__INIT;
    Earshot__ClientFrame frame = EARSHOT__CLIENT_FRAME__INIT;
    frame.number = ++core->number; /* one that is not 0, so that it is answered */
    frame.body_case = EARSHOT__CLIENT_FRAME__BODY_PING;
    frame.ping = &ping;
    ping.active = active;
    core->last_sent = world_mono_ms(core->world);
    if (core->ping_sent < 0)
        core->ping_sent = core->last_sent;
    (void)core_write(core, &frame);
    core_flush(core);
}

static int64_t dead_at(const struct client_core *core)
{
    if (core->ping_sent < 0)
        return INT64_MAX;
    return later(core->ping_sent, core->last_received) + core->heartbeat_ms + CORE_SILENCE_MS;
}

/* After a ping only our own silence asks for another. */
static int64_t ping_at(const struct client_core *core)
{
    int64_t since = core->ping_sent < 0 ? earlier(core->last_sent, core->last_received) : core->last_sent;
    return since + core->heartbeat_ms;
}

void pulse_start(struct client_core *core)
{
    core->ping_sent = -1;
    core->active_ms = core->active_sent = INT64_MIN / 2;
    if (core->heartbeat_ms > 0)
        core_start_timer(core, &core->pulse, core->heartbeat_ms);
}

void pulse_stop(struct client_core *core)
{
    timer_stop(core->world->timers, &core->pulse);
    timer_stop(core->world->timers, &core->active);
}

static void tell_active(struct client_core *core)
{
    int64_t now = world_mono_ms(core->world), due = core->active_sent + core->patience_ms / 4;
    if (core->state == CORE_ONLINE && core->patience_ms > 0)
        core_start_timer(core, &core->active, due > now ? due - now : 0); /* at the same time as before, if it runs already */
}

void pulse_active(struct client_core *core)
{
    core->active_ms = world_mono_ms(core->world);
    tell_active(core);
}

void pulse_patience(struct client_core *core, int64_t ms)
{
    core->patience_ms = ms;
    timer_stop(core->world->timers, &core->active);
    if (core->active_ms >= core->active_sent && world_mono_ms(core->world) - core->active_ms < ms)
        tell_active(core);
}

void pulse_active_fire(struct timer *timer)
{
    struct client_core *core = CORE_OF(timer, active);
    if (!core->up || core->state != CORE_ONLINE)
        return;
    core->active_sent = world_mono_ms(core->world);
    send_ping(core, true);
}

void pulse_fire(struct timer *timer)
{
    struct client_core *core = CORE_OF(timer, pulse);
    int64_t now = world_mono_ms(core->world);
    if (!core->up || core->heartbeat_ms <= 0)
        return;
    if (now >= dead_at(core)) {
        core_drop(core, "The server has fallen silent.", 0);
        return;
    }
    if (now >= ping_at(core))
        send_ping(core, false);
    if (core->up)
        core_start_timer(core, &core->pulse, earlier(dead_at(core), ping_at(core)) - now);
}
