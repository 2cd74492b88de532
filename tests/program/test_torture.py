"""kill -9 at random moments, under load from twenty senders: what was acknowledged is delivered once, and in order.

Senders and receivers are real clients that reconnect and resend by themselves. The server is killed at a moment that chance
chooses: after some number of further acknowledgements, at once after it is ready, or while it starts. EARSHOT_TORTURE_ROUNDS says how
often in the long form (200); EARSHOT_TORTURE_SEED begins with the same choices again.
"""
import collections
import os
import random
import time

import pytest

SHORT = 5
LONG = int(os.environ.get("EARSHOT_TORTURE_ROUNDS", "200"))
SEED = int(os.environ.get("EARSHOT_TORTURE_SEED", str(random.SystemRandom().randrange(10**6))))
SENDERS = 20
RECEIVERS = 4
WINDOW = 8
ROUND_PATIENCE = 60


class Sender:
    """Keeps a few messages under way, each with its place in the conversation as its text."""

    def __init__(self, client, receivers):
        self.client = client
        self.receivers = receivers
        self.next = collections.Counter()
        self.under_way = {}
        self.acknowledged = {name: [] for name in receivers}
        self.sent = 0
        self.seen = 0

    def say(self):
        while len(self.under_way) < WINDOW:
            receiver = self.receivers[self.sent % len(self.receivers)]
            place = self.next[receiver]
            self.next[receiver] += 1
            self.sent += 1
            self.under_way[self.client.send(f"message {receiver} {place}")] = (receiver, place)

    def listen(self):
        """How many acknowledgements have come since the last time."""
        count = 0
        for event in self.client.seen[self.seen:]:
            if event["event"] == "ok" and event["n"] in self.under_way:
                receiver, place = self.under_way.pop(event["n"])
                self.acknowledged[receiver].append(place)
                count += 1
            elif event["event"] == "error" and event["code"] != "not_accepted":
                raise AssertionError(f"{self.client.name}: {event}")
        self.seen = len(self.client.seen)
        return count


def start_crowd(world):
    receivers = [f"receiver{number}" for number in range(RECEIVERS)]
    names = [f"sender{number}" for number in range(SENDERS)]
    server = world.server("--rate-limit", 0, accounts=[*names, *receivers])
    listening = {name: world.client(name) for name in receivers}
    senders = [Sender(world.client(name), receivers) for name in names]
    return server, senders, listening


def run_until(world, senders, acknowledgements):
    """Load, until so many further ones have come."""
    count = 0
    deadline = time.monotonic() + ROUND_PATIENCE
    while count < acknowledgements:
        for sender in senders:
            sender.say()
        world.hub.turn(0.05)
        count += sum(sender.listen() for sender in senders)
        assert time.monotonic() < deadline, f"{count} of {acknowledgements} acknowledgements"


def kill_somewhere(world, server, senders, chance):
    """One round. The server is down at its end."""
    kind = chance.random()
    if kind < 0.1:
        for _ in range(chance.randrange(4)):
            world.hub.turn(0.01)
        server.kill9()
        server.launch()
    server.ready()
    if kind >= 0.2:
        run_until(world, senders, chance.choice((1, 10, 100, 300)) + chance.randrange(100))
        for _ in range(chance.randrange(3)):
            world.hub.turn(0.001 * chance.randrange(10))
    server.kill9()


def drain(world, senders, listening):
    """Nothing new; every line is answered and everything acknowledged arrives."""
    def answered():
        for sender in senders:
            sender.listen()
        return not any(sender.under_way for sender in senders)

    world.hub.wait(answered, "the answers to every line", ROUND_PATIENCE)
    total = sum(sender.next[name] for sender in senders for name in listening)

    def arrived():
        return sum(len(client.waiting("message")) for client in listening.values()) >= total

    world.hub.wait(arrived, f"{total} messages", ROUND_PATIENCE)
    for client in listening.values():
        client.fence()


def judge(senders, listening):
    lost = doubled = disordered = 0
    for receiver, client in listening.items():
        got = collections.defaultdict(list)
        for event in client.waiting("message"):
            got[event["from"]].append(int(event["body"]))
        for sender in senders:
            places = got[sender.client.name]
            acknowledged = sender.acknowledged[receiver]
            lost += len(set(acknowledged) - set(places))
            doubled += len(places) - len(set(places))
            disordered += places != sorted(places)
            assert acknowledged == sorted(acknowledged), "answers came out of order"
    return {"acknowledged and lost": lost, "doubled": doubled, "out of order": disordered}


def torture(world, report, rounds):
    chance = random.Random(SEED)
    server, senders, listening = start_crowd(world)
    for _ in range(rounds):
        kill_somewhere(world, server, senders, chance)
        server.launch()
    server.ready()
    run_until(world, senders, 100)
    drain(world, senders, listening)
    found = judge(senders, listening)
    total = sum(sum(map(len, sender.acknowledged.values())) for sender in senders)
    report(f"{rounds} kills, {total} messages acknowledged, seed {SEED}: {found}")
    assert not any(found.values()), f"seed {SEED}: {found}"


def test_kill_at_random_moments(world, report):
    torture(world, report, SHORT)


@pytest.mark.slow
def test_many_kills_at_random_moments(world, report):
    torture(world, report, LONG)
