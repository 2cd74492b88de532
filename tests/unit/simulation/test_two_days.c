/*
 * test_two_days.c - a hundred devices and two days: people come and go, write, broadcast, block, lose their network, fall asleep;
 * the disk fills up at times and the server crashes. At the end everything that was promised has been kept (ledger.h says what).
 * The same seed gives the same run; EARSHOT_SIMULATION_LOG=1 prints it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/log.h"
#include "people.h"
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>

enum { SECOND = 1000, MINUTE = 60 * SECOND, HOUR = 60 * MINUTE, CIRCLE = 6 };

struct play {
    struct stage *stage;
    struct people *people;
};

static unsigned throw(struct play * play, unsigned sides)
{
    return (unsigned)stage_dice(play->stage, sides);
}

static const char *password_of(struct play *play, unsigned device)
{
    const struct device *at = &play->people->devices[device];
    return at->has_token && throw(play, 4) > 0 ? NULL : "correct horse";
}

/* Somebody of the small circle that a person talks to. */
static unsigned friend_of(struct play *play, unsigned device)
{
    return (device_owner(device) + 1 + throw(play, CIRCLE)) % PEOPLE;
}

static void write_some(struct play *play, unsigned device)
{
    unsigned to = throw(play, 2) ? friend_of(play, device) : (device_owner(device) + PEOPLE - 1 - throw(play, CIRCLE)) % PEOPLE;
    for (unsigned i = 0; i <= throw(play, 3); i++)
        people_message(play->people, device, to);
}

/* Only from one device: two at once would leave open which came last. */
static void block_somebody(struct play *play, unsigned device)
{
    if (device < PEOPLE)
        people_block(play->people, device, friend_of(play, device), throw(play, 2));
}

static void lose_network(struct play *play, unsigned device)
{
    struct wire *wire = play->people->devices[device].wire;
    if (wire == NULL || !wire->opened || wire->silent_since >= 0)
        return;
    if (throw(play, 3) == 0)
        wire_silence(wire);
    else
        wire_cut(wire);
}

/*
 * Somebody blocks a friend who is just writing. The disk is slow, so that the letter is let in before the block and stored after
 * it: such a letter is withheld until the block ends.
 */
static void quarrel(struct play *play, unsigned device)
{
    unsigned friend = friend_of(play, device);
    if (device >= PEOPLE || !people_online(play->people, friend))
        return;
    play->stage->shut = true;
    people_block(play->people, device, friend, true);
    stage_pass(play->stage, throw(play, 200));
    for (unsigned i = 0; i < 3 && people_online(play->people, friend); i++)
        people_message(play->people, friend, device);
    stage_pass(play->stage, throw(play, 300));
    play->stage->shut = false;
    stage_pass(play->stage, throw(play, 300));
    if (throw(play, 2))
        lose_network(play, device);
    stage_pass(play->stage, throw(play, 2) * MINUTE);
    if (people_online(play->people, device))
        people_block(play->people, device, friend, false);
}

static void act(struct play *play, unsigned device)
{
    struct people *people = play->people;
    unsigned what = throw(play, 100);
    if (people_idle(people, device)) {
        people_start(people, device, password_of(play, device));
    } else if (!people_online(people, device)) {
        return;
    } else if (what < 55) {
        write_some(play, device);
        if (what < 5) /* and at once it happens */
            lose_network(play, device);
    } else if (what < 59) {
        people_broadcast(people, device);
    } else if (what < 62) {
        people_who(people, device);
    } else if (what < 64) {
        people_who_since(people, device, throw(play, 7200));
    } else if (what < 70) {
        quarrel(play, device);
    } else if (what < 80) {
        block_somebody(play, device);
    } else if (what < 85) {
        people_logout(people, device);
    } else if (what < 95) {
        lose_network(play, device);
    }
}

static void sample(struct play *play)
{
    stage_pass(play->stage, 2 * SECOND);
    for (unsigned tries = 0; tries < 20; tries++) {
        unsigned device = throw(play, DEVICES);
        if (people_online(play->people, device) && play->people->devices[device].wire->silent_since < 0 &&
            people_sample(play->people, device))
            return;
    }
}

static void misfortune(struct play *play)
{
    struct stage *stage = play->stage;
    unsigned what = throw(play, 4);
    if (what == 0) {
        network_crash(&play->people->network);
    } else if (what == 1) {
        stage->failing = (1u << STORE_VERB_COUNT) - 1;
        stage->failure = ERR_NOT_STORED;
    } else if (what == 2) {
        network_shutdown(&play->people->network);
        stage_pass(stage, 10 * SECOND);
        network_restart(&play->people->network);
    } else {
        stage->shut = true; /* a disk that hangs */
    }
}

static void fortune(struct play *play)
{
    if (play->stage->failing != 0)
        play->people->trouble = play->stage->now;
    play->stage->failing = 0;
    play->stage->shut = false;
}

static bool all_online(struct play *play)
{
    for (unsigned device = 0; device < DEVICES; device++)
        if (!people_online(play->people, device))
            return false;
    return true;
}

