/*
 * confine.c - see confine.h.
 *
 * A file that a reload reads again is renewed by renaming another one to its place, so its directory is what may be read: both
 * the one that its name is in and, when the name is a link, the one that it leads to.
 */
#include "server/confine.h"
#include "base/log.h"
#include "inside.h"
#include "sandbox/sandbox.h"
#include "server/place.h"
#include <libgen.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { PLACES = 16 };

struct places {
    struct sandbox_place list[PLACES];
    char paths[PLACES][PATH_MAX];
    size_t count;
};

static atomic_bool files_confined;

static void add(struct places *places, const char *path, enum sandbox_access access)
{
    if (places->count == PLACES)
        return;
    char *kept = places->paths[places->count];
    snprintf(kept, PATH_MAX, "%s", path);
    places->list[places->count++] = (struct sandbox_place){kept, access};
}

static void add_folder_of(struct places *places, const char *file, enum sandbox_access access)
{
    char copy[PATH_MAX];
    snprintf(copy, sizeof copy, "%s", file);
    add(places, dirname(copy), access);
}

static void add_file(struct places *places, const char *file)
{
    char real[PATH_MAX];
    if (file[0] == '\0')
        return;
    add_folder_of(places, file, SANDBOX_READ);
    if (realpath(file, real) != NULL)
        add_folder_of(places, real, SANDBOX_READ);
}

static void find_places(const struct config *config, struct places *places)
{
    char database[PATH_MAX];
    add(places, config->data, SANDBOX_WRITE);
    if (settings_database(config, database, sizeof database) == OK)
        add_folder_of(places, database, SANDBOX_WRITE);
    add(places, "/dev/null", SANDBOX_READ); /* the spare descriptor of a listener */
    add_file(places, config->file);
    add_file(places, config->certificate);
    add_file(places, config->key);
    add_file(places, config->turn_secret_file);
}

/* ---- the user ---- */

static enum err change_user(const struct config *config, struct buf *why)
{
    struct user user;
    if (config->user[0] == '\0') {
        enum err err = place_make(config->data, why);
        if (err == OK && geteuid() == 0)
            log_event(LOG_WARN, "running_as_root", log_str("advice", "set user, or start it as a user of its own"));
        return err;
    }
    enum err err = user_find(config->user, &user, why);
    if (err == OK)
        err = place_make(config->data, why);
    if (err == OK)
        err = place_give(config->data, user.uid, user.gid, user.name, why);
    if (err == OK)
        err = user_become(&user, why);
    return err == ERR_NOT_FOUND ? ERR_INVALID : err;
}

/* ---- everything else ---- */

static const char *yes_or_no(bool in_force)
{
    return in_force ? "yes" : "no";
}

static void log_report(const struct sandbox_report *report)
{
    char landlock[16] = "unavailable";
    if (report->landlock > 0)
        snprintf(landlock, sizeof landlock, "%d", report->landlock);
    log_event(LOG_INFO, "sandbox", log_int("uid", geteuid()), log_str("no_new_privs", yes_or_no(report->no_new_privs)),
              log_str("capabilities", report->capabilities ? "none" : "some"),
              log_str("dumpable", yes_or_no(!report->undumpable)), log_str("seccomp", report->seccomp ? "filter" : "unavailable"),
              log_str("landlock", landlock));
    if (!sandbox_complete(report))
        log_event(LOG_WARN, "sandbox_incomplete", log_str("why", report->lack));
}

static enum err enter(const struct config *config, struct buf *why)
{
    struct sandbox_report report = {0};
    struct places *places = calloc(1, sizeof *places);
    if (places == NULL)
        return ERR_MEMORY;
    find_places(config, places);
    enum err err = sandbox_enter(places->list, places->count, &report, why);
    free(places);
    if (err != OK)
        return err;
    files_confined = report.landlock > 0;
    log_report(&report);
    if (config->sandbox != SANDBOX_SETTING_REQUIRED || sandbox_complete(&report))
        return OK;
    (void)buf_printf(why, "the sandbox is required, but incomplete: %s", report.lack);
    return ERR_SYSTEM;
}

enum err confine(const struct config *config, struct buf *why)
{
    enum err err = change_user(config, why);
    if (err != OK)
        return err;
    if (config->sandbox != SANDBOX_SETTING_OFF)
        return enter(config, why);
    log_event(LOG_WARN, "sandbox_off", log_int("uid", geteuid()));
    return OK;
}

bool confined_to_files(void)
{
    return files_confined;
}
