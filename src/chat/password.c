/* password.c - another password, asked for by a participant: how that goes is login.c's; here it is a request with an answer. */
#include "request.h"

#include "base/log.h"

#include <stdio.h>
#include <stdlib.h>

struct change {
    struct login login; /* first: what chat/login.h gives back */
    struct participant *from;
    uint64_t number;
    char address[64];
    size_t secrets_len;
    uint8_t secrets[]; /* the present password, then the other one */
};

static void note(const struct change *change)
{
    const struct login *login = &change->login;
    static struct log_limit limit; /* one device asks at a time, but there may be many */
    if (login->err == OK)
        log_event(LOG_INFO, "password_changed", log_slice("user", login->name), log_str("by", "user"),
                  log_str("peer", login->address));
    else
        log_event_limited(&limit, world_mono_ms(change->from->shard->world), LOG_INFO, "password_refused",
                          log_slice("user", login->name), log_str("peer", login->address),
                          log_str("error", err_name(login->err)));
}

static void changed(struct login *login)
{
    struct change *change = (struct change *)login;
    struct participant *from = change->from;
    const struct chat_answer answer = {.err = login->err, .retry_after = login->retry_after};
    note(change);
    from->changing = false;
    request_answer(from, change->number, &answer);
    request_end(from);
    secret_wipe(change, sizeof *change + change->secrets_len);
    free(change);
}

enum err participant_password(struct participant *participant, uint64_t number, struct slice current, struct slice another,
                              const char *address)
{
    if (participant->changing)
        return ERR_RATE_LIMITED;
    struct change *change = calloc(1, sizeof *change + current.len + another.len);
    if (change == NULL)
        return ERR_UNAVAILABLE;
    change->from = participant;
    change->number = number;
    change->secrets_len = current.len + another.len;
    snprintf(change->address, sizeof change->address, "%s", address);
    memcpy(change->secrets, current.data, current.len);
    memcpy(change->secrets + current.len, another.data, another.len);
    change->login = (struct login){
        .name = user_name(participant->user),
        .password = slice_of(change->secrets, current.len),
        .another = slice_of(change->secrets + current.len, another.len),
        .keep = participant->device,
        .address = change->address,
        .done = changed,
    };
    participant->changing = true;
    request_begin(participant);
    login_change_password(participant->shard, &change->login);
    return OK;
}
