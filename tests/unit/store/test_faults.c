/* A disk that is full or fails: nothing acknowledged is lost, nothing is stored twice, reading goes on, writing recovers. */
#include "harness.h"

#include "base/log.h"
#include "faulty.h"

#include <fcntl.h>

enum { GROUPS = 14, GROUP = 5, MESSAGES = GROUPS * GROUP };

struct scene {
    struct fixture *f;
    uint64_t alice, bob, device;
    struct store_append appends[MESSAGES];
    char texts[MESSAGES][16];
    bool stored[MESSAGES];
};

static void prepare(struct scene *scene, struct fixture *f)
{
    *scene = (struct scene){.f = f};
    scene->alice = make_account(f, "alice");
    scene->bob = make_account(f, "bob");
    scene->device = make_device(f, scene->alice, 1);
    for (int i = 0; i < MESSAGES; i++)
        snprintf(scene->texts[i], sizeof scene->texts[i], "%d", i);
}

static void submit_message(struct scene *scene, int i)
{
    scene->appends[i] = message_of(scene->alice, scene->bob, scene->device, (uint64_t)i + 1);
    scene->appends[i].body = slice_str(scene->texts[i]);
    scene->appends[i].quota = 1000;
    begin(scene->f, &scene->appends[i].op, STORE_APPEND);
}

/* Every group: some messages with a read among them. What is answered is OK or ERR_NOT_STORED, all of a group alike. */
static int send_all(struct scene *scene, bool reads_work)
{
    int failed = 0;
    for (int group = 0; group < GROUPS; group++) {
        struct store_page page = page_of(scene->bob, 0, 1000);
        struct store_device_find find = {.time = 100 + group};
        memset(find.token, 1, sizeof find.token);
        for (int i = group * GROUP; i < (group + 1) * GROUP; i++)
            submit_message(scene, i);
        begin(scene->f, &page.op, STORE_PENDING);
        begin(scene->f, &find.op, STORE_DEVICE_FIND);
        finish(scene->f, &find.op);
        enum err err = scene->appends[group * GROUP].op.err;
        assert_true(err == OK || err == ERR_NOT_STORED);
        for (int i = group * GROUP; i < (group + 1) * GROUP; i++) {
            assert_int_equal(scene->appends[i].op.err, err);
            scene->stored[i] = err == OK;
            failed += err != OK;
        }
        if (reads_work) {
            assert_int_equal(find.op.err, OK);
            assert_int_equal(page.op.err, OK);
            size_t stored = 0;
            for (int i = 0; i < (group + 1) * GROUP; i++)
                stored += scene->stored[i];
            assert_int_equal(page.count, stored); /* a read never shows what was not committed */
        }
        arena_free(&page.arena);
    }
    return failed;
}

/* The mailbox holds what was acknowledged, once, in order of id. */
static void check(struct scene *scene)
{
    struct store_page page = page_of(scene->bob, 0, 1000);
    assert_int_equal(execute(scene->f, &page.op, STORE_PENDING), OK);
    bool seen[MESSAGES] = {false};
    for (size_t i = 0; i < page.count; i++) {
        char text[16] = {0};
        memcpy(text, page.rows[i].body.data, page.rows[i].body.len);
        int number = atoi(text);
        assert_false(seen[number]);
        assert_true(scene->stored[number]);
        assert_int_equal(page.rows[i].id, scene->appends[number].id);
        assert_true(i == 0 || page.rows[i].id > page.rows[i - 1].id);
        seen[number] = true;
    }
    for (int i = 0; i < MESSAGES; i++)
        assert_int_equal(seen[i], scene->stored[i]);
    arena_free(&page.arena);
}

/* What the sender was told is not stored is sent again; all of it must be taken at once. */
static void resend_all(struct scene *scene)
{
    for (int i = 0; i < MESSAGES; i++) {
        bool before = scene->stored[i];
        uint64_t id = scene->appends[i].id;
        submit_message(scene, i);
        assert_int_equal(finish(scene->f, &scene->appends[i].op), OK);
        assert_int_equal(scene->appends[i].duplicate, before);
        if (before)
            assert_int_equal(scene->appends[i].id, id);
        scene->stored[i] = true;
    }
}

static int run_with_fault(enum fault_kind kind, int code, int nth, bool lasting)
{
    struct fixture *f = fixture_new();
    f->vfs = "faulty";
    fixture_open(f);
    struct scene scene;
    prepare(&scene, f);
    fault_arm(kind, code, nth, lasting);
    int failed = send_all(&scene, true);
    int happened = atomic_load(&faulty.happened);
    assert_true(failed == 0 || happened > 0);
    assert_true(failed > 0 || happened == 0 || !lasting); /* one fault alone: the redo log or the database, whichever it was */
    fault_disarm();
    check(&scene);
    resend_all(&scene);
    check(&scene);
    fault_arm(kind, code, 1, true); /* it cannot even tidy up at the end */
    store_stop(&f->store);
    fault_disarm();
    fixture_open(f);
    check(&scene);
    resend_all(&scene);
    fixture_free(f);
    return happened;
}

