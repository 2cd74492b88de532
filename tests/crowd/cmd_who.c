/* cmd_who.c - who is online: as the server answers, as its events say, and as the crowd itself knows. */
#include "crowd.h"

#include "base/json.h"

#include <stdio.h>

enum { LINE_CAP = 1 << 22 };

/* ---- whoelse ---- */

struct who_errand {
    struct errand errand;
    uint64_t number;
    struct buf names;
};

static void who_finish(struct who_errand *who, const char *error)
{
    say(who->errand.crowd, "{\"event\":\"%s\",\"n\":%llu,\"command\":\"whoelse\",\"text\":\"%s\",\"users\":[%.*s],\"us\":%lld}",
        *error ? "error" : "done", (unsigned long long)who->errand.n, error, (int)buf_len(&who->names),
        (const char *)buf_data(&who->names), (long long)(now_us() - who->errand.began));
    buf_free(&who->names);
    errand_end(&who->errand);
}

static void who_answered(struct errand *errand, struct member *member, const Earshot__ServerFrame *frame)
{
    struct who_errand *who = (struct who_errand *)errand;
    if (frame->answers != who->number)
        return;
    if (frame->body_case != EARSHOT__SERVER_FRAME__BODY_USERS) {
        who_finish(who, "refused");
        return;
    }
    for (size_t i = 0; i < frame->users->n_users; i++) {
        if (buf_len(&who->names) > 0)
            (void)buf_append_str(&who->names, ",");
        (void)json_string(&who->names, slice_of_bytes(frame->users->users[i]));
    }
    if (!frame->users->more)
        who_finish(who, "");
}

static void who_lost(struct errand *errand, struct member *member)
{
    who_finish((struct who_errand *)errand, "lost");
}

void cmd_whoelse(struct crowd *crowd, const struct args *args)
{
    static const struct errand_ops ops = {.answered = who_answered, .lost = who_lost};
    struct member *member = &crowd->members[args->first];
    if (args->count != 1 || member->state != STATE_ONLINE) {
        say_wrong(crowd, args->n, "one member, who is online");
        return;
    }
    struct who_errand *who = errand_new(crowd, args, sizeof *who, &ops);
    buf_init(&who->names, LINE_CAP);
    member_ask_who(member, args_number(args, "since", -1));
    who->number = member->number;
}

/* ---- presence ---- */

static void show(struct member *member, struct slice name, bool online)
{
    int index = member_of_name(member->crowd, name);
    if (index < 0)
        return;
    uint8_t bit = (uint8_t)(1 << index % 8);
    if (online)
        member->shown[index / 8] |= bit;
    else
        member->shown[index / 8] &= (uint8_t)~bit;
}

void watch_event(struct member *member, const Earshot__Presence *presence)
{
    struct slice name = slice_of_bytes(presence->user);
    int index = member->shown ? member_of_name(member->crowd, name) : -1;
    if (index < 0)
        return;
    struct told *told = &member->crowd->told[index];
    show(member, name, presence->online);
    if (presence->online) {
        told->online++;
    } else {
        told->offline++;
        told->last_offline = now_us();
    }
}

struct watch_errand {
    struct errand errand;
    unsigned left;
};

static void watch_check(struct watch_errand *watch)
{
    if (watch->left > 0)
        return;
    say(watch->errand.crowd, "{\"event\":\"done\",\"n\":%llu,\"command\":\"watch\"}", (unsigned long long)watch->errand.n);
    errand_end(&watch->errand);
}

static void watch_answered(struct errand *errand, struct member *member, const Earshot__ServerFrame *frame)
{
    struct watch_errand *watch = (struct watch_errand *)errand;
    if (frame->body_case != EARSHOT__SERVER_FRAME__BODY_USERS || member->shown == NULL)
        return;
    for (size_t i = 0; i < frame->users->n_users; i++)
        show(member, slice_of_bytes(frame->users->users[i]), true);
    if (!frame->users->more) {
        watch->left--;
        watch_check(watch);
    }
}

