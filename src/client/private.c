/* private.c - see private.h. Wishes of the user, and consent: requests, answers, what the server settles. */
#include "private_channel.h"
#include <stdio.h>
#include <stdlib.h>

#define OF(type, timer, member) ((type *)(void *)((char *)(timer)-offsetof(type, member)))

/* ---- small things ---- */

void private_start_timer(struct privates *privates, struct timer *timer, int64_t after_ms)
{
    /* Without memory for it nothing ends by itself, but everything still ends by the user or the other end. */
    (void)timer_start(privates->is.world->timers, timer, world_mono_ms(privates->is.world) + after_ms);
}

void private_soon(struct privates *privates)
{
    if (privates->soon.place == 0)
        private_start_timer(privates, &privates->soon, 0);
}

void private_emit(struct privates *privates, const struct earshot_event *event)
{
    privates->is.ops->event(privates->is.ctx, event);
}

void private_answer(struct privates *privates, int64_t request, enum earshot_error error, const char *text)
{
    enum earshot_event_type type = error == EARSHOT_OK ? EARSHOT_EVENT_OK : EARSHOT_EVENT_ERROR;
    private_emit(privates, &(struct earshot_event){.type = type, .request = request, .error = error, .text = text});
}

void private_done_with(struct privates *privates, size_t bytes)
{
    privates->unanswered--;
    privates->bytes -= bytes;
    if (privates->unanswered == 0)
        privates->is.ops->idle(privates->is.ctx);
}

void private_sentence(char out[PRIVATE_SENTENCE], const char *pattern, const struct name *user)
{
    size_t len = 0;
    for (; *pattern != '\0' && len < PRIVATE_SENTENCE - WIRE_NAME_MAX - 1; pattern++) {
        if (*pattern != '$') {
            out[len++] = *pattern;
            continue;
        }
        memcpy(out + len, user->text, user->len);
        len += user->len;
    }
    out[len] = '\0';
}

bool private_same_name(const struct name *a, const struct name *b)
{
    return slice_equal(name_slice(a), name_slice(b));
}

struct channel *private_channel_with(struct privates *privates, const struct name *user)
{
    struct channel *channel = privates->channels;
    while (channel != NULL && !private_same_name(&channel->user, user))
        channel = channel->next;
    return channel;
}

struct waiting **private_waiting_from(struct privates *privates, const struct name *user)
{
    struct waiting **link = &privates->waiting;
    while (*link != NULL && !private_same_name(&(*link)->user, user))
        link = &(*link)->next;
    return link;
}

void private_forget_waiting(struct privates *privates, struct waiting **link)
{
    struct waiting *old = *link;
    *link = old->next;
    privates->waiting_count--;
    free(old);
}

void private_tell_over(struct privates *privates, const struct name *user, const char *reason)
{
    private_emit(privates, &(struct earshot_event){.type = EARSHOT_EVENT_PRIVATE_CLOSED, .user = user->text, .text = reason});
}

enum err channel_ask_server(struct channel *channel, int kind, int64_t id)
{
    struct request what = {.kind = kind, .id = id, .user = channel->user, .device = channel->device, .accept = true};
    struct slice nonce = slice_of(NULL, 0);
    memcpy(what.channel, channel->safety.channel, sizeof what.channel);
    if (kind == REQUEST(ANSWERPRIVATE))
        nonce = slice_of(channel->safety.nonce, SAFETY_ID);
    return channel->privates->is.ops->ask(channel->privates->is.ctx, &what, nonce);
}

/* ---- channels in the table ---- */

static void deadline_fire(struct timer *timer)
{
    struct channel *channel = OF(struct channel, timer, deadline);
    char text[PRIVATE_SENTENCE];
    if (channel->stop != 0) {
        channel_end(channel, "stopped", true);
        return;
    }
    channel_say_closed(channel, "it took too long");
    if (channel->stage == STAGE_ANSWERED)
        snprintf(text, sizeof text, "The server did not say what became of the request of %s.", channel->user.text);
    else
        snprintf(text, sizeof text, "The channel to %s did not come to be in time.%s", channel->user.text,
                 channel->had_relays ? "" : " A TURN server would help: whoever runs the server can add one.");
    channel_fail(channel, EARSHOT_PRIVATE_FAILED, text);
}

