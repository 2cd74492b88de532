/* transcript.h - events of the client and frames that it sends, as lines: "ok 1 id=7", "message 16 bob hi". */
#ifndef TEST_CLIENT_TRANSCRIPT_H
#define TEST_CLIENT_TRANSCRIPT_H

#include "earshot/client.h"
#include "wire/codec.h"
#include <stdio.h>

#define UNUSED __attribute__((unused))

enum { FAKE_LINE = 256 };

static UNUSED void describe_private_event(const struct earshot_event *e, char *out, size_t size)
{
    const char *user = e->user ? e->user : "", *path = e->relayed ? "relay" : "direct";
    switch (e->type) {
    case EARSHOT_EVENT_PRIVATE_REQUEST:
        snprintf(out, size, "%s asks", user);
        break;
    case EARSHOT_EVENT_PRIVATE_OPEN:
        snprintf(out, size, "open %s %s%s", user, path, e->verified ? " verified" : "");
        break;
    case EARSHOT_EVENT_PRIVATE:
        snprintf(out, size, "private %s %.*s", user, (int)e->body_len, e->body);
        break;
    case EARSHOT_EVENT_PRIVATE_PATH:
        snprintf(out, size, "path %s %s", user, path);
        break;
    case EARSHOT_EVENT_PRIVATE_CLOSED:
        snprintf(out, size, "over %s %s", user, e->text);
        break;
    default:
        snprintf(out, size, "event %d", (int)e->type);
    }
}

static UNUSED void describe_event(const struct earshot_event *e, char *out, size_t size)
{
    const char *user = e->user ? e->user : "";
    int len = 0;
    switch (e->type) {
    case EARSHOT_EVENT_NEED_USER:
        snprintf(out, size, "need_user");
        break;
    case EARSHOT_EVENT_NEED_PASSWORD:
        snprintf(out, size, "need_password");
        break;
    case EARSHOT_EVENT_NEW_ACCOUNT:
        snprintf(out, size, "new_account");
        break;
    case EARSHOT_EVENT_ONLINE:
        snprintf(out, size, "online %s %s", user, e->text);
        break;
    case EARSHOT_EVENT_OK:
        len = snprintf(out, size, "ok %lld", (long long)e->request);
        if (e->id != 0)
            len += snprintf(out + len, size - (size_t)len, " id=%llu", (unsigned long long)e->id);
        if (e->delivered != 0)
            snprintf(out + len, size - (size_t)len, " delivered=%u%s", e->delivered, e->withheld ? " withheld" : "");
        break;
    case EARSHOT_EVENT_USERS:
        len = snprintf(out, size, "users %lld", (long long)e->request);
        for (size_t i = 0; i < e->user_count && (size_t)len < size; i++)
            len += snprintf(out + len, size - (size_t)len, " %s", e->users[i]);
        break;
    case EARSHOT_EVENT_ERROR:
        len = snprintf(out, size, "error %lld %s", (long long)e->request, earshot_error_name(e->error));
        if (e->retry_after != 0)
            snprintf(out + len, size - (size_t)len, " retry_after=%d", e->retry_after);
        break;
    case EARSHOT_EVENT_MESSAGE:
        snprintf(out, size, "message %s %.*s%s", user, (int)e->body_len, e->body, e->stored ? " stored" : "");
        break;
    case EARSHOT_EVENT_SENT:
        snprintf(out, size, "sent %s %.*s", user, (int)e->body_len, e->body);
        break;
    case EARSHOT_EVENT_BROADCAST:
        snprintf(out, size, "broadcast %s %.*s", user, (int)e->body_len, e->body);
        break;
    case EARSHOT_EVENT_PRESENCE:
        snprintf(out, size, "presence %s %s", user, e->online ? "on" : "off");
        break;
    case EARSHOT_EVENT_CAUGHT_UP:
        snprintf(out, size, "caught_up");
        break;
    case EARSHOT_EVENT_DISCONNECTED:
        snprintf(out, size, "disconnected %s%s", earshot_reason_name(e->reason), e->retry_after < 0 ? " for good" : "");
        break;
    case EARSHOT_EVENT_CLOSED:
        snprintf(out, size, "closed %s %s", earshot_error_name(e->error), earshot_reason_name(e->reason));
        break;
    default:
        describe_private_event(e, out, size);
    }
}

