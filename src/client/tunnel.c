/* tunnel.c - see tunnel.h. */
#include "tunnel.h"
#include "base/buf.h"
#include "crypto/token.h"
#include "relay_url.h"
#include <poll.h>
#include <stdlib.h>
#include <uv.h>

enum { RELAYS = 16, HELD = PEER_CANDIDATES_MAX, FINISH_MS = 2500, LOOKUP_MS = 4000 };

struct relay {
    struct relay_url url;
    char address[INET6_ADDRSTRLEN];
    char *user, *password;
};

/* In flight until libuv calls back; the tunnel may be gone by then. */
struct lookup {
    uv_getaddrinfo_t request;
    struct tunnel *tunnel;
    struct relay *relay;
};

struct tunnel {
    struct tunnels *tunnels;
    struct tunnel *next;
    struct peer *peer; /* NULL until the relays' names are known */
    struct peer_config config;
    struct relay relays[RELAYS];
    size_t relay_count, looking;
    struct lookup *lookups[RELAYS];
    struct timer late;      /* names that take too long are done without */
    struct buf description; /* what came before the peer was there */
    struct buf held[HELD];
    size_t held_count;
    bool dead; /* nobody listens; to be freed, at once or when `peer` has closed */
    struct task task;
    bool posted;
};

/* ---- callbacks ---- */

#define PASS(call)                                                                                                               \
    do {                                                                                                                         \
        struct tunnel *tunnel = ctx;                                                                                             \
        if (!tunnel->dead)                                                                                                       \
            tunnel->config.ops->call;                                                                                            \
    } while (0)

static void on_description(void *ctx, struct slice sdp)
{
    PASS(description(tunnel->config.ctx, sdp));
}

static void on_candidate(void *ctx, struct slice candidate)
{
    PASS(candidate(tunnel->config.ctx, candidate));
}

static void on_open(void *ctx, enum peer_path path)
{
    PASS(open(tunnel->config.ctx, path));
}

static void on_path(void *ctx, enum peer_path path)
{
    PASS(path(tunnel->config.ctx, path));
}

static void on_data(void *ctx, struct slice message)
{
    PASS(data(tunnel->config.ctx, message));
}

static void on_drained(void *ctx)
{
    PASS(drained(tunnel->config.ctx));
}

static void free_later(struct tunnel *tunnel)
{
    tunnel->dead = true;
    if (!tunnel->posted)
        strand_post(loop_strand(tunnel->tunnels->loop), &tunnel->task);
    tunnel->posted = true;
}

static void on_closed(void *ctx, enum peer_end end, const char *why)
{
    struct tunnel *tunnel = ctx;
    if (tunnel->dead)
        free_later(tunnel);
    else
        tunnel->config.ops->closed(tunnel->config.ctx, end, why);
}

static const struct peer_ops ops = {
    .description = on_description,
    .candidate = on_candidate,
    .open = on_open,
    .path = on_path,
    .data = on_data,
    .drained = on_drained,
    .closed = on_closed,
};

/* ---- making and freeing ---- */

static void forget_lookups(struct tunnel *tunnel)
{
    timer_stop(loop_world(tunnel->tunnels->loop)->timers, &tunnel->late);
    for (size_t i = 0; i < tunnel->relay_count; i++) {
        if (tunnel->lookups[i] == NULL)
            continue;
        tunnel->lookups[i]->tunnel = NULL;
        uv_cancel((uv_req_t *)&tunnel->lookups[i]->request);
        tunnel->lookups[i] = NULL;
    }
    tunnel->looking = 0;
}

static void free_tunnel(struct tunnel *tunnel)
{
    struct tunnel **link = &tunnel->tunnels->first;
    while (*link != tunnel)
        link = &(*link)->next;
    *link = tunnel->next;
    peer_free(&tunnel->peer);
    forget_lookups(tunnel);
    for (size_t i = 0; i < tunnel->relay_count; i++) {
        if (tunnel->relays[i].password != NULL)
            secret_wipe(tunnel->relays[i].password, strlen(tunnel->relays[i].password));
        free(tunnel->relays[i].user);
        free(tunnel->relays[i].password);
    }
    for (size_t i = 0; i < HELD; i++)
        buf_free(&tunnel->held[i]);
    buf_free(&tunnel->description);
    free(tunnel);
}

