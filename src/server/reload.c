/* reload.c - SIGHUP: reads the configuration again and applies what can change while serving. */
#include "base/log.h"
#include "inside.h"
#include "server/certificate.h"
#include "server/confine.h"
#include "server/lines.h"
#include "server/notify.h"
#include "server/settings.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

/* One event per line of problems. */
static void log_problems(const struct buf *problems)
{
    struct slice rest = buf_slice(problems), line;
    while (lines_next(&rest, &line))
        log_event(LOG_ERROR, "reload_refused", log_slice("why", line));
}

static bool same(const struct config *a, const struct config *b, const struct setting *setting, struct buf *shown)
{
    struct buf other;
    buf_init(&other, CONFIG_PROBLEMS_MAX);
    buf_clear(shown);
    setting_show(a, setting, shown);
    setting_show(b, setting, &other);
    bool equal = slice_equal(buf_slice(shown), buf_slice(&other));
    buf_free(&other);
    return equal;
}

/* Takes over what may change; the rest is named and stays. Addresses are compared with what was asked for, not with the ports
 * that the system chose. */
static void merge(struct config *current, const struct config *before, const struct config *fresh)
{
    struct buf shown;
    buf_init(&shown, CONFIG_PROBLEMS_MAX);
    for (size_t i = 0; i < settings_count; i++) {
        const struct setting *setting = &settings[i];
        bool equal = same(fresh, before, setting, &shown);
        if (setting->reload)
            setting_copy(current, fresh, setting); /* if only for the line that it stands in now */
        if (equal)
            continue;
        if (setting->reload) {
            log_event(LOG_INFO, "setting_changed", log_str("name", setting->name), log_slice("value", buf_slice(&shown)));
        } else {
            log_event(LOG_WARN, "setting_needs_restart", log_str("name", setting->name), log_slice("value", buf_slice(&shown)));
        }
    }
    buf_free(&shown);
}

static void apply(struct server *server, struct tls_context *tls, const struct session_settings *sessions)
{
    const struct config *config = &server->config;
    struct chat_settings chat = settings_for_chat(config);
    log_setup(STDERR_FILENO, (enum log_format)config->log_format, (enum log_level)config->log_level);
    caps_limit(server->caps, settings_connections(server), (size_t)config->max_connections_per_address);
    enum err err = chat_configure(server->chat, &chat);
    for (unsigned i = 0; i < server->lane_count; i++) {
        enum err lane_err = lane_configure(server->lanes[i], sessions, tls);
        if (err == OK)
            err = lane_err;
    }
    tls_unref(&server->tls);
    server->tls = tls;
    if (err != OK)
        log_event(LOG_ERROR, "reload_incomplete", log_str("why", err_text(err)));
    else
        log_event(LOG_INFO, "reloaded");
}

/* A file that was named for the first time by this reload may be fine and yet out of reach. */
static void add_advice(struct buf *problems)
{
    struct slice text = buf_slice(problems), denied = slice_str(strerror(EACCES));
    if (confined_to_files() && text.data != NULL && memmem(text.data, text.len, denied.data, denied.len) != NULL)
        (void)buf_append_str(problems,
                             "; files in directories that no setting named at the start can be read after a restart only");
}

static void reload(struct server *server, struct buf *problems)
{
    struct config fresh, merged = server->config;
    enum config_action action;
    struct tls_context *tls = NULL;
    struct session_settings sessions;
    config_init(&fresh, getenv("STATE_DIRECTORY"));
    if (config_load(&fresh, server->argc, server->argv, &action, problems) != OK) {
        log_problems(problems);
        return;
    }
    merge(&merged, &server->asked, &fresh);
    buf_clear(problems);
    /* Always, also when no path changed: what the files hold may have. */
    if (settings_for_sessions(&merged, &sessions, problems) != OK || certificate_load(&merged, &tls, problems) != OK) {
        add_advice(problems);
        log_problems(problems);
        return;
    }
    server->config = merged;
    for (size_t i = 0; i < settings_count; i++)
        if (settings[i].reload)
            setting_copy(&server->asked, &fresh, &settings[i]);
    apply(server, tls, &sessions);
}

/* What systemd wants to know while it waits: that it began, and when. */
static void tell_reloading(void)
{
    char state[64];
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    snprintf(state, sizeof state, "RELOADING=1\nMONOTONIC_USEC=%lld", (long long)now.tv_sec * 1000000 + now.tv_nsec / 1000);
    (void)notify_systemd(state);
}

void server_reload(struct server *server)
{
    struct buf problems;
    buf_init(&problems, CONFIG_PROBLEMS_MAX);
    tell_reloading();
    reload(server, &problems);
    (void)notify_systemd("READY=1");
    buf_free(&problems);
}