/* Asks anew: what the answer says is what holds, and events that come later change it. */
void cmd_watch(struct crowd *crowd, const struct args *args)
{
    static const struct errand_ops ops = {.answered = watch_answered};
    struct watch_errand *watch = errand_new(crowd, args, sizeof *watch, &ops);
    for (unsigned i = 0; i < args->count; i++) {
        struct member *member = &crowd->members[args->first + i];
        if (member->state != STATE_ONLINE)
            continue;
        free(member->shown);
        member->shown = calloc(crowd->size / 8 + 1, 1);
        if (member->shown == NULL)
            fail("out of memory");
        member_ask_who(member, -1);
        watch->left++;
    }
    watch_check(watch);
}

/* Of `of`, as the members of the range that watch have been told; everybody's view of themselves is left out. */
void cmd_shown(struct crowd *crowd, const struct args *args)
{
    unsigned first, count, watching = 0;
    uint64_t online = 0, pairs = 0, events_online = 0, events_offline = 0;
    int64_t last = 0;
    if (!args_range(crowd, args_text(args, "of", "all"), &first, &count)) {
        say_wrong(crowd, args->n, "of whom?");
        return;
    }
    for (unsigned i = args->first; i < args->first + args->count; i++) {
        const struct member *member = &crowd->members[i];
        if (member->shown == NULL || member->state != STATE_ONLINE)
            continue;
        watching++;
        for (unsigned j = first; j < first + count; j++) {
            pairs += j != i;
            online += j != i && (member->shown[j / 8] >> j % 8 & 1);
        }
    }
    for (unsigned j = first; j < first + count; j++) {
        events_online += crowd->told[j].online;
        events_offline += crowd->told[j].offline;
        last = crowd->told[j].last_offline > last ? crowd->told[j].last_offline : last;
    }
    say(crowd,
        "{\"event\":\"done\",\"n\":%llu,\"command\":\"shown\",\"watching\":%u,\"pairs\":%llu,\"online\":%llu,"
        "\"events_online\":%llu,\"events_offline\":%llu,\"last_offline_us\":%lld}",
        (unsigned long long)args->n, watching, (unsigned long long)pairs, (unsigned long long)online,
        (unsigned long long)events_online, (unsigned long long)events_offline, (long long)last);
}

/* ---- state ---- */

void cmd_state(struct crowd *crowd, const struct args *args)
{
    struct buf *out = &crowd->out;
    unsigned online = 0, connecting = 0, goodbyes[16] = {0};
    buf_clear(out);
    for (unsigned i = args->first; i < args->first + args->count; i++) {
        const struct member *member = &crowd->members[i];
        connecting += member->state == STATE_CONNECTING;
        goodbyes[member->goodbye % 16]++;
        if (member->state == STATE_ONLINE)
            (void)buf_printf(out, "%s%u", online++ ? "," : "", i);
    }
    say(crowd,
        "{\"event\":\"done\",\"n\":%llu,\"command\":\"state\",\"count\":%u,\"connecting\":%u,\"accepted\":%llu,\"delivered\":%"
        "llu,"
        "\"disordered\":%llu,\"refused\":%llu,\"goodbyes\":%llu,\"lost\":%llu,\"closed\":%llu,\"too_slow\":%u,\"now_us\":%lld,"
        "\"online\":[%.*s]}",
        (unsigned long long)args->n, online, connecting, (unsigned long long)crowd->accepted,
        (unsigned long long)crowd->delivered, (unsigned long long)crowd->disordered, (unsigned long long)crowd->refused,
        (unsigned long long)crowd->goodbyes, (unsigned long long)crowd->lost, (unsigned long long)crowd->ended_well,
        goodbyes[EARSHOT__GOODBYE__REASON__REASON_TOO_SLOW], (long long)now_us(), (int)buf_len(out), (const char *)buf_data(out));
}

void cmd_port(struct crowd *crowd, const struct args *args)
{
    crowd->port = (uint16_t)args_number(args, "to", crowd->port);
    say_done(crowd, args);
}
