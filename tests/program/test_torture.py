"""kill -9 at random moments, under load from twenty senders to twenty receivers: what was acknowledged is delivered once, and in order.

Senders and receivers are real clients that reconnect and resend by themselves. The server is killed at a moment that chance
chooses (KINDS). EARSHOT_TORTURE_ROUNDS says how often in the long form (1,000); EARSHOT_TORTURE_SEED begins with the same choices again.
"""
import collections
import contextlib
import multiprocessing
import multiprocessing.connection
import os
import random
import sqlite3
import time
import traceback

import pytest

from harness import traffic
from harness.prepared import prepare
from harness.server import Server
from harness.world import World

LONG = int(os.environ.get("EARSHOT_TORTURE_ROUNDS", "1000"))
SEED = int(os.environ.get("EARSHOT_TORTURE_SEED", str(random.SystemRandom().randrange(10**6))))
SENDERS = [f"sender{number}" for number in range(20)]
RECEIVERS = [f"receiver{number}" for number in range(20)]
WINDOW = 3
SERVERS = 3  # in the long form
LENGTHS = (0, 0, 0, 300, 3000)
LARGE = 12000
AGE_MS = 40 * 24 * 3600 * 1000  # beyond what is kept
PROGRESS = 100  # rounds between two lines about them


class Scene:
    def __init__(self, world, chance):
        self.world = world
        self.chance = chance
        self.server = world.server("--rate-limit", 0, accounts=[*SENDERS, *RECEIVERS])
        self.traffic = traffic.Traffic(world, SENDERS, RECEIVERS, WINDOW)
        self.kills = collections.Counter()
        self.online = 0

    def length(self):
        return self.chance.choice(LENGTHS)

    def kill(self, kind):
        self.traffic.listen()
        self.kills[kind] += 1
        self.online += self.traffic.online
        self.server.kill9()

    def moment(self, most):
        """Any moment within the next so many seconds, under load."""
        end = time.monotonic() + self.chance.random() * most
        while time.monotonic() < end:
            self.traffic.turn(self.length(), max(0.0, min(0.05, end - time.monotonic())))


# ---- where it is killed; each is called when the server has been launched, and ends with the kill ----

def while_it_starts(scene):
    scene.moment(0.04)
    scene.kill("while it starts")


def as_soon_as_it_serves(scene):
    scene.server.ready()
    scene.kill("as soon as it serves")


def under_load(scene):
    scene.server.ready()
    scene.traffic.run(scene.chance.choice((1, 10, 100)) + scene.chance.randrange(100), scene.length())
    scene.moment(0.02)
    scene.kill("under load")


def with_everybody_back(scene):
    """A connection that lasts a second lets its client come back faster the next time, too."""
    scene.server.ready()
    scene.traffic.run_until(lambda: scene.traffic.online == len(SENDERS) + len(RECEIVERS), "everybody to be back", scene.length(),
                            pause=0.1)
    scene.moment(1.2)
    scene.kill("with everybody back")


def in_a_checkpoint(scene):
    """Only a checkpoint writes to the database file itself; large texts make it due."""
    scene.server.ready()
    path = scene.server.data / "earshot.db"
    before = path.stat().st_mtime_ns
    scene.traffic.run_until(lambda: path.stat().st_mtime_ns != before, "a checkpoint", LARGE)
    scene.moment(0.03)
    scene.kill("in a checkpoint")


def while_it_tidies(scene):
    """Which it does in steps, a second apart, the first a second after the start; there has to be something old."""
    scene.kill("before it tidies")
    with contextlib.closing(sqlite3.connect(scene.server.data / "earshot.db")) as database, database:
        database.execute("UPDATE message SET time = time - ?", (AGE_MS,))
    scene.server.launch().ready()
    served = time.monotonic()
    aim = served + 1 + scene.chance.choice((0, 0, 1, 2))
    scene.traffic.run_until(lambda: time.monotonic() >= aim, "the time", scene.length())
    scene.moment(0.03)
    scene.kill("while it tidies")


