"""Many people log in with passwords at the same moment: what it costs in memory, who has to wait, and who notices.

Memory is what the hashing pool may take: a hash for each of its threads. Clients and server share one machine here, so how long it all
takes is only shown, but for the delay of a chat between others, which the long form judges.
"""
import resource
import subprocess
import sys
import threading
import time

import pytest

from harness import memory, surroundings
from harness.control import Control
from harness.newcomers import Newcomers
from harness.ranks import percentile
from harness.wire import Peer

PASSWORD = "load-password"
HASH = 19 << 20  # bytes, while a password is hashed
ROOM = 12 << 20  # for what else a thousand logins need: answers, sessions, what the allocator keeps
CHAT_P99 = 0.5   # seconds, in the long form


def populated(world, count, *args):
    """A server with so many accounts, each with a device token."""
    data = world.directory / "populated"
    subprocess.run([sys.executable, surroundings.ROOT / "tools" / "populate", "--accounts", str(count), "--build", surroundings.BUILD,
                    "--password", PASSWORD, data], check=True, stdout=subprocess.DEVNULL, env=surroundings.environment())
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, 4 * count + 100)), hard))
    return world.new_server("--max-connections-per-address", 10 * count, "--rate-limit", 0, *args, data=data).start()


def token_of(name):
    return name.encode().ljust(32, b"\0")


class Talk(threading.Thread):
    """Two who are logged in write to each other all the time; `delays` in seconds."""

    def __init__(self, world, server, one, other):
        super().__init__(daemon=True)
        self.peers = [Peer(world.hub, name, server) for name in (one, other)]
        world.peers += self.peers
        self.names = [one, other]
        for name, peer in zip(self.names, self.peers):
            peer.resume(token_of(name))
        self.delays, self.problem, self.over = [], None, threading.Event()

    def run(self):
        try:
            while not self.over.wait(0.005):
                turn = len(self.delays) % 2
                began = time.monotonic()
                text = f"{len(self.delays)}"
                self.peers[turn].send("message", to=self.names[1 - turn], body=text)
                message = self.peers[1 - turn].expect("event_message", body=text)
                self.delays.append(time.monotonic() - began)
                self.peers[1 - turn].received(message)
        except AssertionError as problem:
            self.problem = problem

    def end(self):
        self.over.set()
        self.join(surroundings.PATIENCE)
        assert self.problem is None, self.problem
        assert not self.is_alive()
        return self.delays


def storm(world, report, count, threads, queue):
    """The 99th percentile of a chat's delays during it."""
    server = populated(world, count + 2, "--hash-threads", threads, "--hash-queue", queue)
    newcomers = Newcomers(world, server, {f"load{place}": PASSWORD for place in range(2, count + 2)})
    talk = Talk(world, server, "load0", "load1")
    before = Control(server).status()
    memory.forget_peak(server.process)
    start = memory.resident(server.process)
    talk.start()
    newcomers.storm()
    newcomers.until_all_are_in(240)
    grown = memory.peak(server.process) - start
    delays = talk.end()
    after = Control(server).status()
    newcomers.close()
    told = ", ".join(f"{code} {times}" for code, times in sorted(newcomers.told.items()))
    report(f"{count} logins at once, {threads} hashing threads, queue of {queue}: {told}; told to wait {dict(sorted(newcomers.waits.items()))} s")
    report(f"all in after {max(newcomers.took):.1f} s, with {max(one.attempts for one in newcomers.all)} attempts at most")
    report(f"memory grew by {memory.megabytes(grown)} at most, of which hashes may take {memory.megabytes(threads * HASH)}")
    report(f"chat meanwhile: {len(delays)} messages, p50 {1000 * percentile(delays, 50):.1f} ms, p99 {1000 * percentile(delays, 99):.1f} ms")
    assert newcomers.told["unavailable"] > 0, "nobody was too many: the test is too small"
    assert after["passwords_hashed"] - before["passwords_hashed"] == count, "each that was let through was hashed once, and no other"
    assert after["users_online"] == count + 2
    assert delays, "nobody could talk meanwhile"
    if not surroundings.sanitized():
        assert grown <= threads * HASH + ROOM, f"{memory.megabytes(grown)} for {threads} threads"
    return percentile(delays, 99)


def test_many_logins_at_once(world, report):
    """With room for few: most are turned away, wait as they are told, and all get in."""
    storm(world, report, 80, 1, 16)


@pytest.mark.slow
@pytest.mark.parametrize("queue", (64, 256))
def test_a_thousand_logins_at_once(world, report, queue):
    assert storm(world, report, 1000, 2, queue) < CHAT_P99
