/* The table of settings, from flags and from a file: every row, its bounds, and what is said when it is wrong. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "server/config.h"
#include "server/settings.h"
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct world_of_test {
    struct config config;
    struct buf problems;
    enum config_action action;
};

static int setup(void **state)
{
    struct world_of_test *test = calloc(1, sizeof *test);
    assert_non_null(test);
    config_init(&test->config, NULL);
    buf_init(&test->problems, CONFIG_PROBLEMS_MAX);
    *state = test;
    return 0;
}

static int teardown(void **state)
{
    struct world_of_test *test = *state;
    buf_free(&test->problems);
    free(test);
    return 0;
}

static enum err read_text(struct world_of_test *test, const char *text)
{
    return config_read(&test->config, "test.conf", slice_str(text), &test->problems);
}

static enum err flags(struct world_of_test *test, const char *const words[])
{
    int count = 0;
    while (words[count] != NULL)
        count++;
    return config_flags(&test->config, count, (char *const *)(uintptr_t)words, &test->action, &test->problems);
}

#define FLAGS(test, ...) flags(test, (const char *const[]){"earshotd", __VA_ARGS__, NULL})

static void assert_shown(const struct config *config, const char *name, const char *value)
{
    struct buf shown;
    const struct setting *setting = setting_find(slice_str(name));
    assert_non_null(setting);
    buf_init(&shown, CONFIG_PROBLEMS_MAX);
    setting_show(config, setting, &shown);
    assert_int_equal(buf_append(&shown, "", 1), OK);
    assert_string_equal((const char *)buf_data(&shown), value);
    buf_free(&shown);
}

static void assert_problems(struct world_of_test *test, const char *text)
{
    assert_int_equal(buf_append(&test->problems, "", 1), OK);
    assert_string_equal((const char *)buf_data(&test->problems), text);
    buf_clear(&test->problems);
}

/* A value of each row's kind that is not its default. */
static const char *other_value(const struct setting *setting)
{
    if (setting->kind == &kind_addresses)
        return "0.0.0.0:5000";
    if (setting->kind == &kind_store)
        return "sqlite:elsewhere.db";
    if (setting->kind == &kind_bus)
        return "local:";
    if (setting->kind == &kind_choice)
        return setting->choices[1];
    if (setting->kind == &kind_turn)
        return "turn:192.0.2.1:3478?transport=udp";
    if (setting->kind == &kind_path)
        return "some/file";
    return setting->kind == &kind_bytes ? "8388608" : "7";
}

static void defaults_are_those_promised(void **state)
{
    struct world_of_test *test = *state;
    assert_shown(&test->config, "listen", "127.0.0.1:4000");
    assert_shown(&test->config, "data", "./var");
    assert_shown(&test->config, "store", "sqlite:");
    assert_shown(&test->config, "bus", "local:");
    assert_shown(&test->config, "block-duration", "60");
    assert_shown(&test->config, "timeout", "0");
    assert_shown(&test->config, "credentials", "");
    assert_shown(&test->config, "registration", "open");
    assert_shown(&test->config, "max-connections", "10000");
    assert_shown(&test->config, "output-buffer", "1048576");
}

static void every_setting_is_taken_from_the_file(void **state)
{
    struct world_of_test *test = *state;
    for (size_t i = 0; i < settings_count; i++) {
        char line[200];
        snprintf(line, sizeof line, "%s = %s\n", settings[i].name, other_value(&settings[i]));
        assert_int_equal(read_text(test, line), OK);
        assert_shown(&test->config, settings[i].name, other_value(&settings[i]));
    }
    assert_problems(test, "");
}

static void a_byte_order_mark_is_no_text(void **state)
{
    struct world_of_test *test = *state;
    assert_int_equal(read_text(test, "\xef\xbb\xbftimeout = 5\r\nthreads = 2\r\n"), OK);
    assert_shown(&test->config, "timeout", "5");
    assert_int_equal(read_text(test, "block-duration = 5\n\xef\xbb\xbfrate-limit = 5\n"), ERR_INVALID);
}

