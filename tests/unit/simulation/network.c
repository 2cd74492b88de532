/* network.c - see network.h. */
#include "network.h"

#include <stdlib.h>

enum { PIPE_CAP = 16 << 20, LINGER_MS = 5000 };

#define WIRE_OF(timer, member) ((struct wire *)(void *)((char *)(timer)-offsetof(struct wire, member)))

static struct timers *timers_of(struct wire *wire)
{
    return &wire->network->stage->timers;
}

static void start(struct wire *wire, struct timer *timer, int64_t ms)
{
    if (timer->place == 0 && timer_start(timers_of(wire), timer, wire->network->stage->now + ms) != OK)
        abort();
}

static void wire_free_if_gone(struct wire *wire)
{
    if (wire->session != NULL || wire->ops != NULL)
        return;
    struct timer *const all[] = {&wire->up.timer, &wire->down.timer, &wire->opening, &wire->closed};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        timer_stop(timers_of(wire), all[i]);
    buf_free(&wire->up.bytes);
    buf_free(&wire->down.bytes);
    *wire->link = wire->next;
    if (wire->next != NULL)
        wire->next->link = wire->link;
    free(wire);
}

static void end_session(struct wire *wire)
{
    struct session *session = wire->session;
    wire->session = NULL;
    wire->network->changes++;
    if (session != NULL)
        session_closed(session);
    stage_wake(wire->network->stage, wire->shard);
}

static void end_client(struct wire *wire)
{
    const struct wire_ops *ops = wire->ops;
    wire->ops = NULL;
    wire->network->changes++;
    if (ops != NULL)
        ops->lost(wire->ctx);
}

static bool silent(const struct wire *wire)
{
    return wire->silent_since >= 0;
}

/* Mostly everything, sometimes any part of it. */
static size_t piece(struct wire *wire, const struct buf *bytes)
{
    struct stage *stage = wire->network->stage;
    return stage_dice(stage, 8) > 0 ? buf_len(bytes) : 1 + stage_dice(stage, buf_len(bytes));
}

/* ---- the server's end ---- */

static enum err link_write(void *link, struct slice bytes)
{
    struct wire *wire = link;
    size_t cap = wire->network->settings.output_cap;
    if (buf_len(&wire->down.bytes) + bytes.len > cap)
        return ERR_CAP;
    enum err err = buf_append(&wire->down.bytes, bytes.data, bytes.len);
    wire->above_half |= buf_len(&wire->down.bytes) > cap / 2;
    start(wire, &wire->down.timer, wire->latency);
    return err;
}

static size_t link_pending(void *link)
{
    return buf_len(&((struct wire *)link)->down.bytes);
}

static void link_hold(void *ctx)
{
}

static void link_pause(void *link, bool paused)
{
    struct wire *wire = link;
    wire->paused = paused;
    if (!paused) /* more may have come, or the end */
        start(wire, &wire->up.timer, 0);
}

static void link_close(void *link)
{
    struct wire *wire = link;
    wire->closing = true;
    start(wire, &wire->closed, silent(wire) ? LINGER_MS : wire->latency);
}

static const struct session_link link_ops = {link_write, link_pending, link_hold, link_pause, link_close};

/* ---- what time brings ---- */

static void open_fire(struct timer *timer)
{
    struct wire *wire = WIRE_OF(timer, opening);
    struct hub *hub = wire->network->hubs[wire->shard];
    wire->network->changes++;
    if (wire->ops == NULL) {
        wire_free_if_gone(wire);
        return;
    }
    if (hub == NULL || session_open(hub, &link_ops, wire, "192.0.2.1", &wire->session) != OK) {
        end_client(wire);
        wire_free_if_gone(wire);
        return;
    }
    wire->opened = true;
    wire->ops->opened(wire->ctx);
}

static void up_fire(struct timer *timer)
{
    struct wire *wire = WIRE_OF(timer, up.timer);
    struct buf *bytes = &wire->up.bytes;
    if (silent(wire))
        buf_clear(bytes);
    if (buf_len(bytes) > 0 && wire->session != NULL && !wire->paused && !wire->closing) {
        size_t len = piece(wire, bytes);
        session_input(wire->session, slice_of(buf_data(bytes), len));
        buf_consume(bytes, len);
        stage_wake(wire->network->stage, wire->shard);
    }
    if (buf_len(bytes) > 0 && !wire->paused && !wire->closing) {
        start(wire, timer, 1);
    } else if (wire->ops == NULL && (buf_len(bytes) == 0 || wire->closing) && !silent(wire)) {
        end_session(wire);
        wire_free_if_gone(wire);
    }
}