static void retry_fire(struct timer *timer)
{
    struct channel *channel = OF(struct channel, timer, retry);
    struct pieces again = channel->unsent;
    channel->unsent = (struct pieces){0};
    for (struct piece *piece = again.first; piece != NULL; piece = piece->next)
        channel_signal(channel, slice_of(piece->data, piece->len));
    pieces_clear(&again);
}

struct channel *channel_new(struct privates *privates, const struct name *user, enum stage stage)
{
    struct channel *channel = privates->channel_count < PRIVATE_CHANNELS ? calloc(1, sizeof *channel) : NULL;
    if (channel == NULL)
        return NULL;
    channel->privates = privates;
    channel->user = *user;
    channel->stage = stage;
    channel->asker = stage == STAGE_ASKED;
    channel->deadline.fire = deadline_fire;
    channel->retry.fire = retry_fire;
    channel->next = privates->channels;
    privates->channels = channel;
    privates->channel_count++;
    return channel;
}

void channel_free(struct channel *channel)
{
    struct privates *privates = channel->privates;
    struct channel **link = &privates->channels;
    while (*link != channel)
        link = &(*link)->next;
    *link = channel->next;
    privates->channel_count--;
    privates->is.transport->drop(&channel->tunnel);
    timer_stop(privates->is.world->timers, &channel->deadline);
    timer_stop(privates->is.world->timers, &channel->retry);
    pieces_clear(&channel->held);
    pieces_clear(&channel->unsent);
    while (channel->first != NULL) {
        struct text *text = channel->first;
        channel->first = text->next;
        privates->unanswered--;
        privates->bytes -= text->len;
        free(text);
    }
    if (channel->stop != 0)
        privates->unanswered--;
    free(channel);
}

static void answer_stop(struct channel *channel, enum earshot_error error, const char *text)
{
    int64_t stop = channel->stop;
    if (stop == 0)
        return;
    channel->stop = 0;
    private_answer(channel->privates, stop, error, text);
    private_done_with(channel->privates, 0);
}

void channel_fail(struct channel *channel, enum earshot_error error, const char *text)
{
    struct earshot_event event = {.type = EARSHOT_EVENT_ERROR, .error = error, .text = text};
    struct privates *privates = channel->privates;
    struct name user = channel->user;
    event.request = channel->request;
    event.user = user.text;
    answer_stop(channel, EARSHOT_OK, NULL);
    channel_free(channel);
    private_emit(privates, &event);
}

static void send_stop(struct channel *channel, const char *reason)
{
    Earshot__PeerFrame stop = EARSHOT__PEER_FRAME__INIT;
    stop.body_case = EARSHOT__PEER_FRAME__BODY_STOP;
    stop.stop = bytes_of_slice(slice_str(reason));
    texts_acknowledge(channel);
    (void)channel_send(channel, &stop);
}

void channel_end(struct channel *channel, const char *reason, bool tell)
{
    struct privates *privates = channel->privates;
    struct name user = channel->user;
    struct earshot_event event = {.type = EARSHOT_EVENT_PRIVATE_CLOSED, .request = channel->request, .text = reason};
    event.user = user.text;
    if (tell && channel->stage == STAGE_OPEN)
        send_stop(channel, reason);
    else if (tell)
        channel_say_closed(channel, reason);
    if (channel->stage == STAGE_OPEN)
        privates->is.transport->finish(&channel->tunnel);
    texts_fail(channel, "The private channel has ended before the text was acknowledged.");
    if (channel->request != 0 && !channel->passed_on)
        private_answer(privates, channel->request, EARSHOT_OK, NULL);
    answer_stop(channel, EARSHOT_OK, NULL);
    bool known = channel->stage == STAGE_OPEN || channel->request != 0;
    channel_free(channel);
    if (known)
        private_emit(privates, &event);
}

/* ---- wishes ---- */

