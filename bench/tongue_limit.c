/* tongue_limit.c - the limit's protocol (limit_frame.h) as its clients speak it. */
#include "limit_frame.h"
#include "load.h"

static void put(struct user *user, struct limit_head head, struct slice body)
{
    head.length = (uint16_t)body.len;
    link_write(&user->link, &head, sizeof head);
    if (body.len > 0)
        link_write(&user->link, body.data, body.len);
}

static void login(struct user *user)
{
    put(user, (struct limit_head){.kind = LIMIT_LOGIN, .user = user->index}, slice_of(NULL, 0));
}

static void message(struct user *user, unsigned to, struct slice body)
{
    put(user, (struct limit_head){.kind = LIMIT_SEND, .user = to, .number = ++user->number}, body);
}

static void broadcast(struct user *user, struct slice body)
{
    put(user, (struct limit_head){.kind = LIMIT_BROADCAST, .number = ++user->number}, body);
}

static void received(struct user *user)
{
    put(user, (struct limit_head){.kind = LIMIT_RECEIVED, .number = user->id}, slice_of(NULL, 0));
}

static void ping(struct user *user)
{
    put(user, (struct limit_head){.kind = LIMIT_PING, .number = ++user->number}, slice_of(NULL, 0));
}

static void delivered(struct user *user, const struct limit_head *head, struct slice body)
{
    if (head->number <= user->id)
        stop("user %u: numbers do not rise", user->index);
    user->id = head->number;
    user_heard(user, body, user->load->options.acknowledged);
}

static void hear_one(struct user *user, const struct limit_head *head, struct slice body)
{
    if (head->kind == LIMIT_DELIVER)
        delivered(user, head, body);
    else if (head->kind == LIMIT_ACCEPTED)
        user_accepted(user);
    else if (head->kind == LIMIT_WELCOME)
        user_welcomed(user);
    else if (head->kind == LIMIT_CAUGHT_UP)
        user_caught_up(user);
    else if (head->kind != LIMIT_PING)
        stop("the limit says what it should not");
}

static size_t hear(struct user *user, struct slice bytes)
{
    struct limit_head head;
    size_t used = 0;
    while (bytes.len - used >= sizeof head && user->link.fd >= 0) {
        memcpy(&head, bytes.data + used, sizeof head);
        if (bytes.len - used < sizeof head + head.length)
            break;
        hear_one(user, &head, slice_of(bytes.data + used + sizeof head, head.length));
        used += sizeof head + head.length;
    }
    return used;
}

const struct tongue tongue_limit = {"limit", login, message, broadcast, received, ping, hear};