static void run_task(struct task *task)
{
    free_tunnel((struct tunnel *)(void *)((char *)task - offsetof(struct tunnel, task)));
}

/* All names are known, or known not to be. ERR_NOT_FOUND: only a relay would do, and there is none. */
static enum err make_peer(struct tunnel *tunnel)
{
    struct peer_relay relays[RELAYS];
    struct peer_config config = tunnel->config;
    config.relay_count = 0;
    for (size_t i = 0; i < tunnel->relay_count; i++) {
        const struct relay *relay = &tunnel->relays[i];
        if (relay->address[0] == '\0')
            continue;
        struct peer_relay *to = &relays[config.relay_count++];
        *to = (struct peer_relay){.host = relay->address, .port = relay->url.port, .user = relay->user};
        to->transport = (__typeof__(to->transport))relay->url.transport;
        to->password = relay->password;
    }
    if (tunnel->tunnels->relay_only && config.relay_count == 0)
        return ERR_NOT_FOUND;
    config.relays = relays;
    config.relay_only = tunnel->tunnels->relay_only;
    config.loop = tunnel->tunnels->loop;
    config.loopback = tunnel->tunnels->loopback;
    config.ops = &ops;
    config.ctx = tunnel;
    enum err err = peer_new(&config, &tunnel->peer);
    if (err == OK && buf_len(&tunnel->description) > 0)
        (void)peer_describe(tunnel->peer, buf_slice(&tunnel->description));
    for (size_t i = 0; err == OK && i < tunnel->held_count; i++)
        (void)peer_candidate(tunnel->peer, buf_slice(&tunnel->held[i]));
    return err;
}

static void names_are_known(struct tunnel *tunnel)
{
    forget_lookups(tunnel);
    enum err err = tunnel->dead ? OK : make_peer(tunnel);
    if (err != OK)
        tunnel->config.ops->closed(tunnel->config.ctx, err == ERR_NOT_FOUND ? PEER_NO_PATH : PEER_BROKEN,
                                   "the channel cannot be made on this machine");
}

static void late_fire(struct timer *timer)
{
    names_are_known((struct tunnel *)(void *)((char *)timer - offsetof(struct tunnel, late)));
}

static void resolved(uv_getaddrinfo_t *request, int status, struct addrinfo *found)
{
    struct lookup *lookup = request->data;
    struct tunnel *tunnel = lookup->tunnel;
    if (tunnel != NULL) {
        struct relay *relay = lookup->relay;
        tunnel->lookups[relay - tunnel->relays] = NULL;
        if (status == 0 && found != NULL)
            (void)uv_ip_name(found->ai_addr, relay->address, sizeof relay->address);
        if (--tunnel->looking == 0)
            names_are_known(tunnel);
    }
    uv_freeaddrinfo(found);
    free(lookup);
}

static enum err look_up(struct tunnel *tunnel, struct relay *relay)
{
    const struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    struct lookup *lookup = calloc(1, sizeof *lookup);
    if (lookup == NULL)
        return ERR_MEMORY;
    lookup->request.data = lookup;
    lookup->tunnel = tunnel;
    lookup->relay = relay;
    if (uv_getaddrinfo(loop_uv(tunnel->tunnels->loop), &lookup->request, resolved, relay->url.host, NULL, &hints) != 0) {
        free(lookup); /* a name that cannot be: as if it were not there */
        return OK;
    }
    tunnel->lookups[relay - tunnel->relays] = lookup;
    tunnel->looking++;
    return OK;
}

static char *copy_text(struct slice text)
{
    return text.len == 0 ? strdup("") : strndup((const char *)text.data, text.len);
}

static enum err add_relay(struct tunnel *tunnel, const struct transport_relay *from)
{
    struct relay *relay = &tunnel->relays[tunnel->relay_count];
    uint8_t binary[16];
    if (tunnel->relay_count == RELAYS || relay_url_parse(from->url, &relay->url) != OK)
        return OK;
    tunnel->relay_count++;
    relay->user = copy_text(from->user);
    relay->password = copy_text(from->password);
    if (relay->user == NULL || relay->password == NULL)
        return ERR_MEMORY;
    if (uv_inet_pton(AF_INET, relay->url.host, binary) == 0 || uv_inet_pton(AF_INET6, relay->url.host, binary) == 0) {
        memcpy(relay->address, relay->url.host, strnlen(relay->url.host, sizeof relay->address - 1));
        return OK;
    }
    return look_up(tunnel, relay);
}

