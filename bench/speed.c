/*
 * speed.c - how fast this machine is just now: CPU nanoseconds to send 64 bytes through a loopback connection and receive them
 * again, the median of short series. What a server is measured against is divided by this, since machines wander.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>

enum { SERIES = 15, TURNS = 1000, SIZE = 64 };

static void demand(int ok, const char *what)
{
    if (!ok) {
        perror(what);
        exit(1);
    }
}

static void make_pair(int ends[2])
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof address;
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    demand(bind(listener, (struct sockaddr *)&address, len) == 0 && listen(listener, 1) == 0, "listen");
    demand(getsockname(listener, (struct sockaddr *)&address, &len) == 0, "getsockname");
    ends[0] = socket(AF_INET, SOCK_STREAM, 0);
    demand(connect(ends[0], (struct sockaddr *)&address, len) == 0, "connect");
    ends[1] = accept(listener, NULL, NULL);
    demand(ends[1] >= 0, "accept");
}

static double one_series(const int ends[2])
{
    char bytes[SIZE] = {0};
    struct timespec from, to;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &from);
    for (int i = 0; i < TURNS; i++) {
        demand(send(ends[0], bytes, sizeof bytes, 0) == SIZE, "send");
        demand(recv(ends[1], bytes, sizeof bytes, MSG_WAITALL) == SIZE, "recv");
    }
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &to);
    return ((double)(to.tv_sec - from.tv_sec) * 1e9 + (double)(to.tv_nsec - from.tv_nsec)) / TURNS;
}

static int smaller(const void *one, const void *other)
{
    double a = *(const double *)one, b = *(const double *)other;
    return (a > b) - (a < b);
}

int main(void)
{
    int ends[2];
    double series[SERIES];
    make_pair(ends);
    one_series(ends);
    for (int i = 0; i < SERIES; i++)
        series[i] = one_series(ends);
    qsort(series, SERIES, sizeof series[0], smaller);
    printf("%.0f\n", series[SERIES / 2]);
}
