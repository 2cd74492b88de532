/*
 * power.h - what would be on the disk if the power went now, for files that are written through "faulty".
 *
 * A page counts when it has been synced. One that was written since may be there, or not, or half, as chance says. After a sync
 * that failed the kernel takes its pages for clean, though nobody knows what became of them: they are not written by the next
 * sync either, unless they are written to again. A file that was removed is gone.
 */
#ifndef TEST_STORE_POWER_H
#define TEST_STORE_POWER_H

#include "faulty.h"
#include "harness.h"

#include <fcntl.h>
#include <sys/stat.h>

enum { POWER_FILES = 8, POWER_PAGE = 4096, POWER_PAGES = 16384, POWER_SECTOR = 512 };

enum page { PAGE_SYNCED, PAGE_WRITTEN, PAGE_LOST };

struct power_file {
    char path[128];
    uint8_t *synced; /* POWER_PAGES of them */
    uint8_t pages[POWER_PAGES];
    size_t length; /* when it was last synced */
    bool exists;
};

static struct power_file power_files[POWER_FILES];
static unsigned power_seed = 1;

static inline unsigned power_random(unsigned below)
{
    power_seed = power_seed * 1103515245 + 12345;
    return power_seed / 65536 % below;
}

static inline struct power_file *power_find(const char *path)
{
    for (int i = 0; i < POWER_FILES; i++) {
        struct power_file *file = &power_files[i];
        if (file->synced != NULL && strcmp(file->path, path) == 0)
            return file;
        if (file->synced != NULL)
            continue;
        snprintf(file->path, sizeof file->path, "%s", path);
        file->synced = calloc(POWER_PAGES, POWER_PAGE);
        assert_non_null(file->synced);
        return file;
    }
    fail_msg("more files than expected: %s", path);
    return NULL;
}

static inline void power_wrote(const char *path, sqlite3_int64 at, sqlite3_int64 len)
{
    struct power_file *file = power_find(path);
    for (sqlite3_int64 page = at / POWER_PAGE; page * POWER_PAGE < at + len; page++) {
        assert_true(page < POWER_PAGES);
        file->pages[page] = PAGE_WRITTEN;
    }
}

static inline size_t power_length(int source)
{
    struct stat info;
    assert_int_equal(fstat(source, &info), 0);
    return (size_t)info.st_size;
}

static inline void power_take(struct power_file *file, int source, size_t page, size_t len)
{
    assert_true(pread(source, file->synced + page * POWER_PAGE, len, (off_t)(page * POWER_PAGE)) >= 0);
}

static inline void power_synced(const char *path, bool ok)
{
    struct power_file *file = power_find(path);
    int source = open(path, O_RDONLY | O_CLOEXEC);
    assert_true(source >= 0);
    for (size_t page = 0; page < POWER_PAGES; page++) {
        if (file->pages[page] != PAGE_WRITTEN)
            continue;
        if (ok)
            power_take(file, source, page, POWER_PAGE);
        file->pages[page] = ok ? PAGE_SYNCED : PAGE_LOST;
    }
    if (ok) {
        file->length = power_length(source);
        file->exists = true;
    }
    close(source);
}

static inline void power_removed(const char *path)
{
    struct power_file *file = power_find(path);
    memset(file->synced, 0, (size_t)POWER_PAGES * POWER_PAGE);
    memset(file->pages, 0, sizeof file->pages);
    file->length = 0;
    file->exists = false;
}

static inline void power_on(unsigned seed)
{
    static const struct faulty_watch watch = {power_wrote, power_synced, power_removed};
    power_seed = seed;
    for (int i = 0; i < POWER_FILES; i++) {
        free(power_files[i].synced);
        power_files[i] = (struct power_file){0};
    }
    faulty.watch = &watch;
}

/* A page that was not synced: the old one, the new one, or the beginning of the new one. Lengthens the file if it is behind its
 * end. */
static inline void power_chance(int image, const struct power_file *file, int source, size_t page)
{
    uint8_t fresh[POWER_PAGE] = {0};
    size_t sectors = power_random(3) == 0 ? power_random(POWER_PAGE / POWER_SECTOR) : power_random(2) * POWER_PAGE / POWER_SECTOR;
    ssize_t got = pread(source, fresh, sizeof fresh, (off_t)(page * POWER_PAGE));
    if (got <= 0 || sectors == 0)
        return;
    memcpy(fresh + sectors * POWER_SECTOR, file->synced + page * POWER_PAGE + sectors * POWER_SECTOR,
           sizeof fresh - sectors * POWER_SECTOR);
    assert_int_equal(pwrite(image, fresh, (size_t)got, (off_t)(page * POWER_PAGE)), got);
}

static inline void power_image(const struct power_file *file, const char *path)
{
    int source = open(file->path, O_RDONLY | O_CLOEXEC), image = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_true(source >= 0 && image >= 0);
    assert_int_equal(pwrite(image, file->synced, file->length, 0), file->length);
    for (size_t page = 0; page < POWER_PAGES; page++)
        if (file->pages[page] != PAGE_SYNCED)
            power_chance(image, file, source, page);
    close(source);
    close(image);
}

/* Another machine finds what is left, in place of what `other` had. */
static inline void power_cut(const struct fixture *f, const struct fixture *other)
{
    static const char *const endings[] = {"", "-wal", "-redo", "-journal", "-shm"};
    for (size_t i = 0; i < sizeof endings / sizeof endings[0]; i++) {
        char path[128];
        snprintf(path, sizeof path, "%s%s", other->path, endings[i]);
        unlink(path);
        for (int k = 0; k < POWER_FILES; k++) {
            const struct power_file *file = &power_files[k];
            if (file->exists && strncmp(file->path, f->path, strlen(f->path)) == 0 &&
                strcmp(file->path + strlen(f->path), endings[i]) == 0)
                power_image(file, path);
        }
    }
}

#endif
