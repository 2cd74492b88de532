"""The power is cut under load: what was acknowledged is on the disk, is delivered when the machine is back, once and in order.

The database lies on a file system of its own, which harness/disk.py can take as a power cut would leave it. The same server, its clients
and their messages go on from there to the next cut. Half of the receivers are away until the end, so that what is delivered to
them comes from the disk. EARSHOT_TORTURE_SEED begins with the same choices again.
"""
import collections
import os
import random
import shutil
import time

import pytest

from harness import disk
from harness.prepared import prepare
from harness.server import Server
from harness.traffic import Traffic

SEED = int(os.environ.get("EARSHOT_TORTURE_SEED", str(random.SystemRandom().randrange(10**6))))
SENDERS = [f"sender{number}" for number in range(8)]
RECEIVERS = [f"receiver{number}" for number in range(4)]
AWAY = RECEIVERS[:2]
LONG = 25
MEGABYTES = 2048
LENGTHS = (0, 0, 300, 3000)
LARGE = 12000


class Scene:
    def __init__(self, world, chance):
        self.world = world
        self.chance = chance
        self.disk = disk.Disk(world, MEGABYTES)
        shutil.copytree(prepare(Server, (*SENDERS, *RECEIVERS)), self.disk.path / "data")
        os.sync()
        self.server = world.server("--rate-limit", 0, accounts=(), data=self.disk.path / "data")
        self.traffic = Traffic(world, SENDERS, RECEIVERS, away=AWAY)
        self.cuts = collections.Counter()

    def length(self):
        return self.chance.choice(LENGTHS)

    def cut(self):
        """And comes back, on the other disk, at the same address."""
        self.server.process.pause()
        found = self.disk.after_a_power_cut()
        self.server.kill9()
        self.disk.discard()
        self.disk = found
        self.server.data = found.path / "data"
        self.server.launch()

    def log_head(self):
        """Changes when the log has been copied back into the database and begins anew."""
        with open(self.server.data / "earshot.db-wal", "rb") as log:
            return log.read(32)


# ---- when; each begins with a server that has been launched ----

def under_load(scene):
    scene.server.ready()
    scene.traffic.run(200 + scene.chance.randrange(300), scene.length())


def in_a_checkpoint(scene):
    scene.server.ready()
    path = scene.server.data / "earshot.db"
    before = path.stat().st_mtime_ns
    scene.traffic.run_until(lambda: path.stat().st_mtime_ns != before, "a checkpoint", LARGE)


def after_a_checkpoint(scene):
    scene.server.ready()
    scene.traffic.run(1)
    before = scene.log_head()
    scene.traffic.run_until(lambda: scene.log_head() != before, "the log to begin anew", LARGE)


def as_soon_as_it_serves(scene):
    scene.server.ready()


def while_it_starts(scene):
    end = time.monotonic() + scene.chance.random() * 0.04
    while time.monotonic() < end and not scene.server.process.ended:
        scene.world.hub.turn(0.001)


KINDS = ((12, under_load), (4, in_a_checkpoint), (3, after_a_checkpoint), (3, as_soon_as_it_serves), (3, while_it_starts))


def endure(world, report, kinds):
    scene = Scene(world, random.Random(SEED))
    scene.chance.shuffle(kinds)
    for kind in kinds:
        kind(scene)
        scene.cuts[kind.__name__.replace("_", " ")] += 1
        scene.cut()
    scene.server.ready()
    scene.traffic.come()
    scene.traffic.drain()
    found = scene.traffic.found()
    report(f"{len(kinds)} power cuts (seed {SEED}): " + ", ".join(f"{count} {kind}" for kind, count in sorted(scene.cuts.items())))
    report(f"{scene.traffic.acknowledged} messages acknowledged: " + ", ".join(f"{count} {name}" for name, count in found.items()))
    assert not any(found.values()) and not scene.traffic.refused, f"seed {SEED}: {found}, {scene.traffic.refused}"


def test_a_power_cut(world, report):
    endure(world, report, [under_load, after_a_checkpoint])


def first_start(world):
    """A server that finds an empty disk, makes its certificate, its database and two accounts."""
    found = disk.Disk(world, 64)
    server = world.new_server(accounts=("alice", "bob"), prepared=False, data=found.path / "var" / "data")
    return found, server.launch()


def time_of_a_first_start(world):
    began = time.monotonic()
    found, server = first_start(world)
    server.ready()
    taken = time.monotonic() - began
    server.kill9()
    found.discard()
    return taken


def cut(world, found, server):
    """The server then has nothing to import; what is there has to be on the disk."""
    server.process.pause()
    after = found.after_a_power_cut()
    server.kill9()
    server.data = after.path / server.data.relative_to(found.path)
    found.discard()
    return after


def test_a_power_cut_after_the_first_start(world):
    found, server = first_start(world)
    server.ready()
    certificate = server.certificate.read_bytes()
    alice = world.peer("alice")
    alice.done("message", to="bob", body="before the cut")
    cut(world, found, server)
    server.credentials.unlink()
    server.start()
    assert server.certificate.read_bytes() == certificate
    bob = world.client("bob")
    bob.expect("message", body="before the cut")


@pytest.mark.slow
def test_power_cuts_during_the_first_start(world, report):
    """Wherever it is cut, the next start goes well; and who had been told "ready" finds the accounts."""
    chance = random.Random(SEED)
    counts = collections.Counter()
    longest = time_of_a_first_start(world) * 1.5
    for _ in range(LONG):
        found, server = first_start(world)
        end = time.monotonic() + chance.random() * longest
        while time.monotonic() < end:
            world.hub.turn(0.001)
        ready = bool(server.process.lines)
        counts["ready" if ready else "not ready"] += 1
        after = cut(world, found, server)
        if ready:
            server.credentials.unlink()
        server.start()
        world.peer("bob", server=server).close()
        server.kill9()
        after.discard()
    report(f"{LONG} first starts cut short (seed {SEED}): " + ", ".join(f"{count} were {what}" for what, count in counts.items()))


@pytest.mark.slow
def test_many_power_cuts(world, report):
    kinds = [kind for weight, kind in KINDS for _ in range(weight)]
    assert len(kinds) == LONG
    endure(world, report, kinds)