static void run_range(enum fault_kind kind, int code, bool lasting)
{
    int nth = 1;
    for (; run_with_fault(kind, code, nth, lasting) > 0; nth++)
        assert_true(nth < 2000);
    assert_true(nth > 10); /* there was something to fail */
}

static void a_full_disk_for_a_moment(void **state)
{
    run_range(FAULT_WRITE, SQLITE_FULL, false);
}

static void a_disk_that_stays_full(void **state)
{
    run_range(FAULT_WRITE, SQLITE_FULL, true);
}

static void a_write_that_fails(void **state)
{
    run_range(FAULT_WRITE, SQLITE_IOERR_WRITE, false);
}

static void a_sync_that_fails(void **state)
{
    run_range(FAULT_SYNC, SQLITE_IOERR_FSYNC, false);
}

static void a_disk_whose_syncs_fail(void **state)
{
    run_range(FAULT_SYNC, SQLITE_IOERR_FSYNC, true);
}

/* What is in memory is given up between the groups, so that there is something to read. */
static void a_read_that_fails(void **state)
{
    int nth = 1;
    for (int happened = 1; happened > 0; nth++) {
        struct fixture *f = fixture_new();
        f->vfs = "faulty";
        fixture_open(f);
        struct scene scene;
        prepare(&scene, f);
        send_all(&scene, true);
        fixture_reopen(f);
        struct store_page page = page_of(scene.bob, 0, 1000);
        fault_arm(FAULT_READ, SQLITE_IOERR_READ, nth, false);
        enum err err = execute(f, &page.op, STORE_PENDING);
        struct store_append append = message_of(scene.bob, scene.alice, 0, 0);
        enum err other = execute(f, &append.op, STORE_APPEND);
        happened = atomic_load(&faulty.happened);
        fault_disarm();
        assert_true(err == OK || (err == ERR_NOT_STORED && happened > 0));
        assert_true(other == OK || (other == ERR_NOT_STORED && happened > 0));
        assert_true(err != OK || page.count == MESSAGES);
        arena_free(&page.arena);
        check(&scene);
        assert_int_equal(execute(f, &append.op, STORE_APPEND), OK);
        fixture_free(f);
    }
    assert_true(nth > 3); /* there was something to read */
}

static void opening_on_a_failing_disk_says_so(void **state)
{
    for (int nth = 1, happened = 1; happened > 0; nth++) {
        struct fixture *f = fixture_new();
        f->vfs = "faulty";
        const char *why = "";
        fault_arm(FAULT_WRITE, SQLITE_FULL, nth, true);
        enum err err = fixture_try_open(f, &why);
        happened = atomic_load(&faulty.happened);
        if (happened == 0)
            assert_int_equal(err, OK);
        else if (err != OK) {
            assert_int_equal(err, ERR_SYSTEM);
            assert_non_null(strstr(why, f->path));
        }
        fault_disarm();
        store_stop(&f->store);
        fixture_open(f);
        make_account(f, "alice");
        fixture_free(f);
    }
}

static void other_verbs_fail_cleanly_too(void **state)
{
    struct fixture *f = fixture_new();
    f->vfs = "faulty";
    fixture_open(f);
    uint64_t alice = make_account(f, "alice"), bob = make_account(f, "bob");
    fault_arm(FAULT_WRITE, SQLITE_FULL, 1, true);
    struct store_account_create create = {.name = slice_str("carol"), .password = "x"};
    assert_int_equal(execute(f, &create.op, STORE_ACCOUNT_CREATE), ERR_NOT_STORED);
    struct store_block block = {.account = alice, .other = bob, .on = true};
    assert_int_equal(execute(f, &block.op, STORE_BLOCK), ERR_NOT_STORED);
    struct store_tidy tidy = {.limit = 10};
    execute(f, &tidy.op, STORE_TIDY);
    struct store_account_find find = {.name = slice_str("alice")};
    assert_int_equal(execute(f, &find.op, STORE_ACCOUNT_FIND), OK);
    find.name = slice_str("carol");
    assert_int_equal(execute(f, &find.op, STORE_ACCOUNT_FIND), ERR_UNKNOWN_USER);
    fault_disarm();
    assert_int_equal(execute(f, &create.op, STORE_ACCOUNT_CREATE), OK);
    assert_int_equal(execute(f, &block.op, STORE_BLOCK), OK);
    fixture_free(f);
}

