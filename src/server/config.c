/* config.c - the settings file, the command line, and how they come together. See config.h. */
#include "server/config.h"
#include "base/utf8.h"
#include "server/file.h"
#include "server/lines.h"
#include "server/settings.h"
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

enum { SHOWN = 60 }; /* bytes of a wrong value that are repeated to the user */

void config_init(struct config *config, const char *state_directory)
{
    static const struct config none;
    struct buf why;
    buf_init(&why, CONFIG_TEXT_SIZE);
    *config = none;
    for (size_t i = 0; i < settings_count; i++) {
        struct slice preset = slice_str(settings[i].preset != NULL ? settings[i].preset : "");
        if (preset.len > 0) {
            enum err err = setting_set(config, &settings[i], preset, (struct config_origin){0}, &why);
            assert(err == OK);
            (void)err;
        }
    }
    /* systemd gives a list with colons when there are several; the first is ours. */
    struct slice data = slice_of(state_directory, state_directory != NULL ? strcspn(state_directory, ":") : 0);
    if (data.len > 0)
        (void)setting_set(config, setting_find(slice_str("data")), data, (struct config_origin){0}, &why);
    buf_free(&why);
}

/* ---- problems ---- */

/* A place is a file and a line, or a flag. */
struct place {
    const char *file;
    unsigned line;
    const char *flag; /* without file */
};

static void problem(struct buf *problems, const struct place *place, const char *text)
{
    if (place->file != NULL)
        (void)buf_printf(problems, "%s:%u: %s\n", place->file, place->line, text);
    else if (place->flag != NULL)
        (void)buf_printf(problems, "%s: %s\n", place->flag, text);
    else
        (void)buf_printf(problems, "%s\n", text);
}

static enum err apply(struct config *config, const struct setting *setting, struct slice text, const struct place *place,
                      struct buf *problems)
{
    struct config_origin origin = {place->file != NULL ? CONFIG_FILE : CONFIG_FLAG, place->line};
    struct buf why;
    buf_init(&why, 2 * CONFIG_TEXT_SIZE);
    if (place->file != NULL)
        (void)buf_printf(&why, "%s: ", setting->name);
    if (text.len > 0)
        (void)buf_printf(&why, "\"%.*s%s\" ", (int)(text.len < SHOWN ? text.len : SHOWN), (const char *)text.data,
                         text.len < SHOWN ? "" : "...");
    enum err err = setting_set(config, setting, text, origin, &why);
    if (err != OK && buf_append(&why, "", 1) == OK)
        problem(problems, place, (const char *)buf_data(&why));
    buf_free(&why);
    return err;
}

/* ---- the file ---- */

static bool blank(uint8_t byte)
{
    return byte == ' ' || byte == '\t' || byte == '\r';
}

static struct slice trim(struct slice text)
{
    while (text.len > 0 && blank(text.data[0]))
        text = slice_of(text.data + 1, text.len - 1);
    while (text.len > 0 && blank(text.data[text.len - 1]))
        text.len--;
    return text;
}

/* Without the comment: from a # at the start or after a blank. */
static struct slice uncomment(struct slice line)
{
    for (size_t i = 0; i < line.len; i++)
        if (line.data[i] == '#' && (i == 0 || blank(line.data[i - 1])))
            return slice_of(line.data, i);
    return line;
}

static bool has_control(struct slice line)
{
    for (size_t i = 0; i < line.len; i++)
        if ((line.data[i] < ' ' && !blank(line.data[i])) || line.data[i] == 0x7f)
            return true;
    return false;
}

static enum err fail(struct buf *problems, const struct place *place, const char *text)
{
    problem(problems, place, text);
    return ERR_INVALID;
}

static enum err read_setting(struct config *config, struct slice name, struct slice value, const struct place *place,
                             struct buf *problems)
{
    char text[128];
    const struct setting *setting = setting_find(name);
    if (setting == NULL) {
        snprintf(text, sizeof text, "there is no setting \"%.*s\"", (int)(name.len < SHOWN ? name.len : SHOWN),
                 (const char *)name.data);
        return fail(problems, place, text);
    }
    const struct config_origin *before = setting_origin(config, setting);
    if (setting->kind->clear == NULL && before->source == CONFIG_FILE) {
        snprintf(text, sizeof text, "%s is already set in line %u", setting->name, before->line);
        return fail(problems, place, text);
    }
    return apply(config, setting, value, place, problems);
}

static enum err read_line(struct config *config, struct slice line, const struct place *place, struct buf *problems)
{
    if (has_control(line))
        return fail(problems, place, "has a control character in it");
    line = trim(uncomment(line));
    if (line.len == 0)
        return OK;
    const uint8_t *equals = memchr(line.data, '=', line.len);
    if (equals == NULL)
        return fail(problems, place, "must be `name = value`");
    size_t at = (size_t)(equals - line.data);
    return read_setting(config, trim(slice_of(line.data, at)), trim(slice_of(equals + 1, line.len - at - 1)), place, problems);
}

enum err config_read(struct config *config, const char *name, struct slice text, struct buf *problems)
{
    struct place place = {.file = name};
    struct slice line;
    enum err result = OK;
    text = utf8_begin(text);
    while (lines_next(&text, &line)) {
        place.line++;
        enum err err = read_line(config, line, &place, problems);
        if (err != OK)
            result = err;
    }
    return result;
}

/* ---- the command line ---- */

static const struct {
    const char *flag;
    enum config_action action;
} actions[] = {{"--check", CONFIG_CHECK}, {"--help", CONFIG_HELP}, {"--version", CONFIG_VERSION}};

