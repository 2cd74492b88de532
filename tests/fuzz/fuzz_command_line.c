/*
 * fuzz_command_line.c - whatever is typed is cut into the same lines in whatever pieces it arrives, and a line that is understood
 * as a command holds together. The first byte says in what pieces; the rest is what is typed.
 */
#include "base/utf8.h"
#include "commands.h"
#include "input.h"
#include "text.h"
#include <assert.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool inside(struct slice part, struct slice whole)
{
    return part.len == 0 || (part.data >= whole.data && part.data + part.len <= whole.data + whole.len);
}

static void check_line(struct slice line, bool terminal)
{
    struct cli_call call;
    struct buf why;
    buf_init(&why, TEXT_CAP);
    enum earshot_error error = cli_call_parse(line, terminal, &call, &why);
    assert((error == EARSHOT_OK) == (buf_len(&why) == 0));
    assert(strlen(call.user) <= CLI_USER_MAX);
    assert(inside(call.text, line));
    assert(utf8_valid(buf_slice(&why)));
    if (error == EARSHOT_OK) {
        assert(call.command != NULL && utf8_valid(line));
        bool texted = call.command->arguments == ARGUMENTS_TEXT || call.command->arguments == ARGUMENTS_USER_TEXT;
        assert(texted == (call.text.len > 0));
        assert(!texted || call.text.data + call.text.len == line.data + line.len);
    }
    buf_free(&why);
}

struct outcome {
    uint64_t lines, content; /* how many, and a sum over what they are */
};

static void take_lines(struct input *input, struct outcome *outcome)
{
    struct slice line = {NULL, 0};
    for (enum input_what what; (what = input_next(input, &line)) != INPUT_NONE; outcome->lines++) {
        outcome->content = outcome->content * 31 + what;
        if (what != INPUT_LINE)
            continue;
        assert(line.len <= INPUT_LINE_MAX && (line.len == 0 || memchr(line.data, '\n', line.len) == NULL));
        for (size_t i = 0; i < line.len; i++)
            outcome->content = outcome->content * 31 + line.data[i];
        check_line(line, outcome->lines % 2 == 0);
    }
}

static struct outcome run(struct slice typed, size_t piece)
{
    struct outcome outcome = {0, 0};
    struct input input;
    input_init(&input);
    while (typed.len > 0) {
        size_t len = piece < typed.len ? piece : typed.len;
        input_feed(&input, typed.data, len);
        typed = slice_of(typed.data + len, typed.len - len);
        take_lines(&input, &outcome);
    }
    input_finish(&input);
    take_lines(&input, &outcome);
    input_free(&input);
    return outcome;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1)
        return 0;
    struct slice typed = slice_of(data + 1, size - 1);
    struct outcome whole = run(typed, INPUT_CHUNK), pieces = run(typed, data[0] + 1u);
    if (whole.lines != pieces.lines || whole.content != pieces.content)
        abort();
    return 0;
}
