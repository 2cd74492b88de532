/* Opening: files and their rights, what is refused and in which words, migrations. */
#include "harness.h"

#include "../../../src/store/sqlite/schema.h"

#include <fcntl.h>
#include <sys/stat.h>

static void run_sql(const char *path, const char *sql)
{
    sqlite3 *handle;
    assert_int_equal(sqlite3_open(path, &handle), SQLITE_OK);
    assert_int_equal(sqlite3_exec(handle, sql, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(handle);
}

static void write_file(const char *path, const char *bytes, size_t len)
{
    int file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_true(file >= 0);
    assert_int_equal(write(file, bytes, len), len);
    close(file);
}

static void expect_refusal(struct fixture *f, enum err expected, const char *words)
{
    const char *why = "";
    assert_int_equal(fixture_try_open(f, &why), expected);
    assert_null(f->store);
    assert_non_null(strstr(why, f->path));
    if (strstr(why, words) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", why, words);
}

static void files_are_private(void **state)
{
    struct fixture *f = *state;
    mode_t mask = umask(0);
    fixture_open(f);
    umask(mask);
    send_text(f, make_account(f, "alice"), make_account(f, "bob"), "hi");
    const char *const suffixes[] = {"", "-wal", "-shm", "-redo", ".lock"};
    for (int i = 0; i < 5; i++) {
        char path[100];
        struct stat info;
        snprintf(path, sizeof path, "%s%s", f->path, suffixes[i]);
        assert_int_equal(stat(path, &info), 0);
        assert_int_equal(info.st_mode & 0777, 0600);
    }
}

static void a_newer_version_is_refused_and_left_alone(void **state)
{
    struct fixture *f = *state;
    fixture_open(f);
    store_stop(&f->store);
    run_sql(f->path, "PRAGMA user_version = 999");
    expect_refusal(f, ERR_VERSION, "newer");
    run_sql(f->path, "PRAGMA user_version = 1");
    fixture_open(f);
}

static void what_is_no_database_is_refused(void **state)
{
    struct fixture *f = *state;
    static char noise[8192];
    memset(noise, 'n', sizeof noise);
    write_file(f->path, noise, sizeof noise);
    expect_refusal(f, ERR_INVALID, "is not a database");
}

static void another_programs_database_is_refused(void **state)
{
    struct fixture *f = *state;
    run_sql(f->path, "CREATE TABLE music(title TEXT)");
    expect_refusal(f, ERR_INVALID, "another program");
}

static void a_cut_file_is_refused(void **state)
{
    struct fixture *f = *state;
    fixture_open(f);
    make_account(f, "alice");
    store_stop(&f->store);
    assert_int_equal(truncate(f->path, 3 * 4096), 0);
    expect_refusal(f, ERR_INVALID, "damaged");
}

static void damaged_pages_are_refused(void **state)
{
    struct fixture *f = *state;
    fixture_open(f);
    for (int i = 0; i < 300; i++) {
        char name[16];
        snprintf(name, sizeof name, "user%d", i);
        make_account(f, name);
    }
    store_stop(&f->store);
    struct stat info;
    assert_int_equal(stat(f->path, &info), 0);
    int file = open(f->path, O_WRONLY | O_CLOEXEC);
    char noise[4096];
    memset(noise, 0x5a, sizeof noise);
    for (off_t at = 4096; at < info.st_size; at += 4096)
        assert_int_equal(pwrite(file, noise, sizeof noise, at), sizeof noise);
    close(file);
    expect_refusal(f, ERR_INVALID, "damaged");
}

static void a_missing_directory_is_named(void **state)
{
    struct fixture *f = *state;
    strcat(f->path, "/none/db");
    const char *why = "";
    assert_int_equal(fixture_try_open(f, &why), ERR_SYSTEM);
    assert_non_null(strstr(why, f->path));
}

static void a_second_server_is_kept_out(void **state)
{
    struct fixture *f = *state;
    fixture_open(f);
    struct fixture second = *f;
    second.store = NULL;
    expect_refusal(&second, ERR_SYSTEM, "in use");
    make_account(f, "alice");
}

static void memory_needs_no_file(void **state)
{
    struct fixture *f = *state;
    strcpy(f->path, ":memory:");
    for (int threads = 0; threads < 2; threads++) {
        f->threads = threads;
        fixture_open(f);
        uint64_t alice = make_account(f, "alice"), bob = make_account(f, "bob");
        send_text(f, alice, bob, "hi");
        expect_page(f, STORE_PENDING, bob, 0, "hi");
        store_stop(&f->store);
    }
}

/* A person at a sqlite3 shell, in the middle of something. */
static void another_program_holds_the_lock(void **state)
{
    struct fixture *f = *state;
    sqlite3 *shell;
    fixture_open(f);
    uint64_t alice = make_account(f, "alice"), bob = make_account(f, "bob");
    assert_int_equal(sqlite3_open(f->path, &shell), SQLITE_OK);
    assert_int_equal(sqlite3_exec(shell, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
    struct store_append append = message_of(alice, bob, 0, 0);
    for (int i = 0; i < 50; i++) { /* only the first waits long */
        append.op.err = OK;
        assert_int_equal(execute(f, &append.op, STORE_APPEND), ERR_NOT_STORED);
    }
    expect_page(f, STORE_PENDING, bob, 0, "");
    assert_int_equal(sqlite3_exec(shell, "ROLLBACK", NULL, NULL, NULL), SQLITE_OK);
    send_text(f, alice, bob, "hi");
    expect_page(f, STORE_PENDING, bob, 0, "hi");
    assert_int_equal(sqlite3_exec(shell, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_BUSY); /* ours is open */
    sqlite3_close(shell);
}

static const char *const steps[] = {
    "CREATE TABLE a(x INTEGER) STRICT; INSERT INTO a VALUES(1);",
    "ALTER TABLE a ADD COLUMN y INTEGER; UPDATE a SET y = x + 1;",
    "INSERT INTO a VALUES(9, 9); INSERT INTO nowhere VALUES(1);",
};

static int64_t number(sqlite3 *handle, const char *sql)
{
    sqlite3_stmt *statement;
    assert_int_equal(sqlite3_prepare_v2(handle, sql, -1, &statement, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
    int64_t value = sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    return value;
}

static void migrations_run_in_order_and_whole(void **state)
{
    struct fixture *f = *state;
    sqlite3 *handle;
    assert_int_equal(sqlite3_open(f->path, &handle), SQLITE_OK);
    assert_int_equal(schema_migrate(handle, steps, 1), OK);
    assert_int_equal(number(handle, "PRAGMA user_version"), 1);
    assert_int_equal(schema_migrate(handle, steps, 2), OK);
    assert_int_equal(schema_migrate(handle, steps, 2), OK);
    assert_int_equal(number(handle, "SELECT y FROM a"), 2);
    assert_int_equal(schema_migrate(handle, steps, 3), ERR_SYSTEM);
    assert_int_equal(number(handle, "PRAGMA user_version"), 2);
    assert_int_equal(number(handle, "SELECT count(*) FROM a"), 1); /* nothing of the step that failed */
    assert_int_equal(schema_check(handle, 2), OK);
    assert_int_equal(schema_check(handle, 1), ERR_VERSION);
    sqlite3_close(handle);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(files_are_private, set_up_closed, tear_down),
        cmocka_unit_test_setup_teardown(a_newer_version_is_refused_and_left_alone, set_up_closed, tear_down),
        cmocka_unit_test_setup_teardown(what_is_no_database_is_refused, set_up_closed, tear_down),
        cmocka_unit_test_setup_teardown(another_programs_database_is_refused, set_up_closed, tear_down),
        cmocka_unit_test_setup_teardown(a_cut_file_is_refused, set_up_closed, tear_down),
        cmocka_unit_test_setup_teardown(damaged_pages_are_refused, set_up_closed, tear_down),
        cmocka_unit_test_setup_teardown(a_missing_directory_is_named, set_up_closed, tear_down),
        cmocka_unit_test_setup_teardown(a_second_server_is_kept_out, set_up_closed, tear_down),
        cmocka_unit_test_setup_teardown(another_program_holds_the_lock, set_up_closed, tear_down),
        cmocka_unit_test_setup_teardown(memory_needs_no_file, set_up_closed, tear_down),
        cmocka_unit_test_setup_teardown(migrations_run_in_order_and_whole, set_up_closed, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
