#include "output.h"
#include "text.h"
#include <errno.h>
#include <poll.h>
#include <unistd.h>

void output_init(struct output *output, int fd)
{
    *output = (struct output){.fd = fd};
    buf_init(&output->buf, TEXT_CAP);
}

void output_free(struct output *output)
{
    buf_free(&output->buf);
}

void output_flush(struct output *output)
{
    while (buf_len(&output->buf) > 0 && !output->broken) {
        ssize_t len = write(output->fd, buf_data(&output->buf), buf_len(&output->buf));
        if (len >= 0)
            buf_consume(&output->buf, (size_t)len);
        else if (errno == EAGAIN) /* somebody else made it non-blocking */
            poll(&(struct pollfd){.fd = output->fd, .events = POLLOUT}, 1, -1);
        else if (errno != EINTR)
            output->broken = true;
    }
    buf_clear(&output->buf);
}