static enum err tunnel_open(void *ctx, const struct transport_config *config, struct tunnel **out)
{
    struct tunnels *tunnels = ctx;
    struct tunnel *tunnel = calloc(1, sizeof *tunnel);
    if (tunnel == NULL)
        return ERR_MEMORY;
    tunnel->tunnels = tunnels;
    tunnel->next = tunnels->first;
    tunnels->first = tunnel;
    tunnel->config = (struct peer_config){.offers = config->offers, .ops = config->ops, .ctx = config->ctx};
    tunnel->task.run = run_task;
    tunnel->late.fire = late_fire;
    buf_init(&tunnel->description, PEER_DESCRIPTION_MAX);
    for (size_t i = 0; i < HELD; i++)
        buf_init(&tunnel->held[i], 1024);
    enum err err = OK;
    for (size_t i = 0; i < config->relay_count && err == OK; i++)
        err = add_relay(tunnel, &config->relays[i]);
    if (err == OK && tunnel->looking == 0) {
        err = make_peer(tunnel);
    } else if (err == OK) {
        const struct world *world = loop_world(tunnels->loop);
        err = timer_start(world->timers, &tunnel->late, world_mono_ms(world) + LOOKUP_MS);
    }
    if (err != OK)
        free_tunnel(tunnel);
    else
        *out = tunnel;
    return err;
}

static void tunnel_drop(struct tunnel **tunnel)
{
    if (*tunnel != NULL)
        free_later(*tunnel);
    *tunnel = NULL;
}

static void tunnel_finish(struct tunnel **tunnel)
{
    struct tunnel *old = *tunnel;
    *tunnel = NULL;
    if (old == NULL)
        return;
    old->dead = true;
    if (old->peer != NULL)
        peer_close(old->peer); /* on_closed frees it */
    else
        free_later(old);
}

/* ---- passing through ---- */

static enum err tunnel_describe(struct tunnel *tunnel, struct slice sdp)
{
    if (tunnel->peer != NULL)
        return peer_describe(tunnel->peer, sdp);
    buf_clear(&tunnel->description);
    return buf_append(&tunnel->description, sdp.data, sdp.len);
}

static enum err tunnel_candidate(struct tunnel *tunnel, struct slice candidate)
{
    if (tunnel->peer != NULL)
        return peer_candidate(tunnel->peer, candidate);
    if (tunnel->held_count == HELD)
        return ERR_CAP;
    enum err err = candidate.len > 0 ? buf_append(&tunnel->held[tunnel->held_count], candidate.data, candidate.len) : OK;
    tunnel->held_count += err == OK;
    return err;
}

static enum err tunnel_send(struct tunnel *tunnel, struct slice message)
{
    return tunnel->peer != NULL ? peer_send(tunnel->peer, message) : ERR_WRONG_STATE;
}

static bool tunnel_fingerprints(struct tunnel *tunnel, uint8_t ours[PEER_FINGERPRINT], uint8_t theirs[PEER_FINGERPRINT])
{
    if (tunnel->peer == NULL)
        return false;
    peer_local_fingerprint(tunnel->peer, ours);
    return peer_remote_fingerprint(tunnel->peer, theirs);
}

const struct transport tunnel_transport = {
    .open = tunnel_open,
    .drop = tunnel_drop,
    .finish = tunnel_finish,
    .describe = tunnel_describe,
    .candidate = tunnel_candidate,
    .send = tunnel_send,
    .fingerprints = tunnel_fingerprints,
};

void tunnels_finish(struct tunnels *tunnels)
{
    if (tunnels->first == NULL)
        return;
    const struct world *world = loop_world(tunnels->loop);
    int64_t end = world_mono_ms(world) + FINISH_MS, left = FINISH_MS;
    struct pollfd fd = {.fd = loop_fd(tunnels->loop), .events = POLLIN};
    while (tunnels->first != NULL && left > 0) {
        if (poll(&fd, 1, (int)left) < 0)
            break;
        loop_turn(tunnels->loop);
        left = end - world_mono_ms(world);
    }
    while (tunnels->first != NULL)
        free_tunnel(tunnels->first);
}
