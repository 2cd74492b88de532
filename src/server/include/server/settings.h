/*
 * settings.h - the table of settings: one row is one setting, and the only place that knows it.
 *
 * A row makes the flag --name VALUE, the line `name = VALUE` of the settings file, a line of --help, the default, the bounds,
 * and whether SIGHUP can change it. A new setting is a row here, a field in struct config, and its entry in
 * earshotd.conf(5), which a test asks for.
 */
#ifndef SERVER_SETTINGS_H
#define SERVER_SETTINGS_H

#include "server/config.h"

struct setting;

/* How a value is written and kept. */
struct setting_kind {
    const char *value; /* what --help calls it; NULL: the row's choices */
    size_t size;       /* of the field */
    /* ERR_INVALID with the reason, a sentence without its end, in `why`. */
    enum err (*set)(const struct setting *setting, void *field, struct slice text, struct buf *why);
    void (*show)(const struct setting *setting, const void *field, struct buf *out); /* as it would stand in a file */
    void (*clear)(void *field); /* of what may be repeated: each use adds to the value. NULL: may not */
};

struct setting {
    const char *name;
    const struct setting_kind *kind;
    const char *preset;  /* the default, written as in a file; NULL: none */
    int64_t least, most; /* numbers */
    const char *const *choices;
    size_t offset; /* of the field in struct config */
    bool reload;   /* SIGHUP changes it */
    const char *help;
};

extern const struct setting_kind kind_addresses, kind_seconds, kind_days, kind_count, kind_bytes, kind_path, kind_store, kind_bus,
    kind_choice, kind_turn, kind_user;

extern const struct setting settings[];
extern const size_t settings_count;

/* NULL if there is none of that name. */
const struct setting *setting_find(struct slice name);

/* Sets it from `origin`, unless something stronger has. ERR_INVALID with the reason in `why`. */
enum err setting_set(struct config *config, const struct setting *setting, struct slice text, struct config_origin origin,
                     struct buf *why);

/* Takes the value, and who set it, over from another configuration. */
void setting_copy(struct config *to, const struct config *from, const struct setting *setting);

/* The value, as it would stand in a file. */
void setting_show(const struct config *config, const struct setting *setting, struct buf *out);

static inline const struct config_origin *setting_origin(const struct config *config, const struct setting *setting)
{
    return &config->origins[setting - settings];
}

#endif
