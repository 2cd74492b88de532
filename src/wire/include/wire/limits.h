/* limits.h - the sizes that the protocol promises; docs/PROTOCOL.md says the same. Bytes. */
#ifndef WIRE_LIMITS_H
#define WIRE_LIMITS_H

enum {
    WIRE_VERSION = 1,
    WIRE_FRAME_MAX = 65536, /* the message after the length */
    WIRE_PREFIX_MAX = 3,    /* the varint before it */
    WIRE_NAME_MAX = 32,
    WIRE_TEXT_MAX = 16384,
    WIRE_PASSWORD_MAX = 256,
    WIRE_PASSWORD_MIN_NEW = 8, /* for accounts that people create */
    WIRE_TOKEN_SIZE = 32,
};

#endif
