/* progress.c - see progress.h. */
#include "server/progress.h"
#include "base/log.h"
#include <unistd.h>

enum { WIDTH = 30, REDRAW_MS = 100, LINE_MAX_BYTES = 256 };

void progress_start(struct progress *progress, const char *event, size_t total, int64_t now)
{
    *progress = (struct progress){.event = event, .total = total, .started = now, .drawn = now - REDRAW_MS};
    progress->terminal = isatty(STDERR_FILENO);
}

void progress_bar(const struct progress *progress, int64_t now, struct buf *out)
{
    size_t total = progress->total > 0 ? progress->total : 1, done = progress->done;
    int64_t elapsed = now > progress->started ? now - progress->started : 1;
    (void)buf_printf(out, "%s [", progress->event);
    for (size_t i = 0; i < WIDTH; i++)
        (void)buf_append_str(out, i < done * WIDTH / total ? "#" : ".");
    (void)buf_printf(out, "] %zu/%zu", done, progress->total);
    if (done == 0)
        return;
    long long left = (long long)(total - done) * elapsed / (long long)done / 1000;
    (void)buf_printf(out, "  %lld/s  %lld:%02lld left", (long long)done * 1000 / elapsed, left / 60, left % 60);
}

static void draw(struct progress *progress, int64_t now)
{
    struct buf line;
    buf_init(&line, LINE_MAX_BYTES);
    (void)buf_append_str(&line, "\r");
    progress_bar(progress, now, &line);
    (void)buf_append_str(&line, "\033[K");
    ssize_t ignored = write(STDERR_FILENO, buf_data(&line), buf_len(&line));
    (void)ignored;
    buf_free(&line);
    progress->drawn = now;
}

void progress_step(struct progress *progress, int64_t now)
{
    size_t before = progress->done++;
    if (progress->terminal) {
        if (now - progress->drawn >= REDRAW_MS || progress->done == progress->total)
            draw(progress, now);
    } else if (before * 10 / progress->total != progress->done * 10 / progress->total) {
        log_event(LOG_INFO, progress->event, log_int("done", (int64_t)progress->done),
                  log_int("total", (int64_t)progress->total));
    }
}

void progress_end(struct progress *progress)
{
    if (progress->terminal && progress->done > 0) {
        ssize_t ignored = write(STDERR_FILENO, "\n", 1);
        (void)ignored;
    }
}
