/*
 * config.h - the server's settings: one typed struct, filled from defaults, a file and flags, in that order of strength.
 *
 * What a setting is called, what it takes and what it is for stands in one table (settings.c). Reading never stops at the
 * first mistake: every one is added to `problems` as a line that names its place, "earshotd.conf:3: ..." or "--timeout: ...".
 * Nothing here touches the world but config_load(), which reads the named file and $STATE_DIRECTORY. A struct config owns no
 * memory and may be copied. Any thread.
 *
 *     struct config config;
 *     config_init(&config, getenv("STATE_DIRECTORY"));
 *     if (config_load(&config, argc, argv, &problems) != OK) ...
 */
#ifndef SERVER_CONFIG_H
#define SERVER_CONFIG_H

#include "base/buf.h"
#include "base/err.h"
#include "base/slice.h"

enum {
    CONFIG_TEXT_SIZE = 1024, /* of a path or URL, with the NUL */
    CONFIG_HOST_SIZE = 256,
    CONFIG_ADDRESSES = 16,
    CONFIG_SETTINGS = 40, /* at least as many as there are rows */
    CONFIG_FILE_MAX = 1 << 20,
    CONFIG_PROBLEMS_MAX = 1 << 16, /* a good cap for `problems` */
};

enum config_sandbox { SANDBOX_SETTING_AUTO, SANDBOX_SETTING_REQUIRED, SANDBOX_SETTING_OFF };
enum config_registration { REGISTRATION_OPEN, REGISTRATION_CLOSED };

struct config_address {
    char host[CONFIG_HOST_SIZE]; /* without brackets */
    uint16_t port;
};

struct config_addresses {
    struct config_address list[CONFIG_ADDRESSES];
    size_t count;
};

enum { CONFIG_URL_SIZE = 256, CONFIG_URLS = 8 };

struct config_urls {
    char list[CONFIG_URLS][CONFIG_URL_SIZE];
    size_t count;
};

/* Who set it; the stronger is the greater. */
enum config_source { CONFIG_DEFAULT, CONFIG_FILE, CONFIG_FLAG };

struct config_origin {
    enum config_source source;
    unsigned line; /* in the file */
};

/* Fields are what the settings of the same name say; seconds, days, bytes and counts as they stand; choices are their place in
 * the row's list, which for log-level and log-format is that of base/log.h. Texts that were not set are "". */
struct config {
    struct config_addresses listen;
    char data[CONFIG_TEXT_SIZE];
    char store[CONFIG_TEXT_SIZE];
    char bus[CONFIG_TEXT_SIZE];
    char user[CONFIG_TEXT_SIZE];
    int64_t sandbox;
    char certificate[CONFIG_TEXT_SIZE];
    char key[CONFIG_TEXT_SIZE];
    char credentials[CONFIG_TEXT_SIZE];
    int64_t registration;
    int64_t block_duration, timeout;
    int64_t max_logins_per_minute;
    int64_t devices_per_account, token_days;
    int64_t retention_days, quota_messages;
    int64_t max_connections, max_connections_per_address;
    int64_t rate_limit, rate_burst;
    int64_t output_buffer, connection_memory, store_queue, bus_queue;
    int64_t threads, placement, hash_threads, hash_queue;
    struct config_urls turn;
    char turn_secret_file[CONFIG_TEXT_SIZE];
    int64_t private_timeout;
    int64_t log_format, log_level;

    char file[CONFIG_TEXT_SIZE];    /* --config, or "" */
    char restore[CONFIG_TEXT_SIZE]; /* --restore, or "" */
    struct config_origin origins[CONFIG_SETTINGS];
};

/* What the command line asks for. */
enum config_action { CONFIG_SERVE, CONFIG_CHECK, CONFIG_HELP, CONFIG_VERSION, CONFIG_RESTORE };

/* Defaults. state_directory: what systemd gave ("" or NULL: none); it takes the place of ./var. */
void config_init(struct config *config, const char *state_directory);

/* The text of a settings file; `name` is for the problems. ERR_INVALID if there were any; ERR_MEMORY. */
enum err config_read(struct config *config, const char *name, struct slice text, struct buf *problems);

/* The flags. They override the file whatever the order of the calls. Same errors. */
enum err config_flags(struct config *config, int argc, char *const argv[], enum config_action *action, struct buf *problems);

/* Begins a message about the value of a setting: "earshotd.conf:3: credentials", or "--credentials". */
void config_name(const struct config *config, const char *setting, struct buf *out);

/* What no setting can know alone: both of certificate and key, or none. Same errors. */
enum err config_finish(const struct config *config, struct buf *problems);

/* All of it: flags, the file that they name, checks. `action` is set even then when there are problems. */
enum err config_load(struct config *config, int argc, char *const argv[], enum config_action *action, struct buf *problems);

/* HOST:PORT, with brackets around an IPv6 address. */
enum err config_address_show(const struct config_address *address, struct buf *out);

/* The text of --help. */
enum err config_help(struct buf *out);

#endif
