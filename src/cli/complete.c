#include "complete.h"
#include "commands.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char *complete_command(const char *word, size_t *from)
{
    const char *slash = word[0] == '/' ? "/" : "";
    word += strlen(slash);
    while (*from < cli_command_count) {
        const char *name = cli_commands[(*from)++].name;
        char *whole;
        if (strncmp(name, word, strlen(word)) == 0)
            return asprintf(&whole, "%s%s", slash, name) < 0 ? NULL : whole;
    }
    return NULL;
}

static char *complete_user(const struct names *names, const char *word, size_t *from)
{
    size_t place = names_match(names, word, *from);
    *from = place + 1;
    return place < names->count ? strdup(names->all[place]) : NULL;
}

char *complete_next(const struct names *names, const char *line, size_t start, const char *word, size_t *from)
{
    static const char blanks[] = " \t";
    size_t begin = strspn(line, blanks);
    if (start <= begin)
        return complete_command(word, from);
    if (line[begin] == '/')
        begin++;
    size_t len = strcspn(line + begin, blanks), second = begin + len + strspn(line + begin + len, blanks);
    const struct cli_command *command = cli_command_find(slice_of(line + begin, len), true);
    if (second == start && command != NULL && cli_arguments_begin_with_user(command->arguments))
        return complete_user(names, word, from);
    return NULL;
}
