/* test_backup.c - copies of the database while it is written, what is in them, and damage that is found. */
#include "harness.h"

#include <sys/stat.h>

static const char *copy_path(const struct fixture *f)
{
    static char path[128];
    snprintf(path, sizeof path, "%s/copy.db", f->dir);
    return path;
}

static enum err back_up(struct fixture *f, struct store_backup *backup)
{
    *backup = (struct store_backup){.path = copy_path(f)};
    return execute(f, &backup->op, STORE_BACKUP);
}

static int set_up_threads(void **state)
{
    struct fixture *f = fixture_new();
    f->threads = true;
    fixture_open(f);
    *state = f;
    return 0;
}

static void a_copy_holds_what_was_answered(void **state)
{
    struct fixture *f = *state;
    struct store_backup backup;
    const char *why = "";
    uint64_t alice = make_account(f, "alice"), bob = make_account(f, "bob");
    assert_int_equal(back_up(f, &backup), OK);
    assert_int_equal(backup.mark, 0);
    unlink(copy_path(f));
    send_text(f, alice, bob, "one");
    uint64_t last = send_text(f, alice, bob, "two");
    assert_int_equal(back_up(f, &backup), OK);
    assert_int_equal(backup.mark, last);
    struct stat info;
    assert_int_equal(stat(copy_path(f), &info), 0);
    assert_int_equal(info.st_mode & 0777, 0600);
    assert_int_equal(info.st_size, backup.bytes);
    assert_int_equal(store_sqlite_check(copy_path(f), &why), OK);
    send_text(f, alice, bob, "three");
    store_stop(&f->store);
    assert_int_equal(rename(copy_path(f), f->path), 0);
    fixture_open(f);
    expect_page(f, STORE_PENDING, bob, 0, "one two");
}

static uint64_t first_after_adopting(struct fixture *f, int64_t now_ms)
{
    struct store_backup backup;
    const char *why = "";
    assert_int_equal(back_up(f, &backup), OK);
    store_stop(&f->store);
    assert_int_equal(store_sqlite_adopt(copy_path(f), now_ms, &why), OK);
    assert_int_equal(rename(copy_path(f), f->path), 0);
    fixture_open(f);
    return send_text(f, 1, 2, "one more");
}

/* An earlier restore by a clock that was ahead: there is no telling how many have been given since the copy was made. */
static void a_clock_behind_gives_no_id_again(void **state)
{
    struct fixture *f = *state;
    const int64_t now_ms = 1800000000000;
    make_account(f, "alice");
    make_account(f, "bob");
    uint64_t ahead = first_after_adopting(f, now_ms + 1000);
    assert_int_equal(ahead, (now_ms + 1000) * 1000 + 1);
    assert_true(first_after_adopting(f, now_ms) > ahead + UINT32_MAX);
}

/* Ids that were given after the copy was made are not given again by the one that takes its place, nor by the next one. */
static void adopted_ids_go_on_above(void **state)
{
    struct fixture *f = *state;
    struct store_backup backup;
    const char *why = "";
    const int64_t now_ms = 1800000000000;
    uint64_t alice = make_account(f, "alice"), bob = make_account(f, "bob");
    send_text(f, alice, bob, "one");
    assert_int_equal(back_up(f, &backup), OK);
    store_stop(&f->store);
    assert_int_equal(store_sqlite_adopt(copy_path(f), now_ms, &why), OK);
    assert_int_equal(store_sqlite_check(copy_path(f), &why), OK);
    assert_int_equal(rename(copy_path(f), f->path), 0);
    fixture_open(f);
    assert_int_equal(send_text(f, alice, bob, "two"), now_ms * 1000 + 1);
    fixture_reopen(f);
    assert_int_equal(send_text(f, alice, bob, "three"), now_ms * 1000 + 2);
    expect_page(f, STORE_PENDING, bob, 0, "one two three");
}

static void what_is_there_is_left_alone(void **state)
{
    struct fixture *f = *state;
    struct store_backup backup;
    FILE *file = fopen(copy_path(f), "w");
    assert_non_null(file);
    fputs("mine", file);
    fclose(file);
    assert_int_equal(back_up(f, &backup), ERR_EXISTS);
    backup = (struct store_backup){.path = "/nowhere/copy.db"};
    assert_int_equal(execute(f, &backup.op, STORE_BACKUP), ERR_NOT_STORED);
}

static void a_store_in_memory_cannot(void **state)
{
    struct fixture *f = *state;
    struct store_backup backup;
    snprintf(f->path, sizeof f->path, ":memory:");
    fixture_open(f);
    assert_int_equal(back_up(f, &backup), ERR_UNAVAILABLE);
}

