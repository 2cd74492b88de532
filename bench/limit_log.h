/*
 * limit_log.h - the least that keeps messages: one file, appended to with one write and one fdatasync a turn.
 *
 * The file is filled with zeros beforehand (`room` bytes), so that syncing writes data and no metadata; beyond that it grows.
 * What nobody waits for need not be kept: while that is so, it begins again at the start when its room is full, as a write-ahead
 * log does.
 */
#ifndef BENCH_LIMIT_LOG_H
#define BENCH_LIMIT_LOG_H

#include "base/buf.h"
#include "limit_frame.h"

struct limit_log {
    int fd;
    uint64_t room, end; /* of the file; `end` without what is in `batch` */
    struct buf batch;
    uint64_t *records; /* where the waiting ones lie, with the next one of the same user behind each: (offset, next) pairs */
    size_t record_count, record_size;
    uint64_t waiting;
};

/* The records of one user that wait; numbers of them, from 1. */
struct limit_queue {
    uint64_t first, last;
};

void limit_log_open(struct limit_log *log, const char *path, uint64_t room);

/* Joins the batch; queue: of a user who is not there, else NULL. */
void limit_log_append(struct limit_log *log, const struct limit_head *head, const void *body, struct limit_queue *queue);

/* The batch is on disk when this returns. */
void limit_log_commit(struct limit_log *log);

/* Takes the queue's first record. False: there is none. */
bool limit_log_take(struct limit_log *log, struct limit_queue *queue, struct buf *out);

#endif
