#include "commands.h"
#include "text.h"
#include "unit.h"

struct parse_case {
    const char *line;
    bool terminal;
    enum earshot_error error;
    const char *command, *user, *text;
    uint64_t seconds;
};

static const struct parse_case cases[] = {
    {"message bob hi", false, EARSHOT_OK, "message", "bob", "hi", 0},
    {"message bob hi there ", false, EARSHOT_OK, "message", "bob", "hi there ", 0},
    {"message bob  two blanks", false, EARSHOT_OK, "message", "bob", " two blanks", 0},
    {"  message \t bob\thi", false, EARSHOT_OK, "message", "bob", "hi", 0},
    {"message bob /hi", false, EARSHOT_OK, "message", "bob", "/hi", 0},
    {"message bob gr\xc3\xbc\xc3\x9f dich", false, EARSHOT_OK, "message", "bob", "gr\xc3\xbc\xc3\x9f dich", 0},
    {"message bob", false, EARSHOT_USAGE, "message", "bob", "", 0},
    {"message bob ", false, EARSHOT_USAGE, "message", "bob", "", 0},
    {"message", false, EARSHOT_USAGE, "message", "", "", 0},
    {"broadcast  x", false, EARSHOT_OK, "broadcast", "", " x", 0},
    {"broadcast", false, EARSHOT_USAGE, "broadcast", "", "", 0},
    {"whoelse", false, EARSHOT_OK, "whoelse", "", "", 0},
    {"whoelse  ", false, EARSHOT_OK, "whoelse", "", "", 0},
    {"whoelse now", false, EARSHOT_USAGE, "whoelse", "", "", 0},
    {"whoelsesince 0", false, EARSHOT_OK, "whoelsesince", "", "", 0},
    {"whoelsesince 3600", false, EARSHOT_OK, "whoelsesince", "", "", 3600},
    {"whoelsesince 18446744073709551615", false, EARSHOT_OK, "whoelsesince", "", "", UINT64_MAX},
    {"whoelsesince 18446744073709551616", false, EARSHOT_USAGE, "whoelsesince", "", "", 0},
    {"whoelsesince 184467440737095516150", false, EARSHOT_USAGE, "whoelsesince", "", "", 0},
    {"whoelsesince -1", false, EARSHOT_USAGE, "whoelsesince", "", "", 0},
    {"whoelsesince 1.5", false, EARSHOT_USAGE, "whoelsesince", "", "", 0},
    {"whoelsesince 5 6", false, EARSHOT_USAGE, "whoelsesince", "", "", 5},
    {"whoelsesince", false, EARSHOT_USAGE, "whoelsesince", "", "", 0},
    {"block bob", false, EARSHOT_OK, "block", "bob", "", 0},
    {"block bob carol", false, EARSHOT_USAGE, "block", "bob", "", 0},
    {"unblock bob", false, EARSHOT_OK, "unblock", "bob", "", 0},
    {"startprivate bob", false, EARSHOT_OK, "startprivate", "bob", "", 0},
    {"private bob psst", false, EARSHOT_OK, "private", "bob", "psst", 0},
    {"stopprivate bob", false, EARSHOT_OK, "stopprivate", "bob", "", 0},
    {"yes", false, EARSHOT_OK, "yes", "", "", 0},
    {"yes bob", false, EARSHOT_OK, "yes", "bob", "", 0},
    {"yes bob carol", false, EARSHOT_USAGE, "yes", "bob", "", 0},
    {"no", false, EARSHOT_OK, "no", "", "", 0},
    {"help", false, EARSHOT_OK, "help", "", "", 0},
    {"password", false, EARSHOT_OK, "password", "", "", 0},
    {"password  ", false, EARSHOT_OK, "password", "", "", 0},
    {"password  my file ", false, EARSHOT_OK, "password", "", "my file", 0},
    {"logout", false, EARSHOT_OK, "logout", "", "", 0},
    {"logout now", false, EARSHOT_USAGE, "logout", "", "", 0},
    {"MESSAGE bob hi", false, EARSHOT_UNKNOWN_COMMAND, NULL, "", "", 0},
    {"messages bob hi", false, EARSHOT_UNKNOWN_COMMAND, NULL, "", "", 0},
    {"hello", false, EARSHOT_UNKNOWN_COMMAND, NULL, "", "", 0},
    {"/whoelse", false, EARSHOT_UNKNOWN_COMMAND, NULL, "", "", 0},
    {"y", false, EARSHOT_UNKNOWN_COMMAND, NULL, "", "", 0},
    {"/whoelse", true, EARSHOT_OK, "whoelse", "", "", 0},
    {"  /message bob hi", true, EARSHOT_OK, "message", "bob", "hi", 0},
    {"//whoelse", true, EARSHOT_UNKNOWN_COMMAND, NULL, "", "", 0},
    {"/", true, EARSHOT_UNKNOWN_COMMAND, NULL, "", "", 0},
    {"y", true, EARSHOT_OK, "yes", "", "", 0},
    {"n bob", true, EARSHOT_OK, "no", "bob", "", 0},
    {"message bob \xff", false, EARSHOT_BAD_TEXT, NULL, "", "", 0},
    {"\xc3", false, EARSHOT_BAD_TEXT, NULL, "", "", 0},
};

