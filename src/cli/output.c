#include "output.h"
#include "text.h"
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

enum { LOOK_MS = 100 };

void output_init(struct output *output, int fd)
{
    *output = (struct output){.fd = fd};
    buf_init(&output->buf, TEXT_CAP);
}

void output_free(struct output *output)
{
    buf_free(&output->buf);
}

/* Signals are blocked, and read by the loop, which does not get there while we wait. */
static bool told_to_end(void)
{
    sigset_t pending;
    sigpending(&pending);
    return sigismember(&pending, SIGTERM) || sigismember(&pending, SIGINT) || sigismember(&pending, SIGHUP);
}

/* Waits for whoever reads, but not longer than we are wanted. */
static bool may_write(const struct output *output)
{
    struct pollfd out = {.fd = output->fd, .events = POLLOUT};
    while (poll(&out, 1, LOOK_MS) == 0)
        if (told_to_end())
            return false;
    return true;
}

/* That nobody reads any more is no problem. */
static void fail(struct output *output, int reason)
{
    output->broken = true;
    if (reason != EPIPE && reason != EIO)
        output->problem = reason;
}

/* No more at once than a pipe that has room takes without blocking. */
void output_flush(struct output *output)
{
    while (buf_len(&output->buf) > 0 && !output->broken) {
        size_t most = buf_len(&output->buf) < PIPE_BUF ? buf_len(&output->buf) : PIPE_BUF;
        ssize_t len = 0;
        if (!may_write(output))
            output->broken = true;
        else
            len = write(output->fd, buf_data(&output->buf), most);
        if (len >= 0)
            buf_consume(&output->buf, (size_t)len);
        else if (errno != EINTR && errno != EAGAIN)
            fail(output, errno);
    }
    buf_clear(&output->buf);
}
