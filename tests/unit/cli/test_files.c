#include "files.h"
#include "text.h"
#include "unit.h"
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[] = "/tmp/earshot-test-files-XXXXXX";

static const char *file_with(const char *content, size_t len)
{
    static char path[64];
    snprintf(path, sizeof path, "%s/password", folder);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, content, len), len);
    close(fd);
    return path;
}

static void the_first_line_is_the_password(void **state)
{
    static const char *const cases[][2] = {
        {"secret", "secret"}, {"secret\n", "secret"}, {"secret\r\n", "secret"}, {" s p \nsecond\n", " s p "}};
    for (size_t i = 0; i < count_of(cases); i++) {
        char password[FILES_PASSWORD_SIZE];
        struct buf why;
        buf_init(&why, TEXT_CAP);
        assert_int_equal(files_read_password(file_with(cases[i][0], strlen(cases[i][0])), password, &why), OK);
        assert_string_equal(password, cases[i][1]);
        buf_free(&why);
    }
}

static void files_without_a_password_are_named(void **state)
{
    char password[FILES_PASSWORD_SIZE] = "untouched", longest[FILES_PASSWORD_SIZE];
    struct buf why;
    buf_init(&why, TEXT_CAP);
    memset(longest, 'x', sizeof longest);
    assert_int_equal(files_read_password(file_with("", 0), password, &why), ERR_USAGE);
    assert_int_equal(files_read_password(file_with("\nx", 2), password, &why), ERR_USAGE);
    assert_int_equal(files_read_password(file_with("a\0b", 3), password, &why), ERR_USAGE);
    assert_int_equal(files_read_password(file_with(longest, sizeof longest), password, &why), ERR_USAGE);
    buf_clear(&why);
    assert_int_equal(files_read_password("/nonexistent/file", password, &why), ERR_USAGE);
    assert_text(&why, "--password-file: /nonexistent/file: No such file or directory");
    buf_clear(&why);
    assert_int_equal(files_read_password("/", password, &why), ERR_USAGE);
    assert_text(&why, "--password-file: /: Is a directory");
    assert_string_equal(password, "untouched");
    buf_free(&why);
}

static void the_environment_is_wiped_once_read(void **state)
{
    char password[FILES_PASSWORD_SIZE];
    struct buf why;
    buf_init(&why, TEXT_CAP);
    unsetenv("EARSHOT_PASSWORD");
    assert_int_equal(files_take_password(password, &why), ERR_NOT_FOUND);
    setenv("EARSHOT_PASSWORD", "from there", 1);
    assert_int_equal(files_take_password(password, &why), OK);
    assert_string_equal(password, "from there");
    assert_null(getenv("EARSHOT_PASSWORD"));
    setenv("EARSHOT_PASSWORD", "", 1);
    assert_int_equal(files_take_password(password, &why), ERR_USAGE);
    buf_free(&why);
}

static void the_state_follows_xdg(void **state)
{
    static const char *const cases[][3] = {
        {"/x/state", "/home/a", "/x/state/earshot"},
        {"relative", "/home/a", "/home/a/.local/state/earshot"},
        {"", "/home/a", "/home/a/.local/state/earshot"},
    };
    for (size_t i = 0; i < count_of(cases); i++) {
        setenv("XDG_STATE_HOME", cases[i][0], 1);
        setenv("HOME", cases[i][1], 1);
        char *path = files_state_default();
        assert_string_equal(path, cases[i][2]);
        free(path);
    }
}

static void folders_above_are_made_private(void **state)
{
    char path[128];
    struct stat info;
    snprintf(path, sizeof path, "%s/a/b/c", folder);
    files_make_parents(path);
    assert_int_equal(stat(path, &info), -1);
    snprintf(path, sizeof path, "%s/a/b", folder);
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0700);
    rmdir(path);
    snprintf(path, sizeof path, "%s/a", folder);
    assert_int_equal(rmdir(path), 0);
}

static int make_folder(void **state)
{
    return mkdtemp(folder) == NULL;
}

static int remove_folder(void **state)
{
    unlink(file_with("", 0));
    return rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_line_is_the_password),     cmocka_unit_test(files_without_a_password_are_named),
        cmocka_unit_test(the_environment_is_wiped_once_read), cmocka_unit_test(the_state_follows_xdg),
        cmocka_unit_test(folders_above_are_made_private),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
