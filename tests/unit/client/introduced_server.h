/* introduced_server.h - the server of introduced.h, which introduces ends to one another, or meddles. */
#ifndef TEST_CLIENT_INTRODUCED_SERVER_H
#define TEST_CLIENT_INTRODUCED_SERVER_H

static UNUSED ProtobufCBinaryData name_bytes(const struct name *name)
{
    return bytes_of_slice(name_slice(name));
}

static UNUSED ProtobufCBinaryData id_bytes(const uint8_t id[16])
{
    return bytes_of_slice(slice_of(id, 16));
}

static UNUSED bool is_named(const struct end *end, const struct name *name)
{
    return slice_equal(name_slice(&end->name), name_slice(name));
}

static UNUSED void settle_at(struct end *end, const struct name *with, const uint8_t channel[16], int outcome, uint64_t device,
                             const uint8_t *nonce)
{
    Earshot__PrivateSettled settled = EARSHOT__PRIVATE_SETTLED__INIT;
    settled.with = name_bytes(with);
    settled.channel = id_bytes(channel);
    settled.outcome = (Earshot__PrivateSettled__Outcome)outcome;
    settled.device = device;
    if (nonce != NULL)
        settled.nonce = id_bytes(nonce);
    if (end->online)
        privates_settled(end->privates, &settled);
}

static UNUSED struct asked *asked_find(struct rig *rig, const uint8_t channel[16])
{
    for (size_t i = 0; i < rig->asked_count; i++)
        if (memcmp(rig->asked[i].channel, channel, 16) == 0)
            return &rig->asked[i];
    return NULL;
}

static UNUSED void asked_remove(struct rig *rig, struct asked *asked)
{
    *asked = rig->asked[--rig->asked_count];
}

/* `by`: the end that accepted, or NULL. */
static UNUSED void rig_settle(struct rig *rig, struct asked *asked, int outcome, struct end *by, const uint8_t *nonce)
{
    struct asked over = *asked;
    if (nonce != NULL)
        memcpy(rig->nonce, nonce, sizeof rig->nonce);
    asked_remove(rig, asked);
    for (size_t i = 0; i < rig->end_count; i++) {
        struct end *end = rig->ends[i];
        if (is_named(end, &over.user))
            settle_at(end, &over.asker->name, over.channel, outcome, end == by ? over.asker->device : 0,
                      end == by ? nonce : NULL);
    }
    settle_at(over.asker, &over.user, over.channel, outcome, by ? by->device : 0, by ? nonce : NULL);
}

static UNUSED enum earshot_error serve_start(struct rig *rig, struct end *from, const struct request *what)
{
    Earshot__PrivateRequest request = EARSHOT__PRIVATE_REQUEST__INIT;
    unsigned told = 0;
    if (is_named(from, &what->user))
        return EARSHOT_SELF;
    request.from = name_bytes(&from->name);
    request.channel = id_bytes(what->channel);
    request.device = from->device;
    for (size_t i = 0; i < rig->end_count; i++) {
        if (is_named(rig->ends[i], &what->user) && rig->ends[i]->online) {
            privates_request(rig->ends[i]->privates, &request);
            told++;
        }
    }
    if (told == 0)
        return EARSHOT_OFFLINE;
    struct asked *asked = &rig->asked[rig->asked_count++];
    *asked = (struct asked){.asker = from, .user = what->user};
    memcpy(asked->channel, what->channel, 16);
    return EARSHOT_OK;
}

static UNUSED enum earshot_error serve_stop(struct rig *rig, const struct request *what)
{
    struct asked *asked = asked_find(rig, what->channel);
    if (asked == NULL)
        return EARSHOT_NO_PRIVATE;
    struct end *asker = asked->asker;
    bool online = asker->online;
    asker->online = false; /* is not told what it has asked for */
    rig_settle(rig, asked, EARSHOT__PRIVATE_SETTLED__OUTCOME__OUTCOME_CANCELLED, NULL, NULL);
    asker->online = online;
    return EARSHOT_OK;
}

static UNUSED enum earshot_error serve_signal(struct rig *rig, struct end *from, const struct request *what)
{
    Earshot__Signal signal = EARSHOT__SIGNAL__INIT;
    rig->signals++;
    rig->channel = what->channel;
    for (size_t i = 0; i < rig->end_count; i++) {
        struct end *to = rig->ends[i];
        if (!is_named(to, &what->user) || to->device != what->device || !to->online)
            continue;
        Earshot__PeerSignal *said = earshot__peer_signal__unpack(NULL, what->body_len, what->body);
        assert_non_null(said);
        ProtobufCBinaryData sdp = {0}, key = {0}, signature = {0}; /* what is to be freed, whatever a meddler puts there */
        Earshot__PeerDescription *d = said->body_case == EARSHOT__PEER_SIGNAL__BODY_DESCRIPTION ? said->description : NULL;
        if (d != NULL)
            sdp = d->sdp, key = d->key, signature = d->signature; // NOLINT
        if (rig->meddle != NULL)
            rig->meddle(rig, from, to, said);
        uint8_t *bytes = rig_take(earshot__peer_signal__get_packed_size(said) + 1);
        assert_non_null(bytes);
        signal.from = name_bytes(&from->name);
        signal.device = from->device;
        signal.channel = id_bytes(what->channel);
        signal.payload = bytes_of_slice(slice_of(bytes, earshot__peer_signal__pack(said, bytes)));
        privates_signal(to->privates, &signal);
        free(bytes);
        if (d != NULL)
            d->sdp = sdp, d->key = key, d->signature = signature;
        earshot__peer_signal__free_unpacked(said, NULL);
        return EARSHOT_OK;
    }
    return EARSHOT_OFFLINE;
}

static UNUSED void run_server(struct rig *rig, struct action *action)
{
    const struct request *what = action->what;
    struct end *from = action->end;
    enum earshot_error error = EARSHOT_OK;
    struct asked *asked = asked_find(rig, what->channel);
    if (!from->online)
        error = EARSHOT_UNAVAILABLE;
    else if (what->kind == REQUEST(STARTPRIVATE))
        error = serve_start(rig, from, what);
    else if (what->kind == REQUEST(STOPPRIVATE))
        error = serve_stop(rig, what);
    else if (what->kind == REQUEST(SIGNAL))
        error = serve_signal(rig, from, what);
    privates_answered(from->privates, what, error, "of the server");
    if (error != EARSHOT_OK || what->kind != REQUEST(ANSWERPRIVATE))
        return;
    if (asked == NULL)
        settle_at(from, &what->user, what->channel, EARSHOT__PRIVATE_SETTLED__OUTCOME__OUTCOME_EXPIRED, 0, NULL);
    else if (what->accept)
        rig_settle(rig, asked, EARSHOT__PRIVATE_SETTLED__OUTCOME__OUTCOME_ACCEPTED, from, what->body);
    else
        rig_settle(rig, asked, EARSHOT__PRIVATE_SETTLED__OUTCOME__OUTCOME_DECLINED, NULL, NULL);
}

#endif
