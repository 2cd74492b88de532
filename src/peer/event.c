/* event.c - what the owner is to be told, in order, and never inside a call of the owner's. */
#include "peer_internal.h"
#include <stdlib.h>

void event_soon(struct peer *peer)
{
    if (peer->soon.place == 0 && !peer->freed)
        (void)timer_start(peer->world->timers, &peer->soon, world_mono_ms(peer->world));
}

void event_add(struct peer *peer, enum event_kind kind, struct slice bytes)
{
    struct event *event;

    if (peer->stage == PEER_STAGE_ENDED)
        return;
    event = malloc(sizeof *event + bytes.len);
    if (!event) {
        peer_end_with(peer, PEER_BROKEN, "out of memory");
        return;
    }
    *event = (struct event){.kind = kind, .len = bytes.len};
    if (bytes.len)
        memcpy(event->bytes, bytes.data, bytes.len);
    *peer->events_end = event;
    peer->events_end = &event->next;
    event_soon(peer);
}

static void tell_path(struct peer *peer)
{
    enum peer_path path = peer->relayed ? PEER_RELAYED : PEER_DIRECT;

    if (peer->tell_open) {
        peer->tell_open = false;
        peer->told_open = true;
        peer->told_relayed = peer->relayed;
        peer->config.ops->open(peer->config.ctx, path);
    } else if (peer->told_open && peer->relayed != peer->told_relayed && peer->stage != PEER_STAGE_ENDED) {
        peer->told_relayed = peer->relayed;
        peer->config.ops->path(peer->config.ctx, path);
    }
}

static void tell_event(struct peer *peer, struct event *event)
{
    const struct peer_ops *ops = peer->config.ops;
    struct slice bytes = slice_of(event->bytes, event->len);

    switch (event->kind) {
    case EVENT_DESCRIPTION:
        ops->description(peer->config.ctx, bytes);
        break;
    case EVENT_CANDIDATE:
        ops->candidate(peer->config.ctx, bytes);
        break;
    case EVENT_DATA:
        ops->data(peer->config.ctx, bytes);
        break;
    }
    free(event);
}

static void tell_all(struct peer *peer)
{
    while (peer->events && !peer->freed) {
        struct event *event = peer->events;
        if (event->kind == EVENT_DATA) /* not before the owner knows of the channel */
            tell_path(peer);
        if (peer->freed)
            return;
        peer->events = event->next;
        if (!peer->events)
            peer->events_end = &peer->events;
        tell_event(peer, event);
    }
    if (!peer->freed)
        tell_path(peer);
    if (!peer->freed && peer->tell_drained && peer->stage == PEER_STAGE_OPEN) {
        peer->tell_drained = false;
        peer->config.ops->drained(peer->config.ctx);
    }
    if (!peer->freed && peer->stage == PEER_STAGE_ENDED && !peer->events && !peer->told_end) {
        peer->told_end = true;
        peer_tear_down(peer);
        peer->config.ops->closed(peer->config.ctx, peer->end, peer->why);
    }
}

void event_tell(struct peer *peer)
{
    if (peer->telling || peer->freed)
        return;
    peer->telling = true;
    timer_stop(peer->world->timers, &peer->soon);
    tell_all(peer);
    peer->telling = false;
    if (peer->freed)
        peer_destroy(peer);
}

void event_free_all(struct peer *peer)
{
    while (peer->events) {
        struct event *first = peer->events;
        peer->events = first->next;
        free(first);
    }
    peer->events_end = &peer->events;
}
