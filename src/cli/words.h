/*
 * words.h - what happens, in words for people: one table row per event, for every face that writes prose.
 *
 * Bodies, names and sentences of others are made printable here. Colours come from a palette (palette.h); an empty one gives
 * plain text.
 */
#ifndef CLI_WORDS_H
#define CLI_WORDS_H

#include "face.h"
#include "palette.h"

struct words {
    const struct palette *palette;
    bool linear; /* one line per event, in words a screen reader can say; else laid out for eyes */
    int width;   /* columns, for what keeps to a line; 0: 80 */
    int64_t day; /* the last day shown, for lines that say that a new one began; 0: none yet. Not used when linear */
};

/* Appends a line, or a few, each with its newline; nothing for what needs no words. */
void words_notice(struct buf *out, struct words *words, const struct notice *notice);

/* Something about this program itself. */
void words_remark(struct buf *out, struct words *words, int64_t now_ms, const char *text);

/* The commands as a table. */
void words_help(struct buf *out, const struct palette *palette, bool slash);

/* "unknown_user" and so on: as in earshot(1). */
const char *words_error_code(enum earshot_error error);
/* The event's own sentence, or the usual one for its code. Not made printable. */
const char *words_error_text(const struct earshot_event *event);

#endif
