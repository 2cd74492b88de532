#include "terminal.h"
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

static struct {
    volatile sig_atomic_t fd_plus_one, paste;
    struct termios settings;
} guarded;

void terminal_guard_paste(bool on)
{
    guarded.paste = on;
}

int terminal_columns(int fd)
{
    struct winsize size;
    return ioctl(fd, TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
}

void terminal_restore(void)
{
    static const char paste_off[] = "\033[?2004l\r";
    int fd = guarded.fd_plus_one - 1;
    if (fd < 0)
        return;
    if (guarded.paste && write(fd, paste_off, sizeof paste_off - 1) < 0) {
        /* The terminal has gone; so has what there was to put right. */
    }
    guarded.paste = 0;
    tcsetattr(fd, TCSANOW, &guarded.settings);
}

static void on_fatal_signal(int number)
{
    terminal_restore();
    raise(number); /* SA_RESETHAND has put back the default */
}

void terminal_guard(int fd)
{
    static const int fatal[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGQUIT, SIGSYS, SIGTRAP, SIGXCPU};
    if (guarded.fd_plus_one != 0 || tcgetattr(fd, &guarded.settings) != 0)
        return;
    guarded.fd_plus_one = fd + 1;
    atexit(terminal_restore);
    for (unsigned i = 0; i < sizeof fatal / sizeof fatal[0]; i++) {
        struct sigaction old, action = {.sa_handler = on_fatal_signal, .sa_flags = SA_RESETHAND | SA_NODEFER};
        /* A sanitizer's or a debugger's own handler stays. */
        if (sigaction(fatal[i], NULL, &old) == 0 && old.sa_handler == SIG_DFL)
            sigaction(fatal[i], &action, NULL);
    }
}
