/* limit_log.c - see limit_log.h. */
#include "limit_log.h"
#include "turn.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

enum { CHUNK = 1 << 20 };

#define BATCH_MOST ((size_t)1 << 30)

static void write_all(struct limit_log *log, const uint8_t *data, size_t len, uint64_t at)
{
    while (len > 0) {
        ssize_t count = pwrite(log->fd, data, len, (off_t)at);
        if (count <= 0)
            stop("cannot write the log: %s", strerror(errno));
        data += count;
        len -= (size_t)count;
        at += (uint64_t)count;
    }
}

void limit_log_open(struct limit_log *log, const char *path, uint64_t room)
{
    uint8_t *zeros = calloc(1, CHUNK);
    *log = (struct limit_log){.fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600), .room = room};
    if (log->fd < 0 || zeros == NULL)
        stop("cannot make %s: %s", path, strerror(errno));
    for (uint64_t at = 0; at < room; at += CHUNK)
        write_all(log, zeros, CHUNK, at);
    free(zeros);
    if (fsync(log->fd) != 0)
        stop("cannot sync the log: %s", strerror(errno));
    buf_init(&log->batch, BATCH_MOST);
}

static void note_record(struct limit_log *log, uint64_t offset, struct limit_queue *queue)
{
    if (log->record_count == log->record_size) {
        log->record_size = log->record_size > 0 ? log->record_size * 2 : 4096;
        log->records = realloc(log->records, log->record_size * 2 * sizeof *log->records);
        if (log->records == NULL)
            stop("no memory for what waits");
    }
    log->records[2 * log->record_count] = offset;
    log->records[2 * log->record_count + 1] = 0;
    log->record_count++;
    if (queue->first == 0)
        queue->first = log->record_count;
    else
        log->records[2 * queue->last - 1] = log->record_count;
    queue->last = log->record_count;
    log->waiting++;
}

void limit_log_append(struct limit_log *log, const struct limit_head *head, const void *body, struct limit_queue *queue)
{
    if (queue != NULL)
        note_record(log, log->end + buf_len(&log->batch), queue);
    if (buf_append(&log->batch, head, sizeof *head) != OK || buf_append(&log->batch, body, head->length) != OK)
        stop("no memory for the log");
}

void limit_log_commit(struct limit_log *log)
{
    size_t len = buf_len(&log->batch);
    if (len == 0)
        return;
    write_all(log, buf_data(&log->batch), len, log->end);
    if (fdatasync(log->fd) != 0)
        stop("cannot sync the log: %s", strerror(errno));
    buf_clear(&log->batch);
    log->end += len;
    if (log->waiting == 0) {
        log->record_count = 0;
        if (log->end >= log->room)
            log->end = 0;
    }
}

bool limit_log_take(struct limit_log *log, struct limit_queue *queue, struct buf *out)
{
    struct limit_head head;
    uint8_t *space;
    if (queue->first == 0)
        return false;
    uint64_t at = log->records[2 * queue->first - 2];
    queue->first = log->records[2 * queue->first - 1];
    log->waiting--;
    bool ok = pread(log->fd, &head, sizeof head, (off_t)at) == sizeof head;
    if (!ok || buf_reserve(out, sizeof head + head.length, &space) != OK)
        stop("cannot read the log");
    memcpy(space, &head, sizeof head);
    if (pread(log->fd, space + sizeof head, head.length, (off_t)(at + sizeof head)) != head.length)
        stop("cannot read the log");
    buf_commit(out, sizeof head + head.length);
    return true;
}
