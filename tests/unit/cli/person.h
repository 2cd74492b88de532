/*
 * person.h - somebody who is asked: a dialog with a fake library, and a pseudo-terminal whose other end is the test.
 *
 * What the library was asked for is in fake.seen, what the terminal showed in `written`.
 */
#ifndef CLI_PERSON_H
#define CLI_PERSON_H

#include "ask.h"
#include "fake_library.h"
#include "stream.h"
#include "text.h"
#include "unit.h"
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

extern const struct face_type json_face;

struct person {
    struct earshot_client fake;
    struct face *face;
    struct dialog dialog;
    int end; /* of the terminal; -1: there is none */
    struct buf written;
};

static inline bool person_never(void *ctx)
{
    return false;
}

static inline void person_init(struct person *person)
{
    struct face_host host = {.ready = person_never, .in = -1, .out = -1};
    person->end = -1;
    buf_init(&person->fake.seen, TEXT_CAP);
    buf_init(&person->written, TEXT_CAP);
    json_face.create(&host, &person->face);
    dialog_init(&person->dialog, &system_clock, false);
    dialog_begin(&person->dialog, &person->fake, person->face);
}

/* Questions come to a terminal from now on. Not 0: there is none to be had. */
static inline int person_sits_down(struct person *person, struct ask *ask)
{
    person->end = posix_openpt(O_RDWR | O_NOCTTY);
    if (person->end < 0 || grantpt(person->end) != 0 || unlockpt(person->end) != 0)
        return -1;
    ask->in = ask->out = ask->opened = open(ptsname(person->end), O_RDWR | O_NOCTTY);
    return ask->opened < 0;
}

static inline void person_free(struct person *person)
{
    dialog_free(&person->dialog);
    json_face.free(&person->face);
    buf_free(&person->fake.seen);
    buf_free(&person->written);
    if (person->end >= 0)
        close(person->end);
}

static inline void person_types(struct person *person, const char *keys)
{
    assert_int_equal(write(person->end, keys, strlen(keys)), strlen(keys));
}

/* The library was asked for this since the last time. */
static inline void person_asked(struct person *person, const char *expected)
{
    assert_text(&person->fake.seen, expected);
    buf_clear(&person->fake.seen);
}

/* Waits until what has been written to the terminal ends like this. */
static inline void person_sees(struct person *person, const char *expected)
{
    char text[4096];
    size_t len = strlen(expected);
    do {
        ssize_t got = read(person->end, text, sizeof text);
        assert_true(got > 0);
        text_bytes(&person->written, slice_of(text, (size_t)got));
    } while (buf_len(&person->written) < len ||
             memcmp(buf_data(&person->written) + buf_len(&person->written) - len, expected, len) != 0);
}

static inline bool person_has_seen(const struct person *person, const char *text)
{
    struct slice all = buf_slice(&person->written);
    return all.len > 0 && memmem(all.data, all.len, text, strlen(text)) != NULL;
}

#endif
