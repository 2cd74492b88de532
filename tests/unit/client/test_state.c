/* test_state.c - the state directory, and what is made of it when a server shows its certificate. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "server_key.h"
#include "state.h"
#include "trust.h"
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static char base[64], path[128];
static const char *const one =
    "SHA256:01:01:01:01:01:01:01:01:01:01:01:01:01:01:01:01:01:01:01:01:01:01:01:01:01:01:01:01:01:01:01:01";
static const char *const two =
    "SHA256:02:02:02:02:02:02:02:02:02:02:02:02:02:02:02:02:02:02:02:02:02:02:02:02:02:02:02:02:02:02:02:02";

static int make_base(void **unused)
{
    snprintf(base, sizeof base, "/tmp/earshot-state-XXXXXX");
    if (mkdtemp(base) == NULL)
        return -1;
    snprintf(path, sizeof path, "%s/deep/er/state", base);
    return 0;
}

static int remove_one(const char *name, const struct stat *status, int type, struct FTW *where)
{
    return remove(name);
}

static int remove_base(void **unused)
{
    return nftw(base, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static struct state *open_state(void)
{
    struct state *state = NULL;
    assert_int_equal(state_open(path, &state), OK);
    return state;
}

static mode_t mode_of(const char *name)
{
    char full[512];
    struct stat status;
    snprintf(full, sizeof full, "%s/%s", path, name);
    assert_int_equal(stat(full, &status), 0);
    return status.st_mode & 07777;
}

static void directories_are_private(void **unused)
{
    struct state *state = open_state();
    assert_int_equal(mode_of("."), 0700);
    assert_int_equal(mode_of("tokens"), 0700);
    state_free(&state);
    state = open_state();
    state_free(&state);
    state_free(&state);
}

static void a_file_is_no_directory(void **unused)
{
    struct state *state = NULL;
    char file[128];
    snprintf(file, sizeof file, "%s/file", base);
    close(open(file, O_CREAT | O_WRONLY, 0600));
    assert_int_equal(state_open(file, &state), ERR_SYSTEM);
    assert_int_equal(state_open("", &state), ERR_SYSTEM);
    assert_null(state);
}

static enum err remember(struct state *state, const char *server, const char *fingerprint)
{
    struct known_server known = {.vouched = false};
    snprintf(known.fingerprint, sizeof known.fingerprint, "%s", fingerprint);
    return state_remember_server(state, server, &known);
}

static void servers_are_remembered(void **unused)
{
    struct state *state = open_state();
    struct known_server found;
    assert_int_equal(state_known_server(state, "a:4000", &found), ERR_NOT_FOUND);
    assert_int_equal(remember(state, "a:4000", one), OK);
    assert_int_equal(remember(state, "a:40", two), OK);
    assert_int_equal(state_known_server(state, "a:4000", &found), OK);
    assert_string_equal(found.fingerprint, one);
    assert_int_equal(remember(state, "a:4000", two), OK);
    assert_int_equal(state_known_server(state, "a:4000", &found), OK);
    assert_string_equal(found.fingerprint, two);
    assert_int_equal(state_known_server(state, "a:40", &found), OK);
    assert_int_equal(state_known_server(state, "a:4", &found), ERR_NOT_FOUND);
    assert_int_equal(mode_of("known_servers"), 0600);
    state_free(&state);
}

static void damaged_lines_do_no_harm(void **unused)
{
    struct state *state = open_state();
    struct known_server found;
    char file[256];
    snprintf(file, sizeof file, "%s/known_servers", path);
    FILE *out = fopen(file, "w");
    fprintf(out, "\n\na:1\nb:2 \nc:3 %0500d\nd:4 %s", 7, one);
    fclose(out);
    assert_int_equal(state_known_server(state, "a:1", &found), ERR_NOT_FOUND);
    assert_int_equal(state_known_server(state, "b:2", &found), OK);
    assert_string_equal(found.fingerprint, "");
    assert_int_equal(state_known_server(state, "c:3", &found), OK);
    assert_int_equal(state_known_server(state, "d:4", &found), OK); /* without its newline */
    assert_string_equal(found.fingerprint, one);
    assert_int_equal(remember(state, "e:5", two), OK);
    assert_int_equal(state_known_server(state, "d:4", &found), OK);
    assert_string_equal(found.fingerprint, one);
    state_free(&state);
}

