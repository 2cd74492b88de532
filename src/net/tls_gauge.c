/* tls_gauge.c - see tls_gauge.h. Records and handshake messages are those of RFC 8446, sections 5.1 and 4. */
#include "tls_gauge.h"

enum { HANDSHAKE = 22 };

static size_t at_most(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* A byte of a header; true when it is whole. */
static bool collect(uint8_t *header, uint8_t *have, size_t size, uint8_t byte)
{
    header[(*have)++] = byte;
    if (*have < size)
        return false;
    *have = 0;
    return true;
}

/* The content of a handshake record: messages, which may begin and end anywhere in it. */
static bool feed_messages(struct tls_gauge *gauge, struct slice bytes)
{
    while (bytes.len > 0) {
        size_t step = at_most(gauge->message_left, bytes.len);
        gauge->message_left -= step;
        if (step == 0) {
            const uint8_t *head = gauge->message;
            step = 1;
            if (collect(gauge->message, &gauge->message_have, sizeof gauge->message, bytes.data[0]))
                gauge->message_left = (size_t)head[1] << 16 | (size_t)head[2] << 8 | head[3];
            if (gauge->message_left > TLS_HANDSHAKE_MAX)
                return false;
        }
        bytes = slice_of(bytes.data + step, bytes.len - step);
    }
    return true;
}

bool tls_gauge_feed(struct tls_gauge *gauge, struct slice bytes)
{
    while (bytes.len > 0) {
        const uint8_t *head = gauge->record;
        size_t step = at_most(gauge->record_left, bytes.len);
        gauge->record_left -= step;
        if (step > 0 && head[0] == HANDSHAKE && !feed_messages(gauge, slice_of(bytes.data, step)))
            return false;
        if (step == 0) {
            step = 1;
            if (collect(gauge->record, &gauge->record_have, sizeof gauge->record, bytes.data[0]))
                gauge->record_left = (size_t)head[3] << 8 | head[4];
        }
        bytes = slice_of(bytes.data + step, bytes.len - step);
    }
    return true;
}