/* Overwrites the page of the index of account names that holds this one. */
static void damage_name_page(const char *path, const char *name)
{
    int file = open(path, O_RDWR | O_CLOEXEC);
    assert_true(file >= 0);
    char page[4096], noise[4096];
    memset(noise, 0x5a, sizeof noise);
    int damaged = 0;
    for (off_t at = 0; pread(file, page, sizeof page, at) == sizeof page; at += (off_t)sizeof page) {
        if (page[0] != 0x0a || memmem(page, sizeof page, name, strlen(name)) == NULL)
            continue;
        assert_int_equal(pwrite(file, noise, sizeof noise, at), sizeof noise);
        damaged++;
    }
    assert_int_equal(damaged, 1);
    close(file);
}

static void a_damaged_page_fails_only_those_who_need_it(void **state)
{
    struct fixture *f = fixture_new();
    fixture_open(f);
    uint64_t alice = make_account(f, "alice"), bob = make_account(f, "bob");
    for (int i = 100; i < 500; i++) {
        char name[64];
        snprintf(name, sizeof name, "user%d-with-a-long-name-to-fill-pages", i);
        make_account(f, name);
    }
    store_stop(&f->store);
    damage_name_page(f->path, "user300");
    fixture_open(f);
    struct store_account_create create = {.name = slice_str("user300-x"), .password = "x"};
    struct store_account_find find = {.name = slice_str("user300")};
    struct store_append before = message_of(alice, bob, 0, 0), after = message_of(bob, alice, 0, 0);
    begin(f, &before.op, STORE_APPEND);
    begin(f, &create.op, STORE_ACCOUNT_CREATE);
    begin(f, &find.op, STORE_ACCOUNT_FIND);
    begin(f, &after.op, STORE_APPEND);
    finish(f, &after.op);
    assert_int_equal(create.op.err, ERR_NOT_STORED);
    assert_int_equal(find.op.err, ERR_NOT_STORED);
    assert_int_equal(before.op.err, OK);
    assert_int_equal(after.op.err, OK);
    assert_int_equal(after.previous, before.id);
    expect_page(f, STORE_PENDING, bob, 0, "hello");
    fixture_free(f);
}

/* Somebody else writes a message with the next id. Ours is refused while another operation, which needs nothing of it, reads. */
static void a_message_that_cannot_be_inserted_is_not_stored(void **state)
{
    struct fixture *f = fixture_new();
    fixture_open(f);
    struct scene scene;
    prepare(&scene, f);
    struct store_alive alive = {.time = 1};
    submit_message(&scene, 0);
    assert_int_equal(finish(f, &scene.appends[0].op), OK);
    assert_int_equal(execute(f, &alive.op, STORE_ALIVE), OK); /* committed: others may write */
    sqlite3 *other = NULL;
    assert_int_equal(sqlite3_open(f->path, &other), SQLITE_OK);
    assert_int_equal(sqlite3_exec(other, "INSERT INTO message VALUES(2, 7, 1, 1, 99, 0, x'')", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(other);
    struct store_page page = page_of(scene.bob, 0, 1000);
    submit_message(&scene, 1);
    begin(f, &page.op, STORE_PENDING);
    submit_message(&scene, 2);
    finish(f, &scene.appends[2].op);
    assert_int_equal(scene.appends[1].op.err, ERR_NOT_STORED);
    assert_int_equal(scene.appends[2].op.err, ERR_NOT_STORED);
    arena_free(&page.arena);
    submit_message(&scene, 1);
    assert_int_equal(finish(f, &scene.appends[1].op), OK);
    assert_int_equal(scene.appends[1].id, 3);
    store_stop(&f->store);
    fixture_open(f);
    expect_page(f, STORE_PENDING, scene.bob, 0, "0 1");
    fixture_free(f);
}

int main(void)
{
    faulty_register();
    log_setup(open("/dev/null", O_WRONLY | O_CLOEXEC), LOG_TEXT, LOG_ERROR);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_full_disk_for_a_moment),
        cmocka_unit_test(a_disk_that_stays_full),
        cmocka_unit_test(a_write_that_fails),
        cmocka_unit_test(a_sync_that_fails),
        cmocka_unit_test(a_disk_whose_syncs_fail),
        cmocka_unit_test(a_read_that_fails),
        cmocka_unit_test(opening_on_a_failing_disk_says_so),
        cmocka_unit_test(other_verbs_fail_cleanly_too),
        cmocka_unit_test(a_damaged_page_fails_only_those_who_need_it),
        cmocka_unit_test(a_message_that_cannot_be_inserted_is_not_stored),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