static void each_client_has_its_slot(void **unused)
{
    struct state *state = open_state();
    struct name user;
    struct token_slot *first = NULL, *second = NULL, *again = NULL;
    struct token token, found;
    assert_int_equal(name_parse(slice_str("a_b.c"), &user), OK);
    memset(&token, 7, sizeof token);
    assert_int_equal(token_slot_claim(state, "[::1]:4000", &user, &first), OK);
    assert_int_equal(token_slot_claim(state, "[::1]:4000", &user, &second), OK);
    assert_false(token_slot_load(first, &found));
    assert_int_equal(token_slot_save(first, &token), OK);
    assert_false(token_slot_load(second, &found));
    assert_true(token_slot_load(first, &found));
    assert_memory_equal(&found, &token, sizeof token);
    assert_int_equal(mode_of("tokens/%5B%3A%3A1%5D%3A4000_a%5Fb.c.0"), 0600);
    token_slot_release(&first);
    assert_int_equal(token_slot_claim(state, "[::1]:4000", &user, &again), OK);
    assert_true(token_slot_load(again, &found)); /* the freed one, and its token */
    assert_int_equal(token_slot_save(again, NULL), OK);
    assert_false(token_slot_load(again, &found));
    assert_int_equal(token_slot_save(again, NULL), OK);
    token_slot_release(&again);
    token_slot_release(&second);
    token_slot_release(&second);
    state_free(&state);
}

static void names_cannot_leave_the_folder(void **unused)
{
    struct state *state = open_state();
    struct name user;
    struct token_slot *slot = NULL;
    char host[300];
    assert_int_equal(name_parse(slice_str("alice"), &user), OK);
    assert_int_equal(token_slot_claim(state, "../../evil/%:1", &user, &slot), OK);
    assert_int_equal(mode_of("tokens/..%2F..%2Fevil%2F%25%3A1_alice.0.lock"), 0600);
    token_slot_release(&slot);
    memset(host, 'x', sizeof host - 1);
    host[sizeof host - 1] = '\0';
    assert_int_equal(token_slot_claim(state, host, &user, &slot), ERR_CAP);
    assert_null(slot);
    state_free(&state);
}

static void cut_tokens_are_no_tokens(void **unused)
{
    struct state *state = open_state();
    struct name user;
    struct token_slot *slot = NULL;
    struct token token;
    char file[256];
    assert_int_equal(name_parse(slice_str("cut"), &user), OK);
    assert_int_equal(token_slot_claim(state, "h:1", &user, &slot), OK);
    snprintf(file, sizeof file, "%s/tokens/h%%3A1_cut.0", path);
    for (int size = 0; size < 64; size += 31) {
        FILE *out = fopen(file, "w");
        fprintf(out, "%.*s", size, "0123456789012345678901234567890123456789012345678901234567890123456789");
        fclose(out);
        assert_false(token_slot_load(slot, &token));
    }
    token_slot_release(&slot);
    state_free(&state);
}

static void first_sight_by_mode(void **unused)
{
    struct trust pinned = {.mode = EARSHOT_TRUST_PINNED, .server = "t:1"}, asks = {.mode = EARSHOT_TRUST_ASK, .server = "t:1"};
    struct trust new = {.mode = EARSHOT_TRUST_NEW, .server = "t:1"};
    assert_int_equal(trust_judge(&pinned, one, false), TRUST_NO);
    assert_non_null(strstr(pinned.why, one));
    assert_int_equal(trust_judge(&pinned, one, true), TRUST_YES);
    assert_int_equal(trust_judge(&asks, one, false), TRUST_ASK);
    trust_accept(&asks, one);
    assert_int_equal(trust_judge(&asks, one, false), TRUST_YES);
    assert_int_equal(trust_judge(&asks, two, false), TRUST_NO);
    assert_int_equal(trust_judge(&new, one, false), TRUST_YES);
    assert_int_equal(trust_judge(&new, two, false), TRUST_NO); /* remembered for the run, without a directory */
    assert_non_null(strstr(new.why, "changed"));
    assert_non_null(strstr(new.why, one));
    assert_non_null(strstr(new.why, two));
    assert_non_null(strstr(new.why, "start again"));
}

