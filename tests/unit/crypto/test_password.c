/* test_password.c - password hashes, with the cheapest cost but for one look at the default. */
#include "crypto/password.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const struct password_cost dearer = {.passes = 2, .memory = 16384};

static int setup(void **state)
{
    assert_int_equal(crypto_init(), OK);
    assert_int_equal(crypto_init(), OK);
    return 0;
}

static void the_right_password_is_right_and_no_other(void **state)
{
    char hash[PASSWORD_HASH_SIZE];
    assert_int_equal(password_hash(slice_str("correct horse"), &password_cost_least, hash), OK);
    assert_memory_equal(hash, "$argon2id$v=19$", 15);
    assert_int_equal(password_verify(hash, slice_str("correct horse")), OK);
    assert_int_equal(password_verify(hash, slice_str("correct horsf")), ERR_WRONG_PASSWORD);
    assert_int_equal(password_verify(hash, slice_str("correct hors")), ERR_WRONG_PASSWORD);
    assert_int_equal(password_verify(hash, slice_of("correct horse\0", 14)), ERR_WRONG_PASSWORD);
    assert_int_equal(password_verify(hash, slice_of(NULL, 0)), ERR_WRONG_PASSWORD);
}

static void the_same_password_hashes_differently_each_time(void **state)
{
    char a[PASSWORD_HASH_SIZE], b[PASSWORD_HASH_SIZE];
    assert_int_equal(password_hash(slice_str("twice"), &password_cost_least, a), OK);
    assert_int_equal(password_hash(slice_str("twice"), &password_cost_least, b), OK);
    assert_string_not_equal(a, b);
    assert_int_equal(password_verify(b, slice_str("twice")), OK);
}

static void malformed_hashes_are_wrong_passwords(void **state)
{
    static const char *const bad[] = {
        "",
        "x",
        "$argon2id$",
        "$argon2id$v=19$m=8,t=1,p=1$",
        "$argon2id$v=19$m=8,t=1,p=1$c2FsdHNhbHRzYWx0c2FsdA$!!",
        "$2b$12$abcdefghijklmnopqrstuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuu",
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(password_verify(bad[i], slice_str("x")), ERR_WRONG_PASSWORD);
}

static void a_cost_that_cannot_be_had_fails(void **state)
{
    struct password_cost impossible = {.passes = 1, .memory = SIZE_MAX};
    char hash[PASSWORD_HASH_SIZE] = "before";
    assert_int_equal(password_hash(slice_str("x"), &impossible, hash), ERR_MEMORY);
    assert_string_equal(hash, "before");
}

static void another_cost_asks_for_a_rehash(void **state)
{
    char hash[PASSWORD_HASH_SIZE];
    assert_int_equal(password_hash(slice_str("x"), &password_cost_least, hash), OK);
    assert_false(password_needs_rehash(hash, &password_cost_least));
    assert_true(password_needs_rehash(hash, &dearer));
    assert_true(password_needs_rehash("nonsense", &password_cost_least));
    assert_int_equal(password_hash(slice_str("x"), &dearer, hash), OK);
    assert_false(password_needs_rehash(hash, &dearer));
    assert_true(password_needs_rehash(hash, &password_cost_least));
}

static void the_default_cost_is_what_was_decided(void **state)
{
    char hash[PASSWORD_HASH_SIZE];
    assert_int_equal(password_hash(slice_str("x"), &password_cost_default, hash), OK);
    assert_non_null(strstr(hash, "$m=19456,t=2,p=1$"));
}

static void a_decoy_costs_the_same_and_fits_nothing(void **state)
{
    char a[PASSWORD_HASH_SIZE], b[PASSWORD_HASH_SIZE];
    assert_int_equal(password_decoy(&dearer, a), OK);
    assert_int_equal(password_decoy(&dearer, b), OK);
    assert_string_not_equal(a, b);
    assert_false(password_needs_rehash(a, &dearer));
    assert_int_equal(password_verify(a, slice_str("")), ERR_WRONG_PASSWORD);
    assert_int_equal(password_verify(a, slice_str("password")), ERR_WRONG_PASSWORD);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_right_password_is_right_and_no_other),
        cmocka_unit_test(the_same_password_hashes_differently_each_time),
        cmocka_unit_test(malformed_hashes_are_wrong_passwords),
        cmocka_unit_test(a_cost_that_cannot_be_had_fails),
        cmocka_unit_test(another_cost_asks_for_a_rehash),
        cmocka_unit_test(the_default_cost_is_what_was_decided),
        cmocka_unit_test(a_decoy_costs_the_same_and_fits_nothing),
    };
    return cmocka_run_group_tests(tests, setup, NULL);
}
