/* private_consent.c - what the server says of private channels: answers to what we asked, requests of others, what became of
 * them. */
#include "base/printable.h"
#include "private_channel.h"
#include <stdio.h>
#include <stdlib.h>

/* ---- the server's answers ---- */

static struct channel *channel_begun_by(struct privates *privates, int64_t request)
{
    struct channel *channel = privates->channels;
    while (channel != NULL && (channel->request != request || channel->passed_on))
        channel = channel->next;
    return channel;
}

static void start_answered(struct privates *privates, struct channel *channel, enum earshot_error error, const char *text)
{
    if (error != EARSHOT_OK) {
        int64_t stop = channel->stop;
        channel->stop = 0;
        channel_fail(channel, error, text);
        if (stop != 0) {
            private_answer(privates, stop, EARSHOT_NO_PRIVATE, "There was nothing to stop.");
            private_done_with(privates, 0);
        }
        return;
    }
    channel->passed_on = true;
    private_answer(privates, channel->request, EARSHOT_OK, NULL);
    if (channel->stop != 0 && channel->stage == STAGE_ASKED)
        (void)channel_ask_server(channel, REQUEST(STOPPRIVATE), channel->stop);
    else if (channel->stop != 0 && channel->stage >= STAGE_CONNECTING)
        channel_end(channel, "stopped", true);
}

static void stop_answered(struct privates *privates, int64_t id)
{
    for (struct channel *channel = privates->channels; channel != NULL; channel = channel->next) {
        if (channel->stop != id || channel->stage != STAGE_ASKED)
            continue;
        channel_end(channel, "cancelled", false);
        return;
    }
}

static void signal_answered(struct privates *privates, const struct request *request, enum earshot_error error)
{
    struct channel *channel = private_channel_with(privates, &request->user);
    if (error == EARSHOT_OK || channel == NULL || memcmp(channel->safety.channel, request->channel, SAFETY_ID) != 0)
        return;
    channel_signal_failed(channel, slice_of(request->body, request->body_len));
}

void privates_answered(struct privates *privates, const struct request *request, enum earshot_error error, const char *text)
{
    struct channel *channel = NULL;
    char kept[PRIVATE_SENTENCE];
    printable_copy(slice_str(text != NULL ? text : ""), kept, sizeof kept);
    if (request->kind == REQUEST(SIGNAL)) {
        signal_answered(privates, request, error);
    } else if (request->kind == REQUEST(STOPPRIVATE)) {
        stop_answered(privates, request->id); /* whatever it says: the request is over */
    } else if (request->kind == REQUEST(ANSWERPRIVATE) && !request->accept) {
        private_answer(privates, request->id, error, kept);
    } else {
        channel = channel_begun_by(privates, request->id);
        if (channel != NULL)
            start_answered(privates, channel, error, kept);
    }
}

/* ---- the server's news ---- */

static bool read_ids(ProtobufCBinaryData user, ProtobufCBinaryData channel, struct name *name)
{
    return name_parse(slice_of_bytes(user), name) == OK && channel.len == SAFETY_ID;
}

/* Both have asked at the same time. The one with the smaller name keeps his request; the other takes his own back and says yes.
 */
static bool crossing(struct privates *privates, struct waiting **link)
{
    struct channel *ours = private_channel_with(privates, &(*link)->user);
    if (ours == NULL || ours->stage != STAGE_ASKED || ours->stop != 0)
        return false;
    if (strcmp(privates->is.self->text, ours->user.text) < 0) {
        private_forget_waiting(privates, link);
        return true;
    }
    int64_t request = ours->request;
    if (!ours->passed_on)
        private_answer(privates, request, EARSHOT_OK, NULL);
    (void)channel_ask_server(ours, REQUEST(STOPPRIVATE), 0);
    channel_free(ours);
    private_accept(privates, link, 0, request);
    return true;
}

void privates_request(struct privates *privates, const Earshot__PrivateRequest *request)
{
    struct name user;
    if (!read_ids(request->from, request->channel, &user) || private_same_name(&user, privates->is.self))
        return;
    struct waiting **link = private_waiting_from(privates, &user);
    bool shown = *link != NULL; /* from another device of theirs: the newer one counts */
    if (!shown) {
        if (privates->waiting_count >= PRIVATE_REQUESTS || (*link = calloc(1, sizeof **link)) == NULL)
            return; /* unanswered, it expires */
        privates->waiting_count++;
    }
    (*link)->user = user;
    (*link)->device = request->device;
    (*link)->since = world_mono_ms(privates->is.world);
    memcpy((*link)->id, request->channel.data, SAFETY_ID);
    if (!crossing(privates, link) && !shown)
        private_emit(privates, &(struct earshot_event){.type = EARSHOT_EVENT_PRIVATE_REQUEST, .user = user.text});
}