static void every_setting_is_a_flag(void **state)
{
    struct world_of_test *test = *state;
    for (size_t i = 0; i < settings_count; i++) {
        char flag[64], joined[200];
        snprintf(flag, sizeof flag, "--%s", settings[i].name);
        snprintf(joined, sizeof joined, "--%s=%s", settings[i].name, other_value(&settings[i]));
        config_init(&test->config, NULL);
        assert_int_equal(FLAGS(test, flag, other_value(&settings[i])), OK);
        assert_shown(&test->config, settings[i].name, other_value(&settings[i]));
        config_init(&test->config, NULL);
        assert_int_equal(FLAGS(test, joined), OK);
        assert_shown(&test->config, settings[i].name, other_value(&settings[i]));
    }
    assert_problems(test, "");
}

static void every_number_keeps_its_bounds(void **state)
{
    struct world_of_test *test = *state;
    for (size_t i = 0; i < settings_count; i++) {
        const struct setting *setting = &settings[i];
        if (setting->most == 0)
            continue;
        const int64_t good[] = {setting->least, setting->most}, bad[] = {setting->least - 1, setting->most + 1};
        for (size_t j = 0; j < 2; j++) {
            char value[32];
            struct buf why;
            buf_init(&why, 1024);
            snprintf(value, sizeof value, "%lld", (long long)good[j]);
            struct config_origin origin = {CONFIG_FLAG, 0};
            /* Byte counts are taken to nine digits only; greater ones need a unit. */
            if (strlen(value) <= 9)
                assert_int_equal(setting_set(&test->config, setting, slice_str(value), origin, &why), OK);
            snprintf(value, sizeof value, "%lld", (long long)bad[j]);
            assert_int_equal(setting_set(&test->config, setting, slice_str(value), origin, &why), ERR_INVALID);
            assert_true(buf_len(&why) > 0);
            buf_free(&why);
        }
    }
}

static void help_has_every_setting(void **state)
{
    struct buf help;
    buf_init(&help, CONFIG_PROBLEMS_MAX);
    assert_int_equal(config_help(&help), OK);
    assert_int_equal(buf_append(&help, "", 1), OK);
    for (size_t i = 0; i < settings_count; i++) {
        char flag[64];
        snprintf(flag, sizeof flag, "\n  --%s ", settings[i].name);
        assert_non_null(strstr((const char *)buf_data(&help), flag));
        assert_non_null(strstr((const char *)buf_data(&help), settings[i].help));
    }
    buf_free(&help);
}

static void comments_and_blanks_are_skipped(void **state)
{
    struct world_of_test *test = *state;
    assert_int_equal(read_text(test, "# first\r\n\n  \t\n   timeout=5   # five\r\n\tdata =\ta#b c \nlog-level = warn"), OK);
    assert_shown(&test->config, "timeout", "5");
    assert_shown(&test->config, "data", "a#b c");
    assert_shown(&test->config, "log-level", "warn");
}

static void every_mistake_is_named_with_its_line(void **state)
{
    struct world_of_test *test = *state;
    assert_int_equal(read_text(test, "timeout = -1\n"
                                     "colour = blue\n"
                                     "\n"
                                     "just words\n"
                                     "registration = maybe\n"
                                     "data =\n"
                                     "timeout = 5\n"
                                     "timeout = 6\n"
                                     "log-level = in\033fo\n"
                                     "store = postgresql://db/earshot\n"),
                     ERR_INVALID);
    assert_problems(test, "test.conf:1: timeout: \"-1\" must be a whole number, between 0 and 31622400\n"
                          "test.conf:2: there is no setting \"colour\"\n"
                          "test.conf:4: must be `name = value`\n"
                          "test.conf:5: registration: \"maybe\" must be open or closed\n"
                          "test.conf:6: data: is empty\n"
                          "test.conf:8: timeout is already set in line 7\n"
                          "test.conf:9: has a control character in it\n"
                          "test.conf:10: store: \"postgresql://db/earshot\" PostgreSQL is not in this version; sqlite: is\n");
    assert_shown(&test->config, "timeout", "5");
}

