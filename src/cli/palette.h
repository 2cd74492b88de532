/* palette.h - the terminal's colours, as the strings that switch them on. All empty where there are none. */
#ifndef CLI_PALETTE_H
#define CLI_PALETTE_H

#include <stdbool.h>
#include <stddef.h>

enum { PALETTE_NAMES = 4, PALETTE_CODE = 24 };

struct palette {
    char reset[PALETTE_CODE], bold[PALETTE_CODE], faint[PALETTE_CODE], bad[PALETTE_CODE], good[PALETTE_CODE];
    char names[PALETTE_NAMES][PALETTE_CODE];
};

extern const struct palette palette_none;

/* What the terminal of descriptor `fd` can do; palette_none if it is no terminal, is dumb, or NO_COLOR is set. */
void palette_of_terminal(int fd, struct palette *palette);

/* What keeps the terminal from breaking lines by itself, and lets it again; both empty if it cannot be told. */
struct margin {
    char hold[PALETTE_CODE], release[PALETTE_CODE];
};

void margin_of_terminal(int fd, struct margin *margin);

/* Always the same colour for a name. */
const char *palette_name(const struct palette *palette, const char *name);

#endif