static void lines_become_calls(void **state)
{
    for (size_t i = 0; i < count_of(cases); i++) {
        const struct parse_case *c = &cases[i];
        struct cli_call call;
        struct buf why;
        buf_init(&why, TEXT_CAP);
        print_message("%s\n", c->line);
        assert_int_equal(cli_call_parse(slice_str(c->line), c->terminal, &call, &why), c->error);
        assert_int_equal(buf_len(&why) == 0, c->error == EARSHOT_OK);
        assert_string_equal(call.command ? call.command->name : "", c->command ? c->command : "");
        assert_string_equal(call.user, c->user);
        if (c->error == EARSHOT_OK) {
            assert_true(slice_equal(call.text, slice_str(c->text)));
            assert_true(call.seconds == c->seconds);
        }
        buf_free(&why);
    }
}

static void a_nul_is_bad_text(void **state)
{
    struct cli_call call;
    struct buf why;
    buf_init(&why, TEXT_CAP);
    assert_int_equal(cli_call_parse(slice_of("message bob a\0b", 15), false, &call, &why), EARSHOT_BAD_TEXT);
    buf_free(&why);
}

static void a_name_that_fits_no_buffer_is_a_bad_name(void **state)
{
    char line[1024] = "block ";
    struct cli_call call;
    struct buf why;
    buf_init(&why, TEXT_CAP);
    memset(line + 6, 'a', CLI_USER_MAX);
    assert_int_equal(cli_call_parse(slice_str(line), false, &call, &why), EARSHOT_OK);
    assert_int_equal(strlen(call.user), CLI_USER_MAX);
    line[6 + CLI_USER_MAX] = 'a';
    assert_int_equal(cli_call_parse(slice_str(line), false, &call, &why), EARSHOT_BAD_NAME);
    buf_free(&why);
}

static void errors_say_what_would_be_right(void **state)
{
    struct cli_call call;
    struct buf why;
    buf_init(&why, TEXT_CAP);
    cli_call_parse(slice_str("message bob"), false, &call, &why);
    assert_text(&why, "Usage: message USER TEXT");
    buf_clear(&why);
    cli_call_parse(slice_str("logout x"), false, &call, &why);
    assert_text(&why, "Usage: logout");
    buf_clear(&why);
    cli_call_parse(slice_str("frobnicate x"), false, &call, &why);
    assert_text(&why, "There is no command \"frobnicate\"; help lists them.");
    buf_clear(&why);
    cli_call_parse(slice_str("/frobnicate"), true, &call, &why);
    assert_text(&why, "There is no command \"frobnicate\"; /help lists them.");
    buf_clear(&why);
    cli_call_parse(slice_str("012345678901234567890123456789012345678\xc3\xbcx"), false, &call, &why);
    assert_text(&why, "There is no command \"012345678901234567890123456789012345678\"; help lists them.");
    buf_free(&why);
}

static void blank_lines_are_no_commands(void **state)
{
    assert_true(cli_line_blank(slice_str("")));
    assert_true(cli_line_blank(slice_of(NULL, 0)));
    assert_true(cli_line_blank(slice_str(" \t ")));
    assert_false(cli_line_blank(slice_str(" x")));
}

static void the_table_is_what_the_manual_promises(void **state)
{
    static const char *const promised[][2] = {
        {"message", "USER TEXT"}, {"broadcast", "TEXT"},   {"whoelse", ""},   {"whoelsesince", "SECONDS"},
        {"block", "USER"},        {"unblock", "USER"},     {"logout", ""},    {"startprivate", "USER"},
        {"private", "USER TEXT"}, {"stopprivate", "USER"}, {"yes", "[USER]"}, {"no", "[USER]"},
        {"verify", "USER"},       {"trust", "USER"},       {"help", ""},      {"password", "[FILE]"},
    };
    assert_int_equal(cli_command_count, count_of(promised));
    for (size_t i = 0; i < count_of(promised); i++) {
        const struct cli_command *command = cli_command_named(promised[i][0]);
        assert_non_null(command);
        assert_string_equal(cli_arguments_text(command->arguments), promised[i][1]);
        assert_true(strlen(command->help) > 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_become_calls),
        cmocka_unit_test(a_nul_is_bad_text),
        cmocka_unit_test(a_name_that_fits_no_buffer_is_a_bad_name),
        cmocka_unit_test(errors_say_what_would_be_right),
        cmocka_unit_test(blank_lines_are_no_commands),
        cmocka_unit_test(the_table_is_what_the_manual_promises),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
