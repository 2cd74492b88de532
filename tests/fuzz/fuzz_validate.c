/*
 * fuzz_validate.c - what passes for a name, a text or a password keeps the promises made about it, and any bytes at all can
 * be shown as JSON.
 */
#include "base/buf.h"
#include "base/json.h"
#include "base/utf8.h"
#include "wire/validate.h"
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool fact)
{
    if (!fact)
        abort();
}

static void try_name(struct slice input)
{
    struct name name, again;
    if (name_parse(input, &name) != OK)
        return;
    require(name.len == input.len && strlen(name.text) == name.len);
    require(name_parse(name_slice(&name), &again) == OK);
    require(slice_equal(name_slice(&name), name_slice(&again)));
    require(text_check(name_slice(&name)) == OK);
}

static void try_text(struct slice input)
{
    if (text_check(input) != OK)
        return;
    require(utf8_valid(input) && input.len >= 1 && input.len <= WIRE_TEXT_MAX);
    for (size_t i = 0; i < input.len; i++)
        require((input.data[i] >= 0x20 && input.data[i] != 0x7f) || input.data[i] == '\t' || input.data[i] == '\n');
}

static void try_password(struct slice input)
{
    if (password_check_new(input) == OK)
        require(password_check(input) == OK && input.len >= WIRE_PASSWORD_MIN_NEW);
    if (password_check(input) == OK)
        require(utf8_valid(input) && memchr(input.data, 0, input.len) == NULL && input.len <= WIRE_PASSWORD_MAX);
}

/* Characters come one after another, make up the whole, and are valid exactly if none of them stands for a bad byte. */
static void try_characters(struct slice input)
{
    bool bad = false;
    for (size_t pos = 0; pos < input.len;) {
        size_t before = pos;
        uint32_t c = utf8_next(input, &pos);
        require(pos > before && pos <= before + 4 && pos <= input.len);
        bad |= c == 0xfffd && pos == before + 1;
    }
    require(utf8_valid(input) == !bad);
}

static void try_json(struct slice input)
{
    struct buf out;
    buf_init(&out, input.len * 6 + 2);
    if (json_string(&out, input) != OK)
        abort();
    require(utf8_valid(buf_slice(&out)) && buf_len(&out) >= 2);
    for (size_t i = 0; i < buf_len(&out); i++)
        require(buf_data(&out)[i] >= 0x20 && buf_data(&out)[i] != 0x7f);
    buf_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice input = slice_of(data, size);
    try_name(input);
    try_text(input);
    try_password(input);
    try_characters(input);
    try_json(input);
    return 0;
}
