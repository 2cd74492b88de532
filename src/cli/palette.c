#include "palette.h"
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
/* These define macros for everyday words, so nothing of ours may come after them. */
#include <curses.h>
#include <term.h>

const struct palette palette_none = {0};

static void keep(char out[PALETTE_CODE], const char *code)
{
    if (code == NULL || code == (const char *)-1 || strlen(code) >= PALETTE_CODE)
        return;
    memcpy(out, code, strlen(code) + 1);
}

static void keep_colour(char out[PALETTE_CODE], const char *colour, int number)
{
    keep(out, tparm(colour, number, 0, 0, 0, 0, 0, 0, 0, 0));
}

/* Once: what it read before, setupterm() forgets to free. */
static bool is_described(int fd)
{
    int error;
    return isatty(fd) && (cur_term != NULL || setupterm(NULL, fd, &error) == OK);
}

void palette_of_terminal(int fd, struct palette *palette)
{
    static const int names[PALETTE_NAMES] = {COLOR_YELLOW, COLOR_CYAN, COLOR_GREEN, COLOR_MAGENTA};
    const char *term = getenv("TERM"), *no_color = getenv("NO_COLOR");
    *palette = palette_none;
    if (term == NULL || strcmp(term, "dumb") == 0 || (no_color != NULL && *no_color != '\0') || !is_described(fd))
        return;
    const char *colour = tigetstr("setaf");
    keep(palette->reset, tigetstr("sgr0"));
    if (palette->reset[0] == '\0' || tigetnum("colors") < 8 || colour == NULL || colour == (const char *)-1) {
        *palette = palette_none;
        return;
    }
    keep(palette->bold, tigetstr("bold"));
    keep(palette->faint, tigetstr("dim"));
    keep_colour(palette->bad, colour, COLOR_RED);
    keep_colour(palette->good, colour, COLOR_GREEN);
    for (int i = 0; i < PALETTE_NAMES; i++)
        keep_colour(palette->names[i], colour, names[i]);
}

void margin_of_terminal(int fd, struct margin *margin)
{
    *margin = (struct margin){{0}, {0}};
    if (!is_described(fd))
        return;
    keep(margin->hold, tigetstr("rmam"));
    keep(margin->release, tigetstr("smam"));
    if (margin->hold[0] == '\0' || margin->release[0] == '\0')
        *margin = (struct margin){{0}, {0}};
}

const char *palette_name(const struct palette *palette, const char *name)
{
    unsigned hash = 2166136261u; /* FNV-1a */
    for (; *name != '\0'; name++)
        hash = (hash ^ (unsigned char)*name) * 16777619u;
    return palette->names[hash % PALETTE_NAMES];
}