KINDS = (
    (10, while_it_starts),
    (8, as_soon_as_it_serves),
    (51, under_load),
    (20, with_everybody_back),
    (10, in_a_checkpoint),
    (1, while_it_tidies),
)


def torture(world, tell, seed, kinds):
    """Kills, then judges. What it saw, as figures."""
    chance = random.Random(seed)
    scene = Scene(world, chance)
    began = time.monotonic()
    for number, kind in enumerate(kinds(chance), 1):
        kind(scene)
        scene.server.launch()
        if number % PROGRESS == 0:
            tell(f"{number} rounds in {time.monotonic() - began:.0f} s, {scene.traffic.acknowledged} messages acknowledged")
    scene.server.ready()
    scene.traffic.run(100)
    scene.traffic.drain()
    refused = {f"refused with {code}": count for code, count in scene.traffic.refused.items()}
    return {"kills": dict(scene.kills), "found": {**scene.traffic.found(), **refused}, "online": scene.online,
            "acknowledged": scene.traffic.acknowledged}


def tell_and_judge(report, seed, seen):
    total = sum(seen["kills"].values())
    found = seen["found"]
    report(f"{total} kills (seed {seed}): " + ", ".join(f"{count} {kind}" for kind, count in sorted(seen["kills"].items())))
    report(f"on average {seen['online'] / total:.1f} of {len(SENDERS) + len(RECEIVERS)} clients were online when it was killed")
    report(f"{seen['acknowledged']} messages acknowledged: " + ", ".join(f"{count} {name}" for name, count in found.items()))
    assert not any(found.values()), f"seed {seed}: {dict(found)}"


def test_kill_at_random_moments(world, report):
    kinds = [under_load, while_it_starts, in_a_checkpoint, with_everybody_back, as_soon_as_it_serves, while_it_tidies]
    tell_and_judge(report, SEED, torture(world, report, SEED, lambda chance: chance.sample(kinds, len(kinds))))


# ---- the long form: several servers at a time, each with its crowd, for most of a round is waiting ----

def work(pipe, seed, rounds):
    """In a process of its own, for each has a hub of its own."""
    world = World()
    weights, kinds = zip(*KINDS)
    try:
        seen = torture(world, lambda line: pipe.send(("line", line)), seed, lambda chance: chance.choices(kinds, weights, k=rounds))
        world.finish()
        pipe.send(("seen", seen))
    except BaseException:  # whatever it was, the test that waits has to hear of it
        pipe.send(("trouble", traceback.format_exc() + world.report()))
    finally:
        world.close()
        world.remove()


def add(one, other):
    """Figures, some of them in tables."""
    if isinstance(one, dict):
        return {key: add(one[key], other[key]) if key in one and key in other else one.get(key, other.get(key))
                for key in {**one, **other}}
    return one + other


def follow(pipes, report):
    """What the workers saw, added up."""
    total = {}
    while pipes:
        for pipe in multiprocessing.connection.wait(list(pipes)):
            what, value = pipe.recv()
            if what == "line":
                report(f"server {pipes[pipe]}: {value}")
                continue
            assert what == "seen", f"server {pipes[pipe]} (seed {SEED}):\n{value}"
            del pipes[pipe]
            total = add(total, value)
    return total


@pytest.mark.slow
def test_many_kills_at_random_moments(report):
    prepare(Server, (*SENDERS, *RECEIVERS))
    began = time.monotonic()
    fork = multiprocessing.get_context("fork")
    pipes, workers = {}, []
    try:
        for number in range(SERVERS):
            mine, its = fork.Pipe(duplex=False)
            rounds = LONG // SERVERS + (number < LONG % SERVERS)
            workers.append(fork.Process(target=work, args=(its, SEED + number, rounds)))
            workers[-1].start()
            its.close()
            pipes[mine] = number
        seen = follow(pipes, report)
    finally:
        for worker in workers:
            worker.join(0 if pipes else None)
            worker.kill()
            worker.join()
    report(f"{SERVERS} servers in {time.monotonic() - began:.0f} s")
    tell_and_judge(report, SEED, seen)