static void refuse(struct privates *privates, const struct request *what, enum earshot_error error, const char *pattern)
{
    char text[PRIVATE_SENTENCE];
    private_sentence(text, pattern, &what->user);
    private_answer(privates, what->id, error, text);
}

/* The yes: ours to a waiting request. `request` is what the channel's opening answers. */
void private_accept(struct privates *privates, struct waiting **link, int64_t id, int64_t request)
{
    struct waiting asked = **link;
    private_forget_waiting(privates, link);
    struct channel *old = private_channel_with(privates, &asked.user);
    if (old != NULL)
        channel_end(old, "replaced", true);
    struct channel *channel = channel_new(privates, &asked.user, STAGE_ANSWERED);
    if (channel == NULL) {
        private_answer(privates, request, EARSHOT_PRIVATE_FAILED, "There are too many private channels already.");
        return;
    }
    channel->device = asked.device;
    channel->request = request;
    channel->passed_on = id == 0; /* nothing of the user's waits for the server's word */
    memcpy(channel->safety.channel, asked.id, SAFETY_ID);
    privates->is.world->random->fill(privates->is.world->random, channel->safety.nonce, SAFETY_ID);
    private_start_timer(privates, &channel->deadline, PRIVATE_ANSWER_MS);
    if (channel_ask_server(channel, REQUEST(ANSWERPRIVATE), id) != OK)
        channel_fail(channel, EARSHOT_UNAVAILABLE, "Too much waits for the server already.");
}

static void wish_start(struct privates *privates, const struct request *what)
{
    struct waiting **waiting = private_waiting_from(privates, &what->user);
    struct channel *channel = private_channel_with(privates, &what->user);
    if (*waiting != NULL) {
        private_accept(privates, waiting, what->id, what->id);
        return;
    }
    if (channel != NULL) {
        refuse(privates, what, EARSHOT_USAGE,
               channel->stage == STAGE_OPEN    ? "A private channel with $ is open already."
               : channel->stage == STAGE_ASKED ? "$ is being asked already."
                                               : "A private channel with $ is being made already.");
        return;
    }
    channel = channel_new(privates, &what->user, STAGE_ASKED);
    if (channel == NULL) {
        refuse(privates, what, EARSHOT_PRIVATE_FAILED, "There are too many private channels already to add one with $.");
        return;
    }
    channel->request = what->id;
    privates->is.world->random->fill(privates->is.world->random, channel->safety.channel, SAFETY_ID);
    if (channel_ask_server(channel, REQUEST(STARTPRIVATE), what->id) != OK)
        channel_fail(channel, EARSHOT_UNAVAILABLE, "Too much waits for the server already.");
}

static void say_no(struct privates *privates, struct waiting **link, int64_t id)
{
    struct request no = {.kind = REQUEST(ANSWERPRIVATE), .id = id, .user = (*link)->user, .device = (*link)->device};
    memcpy(no.channel, (*link)->id, sizeof no.channel);
    private_forget_waiting(privates, link);
    if (privates->is.ops->ask(privates->is.ctx, &no, slice_of(NULL, 0)) != OK)
        private_answer(privates, id, EARSHOT_UNAVAILABLE, "Too much waits for the server already.");
}

static void wish_answer(struct privates *privates, const struct request *what)
{
    struct waiting **link = &privates->waiting;
    if (what->user.len > 0) {
        link = private_waiting_from(privates, &what->user);
    } else if (privates->waiting_count > 1) {
        private_answer(privates, what->id, EARSHOT_USAGE, "Several people ask: say whom you mean.");
        return;
    }
    if (*link == NULL)
        refuse(privates, what, EARSHOT_NO_PRIVATE,
               what->user.len > 0 ? "$ does not ask for a private channel." : "Nobody asks for a private channel.");
    else if (what->accept)
        private_accept(privates, link, what->id, what->id);
    else
        say_no(privates, link, what->id);
}