static void every_wrong_flag_is_named(void **state)
{
    struct world_of_test *test = *state;
    assert_int_equal(FLAGS(test, "--colour", "blue", "--timeout", "soon", "--bus=nats://a:1", "--threads"), ERR_INVALID);
    assert_problems(test, "--colour: there is no such option; --help lists them\n"
                          "--timeout: \"soon\" must be a whole number, between 0 and 31622400\n"
                          "--bus: \"nats://a:1\" NATS is not in this version; local: is\n"
                          "--threads: needs a value\n"
                          "blue: not an option; without option names there are exactly three: PORT BLOCK_DURATION TIMEOUT\n");
}

static void addresses_add_up_and_wrong_ones_are_refused(void **state)
{
    struct world_of_test *test = *state;
    static const char *const wrong[] = {"localhost", ":4000", "::1:4000", "a:", "a:65536", "a:-1", "a:4x", "[]:1"};
    assert_int_equal(FLAGS(test, "--listen", "[::1]:0", "--listen", "chat.example.org:65535"), OK);
    assert_shown(&test->config, "listen", "[::1]:0 chat.example.org:65535");
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        assert_int_equal(FLAGS(test, "--listen", wrong[i]), ERR_INVALID);
    assert_shown(&test->config, "listen", "[::1]:0 chat.example.org:65535");
}

static void there_are_only_so_many_addresses(void **state)
{
    struct world_of_test *test = *state;
    for (int i = 0; i < CONFIG_ADDRESSES; i++)
        assert_int_equal(read_text(test, "listen = 127.0.0.1:1\n"), OK);
    assert_int_equal(read_text(test, "listen = 127.0.0.1:1\n"), ERR_INVALID);
    assert_problems(test, "test.conf:1: listen: \"127.0.0.1:1\" more than 16 addresses\n");
}

static void bytes_have_units(void **state)
{
    struct world_of_test *test = *state;
    assert_int_equal(FLAGS(test, "--output-buffer", "512K", "--store-queue", "1G"), OK);
    assert_int_equal(test->config.output_buffer, 512 * 1024);
    assert_int_equal(test->config.store_queue, INT64_C(1) << 30);
    assert_int_equal(FLAGS(test, "--output-buffer", "K"), ERR_INVALID);
    assert_int_equal(FLAGS(test, "--output-buffer", "512k"), ERR_INVALID);
    assert_int_equal(FLAGS(test, "--store-queue", "99999999999999G"), ERR_INVALID);
}

static void flags_override_the_file_in_any_order(void **state)
{
    struct world_of_test *test = *state;
    assert_int_equal(FLAGS(test, "--timeout", "9", "--listen", "127.0.0.1:1"), OK);
    assert_int_equal(read_text(test, "timeout = 5\nlisten = 127.0.0.1:2\nblock-duration = 6\n"), OK);
    assert_shown(&test->config, "timeout", "9");
    assert_shown(&test->config, "listen", "127.0.0.1:1");
    assert_shown(&test->config, "block-duration", "6");
    assert_int_equal(read_text(test, "timeout = never\n"), ERR_INVALID);
}

static void the_original_form_is_understood(void **state)
{
    struct world_of_test *test = *state;
    assert_int_equal(FLAGS(test, "4711", "30", "90"), OK);
    assert_int_equal(test->action, CONFIG_SERVE);
    assert_shown(&test->config, "listen", "127.0.0.1:4711");
    assert_shown(&test->config, "block-duration", "30");
    assert_shown(&test->config, "timeout", "90");
    assert_int_equal(FLAGS(test, "port", "30", "x"), ERR_INVALID);
    assert_problems(test, "PORT: \"127.0.0.1:port\" the port must be between 0 and 65535\n"
                          "TIMEOUT: \"x\" must be a whole number, between 0 and 31622400\n");
    assert_int_equal(FLAGS(test, "1", "2", "3", "4"), ERR_INVALID);
}

