/* cmd_login.c - coming and going: login, await, stay, logout, close. */
#include "crowd.h"

#include <arpa/inet.h>

enum { AWAIT_TICK_MS = 20 };

/* ---- login ---- */

struct login_errand {
    struct errand errand;
    unsigned parallel, started, under_way, online, refused, lost;
    unsigned codes[64]; /* refusals by error code */
    bool stay;
    int64_t jitter;
};

static void login_go_on(struct login_errand *login);

static void login_finish(struct login_errand *login)
{
    struct crowd *crowd = login->errand.crowd;
    buf_clear(&crowd->out);
    for (unsigned i = 0; i < sizeof login->codes / sizeof login->codes[0]; i++)
        if (login->codes[i] > 0)
            (void)buf_printf(&crowd->out, "%s\"%s\":%u", buf_len(&crowd->out) ? "," : "", err_name(codec_error(i)),
                             login->codes[i]);
    say(crowd,
        "{\"event\":\"done\",\"n\":%llu,\"command\":\"login\",\"clients\":%u,\"online\":%u,\"refused\":%u,\"lost\":%u,"
        "\"errors\":{%.*s},\"ms\":%lld}",
        (unsigned long long)login->errand.n, login->errand.count, login->online, login->refused, login->lost,
        (int)buf_len(&crowd->out), (const char *)buf_data(&crowd->out), (long long)(now_us() - login->errand.began) / 1000);
    errand_end(&login->errand);
}

static void login_settled(struct login_errand *login, struct member *member)
{
    member->entering = false;
    login->under_way--;
    login_go_on(login);
}

static void login_online(struct errand *errand, struct member *member)
{
    struct login_errand *login = (struct login_errand *)errand;
    if (!member->entering)
        return;
    login->online++;
    login_settled(login, member);
}

static void login_refused(struct errand *errand, struct member *member, const Earshot__Error *error)
{
    struct login_errand *login = (struct login_errand *)errand;
    login->refused++;
    login->codes[error->code < 64 ? error->code : 0]++;
    member->login_code = error->code;
}

/* After a refusal too: the member closes then. */
static void login_lost(struct errand *errand, struct member *member)
{
    struct login_errand *login = (struct login_errand *)errand;
    if (!member->entering)
        return;
    login->lost += member->login_code == 0;
    member->login_code = 0;
    if (!login->stay)
        login_settled(login, member);
}

static const struct errand_ops login_ops = {.online = login_online, .refused = login_refused, .lost = login_lost};

static void login_tick(struct timer *timer)
{
    login_go_on((struct login_errand *)CONTAINER_OF(timer, struct errand, timer));
}

/* How many may have begun by now: all, or their share of the jitter. */
static unsigned login_due(const struct login_errand *login)
{
    int64_t passed = (now_us() - login->errand.began) / 1000;
    if (login->jitter <= passed)
        return login->errand.count;
    return (unsigned)(login->errand.count * passed / login->jitter);
}

static void login_go_on(struct login_errand *login)
{
    struct crowd *crowd = login->errand.crowd;
    unsigned due = login_due(login);
    while (login->started < due && login->under_way < login->parallel) {
        struct member *member = &crowd->members[login->errand.first + login->started++];
        if (member->state == STATE_ONLINE) {
            login->online++;
            continue;
        }
        login->under_way++;
        member->entering = true;
        member_connect(member);
    }
    if (login->started == login->errand.count && login->under_way == 0)
        login_finish(login);
    else if (login->started < login->errand.count && due < login->errand.count)
        errand_timer(&login->errand, login_tick, 1);
}

static void prepare(struct member *member, const struct args *args, uint32_t from)
{
    bool stay = args_number(args, "stay", 0) != 0;
    member->by_token = strcmp(args_text(args, "how", "token"), "token") == 0;
    member->stays = stay;
    member->login_code = 0;
    member->asked_beat = args_text(args, "heartbeat", NULL) == NULL;
    member->heartbeat_ms = (unsigned)args_number(args, "heartbeat", 0);
    member->receive_buffer = (int)args_number(args, "rcvbuf", 0);
    if (from != 0)
        member->source = from + (member->index - args->first) / (unsigned)args_number(args, "each", 500);
}

void cmd_login(struct crowd *crowd, const struct args *args)
{
    struct in_addr from = {0};
    const char *text = args_text(args, "from", NULL);
    if ((text != NULL && inet_pton(AF_INET, text, &from) != 1) || args_number(args, "each", 500) < 1) {
        say_wrong(crowd, args->n, "from: an IPv4 address; each: how many members share one");
        return;
    }
    struct login_errand *login = errand_new(crowd, args, sizeof *login, &login_ops);
    login->parallel = (unsigned)args_number(args, "parallel", 64);
    login->stay = args_number(args, "stay", 0) != 0;
    login->jitter = args_number(args, "jitter", 0);
    for (unsigned i = 0; i < args->count; i++)
        prepare(&crowd->members[args->first + i], args, ntohl(from.s_addr));
    login_go_on(login);
}

/* ---- await ---- */

struct await_errand {
    struct errand errand;
    unsigned wanted;
    int64_t due;
};

static unsigned count_online(const struct crowd *crowd, unsigned first, unsigned count)
{
    unsigned online = 0;
    for (unsigned i = 0; i < count; i++)
        online += crowd->members[first + i].state == STATE_ONLINE;
    return online;
}

static void await_tick(struct timer *timer)
{
    struct await_errand *await = (struct await_errand *)CONTAINER_OF(timer, struct errand, timer);
    struct crowd *crowd = await->errand.crowd;
    unsigned online = count_online(crowd, await->errand.first, await->errand.count);
    bool reached = await->wanted == 0 ? online == 0 : online >= await->wanted;
    if (!reached && now_us() < await->due) {
        errand_timer(&await->errand, await_tick, AWAIT_TICK_MS);
        return;
    }
    say(crowd, "{\"event\":\"done\",\"n\":%llu,\"command\":\"await\",\"reached\":%s,\"online\":%u,\"ms\":%lld}",
        (unsigned long long)await->errand.n, reached ? "true" : "false", online,
        (long long)(now_us() - await->errand.began) / 1000);
    errand_end(&await->errand);
}

void cmd_await(struct crowd *crowd, const struct args *args)
{
    static const struct errand_ops none;
    struct await_errand *await = errand_new(crowd, args, sizeof *await, &none);
    await->wanted = (unsigned)args_number(args, "online", args->count);
    await->due = now_us() + args_number(args, "seconds", 30) * 1000000;
    await_tick(&await->errand.timer);
}

/* ---- stay, logout, close ---- */

void cmd_stay(struct crowd *crowd, const struct args *args)
{
    for (unsigned i = 0; i < args->count; i++)
        crowd->members[args->first + i].stays = args_number(args, "on", 1) != 0;
    say_done(crowd, args);
}

void cmd_logout(struct crowd *crowd, const struct args *args)
{
    for (unsigned i = 0; i < args->count; i++) {
        struct member *member = &crowd->members[args->first + i];
        member->stays = false;
        member_logout(member);
    }
    say_done(crowd, args);
}

void cmd_close(struct crowd *crowd, const struct args *args)
{
    for (unsigned i = 0; i < args->count; i++)
        member_abort(&crowd->members[args->first + i]);
    say_done(crowd, args);
}
