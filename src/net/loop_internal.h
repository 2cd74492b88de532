/*
 * loop_internal.h - what the files of src/net share of a loop: its connections, its scratch buffers, its lists.
 *
 * One receive buffer, one buffer for decrypted bytes and one for ciphertext serve all connections of the loop, because only one
 * of them is served at a time; what must outlive a step is kept per connection.
 */
#ifndef NET_LOOP_INTERNAL_H
#define NET_LOOP_INTERNAL_H

#include "base/buf.h"
#include "net/loop.h"
#include <pthread.h>
#include <stdatomic.h>
#include <sys/queue.h>
#include <uv.h>

#define net_container_of(pointer, type, member) ((type *)(void *)((char *)(pointer)-offsetof(type, member)))

enum {
    LOOP_RECEIVE_SIZE = 64 * 1024, /* one read from a socket */
    LOOP_PLAIN_SIZE = 16 * 1024,   /* a TLS record's plaintext */
    LOOP_STAGED_CAP = 512 * 1024,  /* ciphertext of one step */
};

struct conn;
TAILQ_HEAD(conn_list, conn);

struct loop {
    uv_loop_t uv;
    uv_async_t wake;
    uv_timer_t alarm;
    uv_prepare_t prepare;
    uv_check_t check;

    struct world world;
    struct clock clock;
    struct strand strand;
    struct timers timers;
    struct loop_hook *hooks, **hooks_end;

    pthread_mutex_t lock; /* for the tasks */
    struct task *tasks, *tasks_last;
    atomic_bool stopping;

    bool freeing;    /* no new connections */
    bool running;    /* inside loop_run or loop_turn */
    bool drained;    /* an owner was told so, and may have staged something for the end of the turn */
    bool touched;    /* something changed that the kernel does not know of yet: another turn is needed */
    int64_t armed;   /* due time that the uv timer is set to, or -1 */
    int64_t wall_at; /* mono time at which wall was read, or -1 */
    int64_t wall;
    int poll_fd, alarm_fd; /* for a foreign main loop; -1 until asked for */

    uint8_t *receive, *plain;
    struct buf staged;
    size_t held; /* memory of all connections' output */
    struct conn_list conns, dirty, ended, waiting;
    unsigned handshakes;       /* steps of this turn */
    uint64_t handshakes_since; /* when the first of them began; ns, of uv_hrtime() */
};

/* Something was changed that needs another turn: a connection was written to, a descriptor is to be watched. */
void loop_touch(struct loop *loop);

static inline int64_t loop_now(struct loop *loop)
{
    return loop->clock.mono_ms(&loop->clock);
}

#endif
