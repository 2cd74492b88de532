/* help.c - the text of --help, from the table of settings. */
#include "server/config.h"
#include "server/settings.h"

static void show_row(const char *flag, const char *value, const char *help, struct buf *out)
{
    (void)buf_printf(out, "  --%s %s\n      %s", flag, value, help);
}

static void show_choices(const struct setting *setting, struct buf *out)
{
    (void)buf_printf(out, "  --%s ", setting->name);
    for (size_t i = 0; setting->choices[i] != NULL; i++)
        (void)buf_printf(out, "%s%s", i > 0 ? "|" : "", setting->choices[i]);
    (void)buf_printf(out, "\n      %s", setting->help);
}

enum err config_help(struct buf *out)
{
    (void)buf_append_str(out,
                         "usage: earshotd [OPTIONS]\n"
                         "       earshotd PORT BLOCK_DURATION TIMEOUT\n\n"
                         "The earshot messaging server. Every option but the first five is also a setting of the file,\n"
                         "written `name = value`; an option overrides the file.\n\n"
                         "  --config FILE\n      read settings from this file\n"
                         "  --check\n      read the configuration, say what is wrong with file and line, exit\n"
                         "  --restore FILE\n      put a backup in the place of the database, which is moved aside, and exit\n"
                         "  --help\n  --version\n\n");
    for (size_t i = 0; i < settings_count; i++) {
        const struct setting *setting = &settings[i];
        if (setting->choices != NULL)
            show_choices(setting, out);
        else
            show_row(setting->name, setting->kind->value, setting->help, out);
        if (setting->preset != NULL)
            (void)buf_printf(out, " (%s)", setting->preset);
        (void)buf_append_str(out, "\n");
    }
    return buf_append_str(out, "\nExit codes: 0 stopped as asked; 1 usage or configuration; 2 cannot start.\n");
}
