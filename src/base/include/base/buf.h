/*
 * buf.h - a growing byte buffer with a mandatory cap.
 *
 * Bytes are appended at the end and consumed at the front. Growth is geometric; consuming everything resets the offset, and
 * buf_shrink() gives memory back when the buffer is empty, so that an idle connection holds none. Not thread-safe.
 *
 *     struct buf out;
 *     buf_init(&out, 65536);
 *     if (buf_append(&out, data, len) == ERR_CAP) ...   // nothing was appended
 *     n = write(fd, buf_data(&out), buf_len(&out));
 *     buf_consume(&out, n);
 *     buf_free(&out);
 */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include "base/err.h"
#include "base/slice.h"

struct buf {
    uint8_t *bytes;
    size_t start, end, size; /* content is bytes[start, end) */
    size_t cap;              /* most bytes of content ever held */
};

void buf_init(struct buf *buf, size_t cap);
void buf_free(struct buf *buf); /* the buffer is as after buf_init */

/* Append all of it or nothing. ERR_CAP beyond the cap, ERR_MEMORY without memory. */
enum err buf_append(struct buf *buf, const void *data, size_t len);
enum err buf_append_str(struct buf *buf, const char *text);
enum err buf_printf(struct buf *buf, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Room for `len` more bytes at *space, to be filled and then counted with buf_commit. Same errors as buf_append. */
enum err buf_reserve(struct buf *buf, size_t len, uint8_t **space);
void buf_commit(struct buf *buf, size_t len);

void buf_consume(struct buf *buf, size_t len); /* len <= buf_len */
void buf_clear(struct buf *buf);               /* drops content, keeps memory */
void buf_shrink(struct buf *buf);              /* gives memory back if empty */

static inline size_t buf_len(const struct buf *buf)
{
    return buf->end - buf->start;
}

static inline const uint8_t *buf_data(const struct buf *buf)
{
    return buf->bytes ? buf->bytes + buf->start : NULL;
}

static inline struct slice buf_slice(const struct buf *buf)
{
    return (struct slice){buf_data(buf), buf_len(buf)};
}

#endif