static bool take_action(const char *word, enum config_action *action)
{
    for (size_t i = 0; i < sizeof actions / sizeof actions[0]; i++) {
        if (strcmp(word, actions[i].flag) == 0) {
            *action = actions[i].action;
            return true;
        }
    }
    return false;
}

/* The flags that are not settings, but paths: CONFIG_TEXT_SIZE bytes for one of them. NULL: it is none. */
static char *path_of(struct config *config, const char *flag)
{
    if (strcmp(flag, "--config") == 0)
        return config->file;
    return strcmp(flag, "--restore") == 0 ? config->restore : NULL;
}

/* One flag and its value, which is part of the word (--name=value) or the word after it. Moves *at past both. */
static enum err take_flag(struct config *config, int argc, char *const argv[], int *at, struct buf *problems)
{
    const char *word = argv[(*at)++];
    size_t len = strcspn(word, "=");
    char flag[64];
    snprintf(flag, sizeof flag, "%.*s", (int)(len < sizeof flag ? len : sizeof flag - 1), word);
    struct place place = {.flag = flag};
    char *path = path_of(config, flag);
    const struct setting *setting = setting_find(slice_str(flag + 2));
    if (len >= sizeof flag || (setting == NULL && path == NULL))
        return fail(problems, &place, "there is no such option; --help lists them");
    if (word[len] == '\0' && *at == argc)
        return fail(problems, &place, "needs a value");
    struct slice value = slice_str(word[len] == '=' ? word + len + 1 : argv[(*at)++]);
    if (setting != NULL)
        return apply(config, setting, value, &place, problems);
    if (value.len == 0 || value.len >= sizeof config->file)
        return fail(problems, &place, "needs the path of a file");
    memcpy(path, value.data, value.len + 1);
    return OK;
}

/* The original's form: PORT BLOCK_DURATION TIMEOUT. */
static enum err take_words(struct config *config, char *const words[3], int count, struct buf *problems)
{
    static const char *const meanings[3] = {"PORT", "BLOCK_DURATION", "TIMEOUT"};
    static const char *const names[3] = {"listen", "block-duration", "timeout"};
    enum err result = OK;
    if (count == 0)
        return OK;
    if (count != 3)
        return fail(problems, &(struct place){.flag = words[0]},
                    "not an option; without option names there are exactly three: PORT BLOCK_DURATION TIMEOUT");
    for (int i = 0; i < 3; i++) {
        char address[64];
        struct slice value = slice_str(words[i]);
        if (i == 0) {
            int len = snprintf(address, sizeof address, "127.0.0.1:%s", words[0]);
            value = slice_of(address, (size_t)len < sizeof address ? (size_t)len : sizeof address - 1);
        }
        enum err err = apply(config, setting_find(slice_str(names[i])), value, &(struct place){.flag = meanings[i]}, problems);
        if (err != OK)
            result = err;
    }
    return result;
}

enum err config_flags(struct config *config, int argc, char *const argv[], enum config_action *action, struct buf *problems)
{
    char *words[3] = {NULL, NULL, NULL};
    int count = 0;
    enum err result = OK;
    *action = CONFIG_SERVE;
    for (int at = 1; at < argc;) {
        enum err err = OK;
        if (strncmp(argv[at], "--", 2) != 0) {
            words[count < 3 ? count : 2] = argv[at++];
            count++;
        } else if (take_action(argv[at], action)) {
            at++;
        } else {
            err = take_flag(config, argc, argv, &at, problems);
        }
        if (err != OK)
            result = err;
    }
    if (config->restore[0] != '\0' && *action == CONFIG_SERVE)
        *action = CONFIG_RESTORE;
    enum err err = take_words(config, words, count, problems);
    return err != OK ? err : result;
}

/* ---- together ---- */

void config_name(const struct config *config, const char *setting, struct buf *out)
{
    const struct config_origin *origin = setting_origin(config, setting_find(slice_str(setting)));
    if (origin->source == CONFIG_FILE)
        (void)buf_printf(out, "%s:%u: ", config->file, origin->line);
    else if (origin->source == CONFIG_FLAG)
        (void)buf_append_str(out, "--");
    (void)buf_append_str(out, setting);
}

enum err config_finish(const struct config *config, struct buf *problems)
{
    bool certificate = config->certificate[0] != '\0', key = config->key[0] != '\0';
    if (certificate == key)
        return OK;
    const char *given = certificate ? "certificate" : "key", *missing = certificate ? "key" : "certificate";
    const struct config_origin *origin = setting_origin(config, setting_find(slice_str(given)));
    char text[64], flag[32];
    snprintf(text, sizeof text, "%s is set, but no %s", given, missing);
    snprintf(flag, sizeof flag, "--%s", given);
    struct place place = {.flag = flag};
    if (origin->source == CONFIG_FILE)
        place = (struct place){.file = config->file, .line = origin->line};
    return fail(problems, &place, text);
}

static enum err load_file(struct config *config, struct buf *problems)
{
    struct buf text;
    buf_init(&text, CONFIG_FILE_MAX);
    const char *why = "";
    enum err err = file_read(config->file, &text, &why);
    if (err == OK)
        err = config_read(config, config->file, buf_slice(&text), problems);
    else
        (void)buf_printf(problems, "--config: cannot read %s: %s\n", config->file, why);
    buf_free(&text);
    return err;
}

enum err config_load(struct config *config, int argc, char *const argv[], enum config_action *action, struct buf *problems)
{
    enum err err = config_flags(config, argc, argv, action, problems);
    if (*action == CONFIG_HELP || *action == CONFIG_VERSION)
        return err;
    if (config->file[0] != '\0') {
        enum err file_err = load_file(config, problems);
        if (err == OK)
            err = file_err;
    }
    return err == OK ? config_finish(config, problems) : err;
}
