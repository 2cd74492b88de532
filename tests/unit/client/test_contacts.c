/* test_contacts.c - whose keys are known. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "contacts.h"
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[64];
static int dir;
static struct contacts *contacts;
static const uint8_t red[IDENTITY_KEY] = {1}, blue[IDENTITY_KEY] = {2};

static int in_a_folder(void **unused)
{
    snprintf(folder, sizeof folder, "/tmp/test_contacts.XXXXXX");
    assert_non_null(mkdtemp(folder));
    dir = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return dir < 0 || contacts_new(dir, "here:4000", &contacts) != OK;
}

static int remove_folder(void **unused)
{
    contacts_free(&contacts);
    unlinkat(dir, "contacts", 0);
    unlinkat(dir, "contacts.lock", 0);
    close(dir);
    return rmdir(folder);
}

static int in_memory(void **unused)
{
    return contacts_new(-1, "here:4000", &contacts) != OK;
}

static int forget(void **unused)
{
    contacts_free(&contacts);
    return 0;
}

static struct name named(const char *text)
{
    struct name name;
    assert_int_equal(name_parse(slice_str(text), &name), OK);
    return name;
}

static enum contact judge(const char *user, const uint8_t key[IDENTITY_KEY])
{
    struct name name = named(user);
    enum contact out;
    assert_int_equal(contacts_judge(contacts, &name, key, &out), OK);
    return out;
}

static void keep(const char *user, const uint8_t key[IDENTITY_KEY], bool verified)
{
    struct name name = named(user);
    assert_int_equal(contacts_keep(contacts, &name, key, verified), OK);
}

static void a_key_is_pinned_then_another_one_is_a_change(void **unused)
{
    assert_int_equal(judge("bob", red), CONTACT_NEW);
    keep("bob", red, false);
    assert_int_equal(judge("bob", red), CONTACT_PINNED);
    assert_int_equal(judge("bob", blue), CONTACT_CHANGED);
    assert_int_equal(judge("bo", blue), CONTACT_NEW);
    assert_int_equal(judge("bobby", red), CONTACT_NEW);
    keep("bob", blue, false); /* a second device */
    assert_int_equal(judge("bob", red), CONTACT_PINNED);
    assert_int_equal(judge("bob", blue), CONTACT_PINNED);
}

static void verified_stays(void **unused)
{
    keep("bob", red, false);
    keep("bob", red, true);
    assert_int_equal(judge("bob", red), CONTACT_VERIFIED);
    keep("bob", red, false);
    keep("bob", blue, false);
    assert_int_equal(judge("bob", red), CONTACT_VERIFIED);
    assert_int_equal(judge("bob", blue), CONTACT_PINNED);
}

static void the_file_is_for_all_servers_and_for_its_owner(void **unused)
{
    struct contacts *there;
    struct name bob = named("bob");
    struct stat info;
    enum contact out;
    keep("bob", red, true);
    assert_int_equal(contacts_new(dir, "there:4000", &there), OK);
    assert_int_equal(contacts_judge(there, &bob, red, &out), OK);
    assert_int_equal(out, CONTACT_NEW);
    assert_int_equal(contacts_keep(there, &bob, blue, false), OK);
    contacts_free(&there);
    assert_int_equal(judge("bob", red), CONTACT_VERIFIED);
    assert_int_equal(judge("bob", blue), CONTACT_CHANGED);
    assert_int_equal(fstatat(dir, "contacts", &info, 0), 0);
    assert_int_equal(info.st_mode & 0777, 0600);
}

static void lines_that_are_not_understood_stay(void **unused)
{
    static const char text[] = "# mine\n\nhere:4000 bob short pinned\nhere:4000 bob";
    char back[512] = "";
    int fd = openat(dir, "contacts", O_WRONLY | O_CREAT, 0600);
    assert_int_equal(write(fd, text, sizeof text - 1), sizeof text - 1);
    close(fd);
    struct name bob = named("bob"), carol = named("carol");
    uint8_t last[IDENTITY_KEY] = {9};
    assert_int_equal(judge("bob", red), CONTACT_CHANGED); /* the safe side */
    assert_int_equal(contacts_last(contacts, &bob, last), ERR_NOT_FOUND);
    assert_int_equal(last[0], 9);
    keep("bob", red, false);
    assert_int_equal(judge("bob", red), CONTACT_PINNED);
    assert_int_equal(contacts_last(contacts, &bob, last), OK);
    assert_memory_equal(last, red, sizeof last);
    keep("bob", blue, true);
    assert_int_equal(contacts_last(contacts, &bob, last), OK);
    assert_memory_equal(last, blue, sizeof last);
    assert_int_equal(contacts_last(contacts, &carol, last), ERR_NOT_FOUND);
    fd = openat(dir, "contacts", O_RDONLY);
    assert_true(read(fd, back, sizeof back - 1) > 0);
    close(fd);
    assert_non_null(strstr(back, "# mine\n"));
    assert_non_null(strstr(back, "here:4000 bob short pinned\n"));
}

static void a_line_counts_however_its_server_was_spelled(void **unused)
{
    static const char key[] = "0100000000000000000000000000000000000000000000000000000000000000";
    char back[512] = "";
    int fd = openat(dir, "contacts", O_WRONLY | O_CREAT, 0600);
    assert_true(dprintf(fd, "HERE.:4000 bob %s verified\n", key) > 0);
    close(fd);
    assert_int_equal(judge("bob", red), CONTACT_VERIFIED);
    assert_int_equal(judge("bob", blue), CONTACT_CHANGED);
    keep("bob", red, false);
    fd = openat(dir, "contacts", O_RDONLY);
    assert_true(read(fd, back, sizeof back - 1) > 0);
    close(fd);
    assert_null(strstr(back, "HERE"));
    assert_int_equal(judge("bob", red), CONTACT_VERIFIED);
}

static void a_folder_that_has_gone(void **unused)
{
    struct name bob = named("bob");
    enum contact out = CONTACT_VERIFIED;
    struct contacts *lost;
    int file = open("/dev/null", O_RDONLY | O_CLOEXEC);
    assert_int_equal(contacts_new(file, "here:4000", &lost), OK);
    assert_int_equal(contacts_judge(lost, &bob, red, &out), ERR_SYSTEM);
    assert_int_equal(out, CONTACT_VERIFIED); /* untouched */
    assert_int_equal(contacts_keep(lost, &bob, red, false), ERR_SYSTEM);
    assert_int_equal(contacts_last(lost, &bob, (uint8_t[IDENTITY_KEY]){0}), ERR_SYSTEM);
    contacts_free(&lost);
    close(file);
}

int main(void)
{
#define IN_FOLDER(name) cmocka_unit_test_setup_teardown(name, in_a_folder, remove_folder)
#define IN_MEMORY(name) cmocka_unit_test_setup_teardown(name, in_memory, forget)
    const struct CMUnitTest tests[] = {
        IN_FOLDER(a_key_is_pinned_then_another_one_is_a_change),
        IN_MEMORY(a_key_is_pinned_then_another_one_is_a_change),
        IN_FOLDER(verified_stays),
        IN_MEMORY(verified_stays),
        IN_FOLDER(the_file_is_for_all_servers_and_for_its_owner),
        IN_FOLDER(lines_that_are_not_understood_stay),
        IN_FOLDER(a_line_counts_however_its_server_was_spelled),
        IN_FOLDER(a_folder_that_has_gone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
