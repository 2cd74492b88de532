/*
 * slow_sync.c - preloaded into a program: its fsync takes a second for files whose names end so.
 *
 *     LD_PRELOAD=slow_sync.so SLOW_SYNC=.partial SLOW_SYNC_NOTE=FILE earshotd ...
 *
 * SLOW_SYNC_NOTE: a file that is made when such an fsync begins.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static int is_slow(int fd, const char *ending)
{
    char link[64], name[4096];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t len = readlink(link, name, sizeof name);
    size_t end = ending != NULL ? strlen(ending) : 0;
    return end > 0 && len >= (ssize_t)end && memcmp(name + len - end, ending, end) == 0;
}

int fsync(int fd)
{
    const char *note = getenv("SLOW_SYNC_NOTE");
    if (is_slow(fd, getenv("SLOW_SYNC"))) {
        int file = note != NULL ? open(note, O_WRONLY | O_CREAT, 0600) : -1;
        if (file >= 0)
            close(file);
        nanosleep(&(struct timespec){.tv_sec = 1}, NULL);
    }
    return fdatasync(fd);
}
