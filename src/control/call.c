/* call.c - see call.h. */
#include "call.h"
#include "base/json.h"
#include "command.h"
#include "crypto/token.h"
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

static void be_patient(struct call *call)
{
    const struct world *world = loop_world(call->control->parts.loop);
    (void)timer_start(world->timers, &call->patience, world_mono_ms(world) + PATIENCE_MS);
}

/* ---- the end ---- */

void call_free(struct call *call)
{
    timer_stop(loop_world(call->control->parts.loop)->timers, &call->patience);
    watch_close(&call->watch);
    if (call->in.bytes != NULL)
        secret_wipe(call->in.bytes, call->in.size);
    buf_free(&call->in);
    buf_free(&call->out);
    if (call->file >= 0)
        close(call->file);
    gather_free(&call->gather);
    *call->place = call->next;
    if (call->next != NULL)
        call->next->place = call->place;
    call->control->call_count--;
    free(call);
}

/* The peer is out; whoever works on the call goes on. */
static void hang_up(struct call *call)
{
    timer_stop(loop_world(call->control->parts.loop)->timers, &call->patience);
    watch_close(&call->watch);
    if (call->holds == 0)
        call_free(call);
}

static void run_out(struct timer *timer)
{
    struct call *call = (struct call *)((char *)timer - offsetof(struct call, patience));
    if (call->asked && !call->answered)
        return; /* it is we who take the time */
    hang_up(call);
}

/* ---- the answer ---- */

static ssize_t send_some(struct call *call)
{
    union {
        char bytes[CMSG_SPACE(sizeof(int))];
        struct cmsghdr align;
    } room = {{0}};
    struct iovec bytes = {(void *)buf_data(&call->out), buf_len(&call->out)};
    struct msghdr message = {.msg_iov = &bytes, .msg_iovlen = 1};
    if (call->file >= 0) {
        message.msg_control = room.bytes;
        message.msg_controllen = sizeof room.bytes;
        struct cmsghdr *head = CMSG_FIRSTHDR(&message);
        *head = (struct cmsghdr){.cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS, .cmsg_len = CMSG_LEN(sizeof(int))};
        memcpy(CMSG_DATA(head), &call->file, sizeof call->file);
    }
    return sendmsg(watch_fd(call->watch), &message, MSG_NOSIGNAL);
}

/* What the socket takes. False: the peer has gone, or everything was sent. */
static bool flush(struct call *call)
{
    while (buf_len(&call->out) > 0) {
        ssize_t sent = send_some(call);
        if (sent < 0 && errno == EINTR)
            continue;
        if (sent < 0)
            return errno == EAGAIN;
        if (call->file >= 0)
            close(call->file);
        call->file = -1;
        buf_consume(&call->out, (size_t)sent);
        be_patient(call);
    }
    return false;
}

static void answer(struct call *call)
{
    call->answered = true;
    call->holds--;
    if (call->watch == NULL) {
        if (call->holds == 0)
            call_free(call);
        return;
    }
    watch_set(call->watch, WATCH_WRITE);
    be_patient(call);
}

void call_refuse_text(struct call *call, const char *code, const char *text)
{
    buf_clear(&call->out);
    if (call->file >= 0)
        close(call->file);
    call->file = -1;
    (void)buf_printf(&call->out, "{\"error\":\"%s\",\"text\":", code);
    (void)json_string(&call->out, slice_str(text));
    (void)buf_append_str(&call->out, "}\n");
    answer(call);
}

void call_refuse(struct call *call, enum err err)
{
    call_refuse_text(call, err_name(err), err_text(err));
}

void call_done(struct call *call)
{
    if (buf_append_str(&call->out, "{\"done\":true}\n") != OK)
        call_refuse(call, ERR_TOO_LONG);
    else
        answer(call);
}

/* ---- the request ---- */

static void ask(struct call *call, struct slice line)
{
    call->asked = true;
    call_hold(call);
    watch_set(call->watch, 0);
    command_run(call, line);
}

static void read_request(struct call *call)
{
    uint8_t *space;
    if (buf_reserve(&call->in, REQUEST_MAX - buf_len(&call->in), &space) != OK) {
        hang_up(call);
        return;
    }
    ssize_t got = recv(watch_fd(call->watch), space, REQUEST_MAX - buf_len(&call->in), 0);
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (got <= 0) {
        hang_up(call);
        return;
    }
    buf_commit(&call->in, (size_t)got);
    const uint8_t *end = memchr(space, '\n', (size_t)got);
    if (end != NULL)
        ask(call, slice_of(buf_data(&call->in), (size_t)(end - buf_data(&call->in))));
    else if (buf_len(&call->in) == REQUEST_MAX)
        ask(call, slice_of(NULL, 0));
}

/* Closed with something unread, the peer's end says that the connection was reset. */
static void finish(struct call *call)
{
    bool may_have_more = buf_len(&call->in) == REQUEST_MAX;
    if (!may_have_more || buf_len(&call->out) > 0 || shutdown(watch_fd(call->watch), SHUT_WR) != 0) {
        hang_up(call);
        return;
    }
    call->finished = true;
    watch_set(call->watch, WATCH_READ);
    be_patient(call);
}

static void drop_rest(struct call *call)
{
    char unused[16384];
    ssize_t got = recv(watch_fd(call->watch), unused, sizeof unused, 0);
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (got > 0) {
        secret_wipe(unused, (size_t)got);
        call->dropped += (size_t)got;
    }
    if (got <= 0 || call->dropped >= REST_MAX)
        hang_up(call);
}

static void ready(void *owner, int events, bool broken)
{
    struct call *call = owner;
    if (broken)
        hang_up(call);
    else if (call->finished)
        drop_rest(call);
    else if (call->answered && !flush(call))
        finish(call);
    else if (!call->asked)
        read_request(call);
}

void call_new(struct control *control, int fd)
{
    struct call *call = calloc(1, sizeof *call);
    if (call == NULL) {
        close(fd);
        return;
    }
    call->control = control;
    call->file = -1;
    call->patience.fire = run_out;
    buf_init(&call->in, REQUEST_MAX);
    buf_init(&call->out, ANSWER_MAX);
    if (watch_new(control->parts.loop, fd, ready, call, &call->watch) != OK) {
        free(call);
        return;
    }
    call->next = control->calls;
    call->place = &control->calls;
    if (call->next != NULL)
        call->next->place = &call->next;
    control->calls = call;
    control->call_count++;
    watch_set(call->watch, WATCH_READ);
    be_patient(call);
}
