/* settings.c - every setting of the server, in the order in which --help and the example file show them. */
#include "server/settings.h"
#include <assert.h>

#define FIELD(member) offsetof(struct config, member)

static const char *const registrations[] = {"open", "closed", NULL};
static const char *const placements[] = {"fill", "spread", NULL};
static const char *const sandboxes[] = {"auto", "required", "off", NULL};
static const char *const log_formats[] = {"text", "json", NULL};
static const char *const log_levels[] = {"debug", "info", "warn", "error", NULL};

enum { YEAR = 366 * 86400, DECADE_DAYS = 3660 };

#define MILLION INT64_C(1000000)
#define MIB     (INT64_C(1) << 20)

/* clang-format off: a table reads better with its rows aligned */
const struct setting settings[] = {
    {"listen", &kind_addresses, "127.0.0.1:4000", 0, 0, NULL, FIELD(listen), false,
     "where clients connect; may be repeated; port 0 lets the system choose"},
    {"data", &kind_path, "./var", 0, 0, NULL, FIELD(data), false,
     "directory of the database, certificate and key; made if missing"},
    {"store", &kind_store, "sqlite:", 0, 0, NULL, FIELD(store), false,
     "database; sqlite: is earshot.db in the data directory, sqlite:PATH another file"},
    {"bus", &kind_bus, "local:", 0, 0, NULL, FIELD(bus), false, "what connects the event loops; local: is this process alone"},
    {"user", &kind_user, NULL, 0, 0, NULL, FIELD(user), false, "whom to become once it listens, if root starts it"},
    {"sandbox", &kind_choice, "auto", 0, 0, sandboxes, FIELD(sandbox), false,
     "give up all rights that serving does not need: as far as the kernel can, or required to be complete, or not at all"},
    {"certificate", &kind_path, NULL, 0, 0, NULL, FIELD(certificate), true,
     "TLS certificate chain (PEM); else a self-signed one is made in the data directory"},
    {"key", &kind_path, NULL, 0, 0, NULL, FIELD(key), true, "private key of the certificate (PEM)"},
    {"credentials", &kind_path, NULL, 0, 0, NULL, FIELD(credentials), false,
     "import `user password` lines at start; accounts that exist are left alone"},
    {"registration", &kind_choice, "open", 0, 0, registrations, FIELD(registration), true,
     "may an unknown name create an account at login"},
    {"block-duration", &kind_seconds, "60", 0, YEAR, NULL, FIELD(block_duration), true,
     "account block after three wrong passwords in a row; 0 is none"},
    {"timeout", &kind_seconds, "0", 0, YEAR, NULL, FIELD(timeout), true, "logout after so long without a command; 0 is never"},
    {"max-logins-per-minute", &kind_count, "300", 0, MILLION, NULL, FIELD(max_logins_per_minute), true,
     "failed logins and new accounts from one address; 0 is no limit"},
    {"devices-per-account", &kind_count, "32", 1, 1000, NULL, FIELD(devices_per_account), true,
     "devices that stay logged in; the longest unused goes first"},
    {"token-days", &kind_days, "90", 1, DECADE_DAYS, NULL, FIELD(token_days), true,
     "a device unused for so long must log in with the password again"},
    {"retention-days", &kind_days, "30", 1, DECADE_DAYS, NULL, FIELD(retention_days), true,
     "messages that were received are deleted after so long"},
    {"quota-messages", &kind_count, "1000000", 0, 1000 * MILLION, NULL, FIELD(quota_messages), true,
     "messages that may wait for one user; 0 is no limit"},
    {"max-connections", &kind_count, "10000", 1, MILLION, NULL, FIELD(max_connections), true, "connections in all"},
    {"max-connections-per-address", &kind_count, "1000", 1, MILLION, NULL, FIELD(max_connections_per_address), true,
     "connections from one address"},
    {"rate-limit", &kind_count, "5000", 0, MILLION, NULL, FIELD(rate_limit), true,
     "commands a second from one session; 0 is no limit"},
    {"rate-burst", &kind_count, "20000", 1, MILLION, NULL, FIELD(rate_burst), true,
     "commands that may come at once before the rate limit counts"},
    {"output-buffer", &kind_bytes, "1M", 256 * 1024, 1024 * MIB, NULL, FIELD(output_buffer), false,
     "output that may wait for a slow reader before it is dropped"},
    {"connection-memory", &kind_bytes, "256M", 4 * MIB, 1024 * 1024 * MIB, NULL, FIELD(connection_memory), false,
     "what the buffers of all connections may hold together; beyond it the fullest is dropped"},
    {"store-queue", &kind_bytes, "64M", MIB, 4096 * MIB, NULL, FIELD(store_queue), false, "what may wait for the disk"},
    {"bus-queue", &kind_bytes, "64M", MIB, 4096 * MIB, NULL, FIELD(bus_queue), false, "what may wait for one event loop"},
    {"threads", &kind_count, "0", 0, 256, NULL, FIELD(threads), false, "event-loop threads; 0 is one per core"},
    {"placement", &kind_choice, "fill", 0, 0, placements, FIELD(placement), false,
     "new connections fill one event loop before the next is used, or are spread over all"},
    {"hash-threads", &kind_count, "2", 1, 64, NULL, FIELD(hash_threads), false,
     "threads that hash passwords; each takes 19 MiB while it does"},
    {"hash-queue", &kind_count, "1024", 1, MILLION, NULL, FIELD(hash_queue), false,
     "logins that may wait for a hash; the others are told to try again"},
    {"turn", &kind_turn, NULL, 0, 0, NULL, FIELD(turn), true, "TURN relay for private channels; may be repeated"},
    {"turn-secret-file", &kind_path, NULL, 0, 0, NULL, FIELD(turn_secret_file), true,
     "file with the secret shared with the relays (coturn: use-auth-secret)"},
    {"private-timeout", &kind_seconds, "60", 5, 3600, NULL, FIELD(private_timeout), true,
     "so long a request for a private channel may wait for its answer"},
    {"log-format", &kind_choice, "text", 0, 0, log_formats, FIELD(log_format), true, "how the log on standard error is written"},
    {"log-level", &kind_choice, "info", 0, 0, log_levels, FIELD(log_level), true, "the least important events that are logged"},
};
/* clang-format on */