static void pins_outlive_the_run(void **unused)
{
    struct state *state = open_state();
    struct trust first = {.mode = EARSHOT_TRUST_NEW, .server = "pin:1", .state = state};
    struct trust later = {.mode = EARSHOT_TRUST_PINNED, .server = "pin:1", .state = state};
    struct trust changed = {.mode = EARSHOT_TRUST_NEW, .server = "pin:1", .state = state};
    assert_int_equal(trust_judge(&first, one, false), TRUST_YES);
    assert_int_equal(trust_judge(&later, one, false), TRUST_YES);
    changed.directory = "the/state";
    assert_int_equal(trust_judge(&changed, two, false), TRUST_NO);
    assert_non_null(strstr(changed.why, "remove its line from the file\n  the/state/known_servers\n"));
    assert_int_equal(trust_judge(&changed, one, false), TRUST_YES);
    state_free(&state);
}

static void a_ca_does_not_undo_a_pin(void **unused)
{
    struct state *state = open_state();
    struct trust trust = {.mode = EARSHOT_TRUST_NEW, .server = "ca:1", .state = state, .directory = "the/state"};
    struct trust later = {.mode = EARSHOT_TRUST_PINNED, .server = "ca:1", .state = state};
    assert_int_equal(trust_judge(&trust, one, true), TRUST_YES);
    assert_string_equal(trust.why, "");
    assert_int_equal(trust_judge(&trust, one, false), TRUST_YES);
    assert_int_equal(trust_judge(&trust, one, true), TRUST_YES);
    assert_string_equal(trust.why, ""); /* the same */
    assert_int_equal(trust_judge(&trust, two, true), TRUST_YES);
    assert_non_null(strstr(trust.why, one));
    assert_non_null(strstr(trust.why, two));
    assert_non_null(strstr(trust.why, "\n  the/state/known_servers"));
    assert_int_equal(trust_judge(&trust, two, true), TRUST_YES);
    assert_string_equal(trust.why, ""); /* said once */
    assert_int_equal(trust_judge(&trust, two, false), TRUST_NO);
    assert_int_equal(trust_judge(&later, two, false), TRUST_NO);
    assert_int_equal(trust_judge(&later, one, false), TRUST_YES);
    state_free(&state);
}

/* Else whoever stands in between would only have to show any certificate at all. */
static void a_server_with_a_ca_is_not_new_without(void **unused)
{
    static const enum earshot_trust modes[] = {EARSHOT_TRUST_PINNED, EARSHOT_TRUST_NEW, EARSHOT_TRUST_ASK};
    struct state *state = open_state();
    for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++) {
        struct trust run = {.mode = modes[i], .server = "vouched:1"}, first = {.server = "vouched:2", .state = state};
        struct trust later = {.mode = modes[i], .server = "vouched:2", .state = state, .directory = "the/state"};
        assert_int_equal(trust_judge(&run, one, true), TRUST_YES);
        assert_int_equal(trust_judge(&run, two, false), TRUST_NO);
        assert_non_null(strstr(run.why, "a CA vouched"));
        assert_int_equal(trust_judge(&first, two, true), TRUST_YES);
        assert_int_equal(trust_judge(&first, one, true), TRUST_YES); /* it was renewed */
        assert_string_equal(first.why, "");
        assert_int_equal(trust_judge(&later, two, false), TRUST_NO);
        assert_non_null(strstr(later.why, "the/state/known_servers"));
        assert_int_equal(trust_judge(&later, two, true), TRUST_YES);
        assert_int_equal(trust_judge(&later, one, true), TRUST_YES);
    }
    struct trust asks = {.mode = EARSHOT_TRUST_ASK, .server = "vouched:2", .state = state};
    struct trust new = {.mode = EARSHOT_TRUST_NEW, .server = "vouched:2", .state = state};
    struct trust pinned = {.mode = EARSHOT_TRUST_PINNED, .server = "vouched:2", .state = state};
    assert_int_equal(trust_judge(&pinned, one, false), TRUST_NO); /* the same one, but not pinned */
    assert_non_null(strstr(pinned.why, "not known"));
    assert_int_equal(trust_judge(&asks, one, false), TRUST_ASK);
    assert_int_equal(trust_judge(&new, one, false), TRUST_YES);
    assert_int_equal(trust_judge(&pinned, one, false), TRUST_YES);
    state_free(&state);
}

