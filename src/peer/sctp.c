/*
 * sctp.c - usrsctp as one association per channel.
 *
 * usrsctp knows us by a number in place of an address, which is looked up in the list of associations: one that is gone is not
 * found, so whatever usrsctp still does for it afterwards harms nobody. What usrsctp calls back with is kept in a list and handed
 * on once usrsctp has returned.
 *
 * Time is given to it every 10 ms while something happens and every 100 ms otherwise. A heartbeat goes out every second and a
 * half or so. No number of losses makes it give up, and it never waits longer than RTO_MOST before it tries again, so that a path
 * which comes back is used at once.
 */
#include "sctp.h"
#include <arpa/inet.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <usrsctp.h>

enum {
    STREAMS = 16,
    SEND_SPACE = 256 * 1024,
    RECEIVE_SPACE = 256 * 1024,
    PATH_MTU = 1160, /* with DTLS (37), TURN (36), UDP and IPv6 (48) within 1280 */
    HEARTBEAT_MS = 1000,
    RTO_FIRST = 500,
    RTO_LEAST = 300,
    RTO_MOST = 1500,
    NEVER = 10000, /* losses in a row before it gives up */
    TICK_BUSY_MS = 10,
    TICK_IDLE_MS = 100,
    BUSY_FOR_MS = 500,
    CHUNKS_MAX = 4096,
};

struct arrived {
    struct arrived *next;
    void *owned; /* by malloc */
    struct sctp_message message;
};

struct sctp {
    struct sctp *next;
    uintptr_t id;
    const struct world *world;
    const struct sctp_ops *ops;
    void *ctx;
    struct socket *socket;
    struct timer timer;
    struct buf partial;
    struct arrived *arrived, **arrived_end;
    size_t unsent, message_max;
    int64_t answered_at, busy_until;
    bool resets[STREAMS];
    bool up, tell_up, tell_room, tell_reset, tell_end, ended, delivering, aborted_by_peer;
    enum sctp_end end;
};

/* usrsctp is one per process, so this is too. It is started once and never stopped: stopping waits for timers of its own. */
static struct {
    pthread_mutex_t lock;
    bool started;
    pthread_t thread;
    struct sctp *all;
    uintptr_t last_id;
    int64_t ticked_at;
} process = {.lock = PTHREAD_MUTEX_INITIALIZER};

static struct sctp *find(uintptr_t id)
{
    struct sctp *sctp = process.all;

    while (sctp && sctp->id != id)
        sctp = sctp->next;
    return sctp;
}

/* From usrsctp */

static int on_send(void *address, void *bytes, size_t len, uint8_t tos, uint8_t no_fragments)
{
    struct sctp *sctp = find((uintptr_t)address);

    if (sctp)
        sctp->ops->send(sctp->ctx, slice_of(bytes, len));
    return 0;
}

static void set_end(struct sctp *sctp, enum sctp_end end)
{
    if (!sctp->tell_end && !sctp->ended) {
        sctp->tell_end = true;
        sctp->end = end;
    }
}

static void on_association(struct sctp *sctp, const struct sctp_assoc_change *change)
{
    switch (change->sac_state) {
    case SCTP_COMM_UP:
        sctp->tell_up = !sctp->up;
        sctp->up = true;
        sctp->answered_at = world_mono_ms(sctp->world);
        break;
    case SCTP_SHUTDOWN_COMP:
        set_end(sctp, SCTP_END_SHUTDOWN);
        break;
    case SCTP_COMM_LOST:
        set_end(sctp, sctp->aborted_by_peer ? SCTP_END_ABORTED : SCTP_END_FAILED);
        break;
    default: /* a restart: DTLS is the same, so nobody has a reason to do that */
        set_end(sctp, SCTP_END_FAILED);
    }
}

