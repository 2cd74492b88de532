"""A program under a pseudo-terminal, with a screen to look at and keys to press."""
import codecs
import fcntl
import os
import signal
import struct
import subprocess
import termios

from . import surroundings
from .process import guarded
from .screen import Screen


def as_at_a_terminal():
    """Whoever runs the tests in the background may have had these ignored, and a shell cannot trap what it inherits so."""
    for number in (signal.SIGINT, signal.SIGQUIT):
        signal.signal(number, signal.SIG_DFL)


class Terminal:
    def __init__(self, hub, name, argv, directory, columns=80, rows=24, **env):
        self.hub, self.name = hub, name
        self.screen = Screen(columns, rows)
        self.output = b""
        self.ended = False
        self.decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self.master, slave = os.openpty()
        self.resize(columns, rows)
        self.argv = [str(arg) for arg in argv]
        hub.note(name, ":", " ".join(self.argv))
        env.setdefault("TERM", "xterm-256color")
        env.setdefault("HOME", directory)
        env.setdefault("LC_ALL", "C.UTF-8")
        self.stderr_path = directory / f"{name}.stderr"
        self.popen = subprocess.Popen(["setsid", "--ctty", *guarded(self.argv)], stdin=slave, stdout=slave, stderr=slave,
                                      env=surroundings.environment(**env), cwd=directory, preexec_fn=as_at_a_terminal)
        os.close(slave)
        os.set_blocking(self.master, False)
        hub.add(self)

    def resize(self, columns, rows):
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def fileno(self):
        return self.master

    def readable(self):
        try:
            data = os.read(self.master, 1 << 16)
        except BlockingIOError:
            return True
        except OSError:
            data = b""
        if not data:
            self.ended = True
            return False
        self.output += data
        self.hub.note(self.name, "<", repr(data)[1:][:300])
        self.screen.feed(self.decoder.decode(data))
        return True

    def press(self, keys):
        """Keys as a terminal sends them."""
        data = keys if isinstance(keys, bytes) else keys.encode()
        self.hub.note(self.name, ">", repr(data)[1:])
        os.write(self.master, data)

    def type(self, line):
        self.press(line + "\r")

    def wait(self, condition, what):
        try:
            return self.hub.wait(lambda: condition(self.screen), f"{what} on the screen of {self.name}")
        except AssertionError as problem:
            raise AssertionError(f"{problem}\n{self.picture()}") from None

    def wait_text(self, text):
        return self.wait(lambda screen: text in screen.text, repr(text))

    def picture(self):
        lines = self.screen.lines
        return "\n".join(["+" + "-" * 78, *("|" + line for line in lines), f"cursor: {self.screen.cursor_line!r}"])

    def signal(self, number):
        self.hub.note(self.name, ":", signal.Signals(number).name)
        self.popen.send_signal(number)

    def hang_up(self):
        """The window is closed."""
        self.hub.remove(self)
        os.close(self.master)
        self.master = -1
        self.ended = True

    def exit_code(self):
        if self.master >= 0:
            self.hub.wait(lambda: self.ended, f"the end of {self.name}")
        return self.kill(False)

    def kill(self, force=True):
        if force and self.popen.poll() is None:
            self.popen.kill()
        code = self.popen.wait(surroundings.PATIENCE)
        if self.master >= 0:
            self.hub.remove(self)
            os.close(self.master)
            self.master = -1
        return code

    @property
    def alive(self):
        return self.popen.poll() is None
