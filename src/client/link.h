/*
 * link.h - a core on a real connection: event loop, TCP, TLS, trust, the state directory. What earshot_open makes.
 *
 * The loop is turned by link_progress(); everything happens inside it, on the caller's thread.
 */
#ifndef CLIENT_LINK_H
#define CLIENT_LINK_H

#include "core.h"

struct link;

const char *link_version(void);

enum earshot_error link_open(const struct earshot_options *options, earshot_callback *callback, void *ctx, struct link **out);
void link_close(struct link **link); /* takes NULL */
int link_fd(const struct link *link);
void link_progress(struct link *link);
struct client_core *link_core(struct link *link);
/* After a call to the core: makes link_fd readable, so that the caller's next turn does the work. */
void link_wake(struct link *link);
enum earshot_error link_trust(struct link *link, bool trust);
int64_t link_logout(struct link *link);

#endif
