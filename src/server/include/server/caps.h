/*
 * caps.h - how many connections there may be, in all and from one address.
 *
 * An IPv4 address counts by itself, an IPv6 address with its whole /64, which one household or attacker has to itself. Refusals
 * are logged, at most once a second. Safe from any thread.
 */
#ifndef SERVER_CAPS_H
#define SERVER_CAPS_H

#include "base/world.h"
#include <stddef.h>

struct caps;

enum err caps_new(struct random *random, struct clock *clock, struct caps **out);
void caps_free(struct caps **caps); /* takes NULL */
void caps_limit(struct caps *caps, size_t total, size_t per_address);

/* One more comes from there. ERR_CAP: no more may; ERR_MEMORY: it must not either. */
enum err caps_enter(struct caps *caps, const char *address);
/* One that was let in has gone. */
void caps_leave(struct caps *caps, const char *address);

size_t caps_connections(struct caps *caps);
uint64_t caps_refused(struct caps *caps); /* since the start */

#endif
