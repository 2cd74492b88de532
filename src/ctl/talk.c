/* talk.c - see talk.h. */
#include "talk.h"
#include "net/local.h"
#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

enum { LINE_MAX_BYTES = 1 << 16, CHUNK = 4096 };

static enum err send_all(int socket, struct slice bytes)
{
    while (bytes.len > 0) {
        ssize_t sent = send(socket, bytes.data, bytes.len, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR)
            continue;
        if (sent < 0)
            return errno == EPIPE || errno == ECONNRESET ? OK : ERR_SYSTEM; /* the answer may say why */
        bytes = slice_of(bytes.data + sent, bytes.len - (size_t)sent);
    }
    return OK;
}

enum err talk_begin(struct talk *talk, const char *path, struct slice request)
{
    *talk = (struct talk){.socket = -1, .file = -1};
    buf_init(&talk->in, LINE_MAX_BYTES);
    enum err err = local_connect(path, &talk->socket);
    return err == OK ? send_all(talk->socket, request) : err;
}

void talk_end(struct talk *talk)
{
    if (talk->socket >= 0)
        close(talk->socket);
    if (talk->file >= 0)
        close(talk->file);
    buf_free(&talk->in);
}

static void keep_file(struct talk *talk, struct msghdr *message)
{
    for (struct cmsghdr *head = CMSG_FIRSTHDR(message); head != NULL; head = CMSG_NXTHDR(message, head)) {
        if (head->cmsg_level != SOL_SOCKET || head->cmsg_type != SCM_RIGHTS || head->cmsg_len != CMSG_LEN(sizeof(int)))
            continue;
        if (talk->file >= 0)
            close(talk->file);
        memcpy(&talk->file, CMSG_DATA(head), sizeof talk->file);
    }
}

static enum err receive(struct talk *talk)
{
    union {
        char bytes[CMSG_SPACE(sizeof(int))];
        struct cmsghdr align;
    } room = {{0}};
    uint8_t *space;
    enum err err = buf_reserve(&talk->in, CHUNK, &space);
    if (err != OK)
        return err;
    struct iovec bytes = {space, CHUNK};
    struct msghdr message = {.msg_iov = &bytes, .msg_iovlen = 1, .msg_control = room.bytes, .msg_controllen = sizeof room.bytes};
    ssize_t got = recvmsg(talk->socket, &message, MSG_CMSG_CLOEXEC);
    if (got < 0 && errno == EINTR)
        return OK;
    if (got < 0)
        return ERR_SYSTEM;
    keep_file(talk, &message);
    buf_commit(&talk->in, (size_t)got);
    return got > 0 ? OK : ERR_NOT_FOUND;
}

enum err talk_line(struct talk *talk, char **line, size_t *used)
{
    buf_consume(&talk->in, *used);
    *used = 0;
    for (;;) {
        char *start = (char *)talk->in.bytes + talk->in.start;
        char *end = buf_len(&talk->in) > 0 ? memchr(start, '\n', buf_len(&talk->in)) : NULL;
        if (end != NULL) {
            *end = '\0';
            *line = start;
            *used = (size_t)(end - start) + 1;
            return OK;
        }
        enum err err = receive(talk);
        if (err != OK)
            return err;
    }
}