static void actions_are_told(void **state)
{
    struct world_of_test *test = *state;
    assert_int_equal(FLAGS(test, "--check", "--timeout", "1"), OK);
    assert_int_equal(test->action, CONFIG_CHECK);
    assert_int_equal(FLAGS(test, "--help"), OK);
    assert_int_equal(test->action, CONFIG_HELP);
    assert_int_equal(FLAGS(test, "--version"), OK);
    assert_int_equal(test->action, CONFIG_VERSION);
}

static void certificate_and_key_come_together(void **state)
{
    struct world_of_test *test = *state;
    assert_int_equal(config_finish(&test->config, &test->problems), OK);
    assert_int_equal(FLAGS(test, "--key", "k.pem"), OK);
    assert_int_equal(config_finish(&test->config, &test->problems), ERR_INVALID);
    assert_problems(test, "--key: key is set, but no certificate\n");
    assert_int_equal(FLAGS(test, "--certificate", "c.pem"), OK);
    assert_int_equal(config_finish(&test->config, &test->problems), OK);
}

static void the_service_has_its_state_directory(void **state)
{
    struct world_of_test *test = *state;
    config_init(&test->config, "/var/lib/earshot:/var/lib/other");
    assert_shown(&test->config, "data", "/var/lib/earshot");
    assert_int_equal(read_text(test, "data = here\n"), OK);
    assert_shown(&test->config, "data", "here");
    config_init(&test->config, "");
    assert_shown(&test->config, "data", "./var");
}

static void write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    assert_int_equal(fclose(file), 0);
}

static void a_named_file_is_loaded(void **state)
{
    struct world_of_test *test = *state;
    char path[] = "/tmp/earshot-config-XXXXXX", expected[200];
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    close(fd);
    char program[] = "earshotd", config[] = "--config", timeout[] = "--timeout", three[] = "3";
    char *const argv[] = {program, config, path, timeout, three, NULL};

    write_file(path, "timeout = 2\nblock-duration = 4\n");
    assert_int_equal(config_load(&test->config, 5, argv, &test->action, &test->problems), OK);
    assert_shown(&test->config, "timeout", "3");
    assert_shown(&test->config, "block-duration", "4");

    config_init(&test->config, NULL);
    write_file(path, "\ncertificate = c.pem\n");
    assert_int_equal(config_load(&test->config, 5, argv, &test->action, &test->problems), ERR_INVALID);
    snprintf(expected, sizeof expected, "%s:2: certificate is set, but no key\n", path);
    assert_problems(test, expected);

    unlink(path);
    config_init(&test->config, NULL);
    assert_int_not_equal(config_load(&test->config, 5, argv, &test->action, &test->problems), OK);
    snprintf(expected, sizeof expected, "--config: cannot read %s: No such file or directory\n", path);
    assert_problems(test, expected);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(defaults_are_those_promised),
        CASE(every_setting_is_taken_from_the_file),
        CASE(a_byte_order_mark_is_no_text),
        CASE(every_setting_is_a_flag),
        CASE(every_number_keeps_its_bounds),
        CASE(help_has_every_setting),
        CASE(comments_and_blanks_are_skipped),
        CASE(every_mistake_is_named_with_its_line),
        CASE(every_wrong_flag_is_named),
        CASE(addresses_add_up_and_wrong_ones_are_refused),
        CASE(there_are_only_so_many_addresses),
        CASE(bytes_have_units),
        CASE(flags_override_the_file_in_any_order),
        CASE(the_original_form_is_understood),
        CASE(actions_are_told),
        CASE(certificate_and_key_come_together),
        CASE(the_service_has_its_state_directory),
        CASE(a_named_file_is_loaded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
