/* kill -9 at random moments under load: what was acknowledged is there, once, in order, and a resent message is recognised. */
#include "harness.h"

#include <signal.h>
#include <sys/wait.h>

enum { ROUNDS = 20, WINDOW = 64 };

struct load {
    struct fixture *f;
    uint64_t alice, bob, device;
    int pipe;
};

/* Sends numbers from `first` on without end, WINDOW of them in flight; writes each acknowledged one to the pipe. */
static void send_until_killed(struct load *load, uint64_t first)
{
    struct store_append slots[WINDOW];
    char texts[WINDOW][24];
    for (uint64_t number = first;; number++) {
        int i = (int)(number % WINDOW);
        if (number >= first + WINDOW) {
            if (finish(load->f, &slots[i].op) != OK)
                _exit(1);
            uint64_t acknowledged = number - WINDOW;
            if (write(load->pipe, &acknowledged, sizeof acknowledged) != sizeof acknowledged)
                _exit(1);
        }
        snprintf(texts[i], sizeof texts[i], "%llu", (unsigned long long)number);
        slots[i] = message_of(load->alice, load->bob, load->device, number);
        slots[i].body = slice_str(texts[i]);
        begin(load->f, &slots[i].op, STORE_APPEND);
    }
}

/* Starts a sender, lets it have `count` messages acknowledged, kills it. The highest that it said was acknowledged. */
static uint64_t run_sender(struct load *load, uint64_t first, unsigned count)
{
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        close(ends[0]);
        load->pipe = ends[1];
        load->f->threads = true;
        fixture_open(load->f);
        send_until_killed(load, first);
    }
    close(ends[1]);
    uint64_t last = first - 1, number;
    for (unsigned i = 0; i < count && read(ends[0], &number, sizeof number) == sizeof number; i++)
        last = number;
    kill(child, SIGKILL);
    while (read(ends[0], &number, sizeof number) == sizeof number)
        last = number;
    close(ends[0]);
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
    return last;
}

/* Every number from 1 on, once and in order, at least up to `least`; returns the last. */
static uint64_t check_mailbox(struct load *load, uint64_t least)
{
    uint64_t number = 0, after = 0;
    for (bool more = true; more;) {
        struct store_page page = page_of(load->bob, after, 500);
        assert_int_equal(execute(load->f, &page.op, STORE_PENDING), OK);
        for (size_t i = 0; i < page.count; i++) {
            char text[24] = {0};
            memcpy(text, page.rows[i].body.data, page.rows[i].body.len);
            assert_int_equal(strtoull(text, NULL, 10), ++number);
            after = page.rows[i].id;
        }
        more = page.more;
        arena_free(&page.arena);
    }
    assert_true(number >= least);
    return number;
}

static void nothing_acknowledged_is_lost(void **state)
{
    struct fixture *f = *state;
    struct load load = {.f = f};
    load.alice = make_account(f, "alice");
    load.bob = make_account(f, "bob");
    load.device = make_device(f, load.alice, 1);
    uint64_t acknowledged = 0;
    unsigned random = 1;
    for (int round = 0; round < ROUNDS; round++) {
        store_stop(&f->store);
        random = random * 1103515245 + 12345;
        /* The sender does not know what became of the unacknowledged: it sends them again. */
        acknowledged = run_sender(&load, acknowledged + 1, random / 65536 % 300);
        f->threads = false;
        fixture_open(f);
        uint64_t stored = check_mailbox(&load, acknowledged);
        struct store_device_find find = {.time = 1};
        memset(find.token, 1, sizeof find.token);
        assert_int_equal(execute(f, &find.op, STORE_DEVICE_FIND), OK);
        assert_int_equal(find.last_number, stored);
    }
    assert_true(acknowledged > ROUNDS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(nothing_acknowledged_is_lost, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
