/* start.c - the steps that bring the server up, each needing those before it, and the way down. */
#include "base/log.h"
#include "inside.h"
#include "net/listener.h"
#include "server/certificate.h"
#include "server/confine.h"
#include "server/file.h"
#include "server/import.h"
#include "server/notify.h"
#include "server/place.h"
#include "store/sqlite.h"
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    CONNECTIONS_LEAST = 16, /* fewer are no server */
    CHECK_MS = 5000,        /* of looking for damage in the database */
};

static enum err fail(struct buf *why, enum err err, const char *text)
{
    (void)buf_append_str(why, text);
    return err;
}

/* ---- the process ---- */

static size_t raise_descriptor_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return 1024;
    limit.rlim_cur = limit.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &limit) != 0)
        (void)getrlimit(RLIMIT_NOFILE, &limit);
    return limit.rlim_cur > INT_MAX ? INT_MAX : (size_t)limit.rlim_cur;
}

static unsigned core_count(void)
{
    cpu_set_t cores;
    CPU_ZERO(&cores);
    if (sched_getaffinity(0, sizeof cores, &cores) != 0 || CPU_COUNT(&cores) < 1)
        return 1;
    return (unsigned)CPU_COUNT(&cores);
}

static enum err start_process(struct server *server, struct buf *why)
{
    signal(SIGPIPE, SIG_IGN);
    umask(077);
    if (crypto_init() != OK)
        return fail(why, ERR_SYSTEM, "cannot start the cryptography library");
    server->lane_count = server->config.threads > 0 ? (unsigned)server->config.threads : core_count();
    server->descriptors = raise_descriptor_limit();
    size_t connections = settings_connections(server);
    if (connections < CONNECTIONS_LEAST && connections < (size_t)server->config.max_connections) {
        (void)buf_printf(why, "the limit of open files is too low: %zu", server->descriptors);
        return ERR_SYSTEM;
    }
    if (connections < (size_t)server->config.max_connections)
        log_event(LOG_WARN, "max_connections_reduced", log_str("why", "limit of open files"),
                  log_int("to", (int64_t)connections));
    enum err err = caps_new(&system_random, &system_clock, &server->caps);
    if (err == OK)
        caps_limit(server->caps, connections, (size_t)server->config.max_connections_per_address);
    return err;
}

/* ---- what only the user may do who started the server ---- */

/* Ports below 1024 are for root alone. Connections wait in the kernel until the lanes accept them. */
static enum err bind_sockets(struct server *server, struct buf *why)
{
    struct config_addresses *addresses = &server->config.listen;
    for (size_t i = 0; i < addresses->count; i++) {
        struct config_address *address = &addresses->list[i];
        const char *reason = "";
        if (listener_bind(address->host, &address->port, &server->sockets[i], &reason) != OK) {
            (void)buf_append_str(why, reason);
            return ERR_SYSTEM;
        }
    }
    return OK;
}

/* The file is read here and imported later, so that the server's own user need not be able to read it. */
static enum err read_credentials(struct server *server, struct buf *why)
{
    const char *reason = "", *path = server->config.credentials;
    if (path[0] == '\0' || file_read(path, &server->credentials, &reason) == OK)
        return OK;
    config_name(&server->config, "credentials", why);
    (void)buf_printf(why, ": cannot read %s: %s", path, reason);
    return ERR_INVALID;
}

static void forget_credentials(struct server *server)
{
    if (server->credentials.bytes != NULL)
        secret_wipe(server->credentials.bytes, server->credentials.size);
    buf_free(&server->credentials);
}

/* From here on the process has the rights of a server, and not of whoever started it. */
static enum err start_confinement(struct server *server, struct buf *why)
{
    return confine(&server->config, why);
}

static enum err start_place(struct server *server, struct buf *why)
{
    return place_lock(server->config.data, &server->lock, why);
}

static enum err start_certificate(struct server *server, struct buf *why)
{
    bool configured = server->config.certificate[0] != '\0';
    if (configured) {
        config_name(&server->config, "certificate", why);
        (void)buf_append_str(why, ": ");
    }
    enum err err = certificate_load(&server->config, &server->tls, why);
    if (err != OK)
        return configured ? ERR_INVALID : ERR_SYSTEM;
    buf_clear(why);
    return OK;
}

/* ---- the store ---- */

static enum err open_store(struct server *server, struct buf *why)
{
    char path[CONFIG_TEXT_SIZE + 16];
    const char *reason = "";
    if (settings_database(&server->config, path, sizeof path) != OK)
        return fail(why, ERR_SYSTEM, "the path of the data directory is too long");
    if (restore_unfinished(path))
        return fail(why, ERR_SYSTEM, "a restore was cut short: do it again, with earshotd --restore FILE");
    struct store_sqlite_config config = {.path = path, .queue_bytes = (size_t)server->config.store_queue, .check_ms = CHECK_MS};
    enum err err = store_sqlite_open(&config, &server->store, &reason);
    if (err != OK)
        (void)buf_printf(why, "cannot open the database %s: %s", path, reason);
    if (err == ERR_INVALID)
        (void)buf_append_str(why, "; earshotd --restore FILE puts a backup in its place and keeps what is there");
    return err != OK ? ERR_SYSTEM : OK;
}