static void on_reset(struct sctp *sctp, const struct sctp_stream_reset_event *event)
{
    size_t head = offsetof(struct sctp_stream_reset_event, strreset_stream_list);
    size_t count = event->strreset_length > head ? (event->strreset_length - head) / sizeof(uint16_t) : 0;

    if (!(event->strreset_flags & SCTP_STREAM_RESET_INCOMING_SSN) ||
        event->strreset_flags & (SCTP_STREAM_RESET_DENIED | SCTP_STREAM_RESET_FAILED))
        return;
    sctp->tell_reset = true;
    for (size_t i = 0; i < STREAMS; i++) {
        bool named = count == 0; /* all of them */
        for (size_t at = 0; at < count; at++)
            named = named || event->strreset_stream_list[at] == i;
        sctp->resets[i] = sctp->resets[i] || named;
    }
}

static void on_notification(struct sctp *sctp, const union sctp_notification *note, size_t len)
{
    if (len < sizeof note->sn_header || note->sn_header.sn_length > len)
        return;
    switch (note->sn_header.sn_type) {
    case SCTP_ASSOC_CHANGE:
        on_association(sctp, &note->sn_assoc_change);
        break;
    case SCTP_SHUTDOWN_EVENT:
        set_end(sctp, SCTP_END_SHUTDOWN);
        break;
    case SCTP_STREAM_RESET_EVENT:
        on_reset(sctp, &note->sn_strreset_event);
        break;
    default:
        break;
    }
}

static bool keep(struct sctp *sctp, void *owned, struct slice bytes, const struct sctp_rcvinfo *info)
{
    struct arrived *arrived = malloc(sizeof *arrived);

    if (!arrived)
        return false;
    *arrived = (struct arrived){NULL, owned, {info->rcv_sid, ntohl(info->rcv_ppid), bytes}};
    *sctp->arrived_end = arrived;
    sctp->arrived_end = &arrived->next;
    return true;
}

/* Collects the pieces of a long message. There is one channel, so pieces of several do not mix. */
static void on_piece(struct sctp *sctp, struct slice piece, bool last, const struct sctp_rcvinfo *info)
{
    uint8_t *whole;

    if (buf_append(&sctp->partial, piece.data, piece.len) != OK) {
        set_end(sctp, SCTP_END_FAILED);
        return;
    }
    if (!last)
        return;
    whole = malloc(buf_len(&sctp->partial) + 1);
    if (whole)
        memcpy(whole, buf_data(&sctp->partial), buf_len(&sctp->partial));
    if (!whole || !keep(sctp, whole, slice_of(whole, buf_len(&sctp->partial)), info)) {
        free(whole);
        set_end(sctp, SCTP_END_FAILED);
    }
    buf_free(&sctp->partial);
}

static int on_receive(struct socket *socket, union sctp_sockstore address, void *bytes, size_t len, struct sctp_rcvinfo info,
                      int flags, void *id)
{
    struct sctp *sctp = find((uintptr_t)id);

    if (!bytes)
        return 1;
    if (sctp && flags & MSG_NOTIFICATION)
        on_notification(sctp, bytes, len);
    else if (sctp && (!(flags & MSG_EOR) || buf_len(&sctp->partial)))
        on_piece(sctp, slice_of(bytes, len), flags & MSG_EOR, &info);
    else if (sctp && len > sctp->message_max)
        set_end(sctp, SCTP_END_FAILED);
    else if (sctp && keep(sctp, bytes, slice_of(bytes, len), &info))
        return 1;
    else if (sctp)
        set_end(sctp, SCTP_END_FAILED); /* out of memory: a message would be lost */
    free(bytes);
    return 1;
}

static int on_room(struct socket *socket, uint32_t free_bytes, void *id)
{
    struct sctp *sctp = find((uintptr_t)id);

    if (sctp) {
        sctp->unsent = free_bytes < SEND_SPACE ? SEND_SPACE - free_bytes : 0;
        sctp->tell_room = true;
    }
    return 1;
}

/* Handing on */

static void deliver_messages(struct sctp *sctp)
{
    while (sctp->arrived) {
        struct arrived *first = sctp->arrived;
        sctp->arrived = first->next;
        if (!sctp->arrived)
            sctp->arrived_end = &sctp->arrived;
        if (!sctp->ended)
            sctp->ops->message(sctp->ctx, &first->message);
        free(first->owned);
        free(first);
    }
}

static void deliver_resets(struct sctp *sctp)
{
    sctp->tell_reset = false;
    for (int i = 0; i < STREAMS; i++) {
        if (sctp->resets[i] && !sctp->ended)
            sctp->ops->reset(sctp->ctx, (uint16_t)i);
        sctp->resets[i] = false;
    }
}

