/*
 * cmd_rate.c - messages: `send` some and hear their answers, or `rate`: so many a second between neighbours, and how long each
 * took.
 *
 * The rate is an open loop: a message's latency counts from when it was due, so a server (or crowd) that stands still is seen.
 * The due time travels in the text. Who is not online is left out, and so is whose neighbour is not.
 */
#include "crowd.h"

#include <inttypes.h>
#include <stdio.h>

enum { TICK_MS = 2, REMEMBERED = 256, TEXT_LEAST = 32 };

/* ---- latencies ---- */

struct latencies {
    uint32_t *us;
    size_t count, size;
};

static void latency_add(struct latencies *latencies, int64_t us)
{
    if (latencies->count == latencies->size) {
        latencies->size = latencies->size ? latencies->size * 2 : 4096;
        latencies->us = realloc(latencies->us, latencies->size * sizeof *latencies->us);
        if (latencies->us == NULL)
            fail("out of memory");
    }
    latencies->us[latencies->count++] = us < 0 ? 0 : us > UINT32_MAX ? UINT32_MAX : (uint32_t)us;
}

static int by_size(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

static void latency_print(struct latencies *latencies, const char *name, struct buf *out)
{
    size_t count = latencies->count;
    if (count == 0) {
        (void)buf_printf(out, ",\"%s\":{\"p50_us\":0,\"p99_us\":0,\"max_us\":0}", name);
        return;
    }
    qsort(latencies->us, count, sizeof *latencies->us, by_size);
    (void)buf_printf(out, ",\"%s\":{\"p50_us\":%u,\"p99_us\":%u,\"max_us\":%u}", name, latencies->us[count / 2],
                     latencies->us[count - 1 - count / 100], latencies->us[count - 1]);
}

/* ---- rate ---- */

struct rate_errand {
    struct errand errand;
    struct latencies delivery, answer;
    double interval_us;
    int64_t ends, due;
    uint64_t planned, sent, accepted, delivered, errors, idle;
    unsigned next, body, grace;
};

/* The latest messages of a member: which number was due when, and for which errand. */
struct sent {
    uint64_t number;
    int64_t due;
    uint64_t n;
};

static struct rate_errand *rate_find(const struct crowd *crowd, uint64_t n);

static void rate_finish(struct rate_errand *rate)
{
    struct crowd *crowd = rate->errand.crowd;
    buf_clear(&crowd->out);
    latency_print(&rate->delivery, "delivery", &crowd->out);
    latency_print(&rate->answer, "answer", &crowd->out);
    say(crowd,
        "{\"event\":\"done\",\"n\":%llu,\"command\":\"rate\",\"sent\":%llu,\"accepted\":%llu,\"delivered\":%llu,\"errors\":%llu,"
        "\"idle\":%llu%.*s}",
        (unsigned long long)rate->errand.n, (unsigned long long)rate->sent, (unsigned long long)rate->accepted,
        (unsigned long long)rate->delivered, (unsigned long long)rate->errors, (unsigned long long)rate->idle,
        (int)buf_len(&crowd->out), (const char *)buf_data(&crowd->out));
    free(rate->delivery.us);
    free(rate->answer.us);
    errand_end(&rate->errand);
}

/* The next member in turn that can write to its neighbour, or NULL. */
static struct member *rate_sender(struct rate_errand *rate)
{
    struct crowd *crowd = rate->errand.crowd;
    for (unsigned i = 0; i < rate->errand.count; i++) {
        struct member *member = &crowd->members[rate->errand.first + rate->next++ % rate->errand.count];
        unsigned to = member->index ^ 1;
        if (to < crowd->size && member->state == STATE_ONLINE && crowd->members[to].state == STATE_ONLINE)
            return member;
    }
    return NULL;
}

static void rate_send(struct rate_errand *rate, int64_t due)
{
    char text[WIRE_TEXT_MAX + 1];
    struct member *member = rate_sender(rate);
    if (member == NULL) {
        rate->idle++;
        return;
    }
    int len = snprintf(text, sizeof text, "%" PRIu64 " %" PRId64 " ", rate->errand.n, due);
    if ((unsigned)len < rate->body)
        memset(text + len, 'x', rate->body - (unsigned)len);
    if (member->sent == NULL && (member->sent = calloc(REMEMBERED, sizeof *member->sent)) == NULL)
        fail("out of memory");
    if (member_send(member, member->index ^ 1, slice_of(text, rate->body)) != OK) {
        rate->errors++;
        return;
    }
    member->sent[member->number % REMEMBERED] = (struct sent){member->number, due, rate->errand.n};
    rate->sent++;
}

static void rate_late(struct timer *timer)
{
    rate_finish((struct rate_errand *)CONTAINER_OF(timer, struct errand, timer));
}

static bool rate_complete(const struct rate_errand *rate)
{
    return rate->accepted + rate->errors >= rate->sent && rate->delivered >= rate->accepted;
}

static void rate_tick(struct timer *timer)
{
    struct rate_errand *rate = (struct rate_errand *)CONTAINER_OF(timer, struct errand, timer);
    int64_t now = now_us(), due;
    while ((due = rate->errand.began + (int64_t)((double)rate->planned * rate->interval_us)) <= now && due < rate->ends) {
        rate->planned++;
        rate_send(rate, due);
    }
    if (now < rate->ends) {
        errand_timer(&rate->errand, rate_tick, TICK_MS);
        return;
    }
    errand_timer(&rate->errand, rate_late, rate_complete(rate) ? 0 : rate->grace);
}

static void rate_check(struct rate_errand *rate)
{
    if (now_us() >= rate->ends && rate_complete(rate))
        errand_timer(&rate->errand, rate_late, 0);
}

void rate_answered(struct member *member, const Earshot__ServerFrame *frame)
{
    struct sent *sent = member->sent ? &member->sent[frame->answers % REMEMBERED] : NULL;
    struct rate_errand *rate = sent && sent->number == frame->answers ? rate_find(member->crowd, sent->n) : NULL;
    if (rate == NULL)
        return;
    if (frame->body_case == EARSHOT__SERVER_FRAME__BODY_ACCEPTED) {
        rate->accepted++;
        latency_add(&rate->answer, now_us() - sent->due);
    } else {
        rate->errors++;
    }
    rate_check(rate);
}

static void rate_message(struct errand *errand, struct member *member, const Earshot__Message *message)
{
    struct rate_errand *rate = (struct rate_errand *)errand;
    char text[TEXT_LEAST + 8];
    uint64_t n;
    int64_t due;
    size_t len = message->body.len < sizeof text - 1 ? message->body.len : sizeof text - 1;
    memcpy(text, message->body.data, len);
    text[len] = '\0';
    if (sscanf(text, "%" SCNu64 " %" SCNd64, &n, &due) != 2 || n != rate->errand.n || message->stored)
        return;
    rate->delivered++;
    latency_add(&rate->delivery, now_us() - due);
    rate_check(rate);
}

static const struct errand_ops rate_ops = {.message = rate_message};

static struct rate_errand *rate_find(const struct crowd *crowd, uint64_t n)
{
    for (struct errand *errand = crowd->errands; errand != NULL; errand = errand->next)
        if (errand->n == n && errand->ops == &rate_ops)
            return (struct rate_errand *)errand;
    return NULL;
}

void cmd_rate(struct crowd *crowd, const struct args *args)
{
    int64_t per_second = args_number(args, "per_second", 100), body = args_number(args, "body", 64);
    if (per_second < 1 || body < TEXT_LEAST || body > WIRE_TEXT_MAX) {
        say_wrong(crowd, args->n, "per_second, and a body of 32 to 16384");
        return;
    }
    struct rate_errand *rate = errand_new(crowd, args, sizeof *rate, &rate_ops);
    rate->interval_us = 1e6 / (double)per_second;
    rate->ends = rate->errand.began + args_number(args, "seconds", 5) * 1000000;
    rate->body = (unsigned)body;
    rate->grace = (unsigned)args_number(args, "grace", 10) * 1000;
    rate_tick(&rate->errand.timer);
}

/* ---- send ---- */

struct send_errand {
    struct errand errand;
    unsigned left, accepted, refused, lost;
    unsigned *expected; /* answers outstanding, by member */
};

static void send_check(struct send_errand *send)
{
    if (send->left > 0)
        return;
    say(send->errand.crowd,
        "{\"event\":\"done\",\"n\":%llu,\"command\":\"send\",\"accepted\":%u,\"refused\":%u,\"lost\":%u,\"ms\":%lld}",
        (unsigned long long)send->errand.n, send->accepted, send->refused, send->lost,
        (long long)(now_us() - send->errand.began) / 1000);
    free(send->expected);
    errand_end(&send->errand);
}

static void send_answered(struct errand *errand, struct member *member, const Earshot__ServerFrame *frame)
{
    struct send_errand *send = (struct send_errand *)errand;
    bool accepted = frame->body_case == EARSHOT__SERVER_FRAME__BODY_ACCEPTED;
    unsigned *expected = &send->expected[member->index - errand->first];
    if (*expected == 0 || (!accepted && frame->body_case != EARSHOT__SERVER_FRAME__BODY_ERROR))
        return;
    --*expected;
    send->left--;
    send->accepted += accepted;
    send->refused += !accepted;
    send_check(send);
}

static void send_lost(struct errand *errand, struct member *member)
{
    struct send_errand *send = (struct send_errand *)errand;
    unsigned *expected = &send->expected[member->index - errand->first];
    if (*expected == 0)
        return;
    send->lost += *expected;
    send->left -= *expected;
    *expected = 0;
    send_check(send);
}

void cmd_send(struct crowd *crowd, const struct args *args)
{
    static const struct errand_ops ops = {.answered = send_answered, .lost = send_lost};
    char text[WIRE_TEXT_MAX];
    unsigned count = (unsigned)args_number(args, "count", 1);
    int64_t body = args_number(args, "body", 16), to = args_number(args, "to", -1);
    if (body < 1 || body > WIRE_TEXT_MAX || to >= (int64_t)crowd->size) {
        say_wrong(crowd, args->n, "a body of 1 to 16384, and somebody to send it to");
        return;
    }
    memset(text, 'm', sizeof text);
    struct send_errand *send = errand_new(crowd, args, sizeof *send, &ops);
    send->expected = calloc(args->count, sizeof *send->expected);
    if (send->expected == NULL)
        fail("out of memory");
    for (unsigned i = 0; i < args->count * count; i++) {
        struct member *member = &crowd->members[args->first + i % args->count];
        if (member->state != STATE_ONLINE ||
            member_send(member, to < 0 ? member->index ^ 1 : (unsigned)to, slice_of(text, (size_t)body)) != OK) {
            send->lost++;
            continue;
        }
        send->expected[i % args->count]++;
        send->left++;
    }
    send_check(send);
}