#define TEXT(bytes) (int)(bytes).len, (const char *)(bytes).data

static UNUSED void describe_positions(Earshot__Position *const *positions, size_t count, char *out, size_t size)
{
    int len = 0;
    out[0] = '\0';
    for (size_t i = 0; i < count && (size_t)len < size; i++)
        len += snprintf(out + len, size - (size_t)len, " %llu:%llu", (unsigned long long)positions[i]->conversation,
                        (unsigned long long)positions[i]->id);
}

static UNUSED void describe_frame(const Earshot__ClientFrame *f, char *out, size_t size)
{
    unsigned long long n = f->number;
    char list[FAKE_LINE];
    switch (f->body_case) {
    case EARSHOT__CLIENT_FRAME__BODY_HELLO:
        snprintf(out, size, "hello %u", f->hello->version);
        break;
    case EARSHOT__CLIENT_FRAME__BODY_IDENTIFY:
        snprintf(out, size, "identify %llu %.*s", n, TEXT(f->identify->user));
        break;
    case EARSHOT__CLIENT_FRAME__BODY_LOGIN:
        snprintf(out, size, "login %llu %.*s %.*s%s", n, TEXT(f->login->user), TEXT(f->login->password),
                 f->login->token.len > 0 ? " token" : "");
        break;
    case EARSHOT__CLIENT_FRAME__BODY_REGISTER:
        snprintf(out, size, "register %llu %.*s %.*s", n, TEXT(f->register_->user), TEXT(f->register_->password));
        break;
    case EARSHOT__CLIENT_FRAME__BODY_RESUME:
        describe_positions(f->resume->positions, f->resume->n_positions, list, sizeof list);
        snprintf(out, size, "resume %llu token=%02x%s horizon=%llu%.150s", n, f->resume->token.data[0],
                 f->resume->continues ? " continues" : "", (unsigned long long)f->resume->horizon, list);
        break;
    case EARSHOT__CLIENT_FRAME__BODY_MESSAGE:
        snprintf(out, size, "message %llu %.*s %.*s", n, TEXT(f->message->to), TEXT(f->message->body));
        break;
    case EARSHOT__CLIENT_FRAME__BODY_BROADCAST:
        snprintf(out, size, "broadcast %llu %.*s", n, TEXT(f->broadcast->body));
        break;
    case EARSHOT__CLIENT_FRAME__BODY_WHOELSE:
        snprintf(out, size, "whoelse %llu", n);
        break;
    case EARSHOT__CLIENT_FRAME__BODY_WHOELSESINCE:
        snprintf(out, size, "whoelsesince %llu %llu", n, (unsigned long long)f->whoelsesince->seconds);
        break;
    case EARSHOT__CLIENT_FRAME__BODY_BLOCK:
        snprintf(out, size, "block %llu %.*s", n, TEXT(f->block->user));
        break;
    case EARSHOT__CLIENT_FRAME__BODY_UNBLOCK:
        snprintf(out, size, "unblock %llu %.*s", n, TEXT(f->unblock->user));
        break;
    case EARSHOT__CLIENT_FRAME__BODY_LOGOUT:
        snprintf(out, size, "logout %llu", n);
        break;
    case EARSHOT__CLIENT_FRAME__BODY_RECEIVED:
        describe_positions(f->received->positions, f->received->n_positions, list, sizeof list);
        snprintf(out, size, "received%.200s", list);
        break;
    case EARSHOT__CLIENT_FRAME__BODY_PING:
        snprintf(out, size, "ping %llu", n);
        break;
    case EARSHOT__CLIENT_FRAME__BODY_STARTPRIVATE:
        snprintf(out, size, "startprivate %llu %.*s", n, TEXT(f->startprivate->user));
        break;
    case EARSHOT__CLIENT_FRAME__BODY_STOPPRIVATE:
        snprintf(out, size, "stopprivate %llu %.*s", n, TEXT(f->stopprivate->user));
        break;
    case EARSHOT__CLIENT_FRAME__BODY_PASSWORD:
        snprintf(out, size, "password %llu %.*s %.*s", n, TEXT(f->password->current), TEXT(f->password->another));
        break;
    default:
        snprintf(out, size, "frame %d", (int)f->body_case);
    }
}

#endif
