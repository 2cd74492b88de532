#include "faces.h"
#include "options.h"
#include "text.h"
#include "unit.h"

static enum err parse(const char *line, struct cli_options *options, struct buf *why)
{
    static char words[512];
    char *argv[32], *rest = words;
    int argc = 0;
    snprintf(words, sizeof words, "earshot %s", line);
    for (char *word; (word = strsep(&rest, " ")) != NULL;)
        if (*word != '\0')
            argv[argc++] = word;
    argv[argc] = NULL;
    buf_init(why, TEXT_CAP);
    return cli_options_parse(argc, argv, options, why);
}

static void servers_are_understood(void **state)
{
    static const struct {
        const char *text, *user, *host;
        uint16_t port;
    } good[] = {
        {"localhost", "", "localhost", 4000},
        {"alice@localhost", "alice", "localhost", 4000},
        {"alice@chat.example.org:4443", "alice", "chat.example.org", 4443},
        {"127.0.0.1:1", "", "127.0.0.1", 1},
        {"h:65535", "", "h", 65535},
        {"[::1]:4001", "", "::1", 4001},
        {"[::1]", "", "::1", 4000},
        {"::1", "", "::1", 4000},
        {"bob@fe80::1", "bob", "fe80::1", 4000},
        {"bob@[2001:db8::7]:99", "bob", "2001:db8::7", 99},
    };
    for (size_t i = 0; i < count_of(good); i++) {
        struct cli_options options;
        struct buf why;
        assert_int_equal(parse(good[i].text, &options, &why), OK);
        assert_string_equal(options.user, good[i].user);
        assert_string_equal(options.host, good[i].host);
        assert_int_equal(options.port, good[i].port);
        buf_free(&why);
    }
}

static void wrong_servers_are_refused(void **state)
{
    static const char *const bad[] = {"@host",      "alice@",           ":4000",       "host:",   "host:0",
                                      "host:65536", "host:99999999999", "host:4x",     "[::1",    "[]:4000",
                                      "[::1]x",     "[::1]:",           "alice@:4000", "host:-1", "host:+1"};
    for (size_t i = 0; i < count_of(bad); i++) {
        struct cli_options options = {.port = 7};
        struct buf why;
        print_message("%s\n", bad[i]);
        assert_int_equal(parse(bad[i], &options, &why), ERR_USAGE);
        assert_true(buf_len(&why) > 0);
        assert_int_equal(options.port, 7); /* untouched */
        buf_free(&why);
    }
}

static void options_are_understood(void **state)
{
    struct cli_options options;
    struct buf why;
    assert_int_equal(parse("--json --password-file pw --register --ca=cert.pem a@h --trust new --state s", &options, &why), OK);
    assert_string_equal(options.face->name, "json");
    assert_string_equal(options.password_file, "pw");
    assert_true(options.register_unknown);
    assert_string_equal(options.ca, "cert.pem");
    assert_int_equal(options.trust, EARSHOT_TRUST_NEW);
    assert_string_equal(options.state, "s");
    assert_string_equal(options.user, "a");
    buf_free(&why);
    assert_int_equal(parse("--plain --trust=pinned h", &options, &why), OK);
    assert_string_equal(options.face->name, "plain");
    assert_int_equal(options.trust, EARSHOT_TRUST_PINNED);
    buf_free(&why);
    assert_int_equal(parse("--trust ask h", &options, &why), OK);
    assert_null(options.face);
    assert_int_equal(options.trust, EARSHOT_TRUST_ASK);
    buf_free(&why);
    assert_int_equal(parse("h", &options, &why), OK);
    assert_int_equal(options.trust, CLI_TRUST_DEFAULT);
    assert_false(options.register_unknown);
    buf_free(&why);
    assert_int_equal(parse("--help", &options, &why), OK);
    assert_true(options.help);
    buf_free(&why);
    assert_int_equal(parse("--version", &options, &why), OK);
    assert_true(options.version);
    buf_free(&why);
}

static void wrong_options_are_named(void **state)
{
    static const char *const bad[][2] = {
        {"--colour h", "--colour: no such option"},
        {"-x h", "-x: no such option"},
        {"h --ca", "--ca: FILE is missing"},
        {"--ca= h", "--ca: FILE must not be empty"},
        {"--trust maybe h", "--trust: must be one of new|pinned|ask"},
        {"--register=yes h", "--register: takes no argument"},
        {"--json --plain h", "--json and --plain exclude each other"},
        {"one two", "two: one server only"},
        {"--json", "the server is missing: [USER@]HOST[:PORT]"},
        {"", "the server is missing: [USER@]HOST[:PORT]"},
        {"-- h", "--: no such option"},
    };
    for (size_t i = 0; i < count_of(bad); i++) {
        struct cli_options options;
        struct buf why;
        assert_int_equal(parse(bad[i][0], &options, &why), ERR_USAGE);
        assert_text(&why, bad[i][1]);
        buf_free(&why);
    }
}

static void help_names_every_option_within_80_columns(void **state)
{
    static const char *const names[] = {"--json",      "--plain",   "--password-file FILE",
                                        "--register",  "--ca FILE", "--trust new|pinned|ask",
                                        "--state DIR", "--help",    "--version"};
    struct buf out;
    buf_init(&out, TEXT_CAP);
    cli_options_help(&out);
    text_bytes(&out, slice_of("", 1));
    const char *help = (const char *)buf_data(&out);
    for (size_t i = 0; i < count_of(names); i++)
        assert_non_null(strstr(help, names[i]));
    for (const char *line = help, *end; (end = strchr(line, '\n')) != NULL; line = end + 1)
        assert_true(end - line <= 80);
    buf_free(&out);
}

static void the_default_face_fits_where_it_runs(void **state)
{
    assert_string_equal(face_type_default(true)->name, "line");
    assert_string_equal(face_type_default(false)->name, "plain");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(servers_are_understood),
        cmocka_unit_test(wrong_servers_are_refused),
        cmocka_unit_test(options_are_understood),
        cmocka_unit_test(wrong_options_are_named),
        cmocka_unit_test(help_names_every_option_within_80_columns),
        cmocka_unit_test(the_default_face_fits_where_it_runs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
