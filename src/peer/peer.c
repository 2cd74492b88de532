/* peer.c - the life of a channel: made, watched over, closed, freed. */
#include "peer_internal.h"
#include <arpa/inet.h>
#include <openssl/crypto.h>
#include <stdlib.h>

enum { CLOSE_MS = 2000 };

static const struct peer_times times = {
    .look = 1000,
    .path = PEER_PATH_SECONDS * 1000,
    .lost = PEER_LOST_SECONDS * 1000,
    .search = 30000,
    .grace = 4000,
    .restart = 7000,
};

#define container(pointer, type, member) ((type *)(void *)((char *)(pointer)-offsetof(type, member)))

/* Timers */

static void soon_fired(struct timer *timer)
{
    event_tell(container(timer, struct peer, soon));
}

static void watch_fired(struct timer *timer)
{
    struct peer *peer = container(timer, struct peer, watch);
    int64_t now = world_mono_ms(peer->world);

    if (peer->stage == PEER_STAGE_CLOSING) {
        peer_end_with(peer, PEER_CLOSED, "closed");
        return;
    }
    signal_watch(peer, now);
    if (peer->stage != PEER_STAGE_ENDED)
        (void)timer_start(peer->world->timers, &peer->watch, now + peer->times.look);
}

/* Making */

static bool is_address(const char *text)
{
    uint8_t binary[16];

    return inet_pton(AF_INET, text, binary) == 1 || inet_pton(AF_INET6, text, binary) == 1;
}

static enum err check_config(const struct peer_config *config)
{
    if (config->stun_host && !is_address(config->stun_host))
        return ERR_INVALID;
    for (size_t i = 0; i < config->relay_count; i++) {
        if (!is_address(config->relays[i].host))
            return ERR_INVALID;
    }
    return OK;
}

static size_t strings_size(const struct peer_config *config)
{
    size_t size = config->stun_host ? strlen(config->stun_host) + 1 : 0;

    for (size_t i = 0; i < config->relay_count; i++) {
        const struct peer_relay *relay = &config->relays[i];
        size += strlen(relay->host) + strlen(relay->user) + strlen(relay->password) + 3;
    }
    return size;
}

static const char *copy_string(char **at, const char *text)
{
    size_t size = strlen(text) + 1;
    char *copy = memcpy(*at, text, size);

    *at += size;
    return copy;
}

static enum err copy_config(struct peer *peer, const struct peer_config *config)
{
    char *at = peer->strings = malloc(strings_size(config) + 1);

    peer->relays = calloc(config->relay_count + 1, sizeof *peer->relays);
    if (!peer->strings || !peer->relays)
        return ERR_MEMORY;
    peer->config = *config;
    peer->config.relays = peer->relays;
    if (config->stun_host)
        peer->config.stun_host = copy_string(&at, config->stun_host);
    for (size_t i = 0; i < config->relay_count; i++) {
        peer->relays[i] = config->relays[i];
        peer->relays[i].host = copy_string(&at, config->relays[i].host);
        peer->relays[i].user = copy_string(&at, config->relays[i].user);
        peer->relays[i].password = copy_string(&at, config->relays[i].password);
    }
    return OK;
}

static enum err set_up(struct peer *peer)
{
    enum err err = glib_source_get(peer->config.loop, &peer->source);

    if (!err)
        err = dtls_new(peer->world, &channel_dtls_ops, peer, &peer->dtls);
    if (err)
        return err;
    dtls_fingerprint(peer->dtls, peer->local.fingerprint);
    peer->local.session = world_random_u64(peer->world) >> 2;
    peer->local.sctp_port = SDP_SCTP_PORT;
    peer->local.max_message = PEER_MESSAGE_MAX;
    err = timer_start(peer->world->timers, &peer->watch, world_mono_ms(peer->world) + peer->times.look);
    if (!err && peer->config.offers)
        err = signal_offer(peer);
    return err;
}

enum err peer_new(const struct peer_config *config, struct peer **out)
{
    enum err err = check_config(config);
    struct peer *peer;

    if (err)
        return err;
    peer = calloc(1, sizeof *peer);
    if (!peer)
        return ERR_MEMORY;
    peer->config = *config;
    peer->world = loop_world(config->loop);
    peer->times = times;
    peer->events_end = &peer->events;
    peer->soon.fire = soon_fired;
    peer->watch.fire = watch_fired;
    buf_init(&peer->outbox, PEER_QUEUE_MAX);
    err = copy_config(peer, config);
    if (!err)
        err = set_up(peer);
    if (err) {
        peer_free(&peer);
        return err;
    }
    *out = peer;
    return OK;
}

/* Ending */

void peer_tear_down(struct peer *peer)
{
    timer_stop(peer->world->timers, &peer->watch);
    sctp_free(&peer->sctp);
    if (peer->dtls)
        dtls_close(peer->dtls);
    dtls_free(&peer->dtls);
    ice_free(&peer->next);
    ice_free(&peer->ice);
    peer->talking = NULL;
    buf_free(&peer->outbox);
}

/* The parts below may be at work further up the stack: they are torn down when the owner is told. */
void peer_end_with(struct peer *peer, enum peer_end end, const char *why)
{
    if (peer->stage == PEER_STAGE_ENDED)
        return;
    if (end == PEER_BROKEN && peer->stage == PEER_STAGE_CLOSING)
        end = PEER_CLOSED;
    peer->stage = PEER_STAGE_ENDED;
    peer->end = end;
    peer->why = why;
    timer_stop(peer->world->timers, &peer->watch);
    event_soon(peer);
}

static void destroy(struct glib_later *later)
{
    struct peer *peer = container(later, struct peer, later);

    peer_tear_down(peer);
    timer_stop(peer->world->timers, &peer->soon);
    event_free_all(peer);
    glib_source_put(&peer->source);
    if (peer->strings)
        OPENSSL_cleanse(peer->strings, strings_size(&peer->config));
    free(peer->strings);
    free(peer->relays);
    OPENSSL_cleanse(peer->local.password, sizeof peer->local.password);
    free(peer);
}

/* Not while libnice, and with it perhaps this very peer, is at work. */
void peer_destroy(struct peer *peer)
{
    peer->later.run = destroy;
    if (peer->source)
        glib_source_later(peer->source, &peer->later);
    else
        destroy(&peer->later);
}

void peer_free(struct peer **pointer)
{
    struct peer *peer = *pointer;

    *pointer = NULL;
    if (!peer || peer->freed)
        return;
    peer->freed = true;
    peer->stage = PEER_STAGE_ENDED;
    if (!peer->telling)
        peer_destroy(peer);
}

void peer_close(struct peer *peer)
{
    if (peer->stage != PEER_STAGE_OPEN) {
        if (peer->stage != PEER_STAGE_CLOSING)
            peer_end_with(peer, PEER_CLOSED, "closed");
        return;
    }
    peer->stage = PEER_STAGE_CLOSING;
    (void)timer_start(peer->world->timers, &peer->watch, world_mono_ms(peer->world) + CLOSE_MS);
    channel_pump(peer);
}

void peer_local_fingerprint(const struct peer *peer, uint8_t out[PEER_FINGERPRINT])
{
    memcpy(out, peer->local.fingerprint, PEER_FINGERPRINT);
}

bool peer_remote_fingerprint(const struct peer *peer, uint8_t out[PEER_FINGERPRINT])
{
    if (peer->described)
        memcpy(out, peer->remote.fingerprint, PEER_FINGERPRINT);
    return peer->described;
}

void peer_cut_path(struct peer *peer)
{
    if (peer->ice)
        ice_cut(peer->ice);
}
