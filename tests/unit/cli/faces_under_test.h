/* faces_under_test.h - a face of a type, with its output in a pipe's place: what it has written is read back from its buffer. */
#ifndef TEST_CLI_FACES_H
#define TEST_CLI_FACES_H

#include "stream.h"
#include "unit.h"

enum { NOON = 1767614400 }; /* 2026-01-05T12:00:00Z */

static inline bool host_never_ready(void *ctx)
{
    return false;
}

static inline struct face *face_under_test(const struct face_type *type)
{
    struct face_host host = {.ready = host_never_ready, .in = -1, .out = -1};
    struct face *face;
    type->create(&host, &face);
    return face;
}

/* Shows one notice, at noon, and checks everything written for it. */
static inline void shows(const struct face_type *type, struct notice notice, struct earshot_event event, const char *expected)
{
    struct face *face = face_under_test(type);
    notice.event = &event;
    notice.now_ms = NOON * 1000LL;
    if (notice.user == NULL)
        notice.user = "";
    type->show(face, &notice);
    assert_text(&stream_of(face)->output.buf, expected);
    buf_clear(&stream_of(face)->output.buf);
    type->free(&face);
}

#endif
