/*
 * What the sandbox forbids, tried from inside, and that what the server needs still works. Every attempt is made by a child of
 * its own, whose end says what came of it: there is no way out of a sandbox.
 *
 * With a sanitizer the sandbox is not strict (see sandbox.h), and most of this is skipped: it runs in a plain build too.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "inside.h"
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

enum { NOT_CONFINED = 200, WITHOUT_REASON, WENT_THROUGH = 0 };

/* A folder with data/ (to write), etc/ (to read) and outside/, each with a file in it. */
static char top[64];
static int inet_socket;

static const char *at(const char *name)
{
    static char path[128];
    snprintf(path, sizeof path, "%s/%s", top, name);
    return path;
}

static void make_file(const char *name)
{
    int fd = open(at(name), O_WRONLY | O_CREAT | O_TRUNC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, "text", 4), 4);
    close(fd);
}

static int make_world(void **state)
{
    strcpy(top, "/tmp/earshot-sandbox-XXXXXX");
    assert_non_null(mkdtemp(top));
    for (const char *const *name = (const char *const[]){"data", "etc", "outside", NULL}; *name != NULL; name++)
        assert_int_equal(mkdir(at(*name), 0700), 0);
    make_file("data/file");
    make_file("etc/file");
    make_file("outside/file");
    inet_socket = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(inet_socket >= 0);
    return 0;
}

static int remove_world(void **state)
{
    char command[128];
    close(inet_socket);
    snprintf(command, sizeof command, "rm -rf %s", top);
    return system(command);
}

/* ---- ways in ---- */

static void find_places(struct sandbox_place places[2])
{
    static char data[128], etc[128];
    snprintf(data, sizeof data, "%s/data", top);
    snprintf(etc, sizeof etc, "%s/etc", top);
    places[0] = (struct sandbox_place){data, SANDBOX_WRITE};
    places[1] = (struct sandbox_place){etc, SANDBOX_READ};
}

static bool enter_all(void)
{
    struct sandbox_report report = {0};
    struct sandbox_place places[2];
    struct buf why;
    buf_init(&why, 1000);
    find_places(places);
    return sandbox_enter(places, 2, &report, &why) == OK && (sandbox_complete(&report) || !SANDBOX_STRICT);
}

static bool enter_landlock(void)
{
    struct sandbox_place places[2];
    const char *lack;
    find_places(places);
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && landlock_confine(places, 2, &lack) > 0;
}

static bool enter_filter(void)
{
    const char *lack;
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && seccomp_load_filter(&lack);
}

/* How a child ends that makes the attempt in there: the errno that it got, or minus the signal that killed it. */
static int outcome(bool (*enter)(void), long (*attempt)(void))
{
    int status = 0;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (!enter())
            _exit(NOT_CONFINED);
        errno = 0;
        _exit(attempt() >= 0 ? WENT_THROUGH : errno != 0 ? errno : WITHOUT_REASON);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

static void demand(const char *what, bool (*enter)(void), long (*attempt)(void), int expected)
{
    int had = outcome(enter, attempt);
    if (had != expected)
        fail_msg("%s: %d (%s), not %d", what, had, strerror(abs(had)), expected);
}

/* Whether this kernel, and what surrounds the tests, lets the sandbox be complete. */
static long nothing(void)
{
    return 0;
}

static void need(bool (*enter)(void))
{
    if (!SANDBOX_STRICT || outcome(enter, nothing) == NOT_CONFINED)
        skip();
}

/* ---- attempts ---- */

static const char *const no_words[] = {"true", NULL};

static long run_a_program(void)
{
    return execve("/bin/true", (char *const *)no_words, NULL);
}

static long fork_a_process(void)
{
    pid_t child = fork();
    if (child == 0)
        _exit(0);
    return child;
}

static long vfork_a_process(void)
{
    return syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0) == 0 ? (_exit(WENT_THROUGH), 0) : -1;
}

static long trace(void)
{
    return ptrace(PTRACE_ATTACH, getppid(), NULL, NULL);
}

static long read_a_process(void)
{
    char byte;
    struct iovec here = {&byte, 1}, there = {&byte, 1};
    return process_vm_readv(getppid(), &here, 1, &there, 1, 0);
}

static long signal_another(void)
{
    return kill(getppid(), SIGCONT);
}

