/*
 * progress.h - how far a long task has come: a bar on standard error at a terminal, else a log line at every tenth.
 *
 * Times are of the monotonic clock, in milliseconds.
 */
#ifndef SERVER_PROGRESS_H
#define SERVER_PROGRESS_H

#include "base/buf.h"

struct progress {
    const char *event; /* name of the log lines, and what the bar says */
    size_t done, total;
    int64_t started, drawn;
    bool terminal;
};

void progress_start(struct progress *progress, const char *event, size_t total, int64_t now);
/* One more is done. */
void progress_step(struct progress *progress, int64_t now);
/* Leaves the bar's line. */
void progress_end(struct progress *progress);

/* The bar itself: "name [#####.....] 120/240  68/s  0:02 left". */
void progress_bar(const struct progress *progress, int64_t now, struct buf *out);

#endif
