/* say.c - see say.h. */
#include "say.h"
#include "base/printable.h"
#include <stdarg.h>
#include <stdlib.h>

enum err say(FILE *to, struct slice text)
{
    size_t len = printable_copy(text, NULL, 0);
    char *safe = malloc(len + 1);
    if (safe == NULL)
        return ERR_MEMORY;
    printable_copy(text, safe, len + 1);
    bool written = fwrite(safe, 1, len, to) == len && fflush(to) == 0;
    free(safe);
    return written ? OK : ERR_SYSTEM;
}

void say_error(const char *format, ...)
{
    va_list arguments;
    char *text;
    va_start(arguments, format);
    int len = vasprintf(&text, format, arguments);
    va_end(arguments);
    fputs("earshotctl: ", stderr);
    if (len < 0)
        fputs("out of memory", stderr);
    else
        (void)say(stderr, slice_of(text, (size_t)len));
    fputs("\n", stderr);
    if (len >= 0)
        free(text);
}
