/* unit.h - cmocka with what it needs before it, and short checks for text. */
#ifndef TEST_CLI_UNIT_H
#define TEST_CLI_UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/buf.h"
#include <stdio.h>
#include <string.h>

static inline void assert_text(const struct buf *buf, const char *expected)
{
    struct slice text = buf_slice(buf);
    char copy[8192];
    assert_true(text.len < sizeof copy);
    memcpy(copy, text.len ? (const char *)text.data : "", text.len);
    copy[text.len] = '\0';
    assert_string_equal(copy, expected);
}

#define count_of(array) (sizeof(array) / sizeof(array)[0])

#endif
