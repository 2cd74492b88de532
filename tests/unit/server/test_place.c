/* What the server does with the outside before it serves: data directory, lock, notices to systemd, connection caps, the bar. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "server/caps.h"
#include "server/notify.h"
#include "server/place.h"
#include "server/placement.h"
#include "server/progress.h"
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static const char *said(struct buf *why)
{
    assert_int_equal(buf_append(why, "", 1), OK);
    return (const char *)buf_data(why);
}

static void the_directory_is_made_for_its_owner_alone(void **state)
{
    char top[] = "/tmp/earshot-place-XXXXXX", inner[96], middle[64];
    struct buf why;
    struct stat stat_of;
    buf_init(&why, 4096);
    assert_non_null(mkdtemp(top));
    snprintf(middle, sizeof middle, "%s/a", top);
    snprintf(inner, sizeof inner, "%s/b", middle);
    assert_int_equal(place_make(inner, &why), OK);
    assert_int_equal(stat(inner, &stat_of), 0);
    assert_int_equal(stat_of.st_mode & 0777, 0700);
    assert_int_equal(place_make(inner, &why), OK);
    assert_int_equal(rmdir(inner), 0);
    assert_int_equal(rmdir(middle), 0);
    assert_int_equal(rmdir(top), 0);
    buf_free(&why);
}

static void a_file_is_no_directory(void **state)
{
    char path[] = "/tmp/earshot-place-XXXXXX";
    struct buf why;
    buf_init(&why, 4096);
    close(mkstemp(path));
    assert_int_equal(place_make(path, &why), ERR_SYSTEM);
    assert_non_null(strstr(said(&why), path));
    assert_non_null(strstr(said(&why), "Not a directory"));
    unlink(path);
    buf_free(&why);
}

static void one_server_holds_it(void **state)
{
    char top[] = "/tmp/earshot-place-XXXXXX", path[64];
    struct buf why;
    int first = -1, second = -1;
    buf_init(&why, 4096);
    assert_non_null(mkdtemp(top));
    assert_int_equal(place_lock(top, &first, &why), OK);
    assert_int_equal(place_lock(top, &second, &why), ERR_EXISTS);
    assert_int_equal(second, -1);
    char expected[128];
    snprintf(expected, sizeof expected, "the data directory %s is in use by another earshotd, process %d", top, (int)getpid());
    assert_string_equal(said(&why), expected);
    close(first);
    assert_int_equal(place_lock(top, &second, &why), OK);
    close(second);
    assert_int_equal(place_path(top, "earshotd.lock", path, sizeof path), OK);
    unlink(path);
    rmdir(top);
    buf_free(&why);
}

/* Binds a socket, names it in the environment, sends, and compares. */
static void assert_notice(const char *name)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    char text[64] = "";
    memcpy(address.sun_path, name, strlen(name));
    if (name[0] == '@')
        address.sun_path[0] = '\0';
    int fd = socket(AF_UNIX, SOCK_DGRAM, 0);
    assert_true(fd >= 0);
    socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(name));
    assert_int_equal(bind(fd, (struct sockaddr *)&address, size), 0);
    setenv("NOTIFY_SOCKET", name, 1);
    assert_int_equal(notify_systemd("READY=1"), OK);
    assert_int_equal(recv(fd, text, sizeof text - 1, MSG_DONTWAIT), 7);
    assert_string_equal(text, "READY=1");
    close(fd);
    unsetenv("NOTIFY_SOCKET");
}

static void systemd_is_told(void **state)
{
    char name[64];
    snprintf(name, sizeof name, "@earshot-notify-%d", (int)getpid());
    assert_notice(name);
    snprintf(name, sizeof name, "/tmp/earshot-notify-%d", (int)getpid());
    assert_notice(name);
    unlink(name);
    unsetenv("NOTIFY_SOCKET");
    assert_int_equal(notify_systemd("READY=1"), OK);
    setenv("NOTIFY_SOCKET", "relative", 1);
    assert_int_equal(notify_systemd("READY=1"), ERR_INVALID);
    unsetenv("NOTIFY_SOCKET");
}

static struct caps *new_caps(size_t total, size_t per_address)
{
    struct caps *caps = NULL;
    assert_int_equal(caps_new(&system_random, &system_clock, &caps), OK);
    caps_limit(caps, total, per_address);
    return caps;
}

static void connections_are_counted_in_all(void **state)
{
    struct caps *caps = new_caps(2, 2);
    assert_int_equal(caps_enter(caps, "192.0.2.1"), OK);
    assert_int_equal(caps_enter(caps, "192.0.2.2"), OK);
    assert_int_equal(caps_connections(caps), 2);
    assert_int_equal(caps_enter(caps, "192.0.2.3"), ERR_CAP);
    assert_int_equal(caps_connections(caps), 2);
    caps_leave(caps, "192.0.2.1");
    assert_int_equal(caps_enter(caps, "192.0.2.3"), OK);
    caps_leave(caps, "192.0.2.1"); /* nobody is there: nothing changes */
    assert_int_equal(caps_connections(caps), 2);
    assert_int_equal(caps_refused(caps), 1);
    caps_free(&caps);
    assert_null(caps);
}

