#include "input.h"
#include "text.h"
#include <errno.h>
#include <unistd.h>

void input_init(struct input *input)
{
    *input = (struct input){0};
    buf_init(&input->buf, INPUT_LINE_MAX + 2 + INPUT_CHUNK);
}

void input_free(struct input *input)
{
    buf_free(&input->buf);
}

void input_feed(struct input *input, const void *data, size_t len)
{
    text_must(buf_append(&input->buf, data, len));
}

void input_finish(struct input *input)
{
    input->ended = true;
}

static void input_drop_given(struct input *input)
{
    buf_consume(&input->buf, input->given);
    input->given = 0;
}

/* `len` bytes of a line, and `end` bytes with what ended it. */
static enum input_what input_give(struct input *input, size_t len, size_t end, struct slice *line)
{
    bool skipping = input->skipping;
    input->scanned = 0;
    input->skipping = false;
    input->given = end;
    if (skipping) {
        input_drop_given(input);
        return INPUT_NONE;
    }
    const uint8_t *data = buf_data(&input->buf);
    if (len > 0 && data[len - 1] == '\r')
        len--;
    if (len > INPUT_LINE_MAX)
        return INPUT_TOO_LONG;
    *line = slice_of(data, len);
    return INPUT_LINE;
}

/* No newline in sight. */
static enum input_what input_partial(struct input *input, struct slice *line)
{
    size_t len = buf_len(&input->buf);
    input->scanned = len;
    if (input->skipping || len > INPUT_LINE_MAX + 1) { /* one more for a carriage return */
        bool first = !input->skipping;
        buf_clear(&input->buf);
        input->scanned = 0;
        input->skipping = true;
        if (first)
            return INPUT_TOO_LONG;
        len = 0;
    }
    if (!input->ended || input->end_given)
        return INPUT_NONE;
    if (len > 0)
        return input_give(input, len, len, line);
    input->end_given = true;
    return INPUT_END;
}

enum input_what input_next(struct input *input, struct slice *line)
{
    input_drop_given(input);
    for (;;) {
        struct slice all = buf_slice(&input->buf);
        const uint8_t *newline = NULL;
        if (all.data != NULL && all.len > input->scanned)
            newline = memchr(all.data + input->scanned, '\n', all.len - input->scanned);
        if (newline == NULL)
            return input_partial(input, line);
        size_t len = (size_t)(newline - all.data);
        enum input_what what = input_give(input, len, len + 1, line);
        if (what != INPUT_NONE)
            return what;
    }
}

enum err input_read(struct input *input, int fd)
{
    uint8_t *space;
    text_must(buf_reserve(&input->buf, INPUT_CHUNK, &space));
    ssize_t len = read(fd, space, INPUT_CHUNK);
    if (len > 0)
        buf_commit(&input->buf, (size_t)len);
    else if (len < 0 && (errno == EAGAIN || errno == EINTR))
        return ERR_AGAIN;
    else
        input_finish(input);
    return OK;
}
