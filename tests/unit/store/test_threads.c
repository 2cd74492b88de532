/* The store thread: order, several submitters, the cap of the queue, stopping, and a log that does not grow for ever. */
#include "harness.h"

#include <sys/stat.h>

static int set_up_threads(void **state)
{
    struct fixture *f = fixture_new();
    f->threads = true;
    fixture_open(f);
    *state = f;
    return 0;
}

enum { SUBMITTERS = 4, EACH = 500 };

struct submitter {
    struct fixture *f;
    pthread_t thread;
    uint64_t sender, receiver;
    struct store_append appends[EACH];
    struct home home;
};

static void *submit_many(void *argument)
{
    struct submitter *submitter = argument;
    for (int i = 0; i < EACH; i++) {
        struct store_append *append = &submitter->appends[i];
        *append = message_of(submitter->sender, submitter->receiver, 0, 0);
        append->op = (struct store_op){.verb = STORE_APPEND, .done = op_done, .home = &submitter->home.strand};
        store_submit(submitter->f->store, &append->op);
    }
    /* Answers come in the order submitted. */
    for (int i = 0; i < EACH; i++) {
        home_run(&submitter->home, true);
        if (submitter->appends[i].op.home != NULL)
            return submitter; /* out of order */
    }
    return NULL;
}

static void several_threads_submit_and_keep_their_order(void **state)
{
    struct fixture *f = *state;
    struct submitter *submitters = calloc(SUBMITTERS, sizeof *submitters);
    uint64_t receiver = make_account(f, "receiver");
    for (int i = 0; i < SUBMITTERS; i++) {
        struct submitter *submitter = &submitters[i];
        submitter->f = f;
        submitter->sender = make_account(f, (char[]){'s', (char)('0' + i), '\0'});
        submitter->receiver = receiver;
        submitter->home.strand.post = home_post;
        submitter->home.end = &submitter->home.first;
        pthread_mutex_init(&submitter->home.mutex, NULL);
        pthread_cond_init(&submitter->home.posted, NULL);
    }
    for (int i = 0; i < SUBMITTERS; i++)
        assert_int_equal(pthread_create(&submitters[i].thread, NULL, submit_many, &submitters[i]), 0);
    for (int i = 0; i < SUBMITTERS; i++) {
        void *result;
        pthread_join(submitters[i].thread, &result);
        assert_null(result);
        for (int j = 0; j < EACH; j++) {
            assert_int_equal(submitters[i].appends[j].op.err, OK);
            assert_true(j == 0 || submitters[i].appends[j].id > submitters[i].appends[j - 1].id);
            assert_true(j == 0 || submitters[i].appends[j].previous == submitters[i].appends[j - 1].id);
        }
    }
    free(submitters);
}

static void a_full_queue_is_answered_through_home(void **state)
{
    struct fixture *f = *state;
    f->queue_bytes = 3 * (sizeof(struct store_append) + 100);
    fixture_open(f);
    static const uint8_t body[100];
    struct store_append appends[4];
    for (int i = 0; i < 4; i++) {
        appends[i] = message_of(1, 2, 0, 0);
        appends[i].body = slice_of(body, sizeof body);
        begin(f, &appends[i].op, STORE_APPEND);
    }
    assert_true(home_run(&f->home, false));
    assert_null(appends[3].op.home);
    assert_int_equal(appends[3].op.err, ERR_CAP);
    assert_int_equal(finish(f, &appends[2].op), ERR_UNKNOWN_USER);
    assert_int_equal(execute(f, &appends[3].op, STORE_APPEND), ERR_UNKNOWN_USER); /* there is room again */
}

static void stopping_executes_what_is_queued(void **state)
{
    struct fixture *f = *state;
    uint64_t alice = make_account(f, "alice"), bob = make_account(f, "bob");
    enum { MANY = 3000 };
    struct store_append *appends = calloc(MANY, sizeof *appends);
    for (int i = 0; i < MANY; i++) {
        appends[i] = message_of(alice, bob, 0, 0);
        begin(f, &appends[i].op, STORE_APPEND);
    }
    store_stop(&f->store);
    assert_null(f->store);
    while (home_run(&f->home, false))
        ;
    for (int i = 0; i < MANY; i++) {
        assert_null(appends[i].op.home);
        assert_int_equal(appends[i].op.err, OK);
    }
    free(appends);
    store_stop(&f->store);
}

/* Some 200 MiB go through the log. */
static void the_log_stays_small_under_load(void **state)
{
    struct fixture *f = *state;
    enum { USERS = 256, COUNT = 20000, FLIGHT = 256 };
    uint64_t users[USERS];
    for (int i = 0; i < USERS; i++) {
        char name[16];
        snprintf(name, sizeof name, "u%d", i);
        users[i] = make_account(f, name);
    }
    static uint8_t body[4000];
    struct store_append *appends = calloc(FLIGHT, sizeof *appends);
    char log[100];
    snprintf(log, sizeof log, "%s-wal", f->path);
    off_t most = 0;
    for (int i = 0; i < COUNT + FLIGHT; i++) {
        struct store_append *append = &appends[i % FLIGHT];
        if (i >= FLIGHT)
            assert_int_equal(finish(f, &append->op), OK);
        if (i >= COUNT)
            continue;
        int from = i * 7 % USERS, to = (from + 1 + i % 31) % USERS;
        *append = message_of(users[from], users[to], 0, 0);
        append->body = slice_of(body, sizeof body);
        begin(f, &append->op, STORE_APPEND);
        struct stat info;
        if (i % FLIGHT == 0 && stat(log, &info) == 0 && info.st_size > most)
            most = info.st_size;
    }
    free(appends);
    assert_true(most > 0);
    assert_true(most < 64 << 20);
    struct stat info;
    assert_int_equal(stat(f->path, &info), 0);
    assert_true(info.st_size > 32 << 20); /* most of it has reached the database itself */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(several_threads_submit_and_keep_their_order, set_up_threads, tear_down),
        cmocka_unit_test_setup_teardown(a_full_queue_is_answered_through_home, set_up_closed, tear_down),
        cmocka_unit_test_setup_teardown(stopping_executes_what_is_queued, set_up_threads, tear_down),
        cmocka_unit_test_setup_teardown(the_log_stays_small_under_load, set_up_threads, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
