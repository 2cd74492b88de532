"""earshotd in a directory of its own, on a port of its own, that can be stopped, killed and started again."""
import re
import shutil
import signal
import subprocess

from . import surroundings
from .prepared import prepare
from .process import Process

START_PATIENCE = 60  # a start reads what a crash has left, and looks for damage for up to five seconds


def password_of(user):
    """Every account of the tests has this one."""
    return f"{user.lower()}-password"


class Server:
    """`accounts` exist at the first start. The arguments stay the same over restarts, and so does the port."""

    def __init__(self, hub, directory, *args, accounts=(), **options):
        self.hub = hub
        self.directory = directory
        self.args = [str(arg) for arg in args]
        self.env = surroundings.environment(**options.get("env", {}))
        self.data = options.get("data") or directory / "data"
        self.port = 0
        self.prefix = options.get("prefix", ())  # argv before the program
        self.process = None
        self.starts = 0
        directory.mkdir(parents=True, exist_ok=True)
        self.credentials = directory / "credentials.txt"
        if accounts and options.get("prepared", True) and not self.data.exists():
            shutil.copytree(prepare(Server, accounts), self.data)
        elif accounts:
            self.credentials.write_text("".join(f"{name} {password_of(name)}\n" for name in accounts))

    def argv(self):
        argv = [*self.prefix, surroundings.EARSHOTD, "--listen", f"127.0.0.1:{self.port}", "--data", self.data, *self.args]
        if "--placement" not in self.args:
            argv += ["--placement", "spread"]  # so that what crosses event loops does
        if self.credentials.exists() and "--credentials" not in self.args:
            argv += ["--credentials", self.credentials]
        return argv

    def launch(self):
        """Starts it without waiting."""
        self.starts += 1
        self.process = Process(self.hub, self.directory.name, self.argv(), self.directory, env=self.env,
                               stdin=subprocess.DEVNULL)
        return self

    def ready(self):
        process = self.process

        def find():
            for line in process.lines:
                found = re.fullmatch(r"ready (\S+):(\d+)", line)
                if found:
                    return found
            if process.ended:
                raise AssertionError(f"{self.directory.name} ended before it was ready:\n{process.stderr[-4000:]}")
            return None

        self.port = int(self.hub.wait(find, f"{self.directory.name} to be ready", START_PATIENCE).group(2))
        return self

    def start(self):
        return self.launch().ready()

    @property
    def address(self):
        return f"127.0.0.1:{self.port}"

    @property
    def certificate(self):
        return self.data / "cert.pem"

    @property
    def running(self):
        return self.process is not None and self.process.alive

    @property
    def log(self):
        return self.process.stderr if self.process else ""

    def kill9(self):
        self.process.kill()

    def terminate(self):
        self.process.signal(signal.SIGTERM)

    def stop(self):
        """As an administrator would; the exit must be clean."""
        self.terminate()
        code = self.process.exit_code()
        assert code == 0, f"{self.directory.name} exited with {code} after SIGTERM:\n{self.log[-4000:]}"

    def restart(self):
        if self.running:
            self.stop()
        return self.start()

    def wait_log(self, pattern):
        """Waits until a line of its log matches."""
        return self.hub.wait(lambda: re.search(pattern, self.log), f"{pattern!r} in the log of {self.directory.name}")
