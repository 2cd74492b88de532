"""Presence is true for thousands: through black holes, kills, and everybody coming back at once.

The short forms count; the long ones judge the promised times as well: gone within 45 seconds, and messages between those who are
back arrive within half a second while the others are still coming.
"""
import random
import signal
import time

import pytest

from harness.crowd import Crowd, crowded_server
from harness.island import Island

BOUND = 45.0  # seconds until silence shows
STORM_P99 = 0.5


def names(members):
    return {f"load{index}" for index in members}


def others(crowd, watcher):
    return set(crowd.do(f"whoelse {watcher}")["users"])


# ---- at every sample ----


def sample(crowd, certain, possible):
    """Asks one who is surely online: everybody who is must be listed, and nobody who cannot be."""
    watcher = random.choice(sorted(certain))
    seen = others(crowd, watcher)
    missing, ghosts = names(certain - {watcher}) - seen, seen - names(possible)
    assert not missing and not ghosts, f"load{watcher} misses {sorted(missing)[:5]} and sees {sorted(ghosts)[:5]}"
    return seen


class Population:
    """Members come, log out and die by chance. What is under way is in `possible` and not in `certain`."""

    def __init__(self, world, size, chance):
        self.chance = chance
        self.hub = world.hub
        self.crowd = Crowd(world)
        self.everybody = set(range(size))
        self.online = set()
        self.samples = 0

    def sample(self, certain, possible):
        self.samples += 1
        return sample(self.crowd, certain, possible)

    def batch(self, pool, most):
        first = self.chance.choice(sorted(pool))
        last = first
        while last + 1 in pool and last - first + 1 < most:
            last += 1
        return set(range(first, last + 1)), f"{first}-{last}"

    def come(self, most):
        batch, members = self.batch(self.everybody - self.online, most)
        number = self.crowd.begin(f"login {members} how=token parallel=32")
        while number not in self.crowd.answers:
            self.sample(self.online, self.online | batch)
        assert self.crowd.result(number)["online"] == len(batch)
        self.online |= batch
        assert self.sample(self.online, self.online)

    def go(self, how, most):
        """A logout is over with its goodbye; a connection that breaks is noticed when the kernel says so."""
        batch, members = self.batch(self.online - {0, 1}, most if how == "close" else most // 4)
        certain = self.online - batch
        self.crowd.do(f"{how} {members}")
        assert self.crowd.do(f"await {members} online=0")["reached"]
        if how == "logout":
            self.sample(certain, certain)
        else:
            self.hub.wait(lambda: self.sample(certain, self.online) <= names(certain), f"{members} to be gone")
        self.online = certain


def wander(world, report, size, rounds):
    seed = random.randrange(10**6)
    crowded_server(world, size)
    people = Population(world, size, random.Random(seed))
    people.crowd.login("0-1")
    people.online = {0, 1}
    came = went = 0
    for _ in range(rounds):
        before = len(people.online)
        if before < size // 2 or (before < size and people.chance.random() < 0.5):
            people.come(size // 4)
            came += len(people.online) - before
        else:
            people.go(people.chance.choice(("logout", "close")), size // 4)
            went += before - len(people.online)
    report(f"{rounds} rounds among {size} (seed {seed}): {came} came, {went} logged out or broke off, {people.samples} times "
           "whoelse was the set of live sessions")
    assert people.samples >= rounds and came and went


def test_whoelse_is_the_set_of_live_sessions(world, report):
    wander(world, report, 60, 25)


@pytest.mark.slow
def test_whoelse_is_the_set_of_many_live_sessions(world, report):
    wander(world, report, 1000, 150)


# ---- black holes ----


@pytest.fixture
def island():
    why = Island.missing()
    if why:
        pytest.skip(why)
    island = Island()
    yield island
    island.close()


def swallow(world, island, alive, dead):
    """Watchers 0 to alive - 1 and as many behind an address that vanishes as `dead` says. The crowd, and when it vanished."""
    crowded_server(world, alive + dead, prefix=island.prefix)
    crowd = Crowd(world, prefix=island.prefix)
    crowd.login(f"0-{alive - 1}", "from=127.1.0.1", "each=500")
    crowd.login(f"{alive}-{alive + dead - 1}", "from=127.9.0.1", f"each={dead}")
    crowd.do(f"watch 0-{alive - 1}")
    world.hub.wait(lambda: len(others(crowd, 0)) == alive + dead - 1, "everybody to be listed")
    began = time.monotonic()
    island.swallow("127.9.0.1")
    return crowd, began


@pytest.mark.slow
def test_five_hundred_of_two_thousand_are_swallowed(world, island, report):
    """All of them are shown offline within the bound, to everybody else, once; nobody else is, ever."""
    alive, dead = 1500, 500
    crowd, began = swallow(world, island, alive, dead)
    living, lost, samples = names(range(1, alive)), names(range(alive, alive + dead)), 0
    while True:
        seen = others(crowd, 0)
        samples += 1
        assert living <= seen <= living | lost, f"{sorted(living - seen)[:5]} are missing, {sorted(seen - living - lost)[:5]} are ghosts"
        shown = crowd.do(f"shown 0-{alive - 1} of={alive}-{alive + dead - 1}")
        if shown["online"] == 0:
            break
        assert time.monotonic() - began < 2 * BOUND, f"still shown online: {shown}"
        world.hub.turn(0.05)
    seconds = shown["last_offline_us"] / 1e6 - began
    report(f"{dead} of {alive + dead} clients swallowed: shown offline to {alive} others, the last after {seconds:.1f} s; "
           f"{samples} samples of whoelse held")
    still = crowd.do(f"shown 0-{alive - 1} of=0-{alive - 1}")
    assert others(crowd, 0) == living
    assert shown["events_offline"] == alive * dead, "each told once to each"
    assert still["events_offline"] == 0 and still["online"] == still["pairs"], "nobody else"
    assert seconds <= BOUND


def test_a_swallowed_client_says_nothing(world, island):
    """What the long form builds on: a black hole is silence, not a closed connection. (How long silence may last is a test of sessions.)"""
    crowd, _ = swallow(world, island, 4, 3)
    sent = crowd.begin("send 4-6 to=0 count=3")
    assert crowd.do("send 0-3 count=5")["accepted"] == 20
    assert others(crowd, 0) == names(range(1, 7))
    state = crowd.do("state 4-6")
    assert sent not in crowd.answers and state["count"] == 3
    assert crowd.do("shown 0-3 of=all")["events_offline"] == 0
    world.servers[0].kill9()  # it would wait for them


# ---- after kill -9 ----


def nobody_is_a_ghost(world, report, size):
    server = crowded_server(world, size + 1)
    crowd = Crowd(world)
    crowd.login(f"0-{size - 1}")
    crowd.do(f"logout 0-{size // 4 - 1}")
    crowd.do(f"await 0-{size // 4 - 1} online=0")
    server.kill9()
    assert crowd.do("await all online=0")["reached"]
    server.start()
    crowd.login(str(size))
    assert others(crowd, size) == set(), "online without a connection"
    assert set(crowd.do(f"whoelse {size} since=3600")["users"]) == names(range(size)), "they were here within the hour"
    world.hub.wait(lambda: crowd.do(f"whoelse {size} since=1")["users"] == [], "everybody's stay to be over for a second", 30)
    crowd.login(f"0-{size // 2 - 1}")
    assert others(crowd, size) == names(range(size // 2))
    report(f"{size} clients, kill -9 and restart: nobody online without a connection, all {size} in the history")


def test_nobody_is_online_after_a_kill(world, report):
    nobody_is_a_ghost(world, report, 80)


@pytest.mark.slow
def test_of_many_nobody_is_online_after_a_kill(world, report):
    nobody_is_a_ghost(world, report, 3000)


# ---- all at once ----


def storm(world, report, size, seconds):
    """Everybody is online; kill -9, restart, and all come back as clients do. What those who are back say meanwhile is measured.

    The crowd that comes back has a lower priority: its clients have machines of their own in earnest.
    """
    talkers = min(200, size // 5 * 2)
    server = crowded_server(world, size, "--log-level", "warn")
    chat, mass = Crowd(world, name="talkers"), Crowd(world, name="mass", prefix=("nice", "-n", "10"))
    mass.login(f"{talkers}-{size - 1}", "stay=1", "parallel=500", seconds=300)
    chat.login(f"0-{talkers - 1}", "stay=1")
    server.kill9()
    assert chat.do("await all online=0")["reached"]
    server.start()
    began = time.monotonic()
    assert chat.do(f"await 0-{talkers - 1} online={talkers} seconds=120")["reached"]
    first = time.monotonic() - began
    back = len(mass.online())
    rate = chat.begin(f"rate 0-{talkers - 1} per_second=200 seconds={int(seconds)} grace=30")
    everybody = mass.begin(f"await all online={size - talkers} seconds=300")
    said = chat.result(rate, 400)
    meanwhile = len(mass.online())
    returned = mass.result(everybody, 400)
    assert returned["reached"], f"{returned['online']} came back"
    took = time.monotonic() - began
    delivery = said["delivery"]
    report(f"{size} clients come back after kill -9: the {talkers} who talk after {first:.1f} s, all after {took:.1f} s")
    report(f"while {back} to {meanwhile} of {size - talkers} were back: {said['sent']} messages, {said['delivered']} delivered, "
           f"p50 {delivery['p50_us'] / 1000:.1f} ms, p99 {delivery['p99_us'] / 1000:.1f} ms, most {delivery['max_us'] / 1000:.1f} ms")
    assert said["sent"] > 0 and said["sent"] == said["accepted"] == said["delivered"], said
    assert others(chat, 0) == names(range(1, size))
    return back, delivery


def test_everybody_comes_back(world, report):
    storm(world, report, 300, 2)


@pytest.mark.slow
def test_ten_thousand_come_back_at_once(world, report):
    back, delivery = storm(world, report, 10000, 10)
    assert back < 9000, "the storm was over before anything was measured"
    assert delivery["p99_us"] <= STORM_P99 * 1e6


# ---- a client that stops, without a namespace ----


def test_a_stopped_crowd_is_here_until_silence_is_long(world):
    """Stopped is not gone: the kernel still answers for it. That it goes after a while: test_presence, slow."""
    crowded_server(world, 10)
    watching, stopped = Crowd(world, name="watching"), Crowd(world, name="stopped")
    watching.login("0-4")
    stopped.login("5-9")
    stopped.signal(signal.SIGSTOP)
    try:
        assert others(watching, 0) == names(range(1, 10))
    finally:
        stopped.signal(signal.SIGKILL)
    world.hub.wait(lambda: others(watching, 0) == names(range(1, 5)), "the killed to be gone")
