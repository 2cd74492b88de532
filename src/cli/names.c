#include "names.h"
#include <stdlib.h>
#include <string.h>

void names_free(struct names *names)
{
    for (size_t i = 0; i < names->count; i++)
        free(names->all[i]);
    free(names->all);
    *names = (struct names){0};
}

/* Where the name is, or would be. */
static size_t names_place(const struct names *names, const char *name)
{
    size_t low = 0, high = names->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (strcmp(names->all[middle], name) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

void names_add(struct names *names, const char *name)
{
    size_t place = names_place(names, name);
    if (names->count >= NAMES_MAX || (place < names->count && strcmp(names->all[place], name) == 0))
        return;
    if (names->count == names->room) {
        size_t room = names->room ? names->room * 2 : 64;
        char **all = reallocarray(names->all, room, sizeof *all);
        if (all == NULL)
            return; /* completion only */
        names->all = all;
        names->room = room;
    }
    char *copy = strdup(name);
    if (copy == NULL)
        return;
    memmove(names->all + place + 1, names->all + place, (names->count - place) * sizeof *names->all);
    names->all[place] = copy;
    names->count++;
}

size_t names_match(const struct names *names, const char *prefix, size_t from)
{
    size_t place = names_place(names, prefix);
    if (place < from)
        place = from;
    if (place < names->count && strncmp(names->all[place], prefix, strlen(prefix)) == 0)
        return place;
    return names->count;
}
