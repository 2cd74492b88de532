/*
 * loop.h - an event loop (libuv) that owns its timers, connections and posted tasks. One loop, one thread.
 *
 * loop_strand() posts tasks from any thread: a mutex-protected list, one wake-up when it was empty. Tasks run in order, each
 * wake-up runs what was there when it began. Everything else here is for the loop's own thread (or before it runs).
 *
 * A turn: timers, posted tasks and sockets are served; then the turn-end hooks run, in order of adding; then connections that
 * were written to are flushed. Hooks run both after the poll (check) and before it (prepare), so nothing queued in a timer
 * waits for the next wake-up. A hook may write to connections.
 */
#ifndef NET_LOOP_H
#define NET_LOOP_H

#include "base/world.h"

struct loop;
struct uv_loop_s;

struct loop_hook {
    struct loop_hook *next;
    void (*run)(struct loop_hook *hook);
};

/* ERR_SYSTEM, ERR_MEMORY. */
enum err loop_new(struct loop **out);
/* Closes what is left of it: owners of connections hear `closed` (CONN_RESET) inside this call, hooks and tasks do not run any
 * more. Listeners must be closed before. Waits for a name that is being resolved. The loop must not be running. Takes NULL. */
void loop_free(struct loop **loop);

/* The world as this loop sees it: its clock (cached once a turn), timers, strand; the system's randomness. */
const struct world *loop_world(struct loop *loop);
struct strand *loop_strand(struct loop *loop);

void loop_at_turn_end(struct loop *loop, struct loop_hook *hook);

/* Memory, in bytes, of output that its connections could not get rid of (conn_held() of each), at the end of the last turn. */
size_t loop_held(const struct loop *loop);

/* Runs until loop_stop(). */
void loop_run(struct loop *loop);
/* From any thread, or a signal handler's task: loop_run returns after this turn. */
void loop_stop(struct loop *loop);

/*
 * For programs with a main loop of their own (the client library): a descriptor that is readable when there is something to
 * do (timers included), and one turn that never blocks. Connections, timers (due at a time from this loop's clock) and tasks
 * may be used between turns as well: the descriptor becomes readable for them.
 */
int loop_fd(struct loop *loop);
void loop_turn(struct loop *loop);

/* For src/net itself, and for signals in src/server. */
struct uv_loop_s *loop_uv(struct loop *loop);

#endif