const size_t settings_count = sizeof settings / sizeof settings[0];
static_assert(sizeof settings / sizeof settings[0] <= CONFIG_SETTINGS, "struct config has room for the origin of every row");

const struct setting *setting_find(struct slice name)
{
    for (size_t i = 0; i < settings_count; i++)
        if (slice_equal(name, slice_str(settings[i].name)))
            return &settings[i];
    return NULL;
}

enum err setting_set(struct config *config, const struct setting *setting, struct slice text, struct config_origin origin,
                     struct buf *why)
{
    const struct config_origin *before = setting_origin(config, setting);
    /* On a copy: a value that is wrong changes nothing, and one that a stronger source overrides is checked all the same. */
    struct config trial = *config;
    if (setting->kind->clear != NULL && before->source != origin.source)
        setting->kind->clear((char *)&trial + setting->offset);
    enum err err = setting->kind->set(setting, (char *)&trial + setting->offset, text, why);
    if (err != OK || before->source > origin.source)
        return err;
    trial.origins[setting - settings] = origin;
    *config = trial;
    return OK;
}

void setting_show(const struct config *config, const struct setting *setting, struct buf *out)
{
    setting->kind->show(setting, (const char *)config + setting->offset, out);
}

void setting_copy(struct config *to, const struct config *from, const struct setting *setting)
{
    memcpy((char *)to + setting->offset, (const char *)from + setting->offset, setting->kind->size);
    to->origins[setting - settings] = *setting_origin(from, setting);
}
