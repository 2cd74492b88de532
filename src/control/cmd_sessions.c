/*
 * cmd_sessions.c - who is connected, from where, since when.
 *
 * Sessions belong to their lanes. So each lane is asked by a task on its own thread, which writes its rows into a part of its
 * own; the last part to come home completes the answer.
 */
#include "base/json.h"
#include "base/timestamp.h"
#include "command.h"
#include <inttypes.h>
#include <stdlib.h>

struct part {
    struct task task;
    struct gather *gather;
    const struct control_lane *lane;
    struct buf rows;
    enum err err;
};

struct gather {
    struct call *call;
    unsigned missing, count;
    struct part parts[];
};

void gather_free(struct gather **gather)
{
    if (*gather == NULL)
        return;
    for (unsigned i = 0; i < (*gather)->count; i++)
        buf_free(&(*gather)->parts[i].rows);
    free(*gather);
    *gather = NULL;
}

static enum err write_row(void *ctx, const struct session_view *view)
{
    struct buf *out = ctx;
    char since[TIMESTAMP_SIZE];
    timestamp_format(view->since_ms, since);
    enum err err = buf_printf(out, "{\"user\":\"%.*s\",\"device\":%" PRIu64 ",\"address\":", (int)view->user.len,
                              (const char *)view->user.data, view->device);
    if (err == OK)
        err = json_string(out, slice_str(view->address));
    if (err == OK)
        err = buf_printf(out, ",\"since\":\"%s\",\"idle\":%" PRId64 "}\n", since, view->idle_ms / 1000);
    return err;
}

/* On the first lane again. */
static void come_home(struct task *task)
{
    struct part *part = (struct part *)task;
    struct gather *gather = part->gather;
    struct call *call = gather->call;
    if (--gather->missing > 0)
        return;
    enum err err = OK;
    for (unsigned i = 0; err == OK && i < gather->count; i++) {
        err = gather->parts[i].err;
        if (err == OK && buf_len(&gather->parts[i].rows) > 0)
            err = buf_append(&call->out, buf_data(&gather->parts[i].rows), buf_len(&gather->parts[i].rows));
    }
    gather_free(&call->gather);
    if (err != OK)
        call_refuse(call, err == ERR_CAP ? ERR_TOO_LONG : ERR_UNAVAILABLE);
    else
        call_done(call);
}

/* On the part's lane. */
static void look(struct task *task)
{
    struct part *part = (struct part *)task;
    struct call *call = part->gather->call;
    part->err = hub_view(part->lane->hub, name_slice(&call->name), write_row, &part->rows);
    part->task.run = come_home;
    strand_post(loop_strand(call->control->parts.loop), &part->task);
}

void cmd_sessions(struct call *call)
{
    struct control *control = call->control;
    unsigned count = control->parts.lane_count;
    struct gather *gather = calloc(1, sizeof *gather + count * sizeof gather->parts[0]);
    if (gather == NULL) {
        call_refuse(call, ERR_UNAVAILABLE);
        return;
    }
    call->gather = gather;
    *gather = (struct gather){.call = call, .missing = count, .count = count};
    for (unsigned i = 0; i < count; i++) {
        struct part *part = &gather->parts[i];
        *part = (struct part){.task = {.run = look}, .gather = gather, .lane = &control->lanes[i]};
        buf_init(&part->rows, ANSWER_MAX);
        strand_post(part->lane->strand, &part->task);
    }
}
