/* outbox.c - see outbox.h. */
#include "outbox.h"
#include "crypto/token.h"
#include <stdlib.h>

void outbox_init(struct outbox *outbox)
{
    *outbox = (struct outbox){.next_id = 1};
}

void outbox_free(struct outbox *outbox)
{
    struct request *next;
    for (struct request *request = outbox->first; request != NULL; request = next) {
        next = request->next;
        request_free(&request);
    }
    outbox_init(outbox);
}

void request_free(struct request **request)
{
    if (*request != NULL) {
        free((*request)->users);
        secret_wipe((*request)->body, (*request)->kind == REQUEST(PASSWORD) ? (*request)->body_len : 0);
    }
    free(*request);
    *request = NULL;
}

static size_t request_size(const struct request *request)
{
    return sizeof *request + request->body_len;
}

static bool carries_text(const struct request *request)
{
    return request->kind == REQUEST(MESSAGE) || request->kind == REQUEST(BROADCAST);
}

enum err outbox_add(struct outbox *outbox, const struct request *what, struct slice body, int64_t *id)
{
    if (outbox->count >= OUTBOX_REQUESTS || sizeof *what + body.len > OUTBOX_BYTES - outbox->bytes)
        return ERR_CAP;
    struct request *request = calloc(1, sizeof *request + body.len);
    if (request == NULL)
        return ERR_MEMORY;
    request->kind = what->kind;
    request->accept = what->accept;
    request->user = what->user;
    request->seconds = what->seconds;
    request->device = what->device;
    memcpy(request->channel, what->channel, sizeof request->channel);
    request->body_len = body.len;
    if (body.len > 0)
        memcpy(request->body, body.data, body.len);
    request->id = what->id != 0 ? what->id : outbox->next_id++;
    request->previous = outbox->last;
    if (outbox->last != NULL)
        outbox->last->next = request;
    else
        outbox->first = request;
    outbox->last = request;
    if (outbox->unsent == NULL)
        outbox->unsent = request;
    outbox->count++;
    outbox->bytes += request_size(request);
    outbox->messages += carries_text(request);
    *id = request->id;
    return OK;
}

static void skip_sent(struct outbox *outbox)
{
    while (outbox->unsent != NULL && outbox->unsent->in_flight)
        outbox->unsent = outbox->unsent->next;
}

void outbox_sent(struct outbox *outbox, struct request *request, uint64_t number)
{
    request->number = number;
    request->in_flight = true;
    outbox->in_flight++;
    skip_sent(outbox);
}

void outbox_again(struct outbox *outbox, struct request *request)
{
    outbox->in_flight -= request->in_flight;
    request->in_flight = false;
    request->repeated = true;
    outbox->users_bytes -= request->users_len;
    request->users_len = request->user_count = 0;
    outbox->unsent = outbox->first;
    skip_sent(outbox);
}

struct request *outbox_find(const struct outbox *outbox, uint64_t number)
{
    /* Answers come nearly in the order of asking, so this ends near the start. */
    for (struct request *request = outbox->first; request != NULL; request = request->next) {
        if (request->in_flight && request->number == number)
            return request;
    }
    return NULL;
}

void outbox_take(struct outbox *outbox, struct request *request)
{
    if (request->previous != NULL)
        request->previous->next = request->next;
    else
        outbox->first = request->next;
    if (request->next != NULL)
        request->next->previous = request->previous;
    else
        outbox->last = request->previous;
    if (outbox->unsent == request) {
        outbox->unsent = request->next;
        skip_sent(outbox);
    }
    outbox->count--;
    outbox->bytes -= request_size(request);
    outbox->in_flight -= request->in_flight;
    outbox->messages -= carries_text(request);
    outbox->users_bytes -= request->users_len;
}

enum err outbox_add_user(struct outbox *outbox, struct request *request, const struct name *user)
{
    size_t len = (size_t)user->len + 1;
    if (outbox->users_bytes + len > OUTBOX_BYTES)
        return ERR_CAP;
    if (request->users_size - request->users_len < len) {
        size_t size = request->users_size > 0 ? request->users_size * 2 : 1024;
        uint8_t *grown = realloc(request->users, size);
        if (grown == NULL)
            return ERR_MEMORY;
        request->users = grown;
        request->users_size = size;
    }
    memcpy(request->users + request->users_len, user->text, len);
    request->users_len += len;
    request->user_count++;
    outbox->users_bytes += len;
    return OK;
}