static void spellings_of_a_host_share_its_pin(void **unused)
{
    static const struct {
        const char *host, *key;
    } hosts[] = {
        {"example.org", "example.org:1"},
        {"EXAMPLE.Org.", "example.org:1"},
        {"::1", "[::1]:1"},
        {"FE80::A", "[fe80::a]:1"},
        {".", ".:1"},
        {"example.org..", "example.org.:1"},
    };
    struct state *state = open_state();
    struct known_server found;
    char key[SERVER_KEY_SIZE], file[256];
    for (size_t i = 0; i < sizeof hosts / sizeof hosts[0]; i++) {
        server_key(hosts[i].host, 1, key);
        assert_string_equal(key, hosts[i].key);
    }
    snprintf(file, sizeof file, "%s/known_servers", path);
    FILE *out = fopen(file, "a");
    fprintf(out, "Old.Example.ORG:4000 %s\nolder.example.org.:4000 %s\n", one, two);
    fclose(out);
    assert_int_equal(state_known_server(state, "old.example.org:4000", &found), OK);
    assert_string_equal(found.fingerprint, one);
    assert_int_equal(state_known_server(state, "older.example.org:4000", &found), OK);
    assert_string_equal(found.fingerprint, two);
    assert_int_equal(state_known_server(state, "old.example.org:400", &found), ERR_NOT_FOUND);
    assert_int_equal(remember(state, "old.example.org:4000", two), OK); /* in its place */
    assert_int_equal(state_known_server(state, "old.example.org:4000", &found), OK);
    assert_string_equal(found.fingerprint, two);
    state_free(&state);
}

/* A directory in its place, which not even root can read as a file. */
static void pins_that_cannot_be_read_make_nobody_new(void **unused)
{
    static const enum earshot_trust modes[] = {EARSHOT_TRUST_PINNED, EARSHOT_TRUST_NEW, EARSHOT_TRUST_ASK};
    struct state *state = open_state();
    char file[256], aside[256];
    snprintf(file, sizeof file, "%s/known_servers", path);
    snprintf(aside, sizeof aside, "%s/aside", path);
    assert_int_equal(remember(state, "broken:1", one), OK);
    assert_int_equal(rename(file, aside), 0);
    assert_int_equal(mkdir(file, 0700), 0);
    for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++) {
        struct trust trust = {.mode = modes[i], .server = "broken:1", .state = state, .directory = path};
        assert_int_equal(trust_judge(&trust, one, false), TRUST_NO);
        assert_non_null(strstr(trust.why, "cannot be read"));
        assert_non_null(strstr(trust.why, file));
        assert_int_equal(trust_judge(&trust, one, true), TRUST_YES); /* this one needs no pin */
    }
    assert_int_equal(rmdir(file), 0);
    assert_int_equal(rename(aside, file), 0);
    state_free(&state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(directories_are_private),
        cmocka_unit_test(a_file_is_no_directory),
        cmocka_unit_test(servers_are_remembered),
        cmocka_unit_test(damaged_lines_do_no_harm),
        cmocka_unit_test(each_client_has_its_slot),
        cmocka_unit_test(names_cannot_leave_the_folder),
        cmocka_unit_test(cut_tokens_are_no_tokens),
        cmocka_unit_test(first_sight_by_mode),
        cmocka_unit_test(pins_outlive_the_run),
        cmocka_unit_test(a_ca_does_not_undo_a_pin),
        cmocka_unit_test(a_server_with_a_ca_is_not_new_without),
        cmocka_unit_test(spellings_of_a_host_share_its_pin),
        cmocka_unit_test(pins_that_cannot_be_read_make_nobody_new),
    };
    return cmocka_run_group_tests(tests, make_base, remove_base);
}
