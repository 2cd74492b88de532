/* message.c - see message.h. */
#include "message.h"

#include "delivery.h"
#include "event.h"
#include "request.h"
#include "visibility.h"

#include <stdlib.h>

enum {
    POOL_BYTES = 4 << 20, /* of idle sends with their bodies, kept by a shard */
    POOL_BODY_MAX = 4096, /* larger body buffers are not kept */
};

/* One message on its way to the disk. Reused: the steady state allocates nothing. */
struct send {
    struct store_append append;
    struct shard *shard;
    struct participant *from;
    struct user *to;
    uint64_t number;
    uint8_t *body;
    size_t room;
    struct send *next;
};

static void send_free(struct send *send)
{
    free(send->body);
    free(send);
}

void message_free_pool(struct shard *shard)
{
    while (shard->free_sends != NULL) {
        struct send *send = shard->free_sends;
        shard->free_sends = send->next;
        send_free(send);
    }
}

static size_t bytes_of(const struct send *send)
{
    return sizeof *send + send->room;
}

static struct send *send_take(struct shard *shard, size_t len)
{
    struct send *send = shard->free_sends;
    if (send != NULL) {
        shard->free_sends = send->next;
        shard->free_send_bytes -= bytes_of(send);
    } else {
        send = calloc(1, sizeof *send);
    }
    if (send == NULL || len <= send->room)
        return send;
    uint8_t *body = realloc(send->body, len);
    if (body == NULL) {
        send_free(send);
        return NULL;
    }
    send->body = body;
    send->room = len;
    return send;
}

static void send_give(struct send *send)
{
    struct shard *shard = send->shard;
    if (shard->free_send_bytes >= POOL_BYTES || send->room > POOL_BODY_MAX) {
        send_free(send);
        return;
    }
    send->next = shard->free_sends;
    shard->free_sends = send;
    shard->free_send_bytes += bytes_of(send);
}

void message_pass_on(struct shard *shard, struct user *user, struct event *event, struct slice body, uint64_t except)
{
    if (user_seats(user, &shard->seats) != OK)
        return; /* it is stored: they read it when they next look */
    for (size_t i = 0; i < shard->seats.count; i++) {
        const struct seat *seat = &shard->seats.at[i];
        if (except != 0 && seat->device == except)
            continue;
        event->slot = seat->slot;
        event->generation = seat->generation;
        shard_send(shard, seat->shard, event, body);
    }
}

static void stored(struct send *send)
{
    const struct store_append *append = &send->append;
    struct shard *shard = send->shard;
    struct event event = {
        .kind = EVENT_MESSAGE,
        .sender = append->sender,
        .receiver = append->receiver,
        .conversation = append->conversation,
        .id = append->id,
        .previous = append->previous,
        .time_ms = append->time,
    };
    delivery_sent(send->from, append->conversation, append->id, append->previous);
    message_pass_on(shard, send->to, &event, append->body, 0);
    message_pass_on(shard, send->from->user, &event, append->body, append->device);
}

static void appended(struct store_op *op)
{
    struct send *send = (struct send *)op;
    struct shard *shard = send->shard;
    shard_came_home(shard);
    struct chat_answer result = {.err = op->err, .searched = send->append.searched};
    if (op->err == OK) {
        result.id = send->append.id;
        result.time_ms = send->append.duplicate ? send->append.stored_time : send->append.time;
    } else if (op->err == ERR_NOT_FOUND) {
        result.err = ERR_BLOCKED; /* see only_known */
    } else if (op->err == ERR_CAP) {
        result.err = ERR_NOT_STORED; /* the receiver's quota, or the store's queue */
    }
    request_answer(send->from, send->number, &result);
    if (op->err == OK && !send->append.duplicate) {
        tally_count(&shard->tally.accepted);
        stored(send);
    }
    request_end(send->from);
    send_give(send);
}

static enum err check(struct participant *participant, struct slice name, struct user **to)
{
    struct user *recent = participant->recent;
    bool again = recent != NULL && slice_equal(user_name(recent), name);
    *to = again ? recent : directory_find(participant->shard->chat->directory, name);
    if (*to == NULL)
        return ERR_UNKNOWN_USER;
    participant->recent = *to;
    if (*to == participant->user)
        return ERR_SELF;
    return may_see(participant->user, *to, ACT_MESSAGE) ? OK : ERR_BLOCKED;
}

void participant_message(struct participant *participant, uint64_t number, struct slice to, struct slice body)
{
    struct shard *shard = participant->shard;
    struct user *receiver;
    enum err err = check(participant, to, &receiver);
    /* Blocked since, but perhaps stored before: a resent message is answered as the first time. */
    bool only_known = err == ERR_BLOCKED && number <= participant->last_number;
    if (only_known)
        err = OK;
    struct send *send = err == OK ? send_take(shard, body.len) : NULL;
    if (send == NULL) {
        request_refuse(participant, number, err != OK ? err : ERR_UNAVAILABLE);
        return;
    }
    if (body.len > 0)
        memcpy(send->body, body.data, body.len);
    send->shard = shard;
    send->from = participant;
    send->to = receiver;
    send->number = number;
    send->append = (struct store_append){
        .op = {.verb = STORE_APPEND, .done = appended},
        .sender = participant->user->id,
        .receiver = receiver->id,
        .device = participant->device,
        .number = number,
        .body = slice_of(send->body, body.len),
        .time = world_wall_ms(shard->world),
        .quota = shard_settings(shard)->quota,
        .only_known = only_known,
    };
    request_begin(participant);
    shard_submit(shard, &send->append.op);
}
