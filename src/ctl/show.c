/* show.c - see show.h. */
#include "show.h"
#include <stdio.h>

enum { CELLS_MAX = 64 << 20 };

void show_fields(const struct reply *reply, struct buf *out)
{
    for (unsigned i = 0; i < reply->count; i++) {
        char name[32];
        snprintf(name, sizeof name, "%.31s", reply->fields[i].name);
        for (char *at = name; *at != '\0'; at++)
            *at = *at == '_' ? ' ' : *at;
        (void)buf_printf(out, "%-20s %s\n", name, reply->fields[i].value);
    }
}

static enum err add_cell(struct show_table *table, unsigned column, const char *text)
{
    size_t len = strlen(text);
    if (len > table->widths[column])
        table->widths[column] = len;
    return buf_append(&table->cells, text, len + 1);
}

void show_begin(struct show_table *table, const struct ctl_column *columns)
{
    *table = (struct show_table){.columns = columns};
    buf_init(&table->cells, CELLS_MAX);
    while (columns[table->count].title != NULL)
        table->count++;
    for (unsigned i = 0; i < table->count; i++)
        (void)add_cell(table, i, columns[i].title);
}

enum err show_add(struct show_table *table, const struct reply *reply)
{
    enum err err = OK;
    for (unsigned i = 0; err == OK && i < table->count; i++) {
        const char *text = reply_get(reply, table->columns[i].field);
        err = add_cell(table, i, text != NULL ? text : "-");
    }
    return err;
}

void show_end(struct show_table *table, struct buf *out)
{
    const char *cell = (const char *)buf_data(&table->cells), *end = cell + buf_len(&table->cells);
    while (table->count > 0 && cell != NULL && cell < end) {
        for (unsigned i = 0; i < table->count && cell < end; i++) {
            bool last = i + 1 == table->count;
            (void)buf_printf(out, "%-*s%s", last ? 0 : (int)table->widths[i], cell, last ? "\n" : "  ");
            cell += strlen(cell) + 1;
        }
    }
    buf_free(&table->cells);
}
