/* member.c - one client: its connection, its timers, and what arrives. */
#include "crowd.h"

#include "wire/frame.h"

#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>

enum {
    OUT_CAP = 4 * 1024 * 1024,
    IN_CAP = 1 << 24,
    CONNECT_MS = 120 * 1000,
    BACK_FIRST_MS = 200, /* a pause before coming back is chance, up to this; then up to twice as much, as in src/client */
    BACK_MOST_MS = 10 * 1000,
};

/* What a connection knows of its member, who may have given it up before it has ended. */
struct line {
    struct member *member;
};

/* For the connect that runs inside conn_connect. */
static uint32_t connecting_from;
static int connecting_buffer;

int __real_connect(int fd, const struct sockaddr *to, socklen_t len);
int __wrap_connect(int fd, const struct sockaddr *to, socklen_t len);

int __wrap_connect(int fd, const struct sockaddr *to, socklen_t len)
{
    int on = 1;
    struct sockaddr_in from = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(connecting_from)};
    if (connecting_buffer != 0)
        setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &connecting_buffer, sizeof connecting_buffer);
    if (connecting_from != 0) {
        setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
        if (bind(fd, (struct sockaddr *)&from, sizeof from) != 0)
            fail("cannot bind a source address");
    }
    return __real_connect(fd, to, len);
}

void member_name(const struct member *member, char name[WIRE_NAME_MAX + 1])
{
    snprintf(name, WIRE_NAME_MAX + 1, "%s%u", member->crowd->prefix, member->index);
}

int member_of_name(const struct crowd *crowd, struct slice name)
{
    size_t prefix = strlen(crowd->prefix);
    unsigned index = 0;
    if (name.len <= prefix || name.len > prefix + 8 || memcmp(name.data, crowd->prefix, prefix) != 0)
        return -1;
    for (size_t i = prefix; i < name.len; i++) {
        if (name.data[i] < '0' || name.data[i] > '9')
            return -1;
        index = index * 10 + name.data[i] - '0';
    }
    return index < crowd->size ? (int)index : -1;
}

static void come_back(struct timer *timer)
{
    struct member *member = CONTAINER_OF(timer, struct member, back);
    if (member->state == STATE_AWAY)
        member_connect(member);
}

static void beat(struct timer *timer)
{
    struct member *member = CONTAINER_OF(timer, struct member, heartbeat);
    member_beat(member);
}

void member_init(struct crowd *crowd, unsigned index)
{
    struct member *member = &crowd->members[index];
    char name[WIRE_NAME_MAX + 1];
    member->crowd = crowd;
    member->index = index;
    member->heartbeat.fire = beat;
    member->back.fire = come_back;
    buf_init(&member->in, IN_CAP);
    buf_init(&member->slow, 2 * WIRE_FRAME_MAX);
    member_name(member, name);
    memcpy(member->token, name, strlen(name) < sizeof member->token ? strlen(name) : sizeof member->token);
}

/* ---- events to whom they concern ---- */

#define TELL(member, what, ...)                                                                                                  \
    do {                                                                                                                         \
        struct errand *following_;                                                                                               \
        for (struct errand *errand_ = (member)->crowd->errands; errand_ != NULL; errand_ = following_) {                         \
            following_ = errand_->next;                                                                                          \
            if (errand_->ops->what != NULL && errand_has(errand_, member))                                                       \
                errand_->ops->what(errand_, __VA_ARGS__);                                                                        \
        }                                                                                                                        \
    } while (0)

static void welcomed(struct member *member, const Earshot__Welcome *welcome)
{
    struct crowd *crowd = member->crowd;
    if (welcome->token.len == sizeof member->token)
        memcpy(member->token, welcome->token.data, sizeof member->token);
    if (welcome->last_number > member->number)
        member->number = welcome->last_number;
    member->state = STATE_ONLINE;
    member->attempts = 0;
    member->forgotten = false;
    crowd->connecting--;
    crowd->online++;
    if (member->heartbeat_ms != 0)
        (void)timer_start(loop_world(crowd->loop)->timers, &member->heartbeat, now_ms(crowd) + member->heartbeat_ms);
    TELL(member, online, member);
}

static void error_came(struct member *member, const Earshot__ServerFrame *frame)
{
    member->crowd->refused++;
    if (member->state != STATE_CONNECTING) {
        TELL(member, answered, member, frame);
        return;
    }
    member->login_code = frame->error->code;
    member->wait_ms = frame->error->retry_after * 1000;
    TELL(member, refused, member, frame->error);
    member_abort(member);
}

static void message_came(struct member *member, const Earshot__Message *message)
{
    struct crowd *crowd = member->crowd;
    crowd->delivered++;
    if (message->conversation == member->conversation && message->id <= member->last_id)
        crowd->disordered++;
    if (member->received && message->conversation != member->conversation)
        member_acknowledge(member);
    member->conversation = message->conversation;
    member->last_id = message->id;
    member->received = true;
    TELL(member, message, member, message);
}

