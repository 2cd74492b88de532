/* syscalls.c - the table; see syscalls.h. Found by running every test with a filter that kills, and by reading what libuv,
 * SQLite, OpenSSL, libsodium and libc do. Names that a processor does not have are ignored there. */
#include "syscalls.h"
#include <asm/termbits.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <linux/sockios.h>
#include <seccomp.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>

#define CALL(name) SCMP_SYS(name)
#define END        CALLS_END
#define ALWAYS     CALL_ALLOWED, 0, 0, 0
#define NEVER      CALL_KILLS, 0, 0, 0
/* Argument `at` is this number (an int: the kernel sees 32 bits of it), or NULL, or has these bits out of a mask, or is our own
 * process id. */
#define IF(at, value)            CALL_ALLOWED_IF, at, UINT32_MAX, value
#define IF_NULL(at)              CALL_ALLOWED_IF, at, UINT64_MAX, 0
#define IF_BITS(at, mask, value) CALL_ALLOWED_IF, at, mask, value
#define IF_ITSELF(at)            CALL_ALLOWED_ON_ITSELF, at, UINT32_MAX, 0

/* clang-format off: a table reads better as one */
const struct syscall_row syscall_rows[] = {
    {"bytes of clients, the database, the log",
     ALWAYS,
     {CALL(read), CALL(write), CALL(readv), CALL(writev), CALL(pread64), CALL(pwrite64), CALL(preadv), CALL(pwritev), CALL(lseek),
      CALL(close), CALL(recvfrom), CALL(recvmsg), CALL(recv), CALL(send), END}},
    {"the same, but no connection that is made by sending (TCP fast open)", IF_BITS(3, MSG_FASTOPEN, 0), {CALL(sendto), END}},
    {"", IF_BITS(2, MSG_FASTOPEN, 0), {CALL(sendmsg), END}},
    {"clients and administrators come and go; listening sockets are open already",
     ALWAYS,
     {CALL(accept), CALL(accept4), CALL(shutdown), CALL(getsockname), CALL(getpeername), CALL(getsockopt), CALL(setsockopt),
      END}},
    {"the administrators' socket, and telling systemd", IF(0, AF_UNIX), {CALL(socket), END}},
    {"the same; with no socket but local ones there is nothing else to bind", ALWAYS, {CALL(bind), CALL(listen), END}},
    {"event loops",
     ALWAYS,
     {CALL(epoll_create1), CALL(epoll_ctl), CALL(epoll_wait), CALL(epoll_pwait), CALL(epoll_pwait2), CALL(eventfd2), CALL(pipe2),
      CALL(timerfd_create), CALL(timerfd_settime), CALL(timerfd_gettime), CALL(poll), CALL(ppoll), END}},
    {"files in the data directory, and what a reload reads: which of them is landlock's business",
     ALWAYS,
     {CALL(open), CALL(openat), CALL(stat), CALL(fstat), CALL(lstat), CALL(newfstatat), CALL(fstatat64), CALL(statx),
      CALL(access), CALL(faccessat), CALL(faccessat2), CALL(readlink), CALL(readlinkat), CALL(getcwd), CALL(getdents64),
      CALL(fstatfs), CALL(statfs), END}},
    {"the database: sync, log, locks, copies of it, leftovers removed",
     ALWAYS,
     {CALL(fdatasync), CALL(fsync), CALL(ftruncate), CALL(fallocate), CALL(fadvise64), CALL(unlink), CALL(unlinkat), CALL(rename),
      CALL(renameat), CALL(renameat2), CALL(flock), CALL(fchmod), CALL(chmod), CALL(fchmodat), CALL(fchown), CALL(umask), END}},
    {"flags and locks of open files: no other command, such as signals on input", IF(1, F_GETFL), {CALL(fcntl), END}},
    {"", IF(1, F_SETFL), {CALL(fcntl), END}},
    {"", IF(1, F_GETFD), {CALL(fcntl), END}},
    {"", IF(1, F_SETFD), {CALL(fcntl), END}},
    {"", IF(1, F_GETLK), {CALL(fcntl), END}},
    {"", IF(1, F_SETLK), {CALL(fcntl), END}},
    {"", IF(1, F_SETLKW), {CALL(fcntl), END}},
    {"", IF(1, F_DUPFD_CLOEXEC), {CALL(fcntl), END}},
    {"non-blocking sockets, and whether standard error is a terminal: nothing may be typed into one",
     IF(1, FIONBIO),
     {CALL(ioctl), END}},
    {"", IF(1, FIOCLEX), {CALL(ioctl), END}},
    {"", IF(1, FIONREAD), {CALL(ioctl), END}},
    {"", IF(1, TCGETS), {CALL(ioctl), END}},
    {"memory, none of it executable", IF_BITS(2, PROT_EXEC, 0), {CALL(mmap), CALL(mmap2), CALL(mprotect), END}},
    {"the same", ALWAYS, {CALL(munmap), CALL(mremap), CALL(madvise), CALL(brk), CALL(mlock), CALL(munlock), CALL(msync), END}},
    {"threads: workers, a backup; never another process. clone3 hides its flags, so libc is to take this one",
     IF_BITS(0, CLONE_THREAD, CLONE_THREAD),
     {CALL(clone), END}},
    {"the same",
     ALWAYS,
     {CALL(futex), CALL(set_robust_list), CALL(rseq), CALL(set_tid_address), CALL(gettid), CALL(sched_yield),
      CALL(sched_getaffinity), CALL(sched_getparam), CALL(sched_getscheduler), CALL(getcpu), CALL(membarrier), CALL(arch_prctl),
      CALL(exit), CALL(exit_group), END}},
    {"names of threads", IF(0, PR_SET_NAME), {CALL(prctl), END}},
    {"signals to itself, abort() among them", IF_ITSELF(0), {CALL(tgkill), END}},
    {"signals received",
     ALWAYS,
     {CALL(rt_sigaction), CALL(rt_sigprocmask), CALL(rt_sigreturn), CALL(sigaltstack), CALL(restart_syscall), END}},
    {"clocks and waiting",
     ALWAYS,
     {CALL(clock_gettime), CALL(clock_getres), CALL(gettimeofday), CALL(time), CALL(clock_nanosleep), CALL(nanosleep), END}},
    {"randomness", ALWAYS, {CALL(getrandom), END}},
    {"who and where it is",
     ALWAYS,
     {CALL(getpid), CALL(getppid), CALL(getuid), CALL(geteuid), CALL(getgid), CALL(getegid), CALL(uname), CALL(sysinfo),
      CALL(getrusage), CALL(times), END}},
    {"limits of its own, to look at only", IF_NULL(2), {CALL(prlimit64), END}},
    {"", ALWAYS, {CALL(getrlimit), CALL(ugetrlimit), END}},
    {"running another program", NEVER, {CALL(execve), CALL(execveat), CALL(fork), CALL(vfork), END}},
    {"looking into another process",
     NEVER,
     {CALL(ptrace), CALL(process_vm_readv), CALL(process_vm_writev), CALL(pidfd_getfd), CALL(kcmp), CALL(perf_event_open), END}},
    {"changing the kernel or the system",
     NEVER,
     {CALL(init_module),
      CALL(finit_module),
      CALL(delete_module),
      CALL(kexec_load),
      CALL(kexec_file_load),
      CALL(bpf),
      CALL(mount),
      CALL(umount2),
      CALL(pivot_root),
      CALL(chroot),
      CALL(setns),
      CALL(unshare),
      CALL(reboot),
      CALL(swapon),
      CALL(swapoff),
      CALL(open_by_handle_at),
      CALL(add_key),
      CALL(request_key),
      CALL(keyctl),
      CALL(userfaultfd),
      END}},
};
/* clang-format on */

const size_t syscall_row_count = sizeof syscall_rows / sizeof syscall_rows[0];