static void deliver(struct sctp *sctp)
{
    if (sctp->delivering)
        return;
    sctp->delivering = true;
    if (sctp->tell_up && !sctp->ended)
        sctp->ops->up(sctp->ctx);
    sctp->tell_up = false;
    deliver_messages(sctp);
    if (sctp->tell_room && !sctp->ended) {
        sctp->tell_room = false;
        sctp->ops->room(sctp->ctx);
    }
    if (sctp->tell_reset)
        deliver_resets(sctp);
    if (sctp->tell_end && !sctp->ended) {
        sctp->ended = true;
        sctp->ops->ended(sctp->ctx, sctp->end);
    }
    sctp->delivering = false;
}

/* Time */

static void set_timer(struct sctp *sctp)
{
    int64_t now = world_mono_ms(sctp->world);
    bool busy = sctp->unsent > 0 || !sctp->up || now < sctp->busy_until;

    (void)timer_start(sctp->world->timers, &sctp->timer, now + (busy ? TICK_BUSY_MS : TICK_IDLE_MS));
}

static void be_busy(struct sctp *sctp)
{
    int64_t now = world_mono_ms(sctp->world);

    sctp->busy_until = now + BUSY_FOR_MS;
    if (sctp->timer.place == 0 || sctp->timer.due > now + TICK_BUSY_MS)
        set_timer(sctp);
}

/* It is the time of all associations; each of them comes by and gives what has passed since another did. */
static void give_time(const struct world *world)
{
    int64_t now = world_mono_ms(world), passed = now - process.ticked_at;

    if (passed <= 0)
        return;
    process.ticked_at = now;
    usrsctp_handle_timers((uint32_t)passed);
}

static void ticked(struct timer *timer)
{
    struct sctp *sctp = (struct sctp *)(void *)((char *)timer - offsetof(struct sctp, timer));

    give_time(sctp->world);
    if (!sctp->ended)
        set_timer(sctp);
    deliver(sctp);
}

/* Making */

static void start_process(void)
{
    usrsctp_init_nothreads(0, on_send, NULL);
    usrsctp_sysctl_set_sctp_ecn_enable(0);
    usrsctp_sysctl_set_sctp_asconf_enable(0);
    usrsctp_sysctl_set_sctp_auth_enable(0);
    usrsctp_sysctl_set_sctp_nrsack_enable(0);
    usrsctp_sysctl_set_sctp_pktdrop_enable(0);
    usrsctp_sysctl_set_sctp_blackhole(2);
    usrsctp_sysctl_set_sctp_no_csum_on_loopback(0);
    /* Chromium takes no SHUTDOWN for an acknowledgement, and then usrsctp sends no other one: none may be due by then. */
    usrsctp_sysctl_set_sctp_sack_freq_default(1);
    usrsctp_sysctl_set_sctp_max_chunks_on_queue(CHUNKS_MAX);
}

static enum err join_process(struct sctp *sctp)
{
    enum err err = OK;

    pthread_mutex_lock(&process.lock);
    if (!process.all)
        process.thread = pthread_self();
    if (!pthread_equal(process.thread, pthread_self())) {
        err = ERR_WRONG_STATE;
    } else {
        if (!process.started)
            start_process();
        process.started = true;
        if (!process.all)
            process.ticked_at = world_mono_ms(sctp->world);
        sctp->id = ++process.last_id;
        sctp->next = process.all;
        process.all = sctp;
    }
    pthread_mutex_unlock(&process.lock);
    return err;
}

static void leave_process(struct sctp *sctp)
{
    pthread_mutex_lock(&process.lock);
    for (struct sctp **link = &process.all; *link; link = &(*link)->next) {
        if (*link == sctp) {
            *link = sctp->next;
            break;
        }
    }
    pthread_mutex_unlock(&process.lock);
}

static bool set_option(struct sctp *sctp, int option, const void *value, size_t len)
{
    return usrsctp_setsockopt(sctp->socket, IPPROTO_SCTP, option, value, (socklen_t)len) == 0;
}

