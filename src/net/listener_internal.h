/* listener_internal.h - what only tests turn. */
#ifndef NET_LISTENER_INTERNAL_H
#define NET_LISTENER_INTERNAL_H

#include "net/listener.h"

/* For connections accepted from now on; default 10 s. */
void listener_set_handshake_ms(struct listener *listener, int64_t ms);

#endif
