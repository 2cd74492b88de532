"""A child process: standard output read as lines through the hub, standard error kept in a file.

The child dies with the tests, however they end (setpriv sets the parent-death signal and becomes the program).
It has a session of its own, so that it cannot ask the person who runs the tests for a password.
"""
import os
import pathlib
import signal
import subprocess

from . import surroundings


def guarded(argv):
    return ["setpriv", "--pdeathsig", "KILL", "--", *map(str, argv)]


class Process:
    def __init__(self, hub, name, argv, directory, **options):
        self.hub = hub
        self.name = name
        self.argv = [str(arg) for arg in argv]
        self.lines = []
        self.partial = b""
        self.ended = False
        self.stderr_path = directory / f"{name}.stderr"
        hub.note(name, ":", " ".join(self.argv))
        self.start(directory, options.get("env") or surroundings.environment(), options.get("stdin", subprocess.PIPE))

    def start(self, directory, env, stdin):
        with open(self.stderr_path, "ab") as stderr:
            self.popen = subprocess.Popen(guarded(self.argv), stdin=stdin, stdout=subprocess.PIPE, stderr=stderr, env=env,
                                          cwd=directory, bufsize=0, start_new_session=True)
        os.set_blocking(self.popen.stdout.fileno(), False)
        self.hub.add(self)

    def fileno(self):
        return self.popen.stdout.fileno()

    def readable(self):
        try:
            data = os.read(self.fileno(), 1 << 16)
        except BlockingIOError:
            return True
        if not data:
            self.ended = True
            return False
        *whole, self.partial = (self.partial + data).split(b"\n")
        for line in whole:
            self.line(line.decode("utf-8", "backslashreplace"))
        return True

    def line(self, text):
        self.hub.note(self.name, "<", text)
        self.lines.append(text)

    def write(self, data):
        self.popen.stdin.write(data)

    def end_input(self):
        """End of file on its standard input."""
        if self.popen.stdin and not self.popen.stdin.closed:
            self.hub.note(self.name, ":", "end of input")
            self.popen.stdin.close()

    def signal(self, number):
        self.hub.note(self.name, ":", signal.Signals(number).name)
        self.popen.send_signal(number)

    def pause(self):
        """Stands still, every thread of it, until it is killed."""
        self.signal(signal.SIGSTOP)
        tasks = pathlib.Path(f"/proc/{self.popen.pid}/task")

        def still():
            states = [(task / "stat").read_text().rsplit(")", 1)[1].split()[0] for task in tasks.iterdir()]
            return all(state in "Tt" for state in states)

        self.hub.wait(still, f"{self.name} to stand still")

    def kill(self):
        if self.popen.poll() is None:
            self.signal(signal.SIGKILL)
        return self.reap()

    def exit_code(self, seconds=None):
        """Waits for its end."""
        self.hub.wait(lambda: self.ended, f"the end of {self.name}", seconds)
        return self.reap()

    def reap(self):
        code = self.popen.wait(surroundings.PATIENCE)
        while not self.ended:
            self.hub.turn(0.1)
        self.hub.note(self.name, ":", f"exit {code}")
        self.release()
        return code

    def release(self):
        for pipe in (self.popen.stdin, self.popen.stdout):
            if pipe and not pipe.closed:
                pipe.close()

    @property
    def alive(self):
        return self.popen.poll() is None

    @property
    def stderr(self):
        return self.stderr_path.read_text("utf-8", "backslashreplace")
