/* show.h - rows for people: a table with columns as wide as they need to be, or one field a line. */
#ifndef CTL_SHOW_H
#define CTL_SHOW_H

#include "base/buf.h"
#include "commands.h"
#include "reply.h"

/* "messages_accepted" as "messages accepted". */
void show_fields(const struct reply *reply, struct buf *out);

enum { SHOW_COLUMNS = 8 };

struct show_table {
    const struct ctl_column *columns;
    struct buf cells; /* each ends in NUL, row after row */
    size_t widths[SHOW_COLUMNS];
    unsigned count; /* columns */
};

void show_begin(struct show_table *table, const struct ctl_column *columns);
enum err show_add(struct show_table *table, const struct reply *reply);
/* The whole of it, with its head; nothing if it has no columns. */
void show_end(struct show_table *table, struct buf *out);

#endif
