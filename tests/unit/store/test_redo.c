/* The redo log: cut at every byte and damaged at every bit, beside a database that is not its own, removed, full; and what is
 * left of it. */
#include "harness.h"

#include "../../../src/store/sqlite/redo.h"

#include "base/log.h"
#include "faulty.h"

#include <endian.h>
#include <fcntl.h>
#include <sys/stat.h>

enum { GROUPS = 3, ROOM = 4096 };

/* A store as a crash left it: three groups of messages and acknowledgements that are in the redo log alone. */
struct wreck {
    struct fixture *f, *copy;
    uint64_t alice, bob, device;
    size_t ends[GROUPS + 1]; /* of the log after so many groups */
    size_t whole;            /* with the acknowledgement after them */
    uint8_t log[ROOM];
};

static void name_file(const struct fixture *f, const char *ending, char path[100])
{
    snprintf(path, 100, "%s%s", f->path, ending);
}

static size_t read_file(const char *path, void *bytes, size_t size)
{
    int file = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t got = file >= 0 ? read(file, bytes, size) : -1;
    if (file >= 0)
        close(file);
    return got > 0 ? (size_t)got : 0;
}

static void write_file(const char *path, const void *bytes, size_t len)
{
    int file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_true(file >= 0);
    assert_int_equal(write(file, bytes, len), len);
    close(file);
}

static void copy_file(const struct fixture *from, const struct fixture *to, const char *ending)
{
    static uint8_t bytes[1 << 20];
    char path[100];
    name_file(from, ending, path);
    size_t len = read_file(path, bytes, sizeof bytes);
    name_file(to, ending, path);
    write_file(path, bytes, len);
}

/* How much of the log counts: up to the last byte that is not zero. */
static size_t log_length(struct wreck *wreck)
{
    char path[100];
    name_file(wreck->f, "-redo", path);
    size_t len = read_file(path, wreck->log, sizeof wreck->log);
    while (len > 0 && wreck->log[len - 1] == 0)
        len--;
    return len;
}

static void send_group(struct wreck *wreck, uint64_t number)
{
    struct store_append one = message_of(wreck->alice, wreck->bob, wreck->device, number);
    struct store_append other = message_of(wreck->bob, wreck->alice, 0, 0);
    char text[2] = {(char)('0' + number), '\0'};
    one.body = other.body = slice_str(text);
    begin(wreck->f, &one.op, STORE_APPEND);
    begin(wreck->f, &other.op, STORE_APPEND);
    assert_int_equal(finish(wreck->f, &other.op), OK);
    assert_int_equal(one.op.err, OK);
}

static void make_wreck(struct wreck *wreck)
{
    *wreck = (struct wreck){.f = fixture_new(), .copy = fixture_new()};
    wreck->f->vfs = wreck->copy->vfs = "faulty"; /* for its syncs, which take no time */
    fixture_open(wreck->f);
    wreck->alice = make_account(wreck->f, "alice");
    wreck->bob = make_account(wreck->f, "bob");
    wreck->device = make_device(wreck->f, wreck->alice, 1);
    for (int group = 0; group < GROUPS; group++) {
        send_group(wreck, (uint64_t)group + 1);
        wreck->ends[group + 1] = log_length(wreck);
        assert_true(wreck->ends[group + 1] > wreck->ends[group]);
    }
    /* Acknowledged in a group of its own, which is the last. */
    advance(wreck->f, wreck->bob, 1, 1);
    wreck->whole = log_length(wreck) + 7; /* a small number ends in zeros */
    assert_true(wreck->whole > wreck->ends[GROUPS] + 7);
    copy_file(wreck->f, wreck->copy, "");
}

static void free_wreck(struct wreck *wreck)
{
    fixture_free(wreck->f);
    fixture_free(wreck->copy);
}

static int groups_within(const struct wreck *wreck, size_t len)
{
    int groups = 0;
    while (groups < GROUPS && wreck->ends[groups + 1] <= len)
        groups++;
    return groups;
}

static const char *expected(int first, int groups)
{
    static char line[2 * GROUPS + 1];
    int len = 0;
    line[0] = '\0';
    for (int i = first; i <= groups; i++)
        len += snprintf(line + len, sizeof line - (size_t)len, "%s%d", i > first ? " " : "", i);
    return line;
}

