/* cmd_link.c - how a member uses its connection: heartbeat, pause, sip, dribble. */
#include "crowd.h"

#include "wire/frame.h"

static struct timers *timers_of(struct crowd *crowd)
{
    return loop_world(crowd->loop)->timers;
}

void cmd_heartbeat(struct crowd *crowd, const struct args *args)
{
    for (unsigned i = 0; i < args->count; i++) {
        struct member *member = &crowd->members[args->first + i];
        member->asked_beat = false;
        member->heartbeat_ms = (unsigned)args_number(args, "every", 0);
        member_beat(member);
    }
    say_done(crowd, args);
}

void cmd_pause(struct crowd *crowd, const struct args *args)
{
    for (unsigned i = 0; i < args->count; i++)
        if (crowd->members[args->first + i].conn != NULL)
            conn_pause(crowd->members[args->first + i].conn);
    say_done(crowd, args);
}

void cmd_unpause(struct crowd *crowd, const struct args *args)
{
    for (unsigned i = 0; i < args->count; i++) {
        struct member *member = &crowd->members[args->first + i];
        member->sipping = false;
        timer_stop(timers_of(crowd), &member->chore);
        if (member->conn != NULL)
            conn_unpause(member->conn);
    }
    say_done(crowd, args);
}

/* ---- reading slowly ---- */

static void take_sip(struct timer *timer)
{
    struct member *member = CONTAINER_OF(timer, struct member, chore);
    struct crowd *crowd = member->crowd;
    if (member->conn == NULL)
        return;
    conn_unpause(member->conn);
    (void)timer_start(timers_of(crowd), timer, now_ms(crowd) + member->chore_ms);
}

void cmd_sip(struct crowd *crowd, const struct args *args)
{
    for (unsigned i = 0; i < args->count; i++) {
        struct member *member = &crowd->members[args->first + i];
        if (member->conn == NULL)
            continue;
        member->sipping = true;
        member->chore_ms = (unsigned)args_number(args, "every", 1000);
        member->chore.fire = take_sip;
        conn_pause(member->conn);
        (void)timer_start(timers_of(crowd), &member->chore, now_ms(crowd) + member->chore_ms);
    }
    say_done(crowd, args);
}

/* ---- writing slowly ---- */

struct dribble_errand {
    struct errand errand;
    size_t bytes;
    unsigned every, under_way;
};

static void dribble_tick(struct timer *timer)
{
    struct dribble_errand *dribble = (struct dribble_errand *)CONTAINER_OF(timer, struct errand, timer);
    struct crowd *crowd = dribble->errand.crowd;
    unsigned left = 0;
    for (unsigned i = 0; i < dribble->errand.count; i++) {
        struct member *member = &crowd->members[dribble->errand.first + i];
        struct slice rest = buf_slice(&member->slow);
        if (rest.len == 0 || member->conn == NULL)
            continue;
        rest.len = rest.len < dribble->bytes ? rest.len : dribble->bytes;
        (void)conn_write(member->conn, rest);
        buf_consume(&member->slow, rest.len);
        left += buf_len(&member->slow) > 0;
    }
    if (left > 0) {
        errand_timer(&dribble->errand, dribble_tick, dribble->every);
        return;
    }
    say(crowd, "{\"event\":\"done\",\"n\":%llu,\"command\":\"dribble\"}", (unsigned long long)dribble->errand.n);
    errand_end(&dribble->errand);
}

static void fill(struct member *member, unsigned to, unsigned body)
{
    char name[WIRE_NAME_MAX + 1];
    uint8_t text[WIRE_TEXT_MAX];
    Earshot__SendMessage message = EARSHOT__SEND_MESSAGE__INIT;
    Earshot__ClientFrame frame = EARSHOT__CLIENT_FRAME__INIT;
    memset(text, 's', sizeof text);
    member_name(&member->crowd->members[to], name);
    message.to = bytes_of_slice(slice_str(name));
    message.body = bytes_of_slice(slice_of(text, body));
    frame.number = ++member->number;
    frame.body_case = EARSHOT__CLIENT_FRAME__BODY_MESSAGE;
    frame.message = &message;
    (void)codec_write_client(&frame, &member->slow);
}

void cmd_dribble(struct crowd *crowd, const struct args *args)
{
    static const struct errand_ops none;
    int64_t bytes = args_number(args, "bytes", 1), body = args_number(args, "body", 64);
    if (bytes < 1 || body < 1 || body > WIRE_TEXT_MAX) {
        say_wrong(crowd, args->n, "bytes, and a body of 1 to 16384");
        return;
    }
    struct dribble_errand *dribble = errand_new(crowd, args, sizeof *dribble, &none);
    dribble->bytes = (size_t)bytes;
    dribble->every = (unsigned)args_number(args, "every", 100);
    for (unsigned i = 0; i < args->count; i++) {
        unsigned index = args->first + i, to = (unsigned)args_number(args, "to", index ^ 1);
        if (crowd->members[index].conn != NULL && to < crowd->size)
            fill(&crowd->members[index], to, (unsigned)body);
    }
    dribble_tick(&dribble->errand.timer);
}