static long signal_another_thread(void)
{
    return syscall(SYS_tgkill, getppid(), getppid(), SIGCONT);
}

static long open_packets(void)
{
    return socket(AF_PACKET, SOCK_RAW, 0);
}

static long open_netlink(void)
{
    return socket(AF_NETLINK, SOCK_RAW, 0);
}

static long open_inet(void)
{
    return socket(AF_INET, SOCK_STREAM, 0);
}

static const struct sockaddr_in nobody_there = {.sin_family = AF_INET, .sin_port = 256, .sin_addr = {0x0100007f}};

static long connect_elsewhere(void)
{
    return connect(inet_socket, (const struct sockaddr *)&nobody_there, sizeof nobody_there);
}

static long connect_by_sending(void)
{
    return sendto(inet_socket, "x", 1, MSG_FASTOPEN, (const struct sockaddr *)&nobody_there, sizeof nobody_there);
}

static long connect_by_message(void)
{
    char text[] = "x";
    struct iovec word = {.iov_base = text, .iov_len = 1};
    struct sockaddr_in to = nobody_there;
    struct msghdr message = {.msg_name = &to, .msg_namelen = sizeof to, .msg_iov = &word, .msg_iovlen = 1};
    return sendmsg(inet_socket, &message, MSG_FASTOPEN);
}

static long bind_elsewhere(void)
{
    struct sockaddr_in any = {.sin_family = AF_INET};
    return bind(inet_socket, (const struct sockaddr *)&any, sizeof any);
}

static long executable_memory(void)
{
    return mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED ? -1 : 0;
}

static long memory_made_executable(void)
{
    void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return mprotect(page, 4096, PROT_READ | PROT_EXEC);
}

static long type_into_the_terminal(void)
{
    return ioctl(STDERR_FILENO, TIOCSTI, "x");
}

static long dump_again(void)
{
    return prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
}

static long become_root(void)
{
    return setuid(0);
}

static long raise_limits(void)
{
    struct rlimit limit = {0, RLIM_INFINITY};
    return setrlimit(RLIMIT_CORE, &limit);
}

static long core_limit(void)
{
    struct rlimit limit;
    return getrlimit(RLIMIT_CORE, &limit) == 0 && limit.rlim_max == 0 ? 0 : -1;
}

static long open_as(const char *name, int flags)
{
    return open(at(name), flags | O_CLOEXEC, 0600);
}

static long read_outside(void)
{
    return open_as("outside/file", O_RDONLY);
}

static long read_passwords(void)
{
    return open("/etc/passwd", O_RDONLY | O_CLOEXEC);
}

static long write_outside(void)
{
    return open_as("outside/file", O_WRONLY);
}

static long make_outside(void)
{
    return open_as("outside/new", O_WRONLY | O_CREAT);
}

static long remove_outside(void)
{
    return unlink(at("outside/file"));
}

static long write_settings(void)
{
    return open_as("etc/file", O_WRONLY);
}

static long make_settings(void)
{
    return open_as("etc/new", O_WRONLY | O_CREAT);
}

static long list_settings(void)
{
    return opendir(at("etc")) == NULL ? -1 : 0;
}

static long cut_settings(void)
{
    return truncate(at("etc/file"), 0);
}

static long make_folder(void)
{
    return mkdir(at("data/folder"), 0700);
}

static long make_link(void)
{
    return symlink("/etc", at("data/link"));
}

static long move_outside(void)
{
    char to[128];
    snprintf(to, sizeof to, "%s", at("outside/moved"));
    return rename(at("data/file"), to);
}

