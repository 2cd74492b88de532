/*
 * The power is cut again and again, on a disk that keeps of what was not synced whatever chance says, and whose syncs may fail:
 * what was acknowledged is there, once and in order, and what was refused is not there once something later was acknowledged.
 *
 * EARSHOT_TORTURE_SEED begins with another seed.
 */
#include "power.h"

#include "base/log.h"

enum { MOST_GROUPS = 100, MOST = 10, MESSAGES = MOST_GROUPS * MOST, LARGE = 60000, LOGINS = 100 };

struct plan {
    unsigned lives, groups, cut_every;
    unsigned large; /* one in so many messages */
    bool failing;   /* syncs do */
};

enum fate { UNSENT, ACKNOWLEDGED, REFUSED };

struct life {
    struct fixture *f, *other;
    uint64_t alice, bob, device;
    const struct plan *plan;
    int count;
    enum fate fates[MESSAGES];
    uint64_t ids[MESSAGES];
    struct store_append appends[MOST];
    char texts[MOST][LARGE];
};

static void submit(struct life *life, struct store_append *append, char *text, int number)
{
    *append = message_of(life->alice, life->bob, life->device, (uint64_t)number + 1);
    size_t len = power_random(life->plan->large) > 0 ? 8 + power_random(200) : LARGE / 2 + power_random(LARGE / 2);
    memset(text, 'x', len);
    snprintf(text, 8, "%07d", number);
    append->body = slice_of((const uint8_t *)text, len);
    begin(life->f, &append->op, STORE_APPEND);
}

/* A group that is logged and not synced, for nobody is told of it: the next one's sync has to hold for it, too. */
static void log_in(struct life *life)
{
    static struct store_login_open logins[LOGINS];
    unsigned count = power_random(LOGINS);
    for (unsigned i = 0; i < count; i++) {
        logins[i] = (struct store_login_open){.account = life->alice, .time = life->count};
        begin(life->f, &logins[i].op, STORE_LOGIN_OPEN);
    }
    for (unsigned i = 0; i < count; i++)
        finish(life->f, &logins[i].op);
}

/* Some messages, as one group, and sometimes something that the redo log does not hold, or a housekeeping step. */
static void run_group(struct life *life)
{
    int first = life->count, count = 1 + (int)power_random(MOST);
    struct store_alive alive = {.time = 1 + first};
    if (power_random(2) == 0)
        log_in(life);
    for (int i = 0; i < count; i++)
        submit(life, &life->appends[i], life->texts[i], first + i);
    if (power_random(4) == 0) {
        begin(life->f, &alive.op, STORE_ALIVE);
        finish(life->f, &alive.op);
    }
    for (int i = 0; i < count; i++) {
        enum err err = finish(life->f, &life->appends[i].op);
        assert_true(err == OK || err == ERR_NOT_STORED);
        life->fates[first + i] = err == OK ? ACKNOWLEDGED : REFUSED;
        life->ids[first + i] = life->appends[i].id;
    }
    life->count += count;
}

/* The numbers in bob's mailbox, in order. */
static void read_mailbox(struct life *life, struct fixture *f, bool present[MESSAGES])
{
    uint64_t after = 0;
    int last = -1;
    bool more = true;
    memset(present, 0, MESSAGES * sizeof present[0]);
    while (more) {
        struct store_page page = page_of(life->bob, after, 100);
        assert_int_equal(execute(f, &page.op, STORE_PENDING), OK);
        for (size_t i = 0; i < page.count; i++) {
            int number = atoi((const char *)page.rows[i].body.data);
            assert_true(number > last && number < life->count); /* in order, so also once */
            assert_true(life->fates[number] != ACKNOWLEDGED || life->ids[number] == page.rows[i].id);
            present[number] = true;
            last = number;
            after = page.rows[i].id;
        }
        more = page.more;
        arena_free(&page.arena);
    }
}