static void wish_stop(struct privates *privates, const struct request *what)
{
    struct channel *channel = private_channel_with(privates, &what->user);
    if (channel == NULL || channel->stop != 0) {
        refuse(privates, what, EARSHOT_NO_PRIVATE, "There is no private channel with $.");
        return;
    }
    channel->stop = what->id;
    privates->unanswered++;
    if (channel->stage == STAGE_ASKED && channel->passed_on)
        (void)channel_ask_server(channel, REQUEST(STOPPRIVATE), what->id);
    else if (channel->stage == STAGE_OPEN && channel->first != NULL)
        private_start_timer(privates, &channel->deadline, PRIVATE_STOP_MS);
    else if (channel->stage >= STAGE_CONNECTING)
        channel_end(channel, "stopped", true);
    /* else the server's answer to what began it comes first */
}

static void wish_text(struct privates *privates, const struct request *what)
{
    struct channel *channel = private_channel_with(privates, &what->user);
    if (channel == NULL || channel->stage != STAGE_OPEN || channel->stop != 0) {
        refuse(privates, what, EARSHOT_NO_PRIVATE,
               channel != NULL && channel->stage < STAGE_OPEN ? "The private channel with $ is not open yet."
                                                              : "There is no private channel with $.");
        return;
    }
    if (texts_add(channel, what) != OK)
        refuse(privates, what, EARSHOT_NO_MEMORY, "There is no memory for the text to $.");
}

static struct offer **offer_of(struct privates *privates, const struct name *user)
{
    struct offer **link = &privates->offers;
    while (*link != NULL && !private_same_name(&(*link)->user, user))
        link = &(*link)->next;
    return link;
}

void private_offer(struct privates *privates, const struct name *user, const uint8_t key[IDENTITY_KEY])
{
    struct offer **link = offer_of(privates, user);
    if (*link == NULL) {
        if (privates->offer_count >= PRIVATE_REQUESTS || (*link = calloc(1, sizeof **link)) == NULL)
            return; /* the next attempt offers it again */
        privates->offer_count++;
        (*link)->user = *user;
    }
    memcpy((*link)->key, key, IDENTITY_KEY);
}

static void wish_trust(struct privates *privates, const struct request *what)
{
    struct offer **link = offer_of(privates, &what->user), *offer = *link;
    if (offer == NULL) {
        refuse(privates, what, EARSHOT_USAGE, "No changed key of $ waits to be trusted.");
        return;
    }
    char fingerprint[FINGERPRINT_SIZE];
    private_fingerprint(offer->key, fingerprint);
    enum err err = contacts_keep(privates->is.contacts, &offer->user, offer->key, false);
    if (err == OK) {
        *link = offer->next;
        privates->offer_count--;
        free(offer);
    }
    private_answer(privates, what->id, err == OK ? EARSHOT_OK : EARSHOT_NO_STATE,
                   err == OK ? fingerprint : "The key cannot be kept in the state directory.");
}

static void wish_verify(struct privates *privates, const struct request *what)
{
    struct channel *channel = private_channel_with(privates, &what->user);
    if (channel == NULL || channel->stage != STAGE_OPEN) {
        refuse(privates, what, EARSHOT_NO_PRIVATE, "There is no private channel with $ whose code could have been compared.");
        return;
    }
    const uint8_t *key = channel->asker ? channel->safety.answerer.key : channel->safety.asker.key;
    enum err err = contacts_keep(privates->is.contacts, &channel->user, key, true);
    private_answer(privates, what->id, err == OK ? EARSHOT_OK : EARSHOT_NO_STATE,
                   err == OK ? NULL : "The key cannot be kept in the state directory.");
}

static void grant(struct privates *privates, const struct request *what)
{
    static const struct {
        int kind;
        void (*grant)(struct privates *privates, const struct request *what);
    } rows[] = {
        {REQUEST(STARTPRIVATE), wish_start}, {REQUEST(ANSWERPRIVATE), wish_answer}, {REQUEST(STOPPRIVATE), wish_stop},
        {REQUEST_PRIVATE, wish_text},        {REQUEST_TRUST, wish_trust},           {REQUEST_VERIFY, wish_verify},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (rows[i].kind == what->kind)
            rows[i].grant(privates, what);
    }
}

