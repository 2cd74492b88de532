#include "base/log.h"
#include "base/json.h"
#include "base/timestamp.h"
#include "base/utf8.h"
#include "base/world.h"
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

enum {
    VALUE_MAX = 1024, /* of a string value; the rest is cut off */
    LINE_CAP = 65536,
    LIMIT_MS = 1000, /* for so long LOG_LIMIT_LINES have to do */
};

static atomic_int log_fd = STDERR_FILENO;
static atomic_int log_format = LOG_TEXT;
static atomic_int log_least = LOG_INFO;
static pthread_mutex_t limits_lock = PTHREAD_MUTEX_INITIALIZER;

void log_setup(int fd, enum log_format format, enum log_level least)
{
    atomic_store(&log_fd, fd);
    atomic_store(&log_format, (int)format);
    atomic_store(&log_least, (int)least);
}

bool log_enabled(enum log_level level)
{
    return (int)level >= atomic_load_explicit(&log_least, memory_order_relaxed);
}

static const char *level_name(enum log_level level)
{
    static const char *const names[] = {"debug", "info", "warn", "error"};
    return (unsigned)level < sizeof names / sizeof names[0] ? names[level] : "unknown";
}

/* Characters that a terminal or a reader would take for something else than text: controls, line separators, changes of
 * direction. */
static bool is_dangerous(uint32_t c)
{
    return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0x200e || c == 0x200f || (c >= 0x2028 && c <= 0x202e) ||
           (c >= 0x2066 && c <= 0x2069) || c == 0xfeff;
}

static bool is_plain(struct slice text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] <= ' ' || text.data[i] >= 0x7f || strchr("\"\\=", text.data[i]) != NULL)
            return false;
    }
    return text.len > 0;
}

static enum err quote_char(struct buf *out, uint32_t c, struct slice raw)
{
    if (c == '"' || c == '\\')
        return buf_printf(out, "\\%c", (int)c);
    if (c == '\n')
        return buf_append(out, "\\n", 2);
    if (c < 0x80 && is_dangerous(c))
        return buf_printf(out, "\\x%02x", (unsigned)c);
    if (is_dangerous(c))
        return buf_printf(out, "\\u%04x", (unsigned)c);
    if (c == 0xfffd && raw.len == 1)
        return buf_printf(out, "\\x%02x", raw.data[0]); /* not UTF-8 */
    return buf_append(out, raw.data, raw.len);
}

static enum err text_value(struct buf *out, struct slice value)
{
    if (is_plain(value))
        return buf_append(out, value.data, value.len);
    enum err err = buf_append(out, "\"", 1);
    for (size_t pos = 0; err == OK && pos < value.len;) {
        size_t at = pos;
        uint32_t c = utf8_next(value, &pos);
        err = quote_char(out, c, slice_of(value.data + at, pos - at));
    }
    return err == OK ? buf_append(out, "\"", 1) : err;
}

static enum err write_string(struct buf *out, enum log_format format, struct slice value)
{
    if (value.len > VALUE_MAX)
        value.len = VALUE_MAX;
    return format == LOG_JSON ? json_string(out, value) : text_value(out, value);
}

static enum err write_field(struct buf *out, enum log_format format, const struct log_field *field)
{
    enum err err = buf_printf(out, format == LOG_JSON ? ",\"%s\":" : " %s=", field->name);
    if (err != OK)
        return err;
    if (field->kind == LOG_FIELD_INT)
        return buf_printf(out, "%" PRId64, field->num);
    return write_string(out, format, field->str);
}

static void write_head(struct buf *out, enum log_format format, enum log_level level, const char *event)
{
    char time[TIMESTAMP_SIZE];
    timestamp_format(system_clock.wall_ms(&system_clock), time);
    buf_printf(out, format == LOG_JSON ? "{\"time\":\"%s\",\"level\":\"%s\",\"event\":\"%s\"" : "%s %s %s", time,
               level_name(level), event);
}

static void emit(struct slice line)
{
    ssize_t sent;
    do
        sent = write(atomic_load(&log_fd), line.data, line.len);
    while (sent < 0 && errno == EINTR);
    /* Whatever else went wrong, there is nowhere left to say it. */
}

void log_write(enum log_level level, const char *event, const struct log_field *fields, size_t count)
{
    int saved = errno;
    enum log_format format = (enum log_format)atomic_load(&log_format);
    struct buf line, field;
    buf_init(&line, LINE_CAP);
    buf_init(&field, LINE_CAP / 4);
    write_head(&line, format, level, event);
    for (size_t i = 0; i < count; i++) {
        buf_clear(&field);
        /* A field that has no room is left out whole, so that the line stays well formed. Two bytes are for its end. */
        if (write_field(&field, format, &fields[i]) == OK && buf_len(&line) + buf_len(&field) + 2 <= LINE_CAP)
            buf_append(&line, buf_data(&field), buf_len(&field));
    }
    buf_append_str(&line, format == LOG_JSON ? "}\n" : "\n");
    if (buf_len(&line) > 0)
        emit(buf_slice(&line));
    buf_free(&field);
    buf_free(&line);
    errno = saved;
}

/* Loops look at the clock once a turn, so that one may be a little behind another. */
static bool is_over(const struct log_limit *limit, int64_t now_ms)
{
    return now_ms >= limit->since + LIMIT_MS || now_ms <= limit->since - LIMIT_MS;
}

bool log_admit(struct log_limit *limit, int64_t now_ms, enum log_level level, const char *event)
{
    int64_t left_out = 0;
    pthread_mutex_lock(&limits_lock);
    if (is_over(limit, now_ms)) {
        left_out = limit->left_out;
        *limit = (struct log_limit){.since = now_ms};
    }
    bool admitted = limit->lines < LOG_LIMIT_LINES;
    limit->lines += admitted;
    limit->left_out += !admitted;
    pthread_mutex_unlock(&limits_lock);
    if (left_out > 0)
        log_event(level, "lines_left_out", log_str("of", event), log_int("count", left_out));
    return admitted;
}
