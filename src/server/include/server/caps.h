/*
 * caps.h - how many connections there may be, in all and from one address.
 *
 * An IPv4 address counts by itself, an IPv6 address with its whole /64, which one household or attacker has to itself. Several
 * loops asking at once may overshoot by one each. Refusals are logged, at most once a second. Safe from any thread.
 */
#ifndef SERVER_CAPS_H
#define SERVER_CAPS_H

#include "base/world.h"
#include <stdbool.h>

struct caps;

enum err caps_new(struct random *random, struct clock *clock, struct caps **out);
void caps_free(struct caps **caps); /* takes NULL */
void caps_limit(struct caps *caps, size_t total, size_t per_address);

/* May one more come from there? */
bool caps_admit(struct caps *caps, const char *address);
/* It came, and it went. ERR_MEMORY: it must not come. */
enum err caps_enter(struct caps *caps, const char *address);
void caps_leave(struct caps *caps, const char *address);

size_t caps_connections(struct caps *caps);
uint64_t caps_refused(struct caps *caps); /* since the start */

#endif
