/*
 * ice.c - libnice, held at arm's length.
 *
 * Traps: asking STUN and TURN of one address makes libnice wait 2 s for nothing, so STUN is left out then (the allocation tells
 * our public address too). libnice knows no TLS towards a relay: such relays are left out. It leaves the loopback interface
 * out too, which a machine without any other interface needs. A relay is told goodbye while the loop runs on, so the agent lives
 * a moment longer than ice_free().
 */
#include "ice.h"
#include <nice/agent.h>
#include <nice/interfaces.h>
#include <stdlib.h>
#include <string.h>

enum { COMPONENT = 1, RECORD_LOW = 20, RECORD_HIGH = 63 };

struct ice {
    struct glib_later later;
    struct glib_source *source;
    NiceAgent *agent;
    guint stream;
    const struct ice_ops *ops;
    void *ctx;
    bool relay_only, relays, gathered, dead, cut;
};

/* From libnice */

static void on_candidate(NiceAgent *agent, NiceCandidate *found, gpointer data)
{
    static const int kinds[] = {SDP_HOST, SDP_SERVER_REFLEXIVE, SDP_PEER_REFLEXIVE, SDP_RELAY};
    struct ice *ice = data;
    struct sdp_candidate candidate = {.priority = found->priority};

    if (ice->dead || found->transport != NICE_CANDIDATE_TRANSPORT_UDP)
        return;
    if (ice->relay_only && found->type != NICE_CANDIDATE_TYPE_RELAYED)
        return;
    candidate.kind = kinds[found->type & 3];
    g_strlcpy(candidate.foundation, found->foundation, sizeof candidate.foundation);
    nice_address_to_string(&found->addr, candidate.address);
    candidate.port = (uint16_t)nice_address_get_port(&found->addr);
    if (strncmp(candidate.address, "fe80", 4) == 0)
        return; /* means nothing on another link */
    if (candidate.kind != SDP_HOST && !ice->relay_only) {
        nice_address_to_string(&found->base_addr, candidate.related);
        candidate.related_port = (uint16_t)nice_address_get_port(&found->base_addr);
    }
    ice->ops->candidate(ice->ctx, ice, &candidate);
}

static void on_gathered(NiceAgent *agent, guint stream, gpointer data)
{
    struct ice *ice = data;

    if (ice->dead || ice->gathered)
        return;
    ice->gathered = true;
    ice->ops->candidate(ice->ctx, ice, NULL);
}

static void on_state(NiceAgent *agent, guint stream, guint component, guint state, gpointer data)
{
    struct ice *ice = data;

    if (ice->dead)
        return;
    if (state == NICE_COMPONENT_STATE_CONNECTED || state == NICE_COMPONENT_STATE_READY)
        ice->ops->state(ice->ctx, ice, ICE_CONNECTED);
    else if (state == NICE_COMPONENT_STATE_FAILED)
        ice->ops->state(ice->ctx, ice, ICE_FAILED);
    else
        ice->ops->state(ice->ctx, ice, ICE_SEARCHING);
}

/* DTLS records begin with 20 to 63 (RFC 7983); all else is not for us. */
static void on_packet(NiceAgent *agent, guint stream, guint component, guint len, gchar *bytes, gpointer data)
{
    struct ice *ice = data;

    if (!ice->dead && !ice->cut && len > 0 && (uint8_t)bytes[0] >= RECORD_LOW && (uint8_t)bytes[0] <= RECORD_HIGH)
        ice->ops->packet(ice->ctx, ice, slice_of(bytes, len));
}

/* Making */

static bool stun_beside_relay(const struct peer_config *config)
{
    for (size_t i = 0; i < config->relay_count; i++) {
        if (strcmp(config->relays[i].host, config->stun_host) == 0)
            return true;
    }
    return false;
}