static bool set_space(struct sctp *sctp)
{
    const int send = SEND_SPACE, receive = RECEIVE_SPACE;
    const struct linger at_once = {.l_onoff = 1, .l_linger = 0};

    return usrsctp_setsockopt(sctp->socket, SOL_SOCKET, SO_SNDBUF, &send, sizeof send) == 0 &&
           usrsctp_setsockopt(sctp->socket, SOL_SOCKET, SO_RCVBUF, &receive, sizeof receive) == 0 &&
           usrsctp_setsockopt(sctp->socket, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once) == 0;
}

static bool set_options(struct sctp *sctp)
{
    static const uint16_t events[] = {SCTP_ASSOC_CHANGE, SCTP_SHUTDOWN_EVENT, SCTP_STREAM_RESET_EVENT};
    const uint32_t on = 1;
    const struct sctp_assoc_value resets = {.assoc_id = SCTP_ALL_ASSOC, .assoc_value = SCTP_ENABLE_RESET_STREAM_REQ};
    const struct sctp_initmsg init = {STREAMS, STREAMS, NEVER, RTO_MOST};
    const struct sctp_rtoinfo rto = {.srto_initial = RTO_FIRST, .srto_max = RTO_MOST, .srto_min = RTO_LEAST};
    const struct sctp_assocparams association = {.sasoc_asocmaxrxt = NEVER};

    for (size_t i = 0; i < sizeof events / sizeof events[0]; i++) {
        struct sctp_event event = {.se_assoc_id = SCTP_ALL_ASSOC, .se_type = events[i], .se_on = 1};
        if (!set_option(sctp, SCTP_EVENT, &event, sizeof event))
            return false;
    }
    return usrsctp_set_non_blocking(sctp->socket, 1) == 0 && set_space(sctp) && set_option(sctp, SCTP_NODELAY, &on, sizeof on) &&
           set_option(sctp, SCTP_ENABLE_STREAM_RESET, &resets, sizeof resets) &&
           set_option(sctp, SCTP_INITMSG, &init, sizeof init) && set_option(sctp, SCTP_RTOINFO, &rto, sizeof rto) &&
           set_option(sctp, SCTP_ASSOCINFO, &association, sizeof association);
}

enum err sctp_new(const struct world *world, size_t message_max, const struct sctp_ops *ops, void *ctx, struct sctp **out)
{
    struct sctp *sctp = calloc(1, sizeof *sctp);
    enum err err;

    if (!sctp)
        return ERR_MEMORY;
    *sctp = (struct sctp){.world = world, .ops = ops, .ctx = ctx, .message_max = message_max, .timer.fire = ticked};
    sctp->arrived_end = &sctp->arrived;
    buf_init(&sctp->partial, message_max);
    err = join_process(sctp);
    if (err) {
        free(sctp);
        return err;
    }
    usrsctp_register_address((void *)sctp->id);
    sctp->socket = usrsctp_socket(AF_CONN, SOCK_STREAM, IPPROTO_SCTP, on_receive, on_room, 0, (void *)sctp->id);
    if (!sctp->socket || !set_options(sctp)) {
        sctp_free(&sctp);
        return ERR_MEMORY;
    }
    *out = sctp;
    return OK;
}

void sctp_free(struct sctp **pointer)
{
    struct sctp *sctp = *pointer;

    *pointer = NULL;
    if (!sctp)
        return;
    timer_stop(sctp->world->timers, &sctp->timer);
    if (sctp->socket)
        usrsctp_close(sctp->socket);
    usrsctp_deregister_address((void *)sctp->id);
    leave_process(sctp);
    sctp->ended = true;
    deliver_messages(sctp);
    buf_free(&sctp->partial);
    free(sctp);
}

static struct sockaddr_conn address_of(const struct sctp *sctp, uint16_t port)
{
    return (struct sockaddr_conn){.sconn_family = AF_CONN, .sconn_port = htons(port), .sconn_addr = (void *)sctp->id};
}

