/* inside.h - the server's own state, shared by server.c, start.c and reload.c only. The first lane's thread owns it. */
#ifndef SERVER_INSIDE_H
#define SERVER_INSIDE_H

#include "base/buf.h"
#include "control/control.h"
#include "net/workers.h"
#include "server/door.h"
#include "server/lane.h"
#include "server/server.h"
#include "server/signals.h"
#include <stdatomic.h>

struct server {
    struct config config; /* as in force */
    struct config asked;  /* the same, but with what was asked for where the system chose: port 0 */
    int argc;
    char *const *argv;

    int lock;
    struct caps *caps;
    struct tls_context *tls;
    struct workers *workers;
    struct store *store;
    struct bus *bus;
    struct chat *chat;
    int sockets[CONFIG_ADDRESSES]; /* that listen and that the door does not have yet; -1: none */
    struct buf credentials;
    struct lane **lanes;
    unsigned lane_count;
    struct lane_memory memory;
    struct door *door;
    size_t descriptors; /* that the process may have open */

    struct control *control;
    struct signals signals;
    unsigned stop_requests;
    bool abandoned;                 /* the start failed with threads already running */
    atomic_uint lanes_with_clients; /* counted down while draining */
};

enum { CREDENTIALS_MAX = 1 << 28 }; /* bytes of a credentials file */

/* Everything up to the `ready` lines. ERR_STOPPED: a signal came first; ERR_INVALID: the configuration is to blame; else the
 * system. A sentence in `why`. */
enum err server_start(struct server *server, struct buf *why);
/* Takes what server_start left, whole or half. */
void server_close(struct server *server);

void server_signalled(struct signals *signals, enum signal_meaning meaning);
void server_reload(struct server *server);

/* From settings to what the layers below take. */
struct chat_settings settings_for_chat(const struct config *config);
/* ERR_INVALID with the reason in `why`: the relays' secret cannot be read. */
enum err settings_for_sessions(const struct config *config, struct session_settings *out, struct buf *why);
/* The path of the database, at the end of a link. ERR_CAP. */
enum err settings_database(const struct config *config, char *out, size_t size);
/* A restore was cut short between the old database and the new one: a server must not begin with an empty one. */
bool restore_unfinished(const char *database);
/* max-connections, or fewer if the system allows no more files. */
size_t settings_connections(const struct server *server);

#endif