static void add_relays(struct ice *ice, const struct peer_config *config)
{
    for (size_t i = 0; i < config->relay_count; i++) {
        const struct peer_relay *relay = &config->relays[i];
        NiceRelayType type = relay->transport == PEER_RELAY_UDP ? NICE_RELAY_TYPE_TURN_UDP : NICE_RELAY_TYPE_TURN_TCP;
        if (relay->transport == PEER_RELAY_TLS)
            continue;
        if (nice_agent_set_relay_info(ice->agent, ice->stream, COMPONENT, relay->host, relay->port, relay->user, relay->password,
                                      type))
            ice->relays = true;
    }
}

static void add_address(NiceAgent *agent, const char *text)
{
    NiceAddress address;

    nice_address_init(&address);
    if (nice_address_set_from_string(&address, text))
        nice_agent_add_local_address(agent, &address);
}

static void add_addresses(struct ice *ice, bool loopback)
{
    GList *addresses = nice_interfaces_get_local_ips(FALSE);

    if (loopback || !addresses) {
        add_address(ice->agent, "127.0.0.1");
        for (GList *item = addresses; item; item = item->next)
            add_address(ice->agent, item->data);
    }
    g_list_free_full(addresses, g_free);
}

static void set_up(struct ice *ice, const struct peer_config *config)
{
    g_object_set(ice->agent, "controlling-mode", (gboolean)config->offers, "ice-tcp", FALSE, "upnp", FALSE, "force-relay",
                 (gboolean)config->relay_only, NULL);
    if (config->stun_host && !config->relay_only && !stun_beside_relay(config))
        g_object_set(ice->agent, "stun-server", config->stun_host, "stun-server-port", (guint)config->stun_port, NULL);
    g_signal_connect(ice->agent, "new-candidate-full", G_CALLBACK(on_candidate), ice);
    g_signal_connect(ice->agent, "candidate-gathering-done", G_CALLBACK(on_gathered), ice);
    g_signal_connect(ice->agent, "component-state-changed", G_CALLBACK(on_state), ice);
    add_addresses(ice, config->loopback);
}

enum err ice_new(struct glib_source *source, const struct peer_config *config, const struct ice_ops *ops, void *ctx,
                 struct ice **out)
{
    struct ice *ice = calloc(1, sizeof *ice);
    NiceAgentOption options = NICE_AGENT_OPTION_REGULAR_NOMINATION | NICE_AGENT_OPTION_ICE_TRICKLE;
    GMainContext *context = glib_source_context(source);
    struct glib_source *kept;

    if (!ice)
        return ERR_MEMORY;
    if (glib_source_get(config->loop, &kept) != OK) { /* there is one: only another reference */
        free(ice);
        return ERR_MEMORY;
    }
    *ice = (struct ice){.source = kept, .ops = ops, .ctx = ctx, .relay_only = config->relay_only};
    ice->agent = nice_agent_new_full(context, NICE_COMPATIBILITY_RFC5245, options);
    set_up(ice, config);
    ice->stream = nice_agent_add_stream(ice->agent, COMPONENT);
    add_relays(ice, config);
    nice_agent_attach_recv(ice->agent, ice->stream, COMPONENT, context, on_packet, ice);
    *out = ice;
    return OK;
}

/* Ending */

static void agent_closed(GObject *agent, GAsyncResult *result, gpointer data)
{
    struct ice *ice = data;

    g_object_unref(agent);
    glib_source_put(&ice->source);
    free(ice);
}

/* The relay's goodbye comes the same way as packets: without a taker nobody would read it. */
static void take_nothing(NiceAgent *agent, guint stream, guint component, guint len, gchar *bytes, gpointer unused)
{
}

static void end(struct glib_later *later)
{
    struct ice *ice = (struct ice *)(void *)((char *)later - offsetof(struct ice, later));

    g_signal_handlers_disconnect_by_data(ice->agent, ice);
    nice_agent_attach_recv(ice->agent, ice->stream, COMPONENT, glib_source_context(ice->source), take_nothing, NULL);
    glib_source_wake(ice->source);
    if (!ice->relays) {
        agent_closed(G_OBJECT(ice->agent), NULL, ice);
        return;
    }
    /* The answer comes in the context that is the thread's own at the time of asking. */
    g_main_context_push_thread_default(glib_source_context(ice->source));
    nice_agent_close_async(ice->agent, agent_closed, ice);
    g_main_context_pop_thread_default(glib_source_context(ice->source));
}