static void down_fire(struct timer *timer)
{
    struct wire *wire = WIRE_OF(timer, down.timer);
    struct buf *bytes = &wire->down.bytes;
    if (silent(wire))
        return; /* the bytes stay in the server's buffer */
    size_t len = buf_len(bytes) > 0 ? piece(wire, bytes) : 0;
    if (len > 0 && wire->ops != NULL) {
        uint8_t *copy = malloc(len);
        memcpy(copy, buf_data(bytes), len);
        buf_consume(bytes, len);
        wire->ops->data(wire->ctx, slice_of(copy, len)); /* which may hang up */
        free(copy);
    } else {
        buf_consume(bytes, len);
    }
    if (wire->above_half && buf_len(bytes) <= wire->network->settings.output_cap / 4 && wire->session != NULL) {
        wire->above_half = false;
        session_drained(wire->session);
        stage_wake(wire->network->stage, wire->shard);
    }
    if (buf_len(bytes) > 0)
        start(wire, timer, 1);
}

static void closed_fire(struct timer *timer)
{
    struct wire *wire = WIRE_OF(timer, closed);
    if (!silent(wire) && buf_len(&wire->down.bytes) > 0 && wire->ops != NULL) {
        start(wire, timer, 1);
        return;
    }
    end_session(wire);
    if (!silent(wire))
        end_client(wire);
    wire_free_if_gone(wire);
}

/* ---- the client's end ---- */

struct wire *network_connect(struct network *network, unsigned owner, const struct wire_ops *ops, void *ctx)
{
    struct wire *wire = calloc(1, sizeof *wire);
    if (wire == NULL)
        abort();
    *wire = (struct wire){.network = network, .ops = ops, .ctx = ctx, .owner = owner, .silent_since = -1};
    wire->shard = (unsigned)stage_dice(network->stage, STAGE_SHARDS);
    wire->latency = 1 + (int64_t)stage_dice(network->stage, 80);
    buf_init(&wire->up.bytes, PIPE_CAP);
    buf_init(&wire->down.bytes, PIPE_CAP);
    wire->opening.fire = open_fire;
    wire->closed.fire = closed_fire;
    wire->up.timer.fire = up_fire;
    wire->down.timer.fire = down_fire;
    wire->next = network->wires;
    wire->link = &network->wires;
    if (wire->next != NULL)
        wire->next->link = &wire->next;
    network->wires = wire;
    network->changes++;
    start(wire, &wire->opening, 2 * wire->latency);
    return wire;
}

enum err wire_write(struct wire *wire, struct slice bytes)
{
    if (silent(wire))
        return OK;
    enum err err = buf_append(&wire->up.bytes, bytes.data, bytes.len);
    start(wire, &wire->up.timer, wire->latency);
    return err;
}

void wire_hang_up(struct wire *wire)
{
    wire->ops = NULL;
    wire->network->changes++;
    if (wire->opened && !silent(wire))
        start(wire, &wire->up.timer, wire->latency);
    else if (wire->session == NULL && wire->opened)
        wire_free_if_gone(wire);
}

void wire_cut(struct wire *wire)
{
    timer_stop(timers_of(wire), &wire->opening);
    end_session(wire);
    end_client(wire);
    wire_free_if_gone(wire);
}

void wire_silence(struct wire *wire)
{
    wire->silent_since = wire->network->stage->now;
    wire->network->changes++;
}

/* ---- the server ---- */

static void turn_end(void *ctx, unsigned shard)
{
    struct network *network = ctx;
    if (network->hubs[shard] != NULL)
        hub_flush(network->hubs[shard]);
}

static void start_hubs(struct network *network)
{
    struct stage *stage = network->stage;
    for (unsigned i = 0; i < STAGE_SHARDS; i++)
        if (hub_new(&stage->worlds[i], stage->shards[i], &network->settings, &network->hubs[i]) != OK)
            abort();
}

static void cut_all(struct network *network)
{
    while (network->wires != NULL)
        wire_cut(network->wires);
}

void network_restart(struct network *network)
{
    cut_all(network);
    stage_settle(network->stage); /* what was under way for sessions that are gone */
    for (unsigned i = 0; i < STAGE_SHARDS; i++)
        hub_free(&network->hubs[i]);
    stage_stop_chat(network->stage);
    stage_start_chat(network->stage);
    start_hubs(network);
}

void network_shutdown(struct network *network)
{
    for (unsigned i = 0; i < STAGE_SHARDS; i++) {
        hub_shutdown(network->hubs[i]);
        stage_wake(network->stage, i);
    }
}

void network_crash(struct network *network)
{
    network->stage->crashed = true;
    network_restart(network);
}

void network_open(struct network *network, struct stage *stage, const struct session_settings *settings)
{
    *network = (struct network){.stage = stage, .settings = *settings};
    stage->turn_end = turn_end;
    stage->ctx = network;
    start_hubs(network);
}

void network_close(struct network *network)
{
    cut_all(network);
    stage_settle(network->stage);
    for (unsigned i = 0; i < STAGE_SHARDS; i++)
        hub_free(&network->hubs[i]);
    network->stage->turn_end = NULL;
}
