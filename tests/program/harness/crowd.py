"""Thousands of clients in one process: tests/crowd. Its crowd.h and commands.c say what it can do.

    crowd = Crowd(world)                      against the world's first server
    crowd.do("login 0-999 how=token")         the answer, a dictionary
    n = crowd.begin("rate 0-99 seconds=3")    does not wait ...
    crowd.result(n)                           ... and here is the answer
"""
import json
import pathlib
import subprocess
import tempfile

from . import surroundings
from .process import Process

CROWD = surroundings.BUILD / "tests" / "crowd" / "crowd"
POPULATE = surroundings.ROOT / "tools" / "populate"
LOGIN_SECONDS = 120


class Crowd(Process):
    """`password`: the default is what populate gives; a % in it stands for the account's name. `prefix`: argv before the program."""

    def __init__(self, world, server=None, password="load-password", members=20000, name="crowd", **options):
        self.server = server or world.servers[0]
        self.answers = {}
        self.count = 0
        argv = [*options.get("prefix", ()), CROWD, "--port", self.server.port, "--host", options.get("host", "127.0.0.1"),
                "--password", password, "--members", members]
        super().__init__(world.hub, name, argv, world.directory)
        world.others.append(self)

    def line(self, text):
        answer = json.loads(text)
        self.hub.note(self.name, "<", text[:300])
        self.answers[answer["n"]] = answer

    def begin(self, line):
        self.hub.note(self.name, ">", line)
        self.write(line.encode() + b"\n")
        self.count += 1
        return self.count

    def result(self, number, seconds=LOGIN_SECONDS):
        def look():
            if self.ended and number not in self.answers:
                raise AssertionError(f"{self.name} ended: {self.stderr[-1000:]}")
            return self.answers.pop(number, None)

        answer = self.hub.wait(look, f"{self.name}'s answer {number}", seconds)
        assert answer["event"] == "done", answer
        return answer

    def do(self, line, seconds=LOGIN_SECONDS):
        return self.result(self.begin(line), seconds)

    def login(self, members, *options, seconds=LOGIN_SECONDS):
        """All of them must get in."""
        answer = self.do(" ".join(["login", members, *options]), seconds)
        assert answer["online"] == answer["clients"], answer
        return answer

    def online(self, members="all"):
        """The numbers of those who are online, as they know themselves."""
        return self.do(f"state {members}")["online"]


def populate(directory, *options):
    """A data directory made by tools/populate: accounts load0, load1, ..., each with a token that a crowd knows."""
    done = subprocess.run([POPULATE, "--build", surroundings.BUILD, *map(str, options), directory], capture_output=True, text=True,
                          env=surroundings.environment(), check=False)
    assert done.returncode == 0, done.stderr
    return pathlib.Path(directory)


def crowded_server(world, accounts, *args, messages=(), **options):
    """A server on a populated directory, with limits that let a crowd in."""
    data = populate(tempfile.mkdtemp(prefix="data-", dir=world.directory), "--accounts", accounts, *messages)
    return world.server("--max-connections", 19000, "--max-connections-per-address", 19000, *args, accounts=(), data=data, **options)