static void connections_are_counted_per_address(void **state)
{
    struct caps *caps = new_caps(100, 1);
    assert_int_equal(caps_enter(caps, "192.0.2.1"), OK);
    assert_int_equal(caps_enter(caps, "192.0.2.1"), ERR_CAP);
    assert_int_equal(caps_enter(caps, "::ffff:192.0.2.1"), ERR_CAP);
    assert_int_equal(caps_enter(caps, "192.0.2.2"), OK);
    assert_int_equal(caps_enter(caps, "2001:db8:1:2::1"), OK);
    assert_int_equal(caps_enter(caps, "2001:db8:1:2:ffff::9"), ERR_CAP);
    assert_int_equal(caps_enter(caps, "2001:db8:1:3::1"), OK);
    caps_limit(caps, 100, 2);
    assert_int_equal(caps_enter(caps, "192.0.2.1"), OK);
    caps_free(&caps);
}

static void a_loop_is_filled_before_the_next_is_used(void **state)
{
    struct placement_loop loops[3] = {{.connections = 9999, .entering = 499}};
    placement_see(&loops[0], 799, 250);
    assert_int_equal(placement_choose(PLACEMENT_FILL, loops, 3), 0);
    loops[0].entering = PLACEMENT_FULL_ENTERING;
    assert_int_equal(placement_choose(PLACEMENT_FILL, loops, 3), 1);
    loops[0].entering = 0;
    loops[0].connections = loops[1].connections = PLACEMENT_FULL_CONNECTIONS;
    assert_int_equal(placement_choose(PLACEMENT_FILL, loops, 3), 2);
    loops[0].connections = 5; /* room again */
    assert_int_equal(placement_choose(PLACEMENT_FILL, loops, 3), 0);
}

static void a_busy_loop_is_full_until_it_has_been_calm_for_a_while(void **state)
{
    struct placement_loop loops[2] = {{0}};
    placement_see(&loops[0], PLACEMENT_FULL_BUSY, 250);
    assert_int_equal(placement_choose(PLACEMENT_FILL, loops, 2), 1);
    placement_see(&loops[0], 100, 900);
    placement_see(&loops[0], 500, 250); /* not full any more, not calm either: it begins anew */
    placement_see(&loops[0], 100, 900);
    assert_int_equal(placement_choose(PLACEMENT_FILL, loops, 2), 1);
    placement_see(&loops[0], 100, 100);
    assert_int_equal(placement_choose(PLACEMENT_FILL, loops, 2), 0);
    placement_see(&loops[0], 900, 250);
    placement_see(&loops[0], 0, 4000000000U); /* nobody came for weeks */
    assert_int_equal(placement_choose(PLACEMENT_FILL, loops, 2), 0);
}

/* Were it the least busy one, each would be idle while the other does all. */
static void the_one_with_the_fewest_handshakes_has_it_when_all_are_full(void **state)
{
    struct placement_loop loops[3] = {{.connections = 1, .entering = 7}, {.connections = 50, .entering = 6}, {.entering = 6}};
    for (unsigned i = 0; i < 3; i++)
        placement_see(&loops[i], 990, 250);
    assert_int_equal(placement_choose(PLACEMENT_FILL, loops, 3), 1);
    loops[1].entering++;
    assert_int_equal(placement_choose(PLACEMENT_FILL, loops, 3), 2);
}

static void connections_are_spread_by_their_number(void **state)
{
    const struct placement_loop loops[3] = {{.connections = 3}, {.connections = 2, .hot = true}, {.connections = 2}};
    assert_int_equal(placement_choose(PLACEMENT_SPREAD, loops, 3), 1);
    assert_int_equal(placement_choose(PLACEMENT_SPREAD, loops, 1), 0);
}

static void the_bar_shows_rate_and_time_left(void **state)
{
    struct progress progress = {.event = "import", .done = 120, .total = 240, .started = 1000};
    struct buf out;
    buf_init(&out, 256);
    progress_bar(&progress, 3000, &out);
    assert_string_equal(said(&out), "import [###############...............] 120/240  60/s  0:02 left");
    buf_clear(&out);
    progress.done = 0;
    progress_bar(&progress, 1000, &out);
    assert_string_equal(said(&out), "import [..............................] 0/240");
    buf_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_directory_is_made_for_its_owner_alone),
        cmocka_unit_test(a_file_is_no_directory),
        cmocka_unit_test(one_server_holds_it),
        cmocka_unit_test(systemd_is_told),
        cmocka_unit_test(connections_are_counted_in_all),
        cmocka_unit_test(connections_are_counted_per_address),
        cmocka_unit_test(a_loop_is_filled_before_the_next_is_used),
        cmocka_unit_test(a_busy_loop_is_full_until_it_has_been_calm_for_a_while),
        cmocka_unit_test(the_one_with_the_fewest_handshakes_has_it_when_all_are_full),
        cmocka_unit_test(connections_are_spread_by_their_number),
        cmocka_unit_test(the_bar_shows_rate_and_time_left),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
