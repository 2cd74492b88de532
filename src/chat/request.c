/* request.c - see request.h. */
#include "request.h"

#include <stdlib.h>

void request_answer(struct participant *participant, uint64_t number, const struct chat_answer *answer)
{
    participant->unanswered--;
    if (participant->ops != NULL)
        participant->ops->answer(participant->ctx, number, answer);
}

/* A refusal is answered on a later turn like everything else: through the strand. */
struct refusal {
    struct task task;
    struct participant *from;
    uint64_t number;
    enum err err;
};

static void refused(struct task *task)
{
    struct refusal *refusal = (struct refusal *)task;
    struct participant *from = refusal->from;
    shard_came_home(from->shard);
    request_answer(from, refusal->number, &(struct chat_answer){.err = refusal->err});
    request_end(from);
    free(refusal);
}

void request_refuse(struct participant *from, uint64_t number, enum err err)
{
    struct refusal *refusal = calloc(1, sizeof *refusal);
    request_begin(from);
    if (refusal == NULL) { /* without memory the rule against answering inside the call has to give way */
        request_answer(from, number, &(struct chat_answer){.err = ERR_UNAVAILABLE});
        request_end(from);
        return;
    }
    refusal->task.run = refused;
    refusal->from = from;
    refusal->number = number;
    refusal->err = err;
    from->shard->in_flight++;
    strand_post(from->shard->world->strand, &refusal->task);
}
