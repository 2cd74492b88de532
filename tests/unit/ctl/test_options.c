/* test_options.c - the command line of earshotctl, and its table of commands. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "options.h"

#include <string.h>

enum { WORDS = 8 };

/* Reads "a b c"; a sentence must come with a refusal, and only with it. */
static enum err read_words(struct ctl_options *options, const char *text)
{
    static char copy[8192];
    char *words[WORDS] = {(char *)(uintptr_t) "earshotctl"}, *rest = NULL;
    int count = 1;
    struct buf why;
    strcpy(copy, text);
    for (char *word = strtok_r(copy, " ", &rest); word != NULL && count < WORDS; word = strtok_r(NULL, " ", &rest))
        words[count++] = word;
    buf_init(&why, 16384);
    enum err err = ctl_options_read(options, count, words, &why);
    assert_int_equal(err != OK, buf_len(&why) > 0);
    buf_free(&why);
    return err;
}

static void what_may_be_said(void **state)
{
    struct ctl_options options;
    assert_int_equal(read_words(&options, "--data /d --json sessions alice"), OK);
    assert_string_equal(options.socket, "/d/control.sock");
    assert_true(options.json);
    assert_string_equal(options.command->name, "sessions");
    assert_string_equal(options.argument, "alice");
    assert_int_equal(read_words(&options, "status --socket=/s"), OK);
    assert_string_equal(options.socket, "/s");
    assert_null(options.argument);
    assert_int_equal(read_words(&options, "backup -- --file"), OK);
    assert_string_equal(options.argument, "--file");
    assert_int_equal(read_words(&options, "help"), OK);
    assert_true(options.help);
    assert_int_equal(read_words(&options, "--version"), OK);
    assert_true(options.version);
    assert_int_equal(read_words(&options, "status"), OK);
    assert_non_null(strstr(options.socket, "/control.sock"));
}

static void what_may_not(void **state)
{
    static const char *const lines[] = {
        "",           "nonsense",        "status x",       "disable", "disable a b", "backup", "--data",
        "--nonsense", "status --socket", "--datax status", "--json",  "--data /d",   "add",    "-x status",
    };
    struct ctl_options options;
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++)
        assert_int_equal(read_words(&options, lines[i]), ERR_USAGE);
}

static void a_path_that_is_too_long_is_refused(void **state)
{
    struct ctl_options options;
    char line[6000] = "--data ";
    memset(line + 7, 'x', 5000);
    strcpy(line + 5007, " status");
    assert_int_equal(read_words(&options, line), ERR_USAGE);
}

static void help_has_every_command(void **state)
{
    struct buf help;
    buf_init(&help, 1 << 16);
    ctl_help(&help);
    assert_int_equal(buf_append(&help, "", 1), OK);
    for (unsigned i = 0; i < ctl_command_count; i++) {
        assert_non_null(strstr((const char *)buf_data(&help), ctl_commands[i].name));
        assert_non_null(strstr((const char *)buf_data(&help), ctl_commands[i].help));
        assert_ptr_equal(ctl_command_find(ctl_commands[i].name), &ctl_commands[i]);
    }
    buf_free(&help);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_may_be_said),
        cmocka_unit_test(what_may_not),
        cmocka_unit_test(a_path_that_is_too_long_is_refused),
        cmocka_unit_test(help_has_every_command),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
