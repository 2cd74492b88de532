/*
 * fake_library.h - libearshot's part played by the test: every request is noted in a transcript and answered when the test says
 * so.
 *
 * The test programs are linked with fake_library.c in place of the library's src/client/api.c. struct earshot_client is the fake
 * itself here. A command's call that is missing there does not link.
 */
#ifndef TEST_CLI_FAKE_LIBRARY_H
#define TEST_CLI_FAKE_LIBRARY_H

#include "base/buf.h"
#include "earshot/client.h"

struct earshot_client {
    struct buf seen; /* "[1]message bob hi\n" and so on */
    int64_t last;
    enum earshot_error refuse; /* what the next requests return instead of a number */
};

#endif