/* Opens a copy with this log: it holds so many groups whole, and goes on from there. */
static void expect_groups(struct wreck *wreck, const uint8_t *log, size_t len, int groups, bool received)
{
    struct fixture *f = wreck->copy;
    char path[100];
    copy_file(wreck->f, f, "");
    copy_file(wreck->f, f, "-wal");
    name_file(f, "-redo", path);
    write_file(path, log, len);
    fixture_open(f);
    expect_page(f, STORE_PENDING, wreck->bob, 0, expected(received ? 2 : 1, groups));
    expect_page(f, STORE_PENDING, wreck->alice, 0, expected(1, groups));
    struct store_append again = message_of(wreck->alice, wreck->bob, wreck->device, GROUPS);
    assert_int_equal(execute(f, &again.op, STORE_APPEND), OK);
    assert_int_equal(again.duplicate, groups == GROUPS);
    assert_int_equal(again.id, groups == GROUPS ? 2 * GROUPS - 1 : 2 * groups + 1);
    store_stop(&f->store);
    assert_int_equal(access(path, F_OK), -1);
}

/* What the log itself finds in a file: the frames that are whole. */
static void expect_frames(struct wreck *wreck, const uint8_t *log, size_t len, int groups, bool received)
{
    struct redo redo;
    uint64_t generation;
    char path[100];
    name_file(wreck->copy, "-redo", path);
    write_file(path, log, len);
    memcpy(&generation, wreck->log + 8, sizeof generation);
    assert_int_equal(redo_init(&redo, wreck->copy->path, "faulty"), OK);
    assert_int_equal(redo_find(&redo, le64toh(generation)), OK);
    assert_int_equal(redo.end, received ? wreck->whole : wreck->ends[groups]);
    redo_close(&redo, true);
}

/* Some of them in a store, which takes longer. */
static bool is_tried(const struct wreck *wreck, size_t at)
{
    bool edge = at >= wreck->whole - 1;
    for (int i = 0; i <= GROUPS; i++)
        edge = edge || (at + 1 >= wreck->ends[i] && at <= wreck->ends[i] + 1);
    return edge || at % 41 == 0;
}

static void cut_at_every_byte(void **state)
{
    struct wreck wreck;
    uint8_t torn[ROOM];
    make_wreck(&wreck);
    for (size_t len = 0; len <= wreck.whole; len++) {
        int groups = groups_within(&wreck, len);
        bool whole = len == wreck.whole;
        expect_frames(&wreck, wreck.log, len, groups, whole);
        /* The same with the rest of the page full of something else. */
        memset(torn, 0xa5, sizeof torn);
        memcpy(torn, wreck.log, len);
        expect_frames(&wreck, torn, sizeof torn, groups, whole);
        if (is_tried(&wreck, len))
            expect_groups(&wreck, len % 2 ? torn : wreck.log, len % 2 ? sizeof torn : len, groups, whole);
    }
    free_wreck(&wreck);
}