static void one_at_a_time_beside_the_writer(void **state)
{
    struct fixture *f = *state;
    uint64_t alice = make_account(f, "alice"), bob = make_account(f, "bob");
    struct store_backup one = {.path = copy_path(f)}, other = {.path = copy_path(f)};
    uint64_t before = send_text(f, alice, bob, "one");
    begin(f, &one.op, STORE_BACKUP);
    begin(f, &other.op, STORE_BACKUP);
    uint64_t after = send_text(f, alice, bob, "two");
    enum err first = finish(f, &one.op), second = finish(f, &other.op);
    assert_int_equal(first, OK);
    assert_true(second == ERR_UNAVAILABLE || second == ERR_EXISTS);
    assert_in_range(one.mark, before, after);
}

/* The operation is not answered by a loop that has ended; what matters is that the store ends. */
static void a_stop_does_not_wait_for_a_copy(void **state)
{
    struct fixture *f = *state;
    struct store_backup backup = {.path = copy_path(f)};
    begin(f, &backup.op, STORE_BACKUP);
    store_stop(&f->store);
    assert_true(home_run(&f->home, false));
    assert_true(backup.op.err == OK || backup.op.err == ERR_STOPPED);
    assert_int_equal(access(copy_path(f), F_OK) == 0, backup.op.err == OK);
}

static void disabled_and_without_devices(void **state)
{
    struct fixture *f = *state;
    uint64_t alice = make_account(f, "alice"), bob = make_account(f, "bob");
    for (uint8_t token = 1; token < 5; token++)
        make_device(f, alice, token);
    make_device(f, bob, 9);
    struct store_account_disable disable = {.account = alice, .disabled = true};
    assert_int_equal(execute(f, &disable.op, STORE_ACCOUNT_DISABLE), OK);
    struct store_devices_forget forget = {.account = alice};
    assert_int_equal(execute(f, &forget.op, STORE_DEVICES_FORGET), OK);
    fixture_reopen(f);
    struct store_account_find find = {.name = slice_str("alice")};
    assert_int_equal(execute(f, &find.op, STORE_ACCOUNT_FIND), OK);
    assert_true(find.disabled);
    for (uint8_t token = 1; token < 10; token++) {
        struct store_device_find device = {.time = 2};
        memset(device.token, token, sizeof device.token);
        assert_int_equal(execute(f, &device.op, STORE_DEVICE_FIND), token == 9 ? OK : ERR_BAD_TOKEN);
    }
    disable = (struct store_account_disable){.account = alice};
    assert_int_equal(execute(f, &disable.op, STORE_ACCOUNT_DISABLE), OK);
    assert_int_equal(execute(f, &find.op, STORE_ACCOUNT_FIND), OK);
    assert_false(find.disabled);
    disable = (struct store_account_disable){.account = 99};
    assert_int_equal(execute(f, &disable.op, STORE_ACCOUNT_DISABLE), ERR_UNKNOWN_USER);
}

/* Zeroes a page in the middle of the file. */
static void zero_a_page(const char *path)
{
    static const char page[4096];
    struct stat info;
    FILE *file = fopen(path, "r+");
    assert_non_null(file);
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(fseek(file, info.st_size / 8192 * 4096, SEEK_SET), 0);
    assert_int_equal(fwrite(page, sizeof page, 1, file), 1);
    fclose(file);
}

static void damage_is_found_at_the_start(void **state)
{
    struct fixture *f = *state;
    const char *why = "";
    char text[1000] = {0};
    memset(text, 'x', sizeof text - 1);
    uint64_t alice = make_account(f, "alice"), bob = make_account(f, "bob");
    for (int i = 0; i < 200; i++)
        send_text(f, alice, bob, text);
    store_stop(&f->store);
    struct store_sqlite_config config = {.path = f->path, .queue_bytes = 1 << 24, .manual = true, .check_ms = 60000};
    assert_int_equal(store_sqlite_check(f->path, &why), OK);
    assert_int_equal(store_sqlite_open(&config, &f->store, &why), OK);
    store_stop(&f->store);
    zero_a_page(f->path);
    assert_int_equal(store_sqlite_open(&config, &f->store, &why), ERR_INVALID);
    assert_non_null(strstr(why, "damaged"));
    assert_int_equal(store_sqlite_check(f->path, &why), ERR_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_copy_holds_what_was_answered, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_copy_holds_what_was_answered, set_up_threads, tear_down),
        cmocka_unit_test_setup_teardown(adopted_ids_go_on_above, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_clock_behind_gives_no_id_again, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_there_is_left_alone, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_store_in_memory_cannot, set_up_closed, tear_down),
        cmocka_unit_test_setup_teardown(one_at_a_time_beside_the_writer, set_up_threads, tear_down),
        cmocka_unit_test_setup_teardown(a_stop_does_not_wait_for_a_copy, set_up_threads, tear_down),
        cmocka_unit_test_setup_teardown(disabled_and_without_devices, set_up, tear_down),
        cmocka_unit_test_setup_teardown(damage_is_found_at_the_start, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