enum err privates_wish(struct privates *privates, const struct request *what, struct slice body)
{
    if (privates->unanswered >= PRIVATE_WAITING || body.len > PRIVATE_BYTES - privates->bytes)
        return ERR_CAP;
    struct wish *wish = calloc(1, sizeof *wish);
    struct request *copy = calloc(1, sizeof *copy + body.len);
    if (wish == NULL || copy == NULL) {
        free(wish);
        free(copy);
        return ERR_MEMORY;
    }
    *copy = *what;
    copy->body_len = body.len;
    if (body.len > 0)
        memcpy(copy->body, body.data, body.len);
    wish->what = copy;
    *privates->last = wish;
    privates->last = &wish->next;
    privates->unanswered++;
    privates->bytes += body.len;
    private_soon(privates);
    return OK;
}

static struct request *next_wish(struct privates *privates)
{
    struct wish *wish = privates->first;
    if (wish == NULL)
        return NULL;
    struct request *what = wish->what;
    privates->first = wish->next;
    if (privates->first == NULL)
        privates->last = &privates->first;
    free(wish);
    return what;
}

/* Requests of which nothing was heard for so long are over: the word of it was lost with a connection. */
static void forget_old(struct privates *privates)
{
    int64_t now = world_mono_ms(privates->is.world);
    for (struct waiting **link = &privates->waiting; *link != NULL;) {
        struct name user = (*link)->user;
        if (now - (*link)->since < PRIVATE_REQUEST_MS) {
            link = &(*link)->next;
            continue;
        }
        private_forget_waiting(privates, link);
        private_tell_over(privates, &user, "expired");
    }
}

static void soon_fire(struct timer *timer)
{
    struct privates *privates = OF(struct privates, timer, soon);
    struct request *what;
    forget_old(privates);
    while ((what = next_wish(privates)) != NULL) {
        grant(privates, what);
        private_done_with(privates, what->body_len);
        request_free(&what);
    }
    for (struct channel *channel = privates->channels; channel != NULL; channel = channel->next) {
        texts_pump(channel);
        texts_acknowledge(channel);
    }
}

size_t privates_unanswered(const struct privates *privates)
{
    return privates->unanswered;
}

/* ---- beginning and end ---- */

void privates_end(struct privates *privates, const char *reason)
{
    struct request *what;
    while ((what = next_wish(privates)) != NULL) {
        private_answer(privates, what->id, EARSHOT_UNAVAILABLE, "The connection has ended.");
        private_done_with(privates, what->body_len);
        request_free(&what);
    }
    while (privates->channels != NULL)
        channel_end(privates->channels, reason, true);
    while (privates->waiting != NULL)
        private_forget_waiting(privates, &privates->waiting);
}

enum err privates_new(const struct private_options *options, struct privates **out)
{
    struct privates *privates = calloc(1, sizeof *privates);
    if (privates == NULL)
        return ERR_MEMORY;
    privates->is = *options;
    privates->last = &privates->first;
    privates->soon.fire = soon_fire;
    arena_init(&privates->arena, WIRE_ARENA_CAP, 0);
    /* Once now, so that the heap has room for it. */
    enum err err = timer_start(options->world->timers, &privates->soon, INT64_MAX);
    timer_stop(options->world->timers, &privates->soon);
    if (err != OK) {
        privates_free(&privates);
        return err;
    }
    *out = privates;
    return OK;
}

void privates_free(struct privates **privates)
{
    struct privates *old = *privates;
    struct request *what;
    if (old == NULL)
        return;
    *privates = NULL;
    struct channel *next;
    for (struct channel *channel = old->channels; channel != NULL; channel = next) {
        next = channel->next;
        if (channel->stage == STAGE_OPEN) {
            send_stop(channel, "gone");
            old->is.transport->finish(&channel->tunnel);
        }
        channel_free(channel);
    }
    while (old->waiting != NULL)
        private_forget_waiting(old, &old->waiting);
    while ((what = next_wish(old)) != NULL)
        request_free(&what);
    while (old->offers != NULL) {
        struct offer *offer = old->offers;
        old->offers = offer->next;
        free(offer);
    }
    timer_stop(old->is.world->timers, &old->soon);
    arena_free(&old->arena);
    free(old);
}
