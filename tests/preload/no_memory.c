/*
 * no_memory.c - preloaded into a program: its n-th allocation fails, whoever asked for it, once.
 *
 *     LD_PRELOAD=no_memory.so NO_MEMORY_IN=earshotd NO_MEMORY_AT=1234 NO_MEMORY_COUNT=FILE earshotd ...
 *
 * NO_MEMORY_IN: the program's name; others (what it is started by) are left alone. NO_MEMORY_COUNT: where it writes at its end
 * how many allocations there were. Without NO_MEMORY_AT they are only counted. With several threads the n-th is not always the
 * same.
 */
#include <errno.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *old, size_t size);

enum { UNKNOWN = -1, NEVER = 0 };

static atomic_long count, failing = UNKNOWN;

/* The environment is read at the first allocation, which comes before any constructor. */
static long failing_one(void)
{
    const char *in = getenv("NO_MEMORY_IN"), *at = getenv("NO_MEMORY_AT");
    if (in == NULL || at == NULL || program_invocation_short_name == NULL || strcmp(in, program_invocation_short_name) != 0)
        return NEVER;
    return atol(at);
}

static int fails(void)
{
    long number = atomic_fetch_add(&count, 1) + 1;
    if (atomic_load(&failing) == UNKNOWN)
        atomic_store(&failing, failing_one());
    if (number != atomic_load(&failing))
        return 0;
    errno = ENOMEM;
    return 1;
}

void *malloc(size_t size)
{
    return fails() ? NULL : __libc_malloc(size);
}

void *calloc(size_t many, size_t size)
{
    return fails() ? NULL : __libc_calloc(many, size);
}

void *realloc(void *old, size_t size)
{
    return size > 0 && fails() ? NULL : __libc_realloc(old, size);
}

__attribute__((destructor)) static void tell(void)
{
    const char *in = getenv("NO_MEMORY_IN"), *path = getenv("NO_MEMORY_COUNT");
    if (in == NULL || path == NULL || strcmp(in, program_invocation_short_name) != 0)
        return;
    FILE *file = fopen(path, "w");
    if (file == NULL)
        return;
    fprintf(file, "%ld\n", atomic_load(&count));
    fclose(file);
}
