/* The two messages that open a data channel. */
#include "dcep.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static void test_round_trip(void **state)
{
    const struct dcep open = {.kind = DCEP_OPEN, .label = slice_str("label"), .protocol = slice_str("p")};
    const struct dcep ack = {.kind = DCEP_ACK};
    uint8_t bytes[DCEP_SIZE_MAX];
    struct dcep again;
    size_t len = dcep_write(&open, bytes);

    assert_int_equal(len, 12 + 5 + 1);
    assert_int_equal(dcep_parse(slice_of(bytes, len), &again), OK);
    assert_int_equal(again.kind, DCEP_OPEN);
    assert_true(again.reliable);
    assert_true(slice_equal(again.label, open.label));
    assert_true(slice_equal(again.protocol, open.protocol));
    len = dcep_write(&ack, bytes);
    assert_int_equal(len, 1);
    assert_int_equal(dcep_parse(slice_of(bytes, len), &again), OK);
    assert_int_equal(again.kind, DCEP_ACK);
}

static void test_refused(void **state)
{
    const struct dcep open = {.kind = DCEP_OPEN, .label = slice_str("label"), .protocol = slice_str("p")};
    uint8_t bytes[DCEP_SIZE_MAX + 1] = {0};
    struct dcep again;
    size_t whole = dcep_write(&open, bytes);

    for (size_t len = 0; len < whole; len++) {
        uint8_t *copy = malloc(len + 1);
        memcpy(copy, bytes, len);
        assert_int_equal(dcep_parse(slice_of(copy, len), &again), ERR_INVALID);
        free(copy);
    }
    assert_int_equal(dcep_parse(slice_of(bytes, whole + 1), &again), ERR_INVALID);
    bytes[8] = 0xff; /* a label longer than the message */
    assert_int_equal(dcep_parse(slice_of(bytes, whole), &again), ERR_INVALID);
    bytes[8] = 0;
    bytes[1] = 0x80; /* unordered */
    assert_int_equal(dcep_parse(slice_of(bytes, whole), &again), OK);
    assert_false(again.reliable);
    bytes[0] = 9;
    assert_int_equal(dcep_parse(slice_of(bytes, whole), &again), ERR_INVALID);
    bytes[0] = 2;
    assert_int_equal(dcep_parse(slice_of(bytes, 2), &again), ERR_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
