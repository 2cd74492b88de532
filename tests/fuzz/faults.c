/*
 * faults.c - runs a fuzz target over its corpus with every allocation failing in turn: the first of an input, the second, and so
 * on to the last. The target's own demands hold all the while: nothing crashes, what is asked is answered, what is opened is
 * closed; and LeakSanitizer looks on. After each failure the same input must run as ever.
 *
 *     fault_NAME FOLDER...         as many of the failures as MOST; spread evenly, the same ones each time
 *     FAULTS=all fault_NAME ...    each
 *     FAULTS=123 fault_NAME ...    the 123rd alone
 *
 * What fails are the calls that the program itself makes (by the linker's --wrap), and SQLite's. The other libraries' own do not:
 * OpenSSL, libsodium and libnice are not ours to mend.
 */
#include "faults.h"
#include <dirent.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST = 1500, FILES = 2000 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int paused = 1;
static uint64_t count, failing; /* calls so far, and which one fails; 0: none */
static bool failed;

void faults_set_paused(int by)
{
    paused += by;
}

bool faults_any(void)
{
    return failed;
}

static bool fails(void)
{
    if (paused > 0 || ++count != failing)
        return false;
    return failed = true;
}

/* ---- what is wrapped ---- */

void *__real_malloc(size_t size);
void *__real_calloc(size_t number, size_t size);
void *__real_realloc(void *old, size_t size);
void *__real_reallocarray(void *old, size_t number, size_t size);
char *__real_strdup(const char *text);
char *__real_strndup(const char *text, size_t most);
int __real_vasprintf(char **out, const char *format, va_list values);

void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t number, size_t size);
void *__wrap_realloc(void *old, size_t size);
void *__wrap_reallocarray(void *old, size_t number, size_t size);
char *__wrap_strdup(const char *text);
char *__wrap_strndup(const char *text, size_t most);
int __wrap_vasprintf(char **out, const char *format, va_list values);
int __wrap_asprintf(char **out, const char *format, ...);

void *__wrap_malloc(size_t size)
{
    return fails() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t number, size_t size)
{
    return fails() ? NULL : __real_calloc(number, size);
}

void *__wrap_realloc(void *old, size_t size)
{
    return fails() ? NULL : __real_realloc(old, size);
}

void *__wrap_reallocarray(void *old, size_t number, size_t size)
{
    return fails() ? NULL : __real_reallocarray(old, number, size);
}

char *__wrap_strdup(const char *text)
{
    return fails() ? NULL : __real_strdup(text);
}

char *__wrap_strndup(const char *text, size_t most)
{
    return fails() ? NULL : __real_strndup(text, most);
}

int __wrap_vasprintf(char **out, const char *format, va_list values)
{
    return fails() ? -1 : __real_vasprintf(out, format, values);
}

int __wrap_asprintf(char **out, const char *format, ...)
{
    va_list values;
    va_start(values, format);
    int len = __wrap_vasprintf(out, format, values);
    va_end(values);
    return len;
}

static sqlite3_mem_methods sqlite;

static void *sqlite_malloc(int size)
{
    return fails() ? NULL : sqlite.xMalloc(size);
}

static void *sqlite_realloc(void *old, int size)
{
    return fails() ? NULL : sqlite.xRealloc(old, size);
}

static void wrap_sqlite(void)
{
    if (sqlite3_config(SQLITE_CONFIG_GETMALLOC, &sqlite) != SQLITE_OK)
        abort();
    sqlite3_mem_methods wrapped = sqlite;
    wrapped.xMalloc = sqlite_malloc;
    wrapped.xRealloc = sqlite_realloc;
    if (sqlite3_config(SQLITE_CONFIG_MALLOC, &wrapped) != SQLITE_OK)
        abort();
}

/* ---- runs ---- */

struct input {
    char path[1024];
    uint8_t *data;
    size_t size;
    uint64_t calls; /* allocations of a run in which none fails */
};

static struct input inputs[FILES];
static size_t input_count;

static void read_input(const char *path)
{
    struct input *input = &inputs[input_count];
    FILE *file = fopen(path, "rb");
    if (file == NULL || input_count == FILES)
        abort();
    snprintf(input->path, sizeof input->path, "%s", path);
    input->data = __real_malloc(1 << 17);
    input->size = fread(input->data, 1, 1 << 17, file);
    fclose(file);
    input_count++;
}

static int by_path(const void *a, const void *b)
{
    return strcmp(((const struct input *)a)->path, ((const struct input *)b)->path);
}

static void read_folder(const char *path)
{
    DIR *folder = opendir(path);
    char name[1024];
    if (folder == NULL)
        abort();
    for (struct dirent *entry; (entry = readdir(folder)) != NULL;) {
        if (entry->d_name[0] == '.')
            continue;
        snprintf(name, sizeof name, "%s/%s", path, entry->d_name);
        read_input(name);
    }
    closedir(folder);
}

/* How many allocations it made. */
static uint64_t run(const struct input *input, uint64_t which)
{
    count = 0;
    failing = which;
    failed = false;
    paused = 0;
    LLVMFuzzerTestOneInput(input->data, input->size);
    paused = 1;
    failed = false;
    return count;
}

static uint64_t count_calls(void)
{
    uint64_t all = 0;
    for (size_t i = 0; i < input_count; i++) {
        run(&inputs[i], 0); /* the first time something may be made that stays */
        all += inputs[i].calls = run(&inputs[i], 0);
    }
    return all;
}

/* Failures first, first + step, ... of all that there are; how many. */
static uint64_t run_failing(uint64_t first, uint64_t step, uint64_t last)
{
    uint64_t before = 0, runs = 0;
    for (size_t i = 0; i < input_count; before += inputs[i].calls, i++) {
        for (; first <= last && first <= before + inputs[i].calls; first += step, runs++) {
            if (getenv("FAULTS_SHOWN") != NULL)
                fprintf(stderr, "failure %llu: %llu of %s\n", (unsigned long long)first, (unsigned long long)(first - before),
                        inputs[i].path);
            run(&inputs[i], first - before);
            run(&inputs[i], 0);
        }
    }
    return runs;
}

int main(int argc, char **argv)
{
    wrap_sqlite();
    for (int i = 1; i < argc; i++)
        read_folder(argv[i]);
    qsort(inputs, input_count, sizeof *inputs, by_path);
    const char *which = getenv("FAULTS");
    uint64_t all = count_calls(), one = which != NULL ? strtoull(which, NULL, 10) : 0;
    uint64_t step = which != NULL || all < MOST ? 1 : all / MOST + 1;
    uint64_t runs = run_failing(one > 0 ? one : 1, step, one > 0 ? one : all);
    printf("%zu inputs, %llu allocations; %llu of them failed, one at a time\n", input_count, (unsigned long long)all,
           (unsigned long long)runs);
    for (size_t i = 0; i < input_count; i++)
        free(inputs[i].data);
    return runs == 0;
}
