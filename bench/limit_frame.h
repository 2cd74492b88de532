/*
 * limit_frame.h - what the limit and its clients say: a head, then `length` bytes. In the order of bytes of this machine: both
 * ends are on it.
 */
#ifndef BENCH_LIMIT_FRAME_H
#define BENCH_LIMIT_FRAME_H

#include <stdint.h>

enum limit_kind {
    LIMIT_LOGIN,     /* user: who it is; answered by WELCOME, what waited, CAUGHT_UP */
    LIMIT_SEND,      /* user: to whom; number: the client's. Becomes DELIVER there */
    LIMIT_BROADCAST, /* becomes DELIVER to all others */
    LIMIT_RECEIVED,  /* number: all up to it. Not answered */
    LIMIT_PING,      /* answered by the same */
    LIMIT_WELCOME,
    LIMIT_CAUGHT_UP,
    LIMIT_DELIVER,  /* user: from whom; number: the relay's, which rises */
    LIMIT_ACCEPTED, /* number: the client's; only from a relay that acknowledges */
    LIMIT_KINDS
};

struct limit_head {
    uint16_t length;
    uint16_t kind;
    uint32_t user;
    uint64_t number;
};

#endif
