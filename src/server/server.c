/* server.c - the server's life: start, serve, stop; and what signals mean to it. */
#include "server/server.h"
#include "base/log.h"
#include "inside.h"
#include "server/notify.h"
#include "server/relays.h"
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct chat_settings settings_for_chat(const struct config *config)
{
    const int64_t day_ms = INT64_C(86400000);
    struct chat_settings settings = chat_settings_default;
    settings.block_duration_ms = config->block_duration * 1000;
    settings.registration_open = config->registration == REGISTRATION_OPEN;
    settings.failures_a_minute = (unsigned)config->max_logins_per_minute;
    settings.devices = (unsigned)config->devices_per_account;
    settings.quota = (uint64_t)config->quota_messages;
    settings.retention_ms = config->retention_days * day_ms;
    settings.device_ms = config->token_days * day_ms;
    settings.private_ms = config->private_timeout * 1000;
    return settings;
}

enum err settings_for_sessions(const struct config *config, struct session_settings *out, struct buf *why)
{
    struct session_settings settings = session_settings_default;
    settings.timeout_ms = config->timeout * 1000;
    settings.rate = (unsigned)config->rate_limit;
    settings.burst = (unsigned)config->rate_burst;
    settings.output_cap = (size_t)config->output_buffer;
    settings.output_high = settings.output_cap / 2; /* from there on the connection says when it has drained */
    enum err err = relays_load(config, &settings, why);
    if (err == OK)
        *out = settings;
    return err;
}

/* Where SQLite finds it, or makes it: so that the lock and the redo log lie beside it, by whatever name it is reached. */
static enum err follow_links(char *path, size_t size)
{
    enum { LINKS_MOST = 40 }; /* as in the kernel, which refuses what leads further */
    char target[PATH_MAX];
    ssize_t len;
    for (int links = 0; links < LINKS_MOST && (len = readlink(path, target, sizeof target)) >= 0; links++) {
        const char *slash = target[0] != '/' ? strrchr(path, '/') : NULL;
        size_t folder = slash != NULL ? (size_t)(slash - path) + 1 : 0;
        if ((size_t)len == sizeof target || folder + (size_t)len >= size)
            return ERR_CAP;
        memcpy(path + folder, target, (size_t)len);
        path[folder + (size_t)len] = '\0';
    }
    return OK;
}

enum err settings_database(const struct config *config, char *out, size_t size)
{
    const char *given = config->store + strlen("sqlite:");
    int len = given[0] != '\0' ? snprintf(out, size, "%s", given) : snprintf(out, size, "%s/earshot.db", config->data);
    return len >= 0 && (size_t)len < size ? follow_links(out, size) : ERR_CAP;
}

size_t settings_connections(const struct server *server)
{
    enum { BESIDES = 64, PER_LANE = 8, PER_ADDRESS = 2 }; /* descriptors: database, log, wake-ups and the like */
    size_t wanted = (size_t)server->config.max_connections;
    size_t taken = BESIDES + server->lane_count * PER_LANE + server->config.listen.count * PER_ADDRESS;
    size_t room = server->descriptors > taken ? server->descriptors - taken : 0;
    return wanted < room ? wanted : room;
}

static void stop(struct server *server)
{
    server->stop_requests++;
    if (server->stop_requests > 2)
        return;
    log_event(LOG_INFO, server->stop_requests == 1 ? "stopping" : "stopping_at_once",
              log_int("connections", (int64_t)caps_connections(server->caps)));
    if (server->stop_requests == 1)
        (void)notify_systemd("STOPPING=1\nSTATUS=Telling clients goodbye");
    control_drain(server->control);
    door_close(server->door);
    for (unsigned i = 0; i < server->lane_count; i++) {
        if (server->stop_requests == 1)
            lane_drain(server->lanes[i]);
        else
            lane_hurry(server->lanes[i]);
    }
}

void server_signalled(struct signals *signals, enum signal_meaning meaning)
{
    struct server *server = (struct server *)((char *)signals - offsetof(struct server, signals));
    if (meaning == SIGNAL_STOP)
        stop(server);
    else if (server->stop_requests == 0)
        server_reload(server);
}

/* To people, or to whatever reads JSON lines. */
static void tell_failure(const struct config *config, struct buf *why)
{
    if (config->log_format == LOG_JSON)
        log_event(LOG_ERROR, "cannot_start", log_slice("why", buf_slice(why)));
    else
        fprintf(stderr, "earshotd: %.*s\n", (int)buf_len(why), (const char *)buf_data(why));
}

int server_run(const struct config *config, int argc, char *const argv[])
{
    struct server server = {.config = *config, .asked = *config, .argc = argc, .argv = argv, .lock = -1};
    struct buf why;
    buf_init(&why, 8192);
    buf_init(&server.credentials, CREDENTIALS_MAX);
    for (size_t i = 0; i < CONFIG_ADDRESSES; i++)
        server.sockets[i] = -1;
    int code = EXIT_STOPPED;
    log_setup(STDERR_FILENO, (enum log_format)config->log_format, (enum log_level)config->log_level);
    enum err err = server_start(&server, &why);
    if (err == OK) {
        lane_run(server.lanes[0]);
    } else if (err != ERR_STOPPED) {
        tell_failure(config, &why);
        code = err == ERR_INVALID ? EXIT_CONFIGURATION : EXIT_CANNOT_START;
    }
    server_close(&server);
    if (err == OK)
        log_event(LOG_INFO, "stopped");
    buf_free(&why);
    return code;
}
