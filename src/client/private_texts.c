/* private_texts.c - what is said on an open channel: numbered, acknowledged when shown, shown once. */
#include "private_channel.h"
#include <stdlib.h>

enum err texts_add(struct channel *channel, const struct request *what)
{
    struct text *text = malloc(sizeof *text + what->body_len);
    if (text == NULL)
        return ERR_MEMORY;
    *text = (struct text){.request = what->id, .number = ++channel->last_number, .len = what->body_len};
    memcpy(text->body, what->body, what->body_len);
    if (channel->last != NULL)
        channel->last->next = text;
    else
        channel->first = text;
    channel->last = text;
    if (channel->next_text == NULL)
        channel->next_text = text;
    channel->privates->unanswered++;
    channel->privates->bytes += text->len;
    return OK;
}

void texts_pump(struct channel *channel)
{
    while (channel->next_text != NULL) {
        Earshot__PeerText text = EARSHOT__PEER_TEXT__INIT;
        Earshot__PeerFrame frame = EARSHOT__PEER_FRAME__INIT;
        text.number = channel->next_text->number;
        text.body = bytes_of_slice(slice_of(channel->next_text->body, channel->next_text->len));
        frame.body_case = EARSHOT__PEER_FRAME__BODY_TEXT;
        frame.text = &text;
        if (channel_send(channel, &frame) != OK)
            return; /* on_drained goes on */
        channel->next_text = channel->next_text->next;
    }
}

static void settle_first(struct channel *channel, enum earshot_error error, const char *why)
{
    struct text *text = channel->first;
    channel->first = text->next;
    if (channel->first == NULL)
        channel->last = NULL;
    if (channel->next_text == text)
        channel->next_text = text->next;
    private_answer(channel->privates, text->request, error, why);
    private_done_with(channel->privates, text->len);
    free(text);
}

void texts_fail(struct channel *channel, const char *why)
{
    while (channel->first != NULL)
        settle_first(channel, EARSHOT_PRIVATE_FAILED, why);
}

bool texts_received(struct channel *channel, uint64_t number)
{
    uint64_t sent = channel->next_text != NULL ? channel->next_text->number - 1 : channel->last_number;
    if (number > sent)
        return false;
    while (channel->first != NULL && channel->first->number <= number)
        settle_first(channel, EARSHOT_OK, NULL);
    return true;
}

bool texts_take(struct channel *channel, const Earshot__PeerText *text)
{
    struct earshot_event event = {.type = EARSHOT_EVENT_PRIVATE, .user = channel->user.text};
    if (text->number != 0 && text->number <= channel->seen)
        return true;
    if (text->number != channel->seen + 1 || text_check(slice_of_bytes(text->body)) != OK)
        return false;
    char *body = arena_alloc(&channel->privates->arena, text->body.len + 1);
    if (body == NULL)
        return false;
    memcpy(body, text->body.data, text->body.len);
    body[text->body.len] = '\0';
    event.body = body;
    event.body_len = text->body.len;
    channel->seen = text->number;
    channel->ack_due = true;
    private_emit(channel->privates, &event);
    private_soon(channel->privates);
    return true;
}

void texts_acknowledge(struct channel *channel)
{
    Earshot__PeerFrame frame = EARSHOT__PEER_FRAME__INIT;
    frame.body_case = EARSHOT__PEER_FRAME__BODY_RECEIVED;
    frame.received = channel->seen;
    if (channel->ack_due && channel_send(channel, &frame) == OK)
        channel->ack_due = false;
}
