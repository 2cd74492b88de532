#include "files.h"
#include "text.h"
#include "unit.h"
#include <errno.h>
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
    static const char *const cases[][2] = {{"secret", "secret"},
                                           {"secret\n", "secret"},
                                           {"secret\r\n", "secret"},
                                           {" s p \nsecond\n", " s p "},
                                           {"\xef\xbb\xbfsecret\r\n", "secret"}};
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
    assert_int_equal(files_read_password(file_with("\xef\xbb\xbf\r\n", 5), password, &why), ERR_USAGE);
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

static enum err read_two(const char *content, size_t len, char first[FILES_PASSWORD_SIZE], char second[FILES_PASSWORD_SIZE])
{
    struct buf why;
    buf_init(&why, TEXT_CAP);
    enum err err = files_read_passwords(file_with(content, len), first, second, &why);
    assert_int_equal(buf_len(&why) == 0, err == OK);
    assert_null(memmem(buf_len(&why) ? buf_data(&why) : (const uint8_t *)"", buf_len(&why), folder, strlen(folder)));
    buf_free(&why);
    return err;
}

static void two_lines_are_two_passwords(void **state)
{
    static const char *const good[] = {"old\nnew", "old\nnew\n", "old\r\nnew\r\n", "old\nnew\nmore\n", "\xef\xbb\xbfold\nnew\n"};
    static const char *const bad[] = {"", "old", "old\n", "old\n\n", "\nnew\n", "\r\nnew"};
    char first[FILES_PASSWORD_SIZE], second[FILES_PASSWORD_SIZE], longest[3 * FILES_PASSWORD_SIZE];
    for (size_t i = 0; i < count_of(good); i++) {
        assert_int_equal(read_two(good[i], strlen(good[i]), first, second), OK);
        assert_string_equal(first, "old");
        assert_string_equal(second, "new");
    }
    for (size_t i = 0; i < count_of(bad); i++)
        assert_int_equal(read_two(bad[i], strlen(bad[i]), first, second), ERR_USAGE);
    assert_int_equal(read_two("o\0d\nnew", 7, first, second), ERR_USAGE);
    memset(longest, 'x', sizeof longest);
    assert_int_equal(read_two(longest, sizeof longest, first, second), ERR_USAGE);
    longest[FILES_PASSWORD_SIZE - 1] = '\n';
    assert_int_equal(read_two(longest, sizeof longest, first, second), ERR_USAGE);
    longest[2 * FILES_PASSWORD_SIZE - 1] = '\n';
    assert_int_equal(read_two(longest, sizeof longest, first, second), OK);
    assert_int_equal(strlen(second), FILES_PASSWORD_SIZE - 1);
    assert_string_equal(first, second);
}

/* A program that is to be heard by its server must not wait for somebody to write. */
static void a_pipe_is_not_waited_for(void **state)
{
    char first[FILES_PASSWORD_SIZE], second[FILES_PASSWORD_SIZE], path[64];
    int ends[2];
    struct buf why;
    buf_init(&why, TEXT_CAP);
    assert_int_equal(pipe(ends), 0);
    snprintf(path, sizeof path, "/proc/self/fd/%d", ends[0]);
    assert_int_equal(files_read_passwords(path, first, second, &why), ERR_USAGE);
    assert_int_equal(write(ends[1], "old\nnew\n", 8), 8);
    assert_int_equal(files_read_passwords(path, first, second, &why), OK);
    assert_string_equal(second, "new");
    /* What is there of the second line may be half of it: a password that nobody has thought of. */
    assert_int_equal(write(ends[1], "old\nnew pass", 12), 12);
    assert_int_equal(files_read_passwords(path, first, second, &why), ERR_USAGE);
    assert_int_equal(write(ends[1], "old\nnew pass", 12), 12);
    close(ends[1]);
    assert_int_equal(files_read_passwords(path, first, second, &why), OK);
    assert_string_equal(second, "new pass");
    assert_int_equal(files_read_passwords("/nonexistent/file", first, second, &why), ERR_USAGE);
    buf_free(&why);
    close(ends[0]);
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

/* That there is none is why it was to be made, not why that failed: nobody makes a folder there. */
static void why_a_state_folder_cannot_be_made(void **state)
{
    assert_string_not_equal(files_state_trouble("/sys/earshot"), strerror(ENOENT));
    assert_string_not_equal(files_state_trouble("/sys/earshot/state"), strerror(ENOENT));
    assert_string_equal(files_state_trouble("/dev/null"), strerror(ENOTDIR));
    assert_string_equal(files_state_trouble("/dev/null/state"), strerror(ENOTDIR));
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
        cmocka_unit_test(two_lines_are_two_passwords),        cmocka_unit_test(a_pipe_is_not_waited_for),
        cmocka_unit_test(the_environment_is_wiped_once_read), cmocka_unit_test(the_state_follows_xdg),
        cmocka_unit_test(why_a_state_folder_cannot_be_made),  cmocka_unit_test(folders_above_are_made_private),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