static void check(struct life *life, struct fixture *f)
{
    static bool present[MESSAGES];
    bool later = false;
    read_mailbox(life, f, present);
    for (int i = life->count - 1; i >= 0; i--) {
        if (life->fates[i] == ACKNOWLEDGED && !present[i])
            fail_msg("message %d of %d was acknowledged and is lost", i, life->count);
        if (life->fates[i] == REFUSED && present[i] && later)
            fail_msg("message %d of %d was refused and is there", i, life->count);
        later = later || life->fates[i] == ACKNOWLEDGED;
    }
    /* The latest is sent again, by a client that does not know what became of it. */
    struct store_append again = message_of(life->alice, life->bob, life->device, (uint64_t)life->count);
    assert_int_equal(execute(f, &again.op, STORE_APPEND), OK);
    assert_int_equal(again.duplicate, present[life->count - 1]);
}

static void cut(struct life *life)
{
    struct fixture *other = life->other;
    power_cut(life->f, other);
    const char *why = "";
    const struct faulty_watch *watch = faulty.watch;
    faulty.watch = NULL; /* the other machine's disk is a good one */
    fault_disarm();
    if (fixture_try_open(other, &why) != OK)
        fail_msg("cannot open what is left: %s", why);
    check(life, other);
    store_stop(&other->store);
    faulty.watch = watch;
}

/* Its last image shows whether SQLite's log was copied back: only then is anything of the database itself synced. */
static size_t live(unsigned seed, const struct plan *plan)
{
    static struct life life;
    life = (struct life){.f = fixture_new(), .other = fixture_new(), .plan = plan};
    life.f->vfs = life.other->vfs = "faulty";
    power_on(seed);
    fixture_open(life.f);
    life.alice = make_account(life.f, "alice");
    life.bob = make_account(life.f, "bob");
    life.device = make_device(life.f, life.alice, 1);
    for (unsigned group = 1; group <= plan->groups; group++) {
        if (plan->failing && power_random(5) == 0)
            fault_arm(FAULT_SYNC, SQLITE_IOERR_FSYNC, 1 + (int)power_random(3), power_random(2) == 0);
        run_group(&life);
        if (group % plan->cut_every == 0)
            cut(&life);
        if (power_random(2) == 0)
            fault_disarm();
    }
    fault_disarm();
    size_t copied_back = power_find(life.f->path)->length;
    fixture_free(life.f);
    fixture_free(life.other);
    faulty.watch = NULL;
    return copied_back;
}

static void live_all(unsigned first, const struct plan *plan, size_t least_copied)
{
    const char *given = getenv("EARSHOT_TORTURE_SEED");
    for (unsigned i = 0; i < plan->lives; i++)
        assert_true(live((given != NULL ? (unsigned)atoi(given) : 0) + first + i, plan) >= least_copied);
}

static void nothing_acknowledged_is_lost(void **state)
{
    live_all(1, &(struct plan){.lives = 4, .groups = 60, .cut_every = 4, .large = 4}, 0);
}

static void nor_where_syncs_fail(void **state)
{
    live_all(1001, &(struct plan){.lives = 6, .groups = 60, .cut_every = 4, .large = 4, .failing = true}, 0);
}

/* Large texts, so that SQLite's log becomes long enough to be copied back, and begins anew. */
static void nor_across_checkpoints(void **state)
{
    live_all(2001, &(struct plan){.lives = 1, .groups = 100, .cut_every = 6, .large = 1}, 8 << 20);
    live_all(2002, &(struct plan){.lives = 1, .groups = 100, .cut_every = 6, .large = 1, .failing = true}, 8 << 20);
}

int main(void)
{
    faulty_register();
    log_setup(open("/dev/null", O_WRONLY | O_CLOEXEC), LOG_TEXT, LOG_ERROR);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_acknowledged_is_lost),
        cmocka_unit_test(nor_where_syncs_fail),
        cmocka_unit_test(nor_across_checkpoints),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
