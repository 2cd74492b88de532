/* talk.h - one request to the server, and its answer line by line. Blocks. */
#ifndef CTL_TALK_H
#define CTL_TALK_H

#include "base/buf.h"

struct talk {
    int socket;
    int file; /* that came with the answer, or -1 */
    struct buf in;
};

/* ERR_NOT_FOUND: no server; ERR_SYSTEM; both with errno. */
enum err talk_begin(struct talk *talk, const char *path, struct slice request);
void talk_end(struct talk *talk);

/* The next line, without its newline but with a NUL, good until the next call. ERR_NOT_FOUND: the end. ERR_CAP, ERR_SYSTEM. */
enum err talk_line(struct talk *talk, char **line, size_t *used);

#endif
