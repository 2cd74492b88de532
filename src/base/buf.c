#include "base/buf.h"
#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum { FIRST_SIZE = 256 };

void buf_init(struct buf *buf, size_t cap)
{
    *buf = (struct buf){.cap = cap};
}

void buf_free(struct buf *buf)
{
    free(buf->bytes);
    buf_init(buf, buf->cap);
}

static size_t grown_size(const struct buf *buf, size_t need)
{
    size_t size = buf->size < FIRST_SIZE / 2 ? FIRST_SIZE : buf->size;
    while (size < need && size <= buf->cap / 2)
        size *= 2;
    if (size < need || size > buf->cap)
        size = buf->cap;
    return size;
}

static void slide_to_front(struct buf *buf)
{
    size_t len = buf_len(buf);
    memmove(buf->bytes, buf->bytes + buf->start, len);
    buf->start = 0;
    buf->end = len;
}

static enum err grow(struct buf *buf, size_t need)
{
    size_t size = grown_size(buf, need);
    uint8_t *bytes = malloc(size);
    if (bytes == NULL)
        return ERR_MEMORY;
    size_t len = buf_len(buf);
    if (buf->bytes != NULL)
        memcpy(bytes, buf->bytes + buf->start, len);
    free(buf->bytes);
    buf->bytes = bytes;
    buf->size = size;
    buf->start = 0;
    buf->end = len;
    return OK;
}

enum err buf_reserve(struct buf *buf, size_t len, uint8_t **space)
{
    size_t held = buf_len(buf);
    if (len > buf->cap - held)
        return ERR_CAP;
    if (buf->bytes == NULL || len > buf->size - buf->end) {
        /* Sliding is worth it when what moves is no more than what was consumed; that keeps the cost of a byte constant. */
        bool fits = buf->bytes != NULL && held + len <= buf->size;
        if (fits && (buf->start >= held || buf->size == buf->cap)) {
            slide_to_front(buf);
        } else {
            enum err err = grow(buf, held + len > buf->size ? held + len : buf->size + 1);
            if (err != OK)
                return err;
        }
    }
    *space = buf->bytes + buf->end;
    return OK;
}

void buf_commit(struct buf *buf, size_t len)
{
    assert(len <= buf->size - buf->end);
    buf->end += len;
}

enum err buf_append(struct buf *buf, const void *data, size_t len)
{
    uint8_t *space;
    if (len == 0)
        return OK;
    enum err err = buf_reserve(buf, len, &space);
    if (err != OK)
        return err;
    memcpy(space, data, len);
    buf_commit(buf, len);
    return OK;
}

enum err buf_append_str(struct buf *buf, const char *text)
{
    return buf_append(buf, text, strlen(text));
}

enum err buf_printf(struct buf *buf, const char *format, ...)
{
    char small[512], *large = NULL;
    enum err err = ERR_MEMORY;
    va_list args;
    va_start(args, format);
    int len = vsnprintf(small, sizeof small, format, args); // NOLINT(clang-analyzer-valist.Uninitialized): it is, one line above
    va_end(args);
    if (len >= 0 && (size_t)len < sizeof small)
        return buf_append(buf, small, (size_t)len);
    if (len >= 0 && (size_t)len > buf->cap - buf_len(buf))
        return ERR_CAP;
    va_start(args, format);
    if (vasprintf(&large, format, args) >= 0) {
        err = buf_append(buf, large, strlen(large));
        free(large);
    }
    va_end(args);
    return err;
}

void buf_consume(struct buf *buf, size_t len)
{
    assert(len <= buf_len(buf));
    buf->start += len;
    if (buf->start == buf->end)
        buf_clear(buf);
}

void buf_clear(struct buf *buf)
{
    buf->start = buf->end = 0;
}

void buf_shrink(struct buf *buf)
{
    if (buf_len(buf) == 0)
        buf_free(buf);
}