static void settle_waiting(struct privates *privates, struct waiting **link, Earshot__PrivateSettled__Outcome outcome)
{
    struct name user = (*link)->user;
    private_forget_waiting(privates, link);
    private_tell_over(privates, &user,
                      outcome == EARSHOT__PRIVATE_SETTLED__OUTCOME__OUTCOME_EXPIRED     ? "expired"
                      : outcome == EARSHOT__PRIVATE_SETTLED__OUTCOME__OUTCOME_CANCELLED ? "cancelled"
                                                                                        : "answered on another device");
}

static void settle_asked(struct channel *channel, const Earshot__PrivateSettled *settled)
{
    char text[PRIVATE_SENTENCE];
    const char *user = channel->user.text;
    bool accepted = settled->outcome == EARSHOT__PRIVATE_SETTLED__OUTCOME__OUTCOME_ACCEPTED;
    if (!channel->passed_on && channel->request != 0) {
        channel->passed_on = true;
        private_answer(channel->privates, channel->request, EARSHOT_OK, NULL);
    }
    if (accepted && settled->device != 0 && settled->nonce.len == SAFETY_ID) {
        channel->device = settled->device;
        memcpy(channel->safety.nonce, settled->nonce.data, SAFETY_ID);
        channel_connect(channel, settled);
        return;
    }
    if (channel->stop != 0 || settled->outcome == EARSHOT__PRIVATE_SETTLED__OUTCOME__OUTCOME_CANCELLED) {
        channel_end(channel, "cancelled", false);
        return;
    }
    if (settled->outcome == EARSHOT__PRIVATE_SETTLED__OUTCOME__OUTCOME_DECLINED)
        snprintf(text, sizeof text, "%s said no.", user);
    else if (settled->outcome == EARSHOT__PRIVATE_SETTLED__OUTCOME__OUTCOME_EXPIRED)
        snprintf(text, sizeof text, "%s did not answer in time.", user);
    else
        snprintf(text, sizeof text, "The answer of %s cannot be understood.", user);
    channel_fail(channel, accepted ? EARSHOT_PRIVATE_FAILED : EARSHOT_DECLINED, text);
}

static void settle_answered(struct channel *channel, const Earshot__PrivateSettled *settled)
{
    char text[PRIVATE_SENTENCE];
    bool ours = settled->nonce.len == SAFETY_ID && memcmp(settled->nonce.data, channel->safety.nonce, SAFETY_ID) == 0;
    if (settled->outcome == EARSHOT__PRIVATE_SETTLED__OUTCOME__OUTCOME_ACCEPTED && settled->device != 0 && ours) {
        channel->device = settled->device;
        if (!channel->passed_on && channel->request != 0) {
            channel->passed_on = true;
            private_answer(channel->privates, channel->request, EARSHOT_OK, NULL);
        }
        channel_connect(channel, settled);
        return;
    }
    channel->passed_on = true; /* this is the answer */
    snprintf(text, sizeof text, "The request of %s is over.", channel->user.text);
    channel_fail(channel, EARSHOT_NO_PRIVATE, text);
}

void privates_settled(struct privates *privates, const Earshot__PrivateSettled *settled)
{
    struct name user;
    if (!read_ids(settled->with, settled->channel, &user))
        return;
    struct waiting **link = private_waiting_from(privates, &user);
    struct channel *channel = private_channel_with(privates, &user);
    if (*link != NULL && memcmp((*link)->id, settled->channel.data, SAFETY_ID) == 0) {
        settle_waiting(privates, link, settled->outcome);
        return;
    }
    if (channel == NULL || memcmp(channel->safety.channel, settled->channel.data, SAFETY_ID) != 0)
        return;
    if (channel->stage == STAGE_ASKED)
        settle_asked(channel, settled);
    else if (channel->stage == STAGE_ANSWERED)
        settle_answered(channel, settled);
}

/* What the server knew of requests went with the connection; open channels do not need it. */
void privates_server_lost(struct privates *privates)
{
    struct channel *next;
    for (struct channel *channel = privates->channels; channel != NULL; channel = next) {
        next = channel->next;
        if (channel->stage > STAGE_ANSWERED || !channel->passed_on)
            continue;
        if (channel->stop != 0)
            channel_end(channel, "cancelled", false);
        else
            channel_fail(channel, EARSHOT_PRIVATE_FAILED, "The connection to the server was lost; ask again.");
    }
}