static const struct {
    const char *what;
    long (*attempt)(void);
    int expected; /* an errno, or minus the signal that kills it */
} filtered[] =
    {
        {"run a program", run_a_program, -SIGSYS},
        {"fork", fork_a_process, ENOSYS},
        {"make a process", vfork_a_process, ENOSYS},
        {"trace a process", trace, -SIGSYS},
        {"read a process", read_a_process, -SIGSYS},
        {"signal another process", signal_another, ENOSYS},
        {"signal another's thread", signal_another_thread, ENOSYS},
        {"open a packet socket", open_packets, ENOSYS},
        {"open a netlink socket", open_netlink, ENOSYS},
        {"open an internet socket", open_inet, ENOSYS},
        {"connect elsewhere", connect_elsewhere, ENOSYS},
        {"connect elsewhere by sending", connect_by_sending, ENOSYS},
        {"connect elsewhere by a message", connect_by_message, ENOSYS},
        {"map executable memory", executable_memory, ENOSYS},
        {"make memory executable", memory_made_executable, ENOSYS},
        {"type into the terminal", type_into_the_terminal, ENOSYS},
        {"become dumpable", dump_again, ENOSYS},
        {"become root", become_root, ENOSYS},
        {"raise a limit", raise_limits, ENOSYS},
        {"make a folder", make_folder, ENOSYS},
        {"make a link", make_link, ENOSYS},
},
  confined[] = {
      {"read a file outside", read_outside, EACCES},
      {"read /etc/passwd", read_passwords, EACCES},
      {"write a file outside", write_outside, EACCES},
      {"make a file outside", make_outside, EACCES},
      {"remove a file outside", remove_outside, EACCES},
      {"write a settings file", write_settings, EACCES},
      {"make a settings file", make_settings, EACCES},
      {"list the settings", list_settings, EACCES},
      {"make a folder in the data directory", make_folder, EACCES},
      {"make a link in the data directory", make_link, EACCES},
      {"run a program", run_a_program, EACCES},
};

static void what_the_filter_forbids(void **state)
{
    need(enter_filter);
    for (size_t i = 0; i < sizeof filtered / sizeof filtered[0]; i++)
        demand(filtered[i].what, enter_filter, filtered[i].attempt, filtered[i].expected);
}

static void what_landlock_forbids(void **state)
{
    need(enter_landlock);
    for (size_t i = 0; i < sizeof confined / sizeof confined[0]; i++)
        demand(confined[i].what, enter_landlock, confined[i].attempt, confined[i].expected);
}

/* Each is of a later ABI: forbidden if the kernel knows it, and if not, then nothing is said. */
static void what_newer_landlocks_forbid(void **state)
{
    need(enter_landlock);
    long abi = syscall(444, NULL, 0, 1);
    int moved = outcome(enter_landlock, move_outside);
    assert_true(moved == EACCES || moved == EXDEV);
    if (abi >= 3)
        demand("cut off a settings file", enter_landlock, cut_settings, EACCES);
    if (abi >= 4) {
        demand("connect elsewhere", enter_landlock, connect_elsewhere, EACCES);
        demand("bind elsewhere", enter_landlock, bind_elsewhere, EACCES);
    }
    if (abi >= 6)
        demand("signal another process", enter_landlock, signal_another, EPERM);
}

static void together(void **state)
{
    need(enter_all);
    demand("run a program", enter_all, run_a_program, -SIGSYS);
    demand("read a file outside", enter_all, read_outside, EACCES);
    demand("connect elsewhere", enter_all, connect_elsewhere, ENOSYS);
    demand("dump core", enter_all, core_limit, WENT_THROUGH);
}

/* ---- what has to work ---- */

static long files_of_the_server(void)
{
    char here[128], byte;
    snprintf(here, sizeof here, "%s", at("data/new"));
    int fd = open(here, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    bool done = fd >= 0 && pwrite(fd, "text", 4, 0) == 4 && fdatasync(fd) == 0 && ftruncate(fd, 2) == 0 &&
                flock(fd, LOCK_EX) == 0 && fchmod(fd, 0600) == 0 && pread(fd, &byte, 1, 0) == 1 && close(fd) == 0;
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_len = 1};
    fd = open(here, O_RDWR | O_CLOEXEC);
    done = done && fcntl(fd, F_SETLK, &lock) == 0 && mmap(NULL, 1, PROT_READ, MAP_SHARED, fd, 0) != MAP_FAILED;
    done = done && rename(here, at("data/other")) == 0 && unlink(at("data/other")) == 0;
    DIR *folder = opendir(at("data"));
    done = done && folder != NULL && readdir(folder) != NULL;
    fd = open(at("etc/file"), O_RDONLY | O_CLOEXEC);
    return done && read(fd, &byte, 1) == 1 ? 0 : -1;
}