static enum err import(struct server *server, struct slice text, struct buf *why)
{
    enum err err = open_store(server, why);
    if (err != OK)
        return err;
    struct import_order order = {
        .path = server->config.credentials,
        .store = server->store,
        .threads = (unsigned)server->config.hash_threads,
        .cost = &password_cost_default,
    };
    err = import_credentials(&order, text);
    store_stop(&server->store);
    if (err != OK && err != ERR_STOPPED)
        (void)buf_printf(why, "cannot import %s: %s", order.path, err_text(err));
    return err == OK || err == ERR_STOPPED ? err : ERR_SYSTEM;
}

static enum err start_import(struct server *server, struct buf *why)
{
    if (server->config.credentials[0] == '\0')
        return OK;
    enum err err = import(server, buf_slice(&server->credentials), why);
    forget_credentials(server);
    return err;
}

static enum err start_store(struct server *server, struct buf *why)
{
    return open_store(server, why);
}

/* ---- the messenger and its lanes ---- */

static enum err start_chat(struct server *server, struct buf *why)
{
    const struct config *config = &server->config;
    struct chat_settings settings = settings_for_chat(config);
    enum err err = workers_new((unsigned)config->hash_threads, (size_t)config->hash_queue, &server->workers);
    if (err == OK)
        err = bus_local_new(server->lane_count, (size_t)config->bus_queue, &server->bus);
    if (err != OK)
        return err;
    struct chat_parts parts = {
        .shards = server->lane_count,
        .store = server->store,
        .bus = server->bus,
        .pool = workers_pool(server->workers),
        .random = &system_random,
        .clock = &system_clock,
    };
    err = chat_new(&parts, &settings, &server->chat);
    if (err != OK)
        (void)buf_printf(why, "cannot read the database: %s", err_text(err));
    return err;
}

/* On the lane that became empty: when all are, none writes to another any more, and each may end. */
static void lane_empty(void *ctx)
{
    struct server *server = ctx;
    if (atomic_fetch_sub(&server->lanes_with_clients, 1) == 1)
        for (unsigned i = 0; i < server->lane_count; i++)
            lane_finish(server->lanes[i]);
}

/* On any lane: the buffers of all hold too much, and others may not have noticed. */
static void press(void *ctx)
{
    struct server *server = ctx;
    for (unsigned i = 0; i < server->lane_count; i++)
        lane_weigh(server->lanes[i]);
}

static enum err start_lanes(struct server *server, struct buf *why)
{
    struct session_settings sessions;
    enum err settings_err = settings_for_sessions(&server->config, &sessions, why);
    if (settings_err != OK)
        return settings_err;
    server->lanes = calloc(server->lane_count, sizeof *server->lanes);
    if (server->lanes == NULL)
        return ERR_MEMORY;
    atomic_init(&server->lanes_with_clients, server->lane_count);
    size_t memory = (size_t)server->config.connection_memory;
    server->memory = (struct lane_memory){.most = memory, .share = memory / server->lane_count, .press = press, .ctx = server};
    for (unsigned i = 0; i < server->lane_count; i++) {
        struct lane_parts parts = {
            .index = i,
            .chat = server->chat,
            .caps = server->caps,
            .pool = workers_pool(server->workers),
            .output_buffer = (size_t)server->config.output_buffer,
            .memory = &server->memory,
            .empty = lane_empty,
            .ctx = server,
        };
        enum err err = lane_new(&server->lanes[i]);
        if (err == OK)
            err = lane_equip(server->lanes[i], &parts, &sessions, server->tls);
        if (err != OK)
            return err;
    }
    return OK;
}

static void count_connections(void *ctx, struct control_count *out)
{
    struct server *server = ctx;
    *out = (struct control_count){.connections = caps_connections(server->caps), .refused = caps_refused(server->caps)};
    for (unsigned i = 0; i < server->lane_count; i++)
        out->lanes_used += lane_connections(server->lanes[i]) > 0;
}