static void damaged_at_every_bit(void **state)
{
    struct wreck wreck;
    make_wreck(&wreck);
    for (size_t bit = 0; bit < 8 * wreck.whole; bit++) {
        wreck.log[bit / 8] ^= (uint8_t)(1 << bit % 8);
        if (bit >= 128) /* else the generation would be another */
            expect_frames(&wreck, wreck.log, wreck.whole, groups_within(&wreck, bit / 8), false);
        if (bit % 8 == 3 && is_tried(&wreck, bit / 8))
            expect_groups(&wreck, wreck.log, wreck.whole, groups_within(&wreck, bit / 8), false);
        wreck.log[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    free_wreck(&wreck);
}

static void the_log_of_another_database_counts_for_nothing(void **state)
{
    struct wreck wreck;
    make_wreck(&wreck);
    copy_file(wreck.f, wreck.copy, "-redo");
    fixture_open(wreck.copy);
    assert_int_equal(make_account(wreck.copy, "zoe"), 1);
    store_stop(&wreck.copy->store);
    /* An older state of its own database: committed since, so what is in the log is in the other. */
    copy_file(wreck.f, wreck.copy, "");
    copy_file(wreck.f, wreck.copy, "-wal");
    make_account(wreck.f, "carol"); /* commits */
    send_text(wreck.f, wreck.alice, wreck.bob, "later");
    copy_file(wreck.f, wreck.copy, "-redo");
    fixture_open(wreck.copy);
    expect_page(wreck.copy, STORE_PENDING, wreck.bob, 0, "");
    free_wreck(&wreck);
}

static void a_log_that_is_removed_is_made_again(void **state)
{
    struct wreck wreck;
    char path[100];
    make_wreck(&wreck);
    name_file(wreck.f, "-redo", path);
    assert_int_equal(unlink(path), 0);
    send_text(wreck.f, wreck.alice, wreck.bob, "committed"); /* in the database, as there is no log */
    copy_file(wreck.f, wreck.copy, "");
    copy_file(wreck.f, wreck.copy, "-wal");
    fixture_open(wreck.copy);
    expect_page(wreck.copy, STORE_PENDING, wreck.bob, 0, "2 3 committed");
    send_text(wreck.f, wreck.alice, wreck.bob, "logged");
    assert_int_equal(access(path, F_OK), 0);
    free_wreck(&wreck);
}

static void crash(struct wreck *wreck)
{
    copy_file(wreck->f, wreck->copy, "");
    copy_file(wreck->f, wreck->copy, "-wal");
    copy_file(wreck->f, wreck->copy, "-redo");
    fixture_open(wreck->copy);
}

/* Its sync failed, but it has reached the file. */
static void a_failed_commit_is_found_after_all(void **state)
{
    struct wreck wreck;
    make_wreck(&wreck);
    struct store_account_create create = {.name = slice_str("carol"), .password = "x"};
    fault_arm(FAULT_SYNC, SQLITE_IOERR_FSYNC, 1, false);
    assert_int_equal(execute(wreck.f, &create.op, STORE_ACCOUNT_CREATE), ERR_NOT_STORED);
    assert_int_equal(atomic_load(&faulty.happened), 1);
    fault_disarm();
    send_text(wreck.f, wreck.alice, wreck.bob, "later");
    crash(&wreck);
    expect_page(wreck.copy, STORE_PENDING, wreck.bob, 0, "2 3 later");
    free_wreck(&wreck);
}

/* A disk that gives up what a failing sync should have written: the log from there on. */
static struct {
    const char *path;
    size_t from;
    int times;
} given_up;

static void ignore_written(const char *path, sqlite3_int64 at, sqlite3_int64 len)
{
}

static void give_up(const char *path, bool ok)
{
    static const uint8_t nothing[ROOM];
    if (ok || strcmp(path, given_up.path) != 0)
        return;
    int file = open(path, O_WRONLY | O_CLOEXEC);
    assert_true(file >= 0);
    assert_int_equal(pwrite(file, nothing, sizeof nothing, (off_t)given_up.from), sizeof nothing);
    close(file);
    given_up.times++;
}

static void ignore_removed(const char *path)
{
}

static void lose_log(struct wreck *wreck, size_t from)
{
    static const struct faulty_watch watch = {ignore_written, give_up, ignore_removed};
    static char path[100];
    name_file(wreck->f, "-redo", path);
    given_up.path = path;
    given_up.from = from;
    given_up.times = 0;
    faulty.watch = &watch;
    fault_arm(FAULT_SYNC, SQLITE_IOERR_FSYNC, 1, true);
    struct store_append append = message_of(wreck->alice, wreck->bob, 0, 0);
    assert_int_equal(execute(wreck->f, &append.op, STORE_APPEND), ERR_NOT_STORED);
    assert_int_equal(given_up.times, 1);
}

/* Only what was promised to nobody is lost, an acknowledgement; and the next message can be stored, without a restart. */
static void what_was_not_synced_may_be_given_up(void **state)
{
    struct wreck wreck;
    make_wreck(&wreck);
    struct store_append append = message_of(wreck.alice, wreck.bob, 0, 0);
    expect_page(wreck.f, STORE_PENDING, wreck.bob, 0, "2 3");
    lose_log(&wreck, wreck.ends[GROUPS]);
    expect_page(wreck.f, STORE_PENDING, wreck.bob, 0, "1 2 3");
    assert_int_equal(execute(wreck.f, &append.op, STORE_APPEND), ERR_NOT_STORED);
    fault_disarm();
    faulty.watch = NULL;
    send_text(wreck.f, wreck.alice, wreck.bob, "later");
    advance(wreck.f, wreck.bob, 1, 3);
    expect_page(wreck.f, STORE_PENDING, wreck.bob, 0, "3 later");
    crash(&wreck);
    expect_page(wreck.copy, STORE_PENDING, wreck.bob, 0, "3 later");
    free_wreck(&wreck);
}

/* What was promised is not passed over: nothing is answered from what is left. */
static void what_was_synced_is_not_given_up(void **state)
{
    struct wreck wreck;
    make_wreck(&wreck);
    lose_log(&wreck, wreck.ends[GROUPS - 1]);
    fault_disarm();
    faulty.watch = NULL;
    struct store_append append = message_of(wreck.alice, wreck.bob, 0, 0);
    struct store_page page = page_of(wreck.bob, 0, 100);
    assert_int_equal(execute(wreck.f, &append.op, STORE_APPEND), ERR_NOT_STORED);
    assert_int_equal(execute(wreck.f, &page.op, STORE_PENDING), ERR_NOT_STORED);
    arena_free(&page.arena);
    free_wreck(&wreck);
}

static void numbers_are_known_after_a_commit_and_a_crash(void **state)
{
    struct wreck wreck;
    make_wreck(&wreck);
    make_account(wreck.f, "carol"); /* commits */
    crash(&wreck);
    struct store_device_find find = {.time = 5};
    memset(find.token, 1, sizeof find.token);
    assert_int_equal(execute(wreck.copy, &find.op, STORE_DEVICE_FIND), OK);
    assert_int_equal(find.last_number, GROUPS);
    free_wreck(&wreck);
}

static enum err note_end(void *ctx, uint64_t account, struct slice name, bool disabled, int64_t last_online)
{
    ((int64_t *)ctx)[account] = last_online;
    return OK;
}

static enum err no_block(void *ctx, uint64_t account, uint64_t other)
{
    return OK;
}

static enum err no_failure(void *ctx, struct slice name, unsigned count, int64_t blocked_until)
{
    return OK;
}

/* One that ended, and one that was open: the last sign of life came before it began. */
static void logins_are_in_the_log(void **state)
{
    struct wreck wreck;
    int64_t ends[8] = {0};
    make_wreck(&wreck);
    struct store_login_open one = {.account = wreck.alice, .time = 1000}, other = {.account = wreck.bob, .time = 2000};
    assert_int_equal(execute(wreck.f, &one.op, STORE_LOGIN_OPEN), OK);
    assert_int_equal(execute(wreck.f, &other.op, STORE_LOGIN_OPEN), OK);
    struct store_login_close close = {.login = one.login, .time = 3000};
    assert_int_equal(execute(wreck.f, &close.op, STORE_LOGIN_CLOSE), OK);
    crash(&wreck);
    const struct store_reader reader = {ends, note_end, no_block, no_failure};
    assert_int_equal(store_load(wreck.copy->store, &reader), OK);
    assert_int_equal(ends[wreck.alice], 3000);
    assert_int_equal(ends[wreck.bob], 2000);
    one = (struct store_login_open){.account = wreck.alice, .time = 4000};
    assert_int_equal(execute(wreck.copy, &one.op, STORE_LOGIN_OPEN), OK);
    assert_true(one.login > other.login);
    free_wreck(&wreck);
}

/* Some 40 MiB of messages: it is committed whenever the log is half full, and a group that does not fit is committed too. */
static void the_log_keeps_its_size(void **state)
{
    struct wreck wreck;
    struct stat info;
    char path[100];
    enum { GROUP = 600, BODY = 16384 };
    static uint8_t body[BODY];
    make_wreck(&wreck);
    name_file(wreck.f, "-redo", path);
    struct store_append *appends = calloc(GROUP, sizeof *appends);
    assert_non_null(appends);
    for (int group = 1; group <= GROUP; group += group < 20 ? 3 : 120) {
        for (int i = 0; i < group; i++) {
            appends[i] = message_of(wreck.alice, wreck.bob, 0, 0);
            appends[i].body = slice_of(body, sizeof body);
            begin(wreck.f, &appends[i].op, STORE_APPEND);
        }
        for (int i = 0; i < group; i++)
            assert_int_equal(finish(wreck.f, &appends[i].op), OK);
        assert_int_equal(stat(path, &info), 0);
        assert_in_range(info.st_size, 1 << 20, 8 << 20);
    }
    free(appends);
    free_wreck(&wreck);
}

int main(void)
{
    faulty_register();
    log_setup(open("/dev/null", O_WRONLY | O_CLOEXEC), LOG_TEXT, LOG_ERROR);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cut_at_every_byte),
        cmocka_unit_test(damaged_at_every_bit),
        cmocka_unit_test(the_log_of_another_database_counts_for_nothing),
        cmocka_unit_test(a_log_that_is_removed_is_made_again),
        cmocka_unit_test(a_failed_commit_is_found_after_all),
        cmocka_unit_test(what_was_not_synced_may_be_given_up),
        cmocka_unit_test(what_was_synced_is_not_given_up),
        cmocka_unit_test(numbers_are_known_after_a_commit_and_a_crash),
        cmocka_unit_test(logins_are_in_the_log),
        cmocka_unit_test(the_log_keeps_its_size),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