static long sockets_of_the_server(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof address.sun_path, "%.100s", at("data/control.sock"));
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    bool done = bind(fd, (const struct sockaddr *)&address, sizeof address) == 0 && chmod(address.sun_path, 0600) == 0 &&
                listen(fd, 4) == 0 && accept4(fd, NULL, NULL, SOCK_CLOEXEC) < 0 && errno == EAGAIN;
    return done && unlink(address.sun_path) == 0 ? 0 : -1;
}

static void *work(void *ctx)
{
    pthread_setname_np(pthread_self(), "worker");
    return getrandom(ctx, 4, 0) == 4 ? ctx : NULL;
}

static long threads_of_the_server(void)
{
    pthread_t thread;
    char bytes[4];
    void *result = NULL;
    if (pthread_create(&thread, NULL, work, bytes) != 0 || pthread_join(thread, &result) != 0)
        return -1;
    return result == bytes ? 0 : -1;
}

static long abort_itself(void)
{
    abort();
}

static void what_the_server_needs(void **state)
{
    demand("files", enter_all, files_of_the_server, WENT_THROUGH);
    demand("sockets", enter_all, sockets_of_the_server, WENT_THROUGH);
    demand("threads", enter_all, threads_of_the_server, WENT_THROUGH);
    if (SANDBOX_STRICT)
        demand("abort", enter_all, abort_itself, -SIGABRT);
}

/* ---- every thread ---- */

static pthread_barrier_t barrier;
static long found;

static void *attempt_after_the_barrier(void *ctx)
{
    pthread_barrier_wait(&barrier);
    found = open_packets() < 0 ? errno : 0;
    return NULL;
}

static bool enter_with_a_thread_running(void)
{
    pthread_t thread;
    pthread_barrier_init(&barrier, NULL, 2);
    if (pthread_create(&thread, NULL, attempt_after_the_barrier, NULL) != 0 || !enter_filter())
        return false;
    pthread_barrier_wait(&barrier);
    return pthread_join(thread, NULL) == 0;
}

static long what_the_thread_found(void)
{
    errno = (int)found;
    return -1;
}

static void a_thread_that_ran_before_is_filtered_too(void **state)
{
    need(enter_filter);
    demand("in another thread", enter_with_a_thread_running, what_the_thread_found, ENOSYS);
}

/* ---- the user ---- */

static bool become_nobody(void)
{
    const gid_t before[] = {0, 4};
    struct user user;
    struct buf why;
    buf_init(&why, 1000);
    return setgroups(2, before) == 0 && user_find("nobody", &user, &why) == OK && user_become(&user, &why) == OK;
}

static long is_nobody_for_good(void)
{
    gid_t groups[8];
    int count = getgroups(8, groups);
    bool lone = count == 0 || (count == 1 && groups[0] == getgid());
    bool bounded = prctl(PR_CAPBSET_READ, 0) == 0 && prctl(PR_CAPBSET_READ, 21) == 0;
    return geteuid() != 0 && getegid() != 0 && lone && bounded && setuid(0) < 0 && setgid(0) < 0 && capabilities_drop() ? 0 : -1;
}

static void root_becomes_a_user(void **state)
{
    if (geteuid() != 0)
        skip();
    demand("nobody", become_nobody, is_nobody_for_good, WENT_THROUGH);
}

static void users_that_are_refused(void **state)
{
    struct user user;
    struct buf why;
    buf_init(&why, 1000);
    assert_int_equal(user_find("no-such-user-here", &user, &why), ERR_NOT_FOUND);
    assert_int_equal(user_find("root", &user, &why), ERR_INVALID);
    buf_free(&why);
}

static bool stay(void)
{
    return true;
}

static long drop_all(void)
{
    return capabilities_drop() && setgid(1) < 0 && errno == EPERM ? 0 : -1;
}

static void root_without_capabilities_is_nothing_special(void **state)
{
    demand("capabilities", stay, drop_all, WENT_THROUGH);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_the_filter_forbids),
        cmocka_unit_test(what_landlock_forbids),
        cmocka_unit_test(what_newer_landlocks_forbid),
        cmocka_unit_test(together),
        cmocka_unit_test(what_the_server_needs),
        cmocka_unit_test(a_thread_that_ran_before_is_filtered_too),
        cmocka_unit_test(root_becomes_a_user),
        cmocka_unit_test(users_that_are_refused),
        cmocka_unit_test(root_without_capabilities_is_nothing_special),
    };
    return cmocka_run_group_tests(tests, make_world, remove_world);
}
