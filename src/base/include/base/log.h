/*
 * log.h - log lines are named events with typed fields, as plain text or as JSON lines.
 *
 *     log_event(LOG_WARN, "connection_refused", log_str("peer", peer), log_int("connections", n));
 *
 *     2026-01-05T10:00:00.123Z warn connection_refused peer=192.0.2.7:5123 connections=512
 *     {"time":"2026-01-05T10:00:00.123Z","level":"warn","event":"connection_refused","peer":"192.0.2.7:5123","connections":512}
 *
 * One write(2) per line, so lines of several threads do not mix. Values are escaped: nothing that a peer sends can forge a
 * line or reach a terminal as an escape sequence. Never log passwords, tokens or message texts. Safe from any thread.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include "base/slice.h"

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };
enum log_format { LOG_TEXT, LOG_JSON };

struct log_field {
    const char *name;
    enum { LOG_FIELD_STR, LOG_FIELD_INT } kind;
    struct slice str;
    int64_t num;
};

static inline struct log_field log_slice(const char *name, struct slice value)
{
    return (struct log_field){name, LOG_FIELD_STR, value, 0};
}

static inline struct log_field log_str(const char *name, const char *value)
{
    return log_slice(name, slice_str(value ? value : ""));
}

static inline struct log_field log_int(const char *name, int64_t value)
{
    return (struct log_field){name, LOG_FIELD_INT, {NULL, 0}, value};
}

/* Where and how; before the first thread starts, or later for the level and format. Default: standard error, text, info. */
void log_setup(int fd, enum log_format format, enum log_level least);
bool log_enabled(enum log_level level);

void log_write(enum log_level level, const char *event, const struct log_field *fields, size_t count);

#define log_event(level, event, ...)                                                                                             \
    do {                                                                                                                         \
        if (log_enabled(level)) {                                                                                                \
            const struct log_field log_fields_[] = {{0}, ##__VA_ARGS__};                                                         \
            log_write(level, event, log_fields_ + 1, sizeof log_fields_ / sizeof log_fields_[0] - 1);                            \
        }                                                                                                                        \
    } while (0)

/*
 * What strangers can cause as often as they like must not fill a disk: of such an event at most LOG_LIMIT_LINES lines a second
 * are written, and when there is room again a line says how many were left out.
 *
 *     static struct log_limit limit;
 *     log_event_limited(&limit, now, LOG_INFO, "bad_frame", log_str("peer", peer));
 *
 *     2026-01-05T10:00:01.002Z info lines_left_out of=bad_frame count=3214
 *
 * One limit for all threads. `now` is in milliseconds of the monotonic clock.
 */
enum { LOG_LIMIT_LINES = 10 };

struct log_limit {
    int64_t since; /* when the second began that is being counted */
    unsigned lines;
    int64_t left_out;
};

bool log_admit(struct log_limit *limit, int64_t now_ms, enum log_level level, const char *event);

#define log_event_limited(limit, now_ms, level, event, ...)                                                                      \
    do {                                                                                                                         \
        if (log_enabled(level) && log_admit(limit, now_ms, level, event))                                                        \
            log_event(level, event, ##__VA_ARGS__);                                                                              \
    } while (0)

#endif