static bool set_path(struct sctp *sctp, const struct sockaddr_conn *remote, uint32_t flags)
{
    struct sctp_paddrparams path = {
        .spp_hbinterval = HEARTBEAT_MS,
        .spp_pathmtu = PATH_MTU,
        .spp_flags = flags,
        .spp_pathmaxrxt = NEVER,
    };

    memcpy(&path.spp_address, remote, sizeof *remote);
    return set_option(sctp, SCTP_PEER_ADDR_PARAMS, &path, sizeof path);
}

enum err sctp_connect(struct sctp *sctp, uint16_t local_port, uint16_t remote_port)
{
    struct sockaddr_conn local = address_of(sctp, local_port), remote = address_of(sctp, remote_port);

    if (usrsctp_bind(sctp->socket, (struct sockaddr *)&local, sizeof local))
        return ERR_SYSTEM;
    if (usrsctp_connect(sctp->socket, (struct sockaddr *)&remote, sizeof remote) && errno != EINPROGRESS)
        return ERR_SYSTEM;
    if (!set_path(sctp, &remote, SPP_HB_ENABLE | SPP_PMTUD_DISABLE))
        return ERR_SYSTEM;
    be_busy(sctp);
    return OK;
}

/* Using */

enum { HEAD = 12, CHUNK_HEAD = 4 };

/* Which chunks tell that the other end has got something of ours. */
static void look_at(struct sctp *sctp, struct slice packet)
{
    size_t at = HEAD;

    while (at + CHUNK_HEAD <= packet.len) {
        const uint8_t *chunk = packet.data + at;
        size_t len = (size_t)chunk[2] << 8 | chunk[3];
        if (chunk[0] == SCTP_SELECTIVE_ACK || chunk[0] == SCTP_HEARTBEAT_ACK)
            sctp->answered_at = world_mono_ms(sctp->world);
        if (chunk[0] == SCTP_ABORT_ASSOCIATION)
            sctp->aborted_by_peer = true;
        if (len < CHUNK_HEAD)
            return;
        at += (len + 3) & ~(size_t)3;
    }
}

static bool only_heartbeat(struct slice packet)
{
    return packet.len > HEAD && (packet.data[HEAD] == SCTP_HEARTBEAT_REQUEST || packet.data[HEAD] == SCTP_HEARTBEAT_ACK);
}

void sctp_input(struct sctp *sctp, struct slice packet)
{
    if (sctp->ended)
        return;
    look_at(sctp, packet);
    if (!only_heartbeat(packet))
        be_busy(sctp);
    give_time(sctp->world);
    usrsctp_conninput((void *)sctp->id, packet.data, packet.len, 0);
    deliver(sctp);
}

enum err sctp_send(struct sctp *sctp, const struct sctp_message *message)
{
    struct sctp_sndinfo info = {
        .snd_sid = message->stream,
        .snd_ppid = htonl(message->payload),
        .snd_flags = SCTP_EOR,
    };
    ssize_t sent;

    if (sctp->unsent + message->bytes.len > SEND_SPACE)
        return ERR_AGAIN;
    be_busy(sctp);
    give_time(sctp->world);
    sent =
        usrsctp_sendv(sctp->socket, message->bytes.data, message->bytes.len, NULL, 0, &info, sizeof info, SCTP_SENDV_SNDINFO, 0);
    if (sent < 0 && (errno == EWOULDBLOCK || errno == EAGAIN))
        return ERR_AGAIN;
    if (sent != (ssize_t)message->bytes.len)
        return ERR_SYSTEM;
    sctp->unsent += message->bytes.len;
    return OK;
}

size_t sctp_unsent(const struct sctp *sctp)
{
    return sctp->unsent;
}

void sctp_shutdown(struct sctp *sctp)
{
    be_busy(sctp);
    usrsctp_shutdown(sctp->socket, SHUT_WR);
}

void sctp_ask(struct sctp *sctp)
{
    struct sockaddr_conn remote;
    struct sockaddr *addresses = NULL;

    if (usrsctp_getpaddrs(sctp->socket, 0, &addresses) <= 0)
        return;
    memcpy(&remote, addresses, sizeof remote);
    usrsctp_freepaddrs(addresses);
    set_path(sctp, &remote, SPP_HB_DEMAND);
    be_busy(sctp);
}

int64_t sctp_answered_at(const struct sctp *sctp)
{
    return sctp->answered_at;
}
