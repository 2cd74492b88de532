"""earshotctl, run to its end against a server's data directory."""
import json
import subprocess

from . import surroundings

EARSHOTCTL = surroundings.BUILD / "earshotctl"


class Control:
    def __init__(self, server):
        self.server = server

    def run(self, *words, password=None, prefix=(), data=None):
        """The finished process: its exit code and what it wrote."""
        argv = [*prefix, EARSHOTCTL, "--data", data or self.server.data, *words]
        return subprocess.run([str(word) for word in argv], input=None if password is None else password + "\n",
                              stdin=subprocess.DEVNULL if password is None else None, capture_output=True, text=True,
                              timeout=6 * surroundings.PATIENCE, env=surroundings.environment(), check=False)

    def rows(self, *words, password=None):
        """Must work; the server's rows without the last."""
        done = self.run("--json", *words, password=password)
        assert done.returncode == 0, f"{words}: {done}"
        *rows, last = [json.loads(line) for line in done.stdout.splitlines()]
        assert last == {"done": True}
        return rows

    def refused(self, *words, password=None):
        """Must be refused; the error's code."""
        done = self.run("--json", *words, password=password)
        assert done.returncode == 3 and done.stderr.startswith("earshotctl: "), f"{words}: {done}"
        return json.loads(done.stdout.splitlines()[-1])["error"]

    def status(self):
        return self.rows("status")[0]
