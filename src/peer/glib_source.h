/*
 * glib_source.h - a GMainContext that runs inside a loop, for libnice. No thread of its own.
 *
 * One per loop, shared by its peers and gone with the last of them. What libnice calls back from runs in `dispatching`; objects
 * of libnice must not be destroyed there, which is what glib_source_later() is for.
 */
#ifndef PEER_GLIB_SOURCE_H
#define PEER_GLIB_SOURCE_H

#include "net/loop.h"
#include <glib.h>

struct glib_source;

struct glib_later {
    struct glib_later *next;
    void (*run)(struct glib_later *later);
};

/* A new reference. ERR_MEMORY, ERR_SYSTEM. The loop's thread only. */
enum err glib_source_get(struct loop *loop, struct glib_source **out);
void glib_source_put(struct glib_source **source); /* takes NULL */

GMainContext *glib_source_context(struct glib_source *source);

/* After calls into libnice: it may have new timers or sockets, of which the loop must know before it sleeps. */
void glib_source_wake(struct glib_source *source);

/* Runs it at once, or at the end of the dispatch in progress. */
void glib_source_later(struct glib_source *source, struct glib_later *later);

#endif
