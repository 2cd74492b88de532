/* introduced_transport.h - channels of introduced.h: what one end says comes to the other, in order, through the queue. */
#ifndef TEST_CLIENT_INTRODUCED_TRANSPORT_H
#define TEST_CLIENT_INTRODUCED_TRANSPORT_H

static UNUSED void run_description(struct rig *rig, struct action *action)
{
    char sdp[64];
    struct tunnel *tunnel = action->tunnel;
    int len = snprintf(sdp, sizeof sdp, "tunnel %u print %u", tunnel->number, tunnel->print);
    if (!tunnel->dead)
        tunnel->config.ops->description(tunnel->config.ctx, slice_of(sdp, (size_t)len));
    if (!tunnel->dead)
        tunnel->config.ops->candidate(tunnel->config.ctx, slice_str("candidate:1"));
}

static UNUSED void run_open(struct rig *rig, struct action *action)
{
    if (!action->tunnel->dead)
        action->tunnel->config.ops->open(action->tunnel->config.ctx, PEER_DIRECT);
}

static UNUSED void run_data(struct rig *rig, struct action *action)
{
    if (!action->tunnel->dead)
        action->tunnel->config.ops->data(action->tunnel->config.ctx, slice_of(action->data, action->len));
}

static UNUSED void run_drained(struct rig *rig, struct action *action)
{
    if (!action->tunnel->dead)
        action->tunnel->config.ops->drained(action->tunnel->config.ctx);
}

static UNUSED void run_closed(struct rig *rig, struct action *action)
{
    struct tunnel *tunnel = action->tunnel;
    if (!tunnel->dead)
        tunnel->config.ops->closed(tunnel->config.ctx, (enum peer_end)action->end_reason, "of the test");
}

static UNUSED void tunnel_soon(struct tunnel *tunnel, void (*run)(struct rig *rig, struct action *action))
{
    rig_soon(tunnel->rig, run)->tunnel = tunnel;
}

static UNUSED enum err fake_open(void *ctx, const struct transport_config *config, struct tunnel **out)
{
    struct end *end = ctx;
    struct rig *rig = end->rig;
    if (end->transport_fails)
        return ERR_SYSTEM;
    assert_true(rig->tunnel_count < RIG_TUNNELS);
    struct tunnel *tunnel = &rig->tunnels[rig->tunnel_count];
    *tunnel = (struct tunnel){.rig = rig, .config = *config, .number = rig->tunnel_count};
    tunnel->print = (uint8_t)(++rig->tunnel_count);
    if (config->offers)
        tunnel_soon(tunnel, run_description);
    *out = tunnel;
    return OK;
}

static UNUSED void fake_drop(struct tunnel **tunnel)
{
    if (*tunnel != NULL)
        (*tunnel)->dead = true;
    *tunnel = NULL;
}

static UNUSED void fake_finish(struct tunnel **tunnel)
{
    struct tunnel *other = *tunnel != NULL ? (*tunnel)->other : NULL;
    fake_drop(tunnel);
    if (other != NULL) {
        struct action *action = rig_soon(other->rig, run_closed);
        action->tunnel = other;
        action->end_reason = PEER_CLOSED;
    }
}

static UNUSED enum err fake_describe(struct tunnel *tunnel, struct slice sdp)
{
    char text[64];
    unsigned number, print;
    snprintf(text, sizeof text, "%.*s", (int)sdp.len, (const char *)sdp.data);
    if (sscanf(text, "tunnel %u print %u", &number, &print) != 2 || number >= tunnel->rig->tunnel_count)
        return ERR_INVALID;
    bool first = !tunnel->described;
    tunnel->other = &tunnel->rig->tunnels[number];
    tunnel->their_print = (uint8_t)print;
    tunnel->described = true;
    if (!tunnel->config.offers)
        tunnel_soon(tunnel, run_description);
    if (first && tunnel->other->described) {
        tunnel->open = tunnel->other->open = true;
        tunnel_soon(tunnel, run_open);
        tunnel_soon(tunnel->other, run_open);
    }
    return OK;
}

static UNUSED enum err fake_candidate(struct tunnel *tunnel, struct slice candidate)
{
    assert_true(tunnel->described);
    return OK;
}

static UNUSED void tunnel_say(struct tunnel *tunnel, struct slice message)
{
    struct action *action = rig_soon(tunnel->rig, run_data);
    action->tunnel = tunnel->other;
    action_data(action, message.data, message.len);
}

static UNUSED enum err fake_send(struct tunnel *tunnel, struct slice message)
{
    if (!tunnel->open)
        return ERR_WRONG_STATE;
    if (tunnel->full)
        return ERR_CAP;
    Earshot__PeerFrame *frame = earshot__peer_frame__unpack(NULL, message.len, message.data);
    assert_non_null(frame);
    if (tunnel->rig->distort != NULL)
        tunnel->rig->distort(tunnel->rig, tunnel, frame);
    uint8_t *changed = rig_take(earshot__peer_frame__get_packed_size(frame) + 1);
    assert_non_null(changed);
    tunnel_say(tunnel, slice_of(changed, earshot__peer_frame__pack(frame, changed)));
    free(changed);
    earshot__peer_frame__free_unpacked(frame, NULL);
    return OK;
}

static UNUSED bool fake_fingerprints(struct tunnel *tunnel, uint8_t ours[PEER_FINGERPRINT], uint8_t theirs[PEER_FINGERPRINT])
{
    memset(ours, tunnel->print, PEER_FINGERPRINT);
    memset(theirs, tunnel->their_print, PEER_FINGERPRINT);
    return tunnel->described;
}

static const struct transport fake_transport UNUSED = {
    .open = fake_open,
    .drop = fake_drop,
    .finish = fake_finish,
    .describe = fake_describe,
    .candidate = fake_candidate,
    .send = fake_send,
    .fingerprints = fake_fingerprints,
};

#endif