static void handle(struct member *member, const Earshot__ServerFrame *frame)
{
    switch (frame->body_case) {
    case EARSHOT__SERVER_FRAME__BODY_GREETING:
        if (member->asked_beat)
            member->heartbeat_ms = frame->greeting->heartbeat_seconds * 1000;
        break;
    case EARSHOT__SERVER_FRAME__BODY_WELCOME:
        welcomed(member, frame->welcome);
        break;
    case EARSHOT__SERVER_FRAME__BODY_ERROR:
        rate_answered(member, frame);
        error_came(member, frame);
        break;
    case EARSHOT__SERVER_FRAME__BODY_ACCEPTED:
        member->crowd->accepted++;
        rate_answered(member, frame);
        TELL(member, answered, member, frame);
        break;
    case EARSHOT__SERVER_FRAME__BODY_EVENT_MESSAGE:
        message_came(member, frame->event_message);
        break;
    case EARSHOT__SERVER_FRAME__BODY_EVENT_PRESENCE:
        watch_event(member, frame->event_presence);
        break;
    case EARSHOT__SERVER_FRAME__BODY_GOODBYE:
        member->goodbye = frame->goodbye->reason;
        member->crowd->goodbyes++;
        break;
    default:
        if (frame->answers != 0)
            TELL(member, answered, member, frame);
    }
}

static void arrived(void *ctx, struct slice bytes)
{
    struct member *member = ((struct line *)ctx)->member;
    if (member == NULL)
        return;
    struct crowd *crowd = member->crowd;
    struct slice payload;
    size_t used;
    if (buf_append(&member->in, bytes.data, bytes.len) != OK)
        fail("a member's input is full");
    while (member->conn != NULL && frame_next(buf_slice(&member->in), &payload, &used) == OK) {
        Earshot__ServerFrame *frame;
        arena_reset(&crowd->arena);
        if (codec_read_server(payload, &crowd->arena, &frame) != OK)
            fail("a frame makes no sense");
        buf_consume(&member->in, used);
        handle(member, frame);
    }
    if (member->received && member->conn != NULL)
        member_acknowledge(member);
    buf_shrink(&member->in);
    if (member->sipping && member->conn != NULL)
        conn_pause(member->conn);
}

static void opened(void *ctx, struct conn *conn)
{
    struct member *member = ((struct line *)ctx)->member;
    if (member != NULL)
        member_login(member);
}

/* It is away, whoever ended it. */
static void gone(struct member *member)
{
    struct crowd *crowd = member->crowd;
    struct timers *timers = loop_world(crowd->loop)->timers;
    enum state before = member->state;
    member->conn = NULL;
    member->state = STATE_AWAY;
    member->received = false;
    crowd->online -= before == STATE_ONLINE;
    crowd->connecting -= before == STATE_CONNECTING;
    timer_stop(timers, &member->heartbeat);
    timer_stop(timers, &member->chore);
    buf_clear(&member->slow);
    buf_free(&member->in);
    free(member->sent);
    member->sent = NULL;
    if (member->stays) {
        int64_t most = (int64_t)BACK_FIRST_MS << (member->attempts < 6 ? member->attempts : 6);
        member->attempts++;
        int64_t pause = member->wait_ms + random() % (most < BACK_MOST_MS ? most : BACK_MOST_MS);
        member->wait_ms = 0;
        (void)timer_start(timers, &member->back, now_ms(crowd) + pause);
    }
    TELL(member, lost, member);
}

static void closed(void *ctx, enum conn_end end)
{
    struct line *line = ctx;
    struct member *member = line->member;
    free(line);
    if (member == NULL)
        return;
    member->crowd->lost += end != CONN_CLOSED;
    member->crowd->ended_well += end == CONN_CLOSED;
    member->line = NULL;
    gone(member);
}

static const struct conn_ops ops = {opened, arrived, NULL, closed};

void member_abort(struct member *member)
{
    timer_stop(loop_world(member->crowd->loop)->timers, &member->back);
    if (member->conn == NULL)
        return;
    conn_abort(member->conn);
    member->line->member = NULL;
    member->line = NULL;
    gone(member);
}

void member_connect(struct member *member)
{
    struct crowd *crowd = member->crowd;
    if (member->state != STATE_AWAY)
        return;
    member->state = STATE_CONNECTING;
    crowd->connecting++;
    connecting_from = member->source;
    connecting_buffer = member->receive_buffer;
    member->line = malloc(sizeof *member->line);
    if (member->line == NULL || conn_connect(crowd->loop, crowd->tls, crowd->host, crowd->port, CONNECT_MS, OUT_CAP, &ops,
                                             member->line, &member->conn) != OK)
        fail("cannot connect");
    member->line->member = member;
}
