/* test_token.c - device tokens and their hashes. */
#include "crypto/password.h"
#include "crypto/token.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static int setup(void **state)
{
    return crypto_init() == OK ? 0 : -1;
}

static void tokens_come_from_the_randomness_given(void **state)
{
    struct token a = {{0}}, b = {{0}}, zero = {{0}};
    token_make(&system_random, &a);
    token_make(&system_random, &b);
    assert_memory_not_equal(&a, &b, sizeof a);
    assert_memory_not_equal(&a.bytes[16], &zero.bytes[16], 16);
}

/* BLAKE2b-256 of 32 zero bytes. */
static void the_hash_is_blake2b(void **state)
{
    static const uint8_t expected[TOKEN_HASH_SIZE] = {0x89, 0xeb, 0x0d, 0x6a, 0x8a, 0x69, 0x1d, 0xae, 0x2c, 0xd1, 0x5e,
                                                      0xd0, 0x36, 0x99, 0x31, 0xce, 0x0a, 0x94, 0x9e, 0xca, 0xfa, 0x5c,
                                                      0x3f, 0x93, 0xf8, 0x12, 0x18, 0x33, 0x64, 0x6e, 0x15, 0xc3};
    struct token token = {{0}};
    struct token_hash hash, other;
    token_digest(&token, &hash);
    assert_memory_equal(hash.bytes, expected, sizeof expected);
    token.bytes[31] ^= 1;
    token_digest(&token, &other);
    assert_memory_not_equal(hash.bytes, other.bytes, sizeof hash.bytes);
}

static void a_wiped_secret_is_gone(void **state)
{
    struct token token, zero = {{0}};
    token_make(&system_random, &token);
    secret_wipe(&token, sizeof token);
    assert_memory_equal(&token, &zero, sizeof token);
    secret_wipe(&token, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tokens_come_from_the_randomness_given),
        cmocka_unit_test(the_hash_is_blake2b),
        cmocka_unit_test(a_wiped_secret_is_gone),
    };
    return cmocka_run_group_tests(tests, setup, NULL);
}
