/* test_identity.c - keys of devices and their file. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "crypto/identity.h"
#include "crypto/password.h"
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[64];
static int dir;

static int make_folder(void **unused)
{
    snprintf(folder, sizeof folder, "/tmp/test_identity.XXXXXX");
    assert_non_null(mkdtemp(folder));
    dir = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return dir < 0 || crypto_init() != OK;
}

static int remove_folder(void **unused)
{
    unlinkat(dir, "identity", 0);
    close(dir);
    return rmdir(folder); /* nothing else is left in it */
}

static void put(const char *text)
{
    int fd = openat(dir, "identity", O_WRONLY | O_CREAT | O_TRUNC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    close(fd);
}

static void signatures(void **unused)
{
    struct identity one, other;
    uint8_t signature[IDENTITY_SIGNATURE];
    identity_make(&system_random, &one);
    identity_make(&system_random, &other);
    assert_memory_not_equal(one.key, other.key, sizeof one.key);
    identity_sign(&one, slice_str("text"), signature);
    assert_true(identity_verify(one.key, slice_str("text"), signature));
    assert_false(identity_verify(one.key, slice_str("texT"), signature));
    assert_false(identity_verify(other.key, slice_str("text"), signature));
    signature[5] ^= 1;
    assert_false(identity_verify(one.key, slice_str("text"), signature));
    identity_wipe(&one);
    for (size_t i = 0; i < sizeof one.seed; i++)
        assert_int_equal(one.seed[i], 0);
}

static void fill_counting(struct random *random, void *data, size_t len)
{
    for (size_t i = 0; i < len; i++)
        ((uint8_t *)data)[i] = (uint8_t)i;
}

/* The key that belongs to the seed 00 01 .. 1f, as OpenSSL computes it. */
static void the_standard_key(void **unused)
{
    static const uint8_t expected[] = {0x03, 0xa1, 0x07, 0xbf, 0xf3, 0xce, 0x10, 0xbe};
    struct random counting = {fill_counting};
    struct identity identity;
    identity_make(&counting, &identity);
    assert_memory_equal(identity.key, expected, sizeof expected);
}

static void a_digest(void **unused)
{
    static const uint8_t abc[] = {0xba, 0x78, 0x16, 0xbf};
    uint8_t sum[DIGEST_SIZE];
    digest(slice_str("abc"), sum);
    assert_memory_equal(sum, abc, sizeof abc);
}

static void the_file_keeps_it(void **unused)
{
    struct identity first, again;
    struct stat info;
    assert_int_equal(identity_load(dir, "identity", &first), ERR_NOT_FOUND);
    assert_int_equal(identity_open(dir, "identity", &system_random, &first), OK);
    assert_int_equal(fstatat(dir, "identity", &info, 0), 0);
    assert_int_equal(info.st_mode & 0777, 0600);
    assert_int_equal(identity_open(dir, "identity", &system_random, &again), OK);
    assert_memory_equal(&first, &again, sizeof first);
}

static void it_is_never_replaced(void **unused)
{
    struct identity first, second, kept;
    identity_make(&system_random, &first);
    identity_make(&system_random, &second);
    assert_int_equal(identity_save(dir, "identity", &first), OK);
    assert_int_equal(identity_save(dir, "identity", &second), ERR_EXISTS);
    assert_int_equal(identity_load(dir, "identity", &kept), OK);
    assert_memory_equal(kept.key, first.key, sizeof first.key);
}

static void damaged_files_are_refused(void **unused)
{
    static const char *const bad[] = {
        "",
        "ed25519 \n",
        "ed25519 000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
        "ed25519 000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1g\n",
        "ed25518 000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f\n",
        "ed25519 000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f\nx",
    };
    struct identity identity, before;
    memset(&identity, 7, sizeof identity);
    before = identity;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        put(bad[i]);
        assert_int_equal(identity_open(dir, "identity", &system_random, &identity), ERR_INVALID);
        assert_memory_equal(&identity, &before, sizeof identity);
    }
    put("ed25519 000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f\n");
    assert_int_equal(identity_open(dir, "identity", &system_random, &identity), OK);
}

static void a_folder_that_cannot_be_used(void **unused)
{
    struct identity identity;
    assert_int_equal(identity_open(-1, "identity", &system_random, &identity), ERR_SYSTEM);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, make_folder, remove_folder)
    const struct CMUnitTest tests[] = {
        TEST(signatures),
        TEST(the_standard_key),
        TEST(a_digest),
        TEST(the_file_keeps_it),
        TEST(it_is_never_replaced),
        TEST(damaged_files_are_refused),
        TEST(a_folder_that_cannot_be_used),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