/* Everybody comes back, nobody blocks anybody, and what is still on the way arrives. */
static void reunion(struct play *play)
{
    struct people *people = play->people;
    fortune(play);
    stage_pass(play->stage, people->network.settings.silence_ms + MINUTE);
    for (unsigned rounds = 0; rounds < 5 && !all_online(play); rounds++) {
        for (unsigned device = 0; device < DEVICES; device++)
            if (people_idle(people, device))
                people_start(people, device, "correct horse");
            else if (people_online(people, device))
                people_who(people, device); /* or it is logged out for inactivity */
        stage_pass(play->stage, 2 * MINUTE);
    }
    assert_true(all_online(play));
    for (unsigned who = 0; who < PEOPLE; who++)
        for (unsigned whom = 0; whom < PEOPLE; whom++)
            if (people->ledger.blocks[who][whom].state != NOT_BLOCKED)
                people_block(people, who, whom, false);
    stage_pass(play->stage, MINUTE);
    for (unsigned device = 0; device < DEVICES; device++)
        assert_int_equal(core_unanswered(people->devices[device].core), 0);
    ledger_settled(&people->ledger);
}

/* Accounts are made; then the second devices log in. */
static void arrive(struct play *play)
{
    for (unsigned device = 0; device < DEVICES; device++) {
        people_start(play->people, device, "correct horse");
        stage_pass(play->stage, SECOND);
        if (device == 1) /* so that nobody's horizon is that of an empty store */
            people_message(play->people, 0, 1);
    }
}

static void live(struct play *play, int64_t until, int64_t pause)
{
    int64_t next_sample = play->stage->now + 20 * MINUTE, next_misfortune = play->stage->now + HOUR;
    while (play->stage->now < until) {
        stage_pass(play->stage, throw(play, (unsigned)pause * 2));
        act(play, throw(play, DEVICES));
        if (play->stage->now >= next_sample) {
            sample(play);
            next_sample += 20 * MINUTE;
        }
        if (play->stage->now >= next_misfortune) {
            misfortune(play);
            stage_pass(play->stage, 2 * SECOND);
            act(play, throw(play, DEVICES));
            stage_pass(play->stage, 3 * SECOND);
            fortune(play);
            next_misfortune += HOUR + throw(play, 2 * HOUR);
        }
    }
}

static uint64_t run(uint64_t seed, int64_t hours, int64_t pause, const char *path)
{
    struct play play = {stage_new(path, seed), calloc(1, sizeof *play.people)};
    assert_non_null(play.people);
    play.stage->shuffled = true;
    people_open(play.people, play.stage);
    arrive(&play);
    live(&play, hours * HOUR, pause);
    reunion(&play);
    const struct ledger *ledger = &play.people->ledger;
    print_message("seed %llu: %zu letters accepted, %zu delivered, %zu broadcasts, %zu presences, %zu samples\n",
                  (unsigned long long)seed, ledger->accepted, ledger->delivered, ledger->broadcasts, ledger->presences,
                  ledger->samples);
    assert_true(ledger->accepted > 100 && ledger->samples > 5);
    uint64_t hash = ledger->hash;
    people_close(play.people);
    free(play.people);
    stage_free(&play.stage);
    return hash;
}

static void test_two_days(void **state)
{
    run(1, 48, 12 * SECOND, NULL);
}

static void test_same_seed_same_run(void **state)
{
    assert_true(run(2, 3, 4 * SECOND, NULL) == run(2, 3, 4 * SECOND, NULL));
}

static void test_other_seeds(void **state)
{
    for (uint64_t seed = 3; seed < 7; seed++)
        run(seed, 3, 4 * SECOND, NULL);
}

static int remove_one(const char *path, const struct stat *info, int kind, struct FTW *where)
{
    return remove(path);
}

/* The database is closed and opened again at each crash. In shared memory if there is such a place: nobody cuts the power here.
 */
static void test_on_disk(void **state)
{
    char folder[] = "/dev/shm/earshot-XXXXXX", other[] = "/tmp/earshot-XXXXXX", path[64];
    const char *in = mkdtemp(folder) != NULL ? folder : mkdtemp(other);
    assert_non_null(in);
    snprintf(path, sizeof path, "%s/earshot.db", in);
    run(7, 3, 4 * SECOND, path);
    nftw(in, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

/* EARSHOT_SIMULATION_SEEDS=100:200 runs these instead. */
static void run_seeds(const char *range)
{
    unsigned long first = strtoul(range, NULL, 10), last = strchr(range, ':') ? strtoul(strchr(range, ':') + 1, NULL, 10) : first;
    for (unsigned long seed = first; seed <= last; seed++)
        run(seed, 6, 5 * SECOND, NULL);
}

static void test_range(void **state)
{
    run_seeds(getenv("EARSHOT_SIMULATION_SEEDS"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_two_days),
        cmocka_unit_test(test_same_seed_same_run),
        cmocka_unit_test(test_other_seeds),
        cmocka_unit_test(test_on_disk),
    };
    const struct CMUnitTest range[] = {cmocka_unit_test(test_range)};
    log_setup(2, LOG_TEXT, LOG_ERROR);
    if (getenv("EARSHOT_SIMULATION_SEEDS") != NULL)
        return cmocka_run_group_tests(range, NULL, NULL);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