void ice_free(struct ice **pointer)
{
    struct ice *ice = *pointer;

    *pointer = NULL;
    if (!ice || ice->dead)
        return;
    ice->dead = true;
    ice->later.run = end;
    glib_source_later(ice->source, &ice->later);
}

/* Using */

void ice_credentials(const struct ice *ice, char ufrag[SDP_CREDENTIAL_MAX + 1], char password[SDP_CREDENTIAL_MAX + 1])
{
    gchar *user = NULL, *secret = NULL;

    ufrag[0] = password[0] = '\0';
    if (!nice_agent_get_local_credentials(ice->agent, ice->stream, &user, &secret))
        return;
    g_strlcpy(ufrag, user, SDP_CREDENTIAL_MAX + 1);
    g_strlcpy(password, secret, SDP_CREDENTIAL_MAX + 1);
    g_free(user);
    g_free(secret);
}

enum err ice_gather(struct ice *ice)
{
    gboolean started = nice_agent_gather_candidates(ice->agent, ice->stream);

    glib_source_wake(ice->source);
    return started ? OK : ERR_SYSTEM;
}

enum err ice_remote(struct ice *ice, const char *ufrag, const char *password)
{
    gboolean taken = nice_agent_set_remote_credentials(ice->agent, ice->stream, ufrag, password);

    glib_source_wake(ice->source);
    return taken ? OK : ERR_INVALID;
}

enum err ice_remote_candidate(struct ice *ice, const struct sdp_candidate *candidate)
{
    static const NiceCandidateType types[] = {NICE_CANDIDATE_TYPE_HOST, NICE_CANDIDATE_TYPE_SERVER_REFLEXIVE,
                                              NICE_CANDIDATE_TYPE_PEER_REFLEXIVE, NICE_CANDIDATE_TYPE_RELAYED};
    NiceCandidate *found = nice_candidate_new(types[candidate->kind]);
    GSList list = {.data = found};
    int added = -1;

    found->stream_id = ice->stream;
    found->component_id = COMPONENT;
    found->transport = NICE_CANDIDATE_TRANSPORT_UDP;
    found->priority = candidate->priority;
    g_strlcpy(found->foundation, candidate->foundation, sizeof found->foundation);
    if (nice_address_set_from_string(&found->addr, candidate->address)) {
        nice_address_set_port(&found->addr, candidate->port);
        if (candidate->related[0] && nice_address_set_from_string(&found->base_addr, candidate->related))
            nice_address_set_port(&found->base_addr, candidate->related_port);
        else
            found->base_addr = found->addr;
        added = nice_agent_set_remote_candidates(ice->agent, ice->stream, COMPONENT, &list);
        glib_source_wake(ice->source);
    }
    nice_candidate_free(found);
    return added < 0 ? ERR_INVALID : OK;
}

void ice_remote_complete(struct ice *ice)
{
    nice_agent_peer_candidate_gathering_done(ice->agent, ice->stream);
    glib_source_wake(ice->source);
}

void ice_send(struct ice *ice, struct slice packet)
{
    if (!ice->dead && !ice->cut)
        nice_agent_send(ice->agent, ice->stream, COMPONENT, (guint)packet.len, (const gchar *)packet.data);
}

bool ice_relayed(const struct ice *ice)
{
    NiceCandidate *local = NULL, *remote = NULL;

    return nice_agent_get_selected_pair(ice->agent, ice->stream, COMPONENT, &local, &remote) &&
           (local->type == NICE_CANDIDATE_TYPE_RELAYED || remote->type == NICE_CANDIDATE_TYPE_RELAYED);
}

void ice_cut(struct ice *ice)
{
    ice->cut = true;
}