static enum err start_control(struct server *server, struct buf *why)
{
    char path[CONFIG_TEXT_SIZE + 16];
    if (place_path(server->config.data, "control.sock", path, sizeof path) != OK)
        return fail(why, ERR_SYSTEM, "the path of the data directory is too long");
    struct control_lane *lanes = calloc(server->lane_count, sizeof *lanes);
    if (lanes == NULL)
        return ERR_MEMORY;
    for (unsigned i = 0; i < server->lane_count; i++)
        lanes[i] = (struct control_lane){loop_strand(lane_loop(server->lanes[i])), lane_hub(server->lanes[i])};
    struct control_parts parts = {
        .path = path,
        .data = server->config.data,
        .loop = lane_loop(server->lanes[0]),
        .shard = lane_shard(server->lanes[0]),
        .chat = server->chat,
        .store = server->store,
        .lanes = lanes,
        .lane_count = server->lane_count,
        .count = count_connections,
        .ctx = server,
    };
    enum err err = control_open(&parts, &server->control, why);
    free(lanes);
    return err;
}

static enum err start_listening(struct server *server, struct buf *why)
{
    const struct door_parts parts = {
        .lanes = server->lanes,
        .lane_count = server->lane_count,
        .caps = server->caps,
        .placement = (enum placement)server->config.placement,
    };
    enum err err = door_new(&parts, &server->door);
    if (err != OK)
        return err;
    for (size_t i = 0; i < server->config.listen.count; i++) {
        const char *reason = "";
        int fd = server->sockets[i];
        server->sockets[i] = -1;
        if (door_listen(server->door, fd, &reason) == OK)
            continue;
        (void)buf_append_str(why, reason);
        return ERR_SYSTEM;
    }
    return OK;
}

static enum err start_signals(struct server *server, struct buf *why)
{
    if (signals_start(&server->signals, lane_loop(server->lanes[0]), server_signalled) != OK)
        return fail(why, ERR_SYSTEM, "cannot watch for signals");
    return OK;
}

/* The first so many threads run, and may have clients already. */
static void abandon(struct server *server, unsigned running)
{
    server->abandoned = true;
    for (unsigned i = 1; i < running; i++)
        loop_stop(lane_loop(server->lanes[i]));
}

static enum err start_threads(struct server *server, struct buf *why)
{
    for (unsigned i = 1; i < server->lane_count; i++) {
        if (lane_start(server->lanes[i]) == OK)
            continue;
        abandon(server, i);
        return fail(why, ERR_SYSTEM, "cannot start a thread");
    }
    return OK;
}

static enum err announce(struct server *server, struct buf *why)
{
    const struct config_addresses *addresses = &server->config.listen;
    for (size_t i = 0; i < addresses->count; i++) {
        buf_clear(why);
        if (config_address_show(&addresses->list[i], why) != OK) {
            abandon(server, server->lane_count);
            return fail(why, ERR_MEMORY, "out of memory");
        }
        log_event(LOG_INFO, "serving", log_slice("address", buf_slice(why)), log_int("threads", server->lane_count));
        printf("ready %.*s\n", (int)buf_len(why), (const char *)buf_data(why));
    }
    buf_clear(why);
    fflush(stdout);
    if (notify_systemd("READY=1\nSTATUS=Serving") != OK)
        log_event(LOG_WARN, "notify_failed");
    return OK;
}

enum err server_start(struct server *server, struct buf *why)
{
    static enum err (*const steps[])(struct server *, struct buf *) = {
        start_process,     bind_sockets,    read_credentials, start_confinement, start_place,
        start_certificate, start_import,    start_store,      start_chat,        start_lanes,
        start_signals,     start_listening, start_control,    start_threads,     announce,
    };
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        enum err err = steps[i](server, why);
        if (err != OK) {
            if (buf_len(why) == 0)
                (void)buf_append_str(why, err_text(err));
            return err;
        }
    }
    return OK;
}

/* True if every thread is home with nothing left to do. */
static bool join_lanes(struct server *server)
{
    bool complete = true;
    for (unsigned i = 0; server->lanes != NULL && i < server->lane_count; i++)
        if (server->lanes[i] != NULL && !lane_join(server->lanes[i]))
            complete = false;
    return complete;
}

static void close_sockets(struct server *server)
{
    for (size_t i = 0; i < CONFIG_ADDRESSES; i++)
        if (server->sockets[i] >= 0)
            close(server->sockets[i]);
}

void server_close(struct server *server)
{
    bool complete = join_lanes(server);
    close_sockets(server);
    forget_credentials(server);
    if (!complete || server->abandoned) {
        /* Something hangs. What was accepted still goes to disk; the rest of the memory goes with the process. */
        store_stop(&server->store);
        return;
    }
    workers_free(&server->workers);
    for (unsigned i = 0; server->lanes != NULL && i < server->lane_count; i++)
        lane_free_sessions(server->lanes[i]);
    chat_free(&server->chat);
    store_stop(&server->store);
    control_free(&server->control);
    door_free(&server->door);
    bus_free(&server->bus);
    for (unsigned i = 0; server->lanes != NULL && i < server->lane_count; i++)
        lane_free(&server->lanes[i]);
    free(server->lanes);
    tls_unref(&server->tls);
    caps_free(&server->caps);
    if (server->lock >= 0)
        close(server->lock);
}
