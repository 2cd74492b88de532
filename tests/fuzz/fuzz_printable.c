/*
 * fuzz_printable.c - nothing that earshot_printable lets through can do anything to a terminal, its length is what it said, and
 * text that was harmless is not touched. The first byte says how much room there is for a second, shorter copy.
 */
#include "base/utf8.h"
#include "earshot/client.h"
#include <assert.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool harmless(uint32_t c)
{
    bool bidirectional = c == 0x61c || c == 0x200e || c == 0x200f || (c >= 0x202a && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069);
    return c == '\t' || c == '\n' || (c >= 0x20 && !(c >= 0x7f && c < 0xa0) && !bidirectional);
}

static bool all_harmless(struct slice text)
{
    bool good = utf8_valid(text);
    for (size_t at = 0; at < text.len && good;)
        good = harmless(utf8_next(text, &at));
    return good;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1)
        return 0;
    const char *text = (const char *)data + 1;
    size_t len = size - 1, needed = earshot_printable(text, len, NULL, 0), room = data[0];
    char *whole = malloc(needed + 1), *part = malloc(room + 1);
    assert(whole != NULL && part != NULL && needed <= len * 3);
    assert(earshot_printable(text, len, whole, needed + 1) == needed && whole[needed] == '\0');
    struct slice out = slice_of(whole, needed);
    assert(all_harmless(out) && memchr(whole, '\0', needed) == NULL);
    if (all_harmless(slice_of(text, len)))
        assert(slice_equal(out, slice_of(text, len)));
    /* Cut short, it is a beginning of the same, in whole characters. */
    part[room] = 'x';
    assert(earshot_printable(text, len, part, room) == needed && part[room] == 'x');
    if (room > 0) {
        size_t got = strlen(part);
        assert(got < room && got <= needed && memcmp(part, whole, got) == 0 && all_harmless(slice_of(part, got)));
    }
    free(whole);
    free(part);
    return 0;
}
