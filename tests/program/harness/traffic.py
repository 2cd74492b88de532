"""Senders that always keep a few messages under way, receivers that keep account of what came, and the judgement over both.

All are real clients that reconnect and resend by themselves. A text says its place in the conversation and its own length, so that a
receiver can tell what is missing, doubled, out of order or changed. What was said is forgotten as it is read: a long run fits into
little memory.

    traffic = Traffic(world, senders=20, receivers=20)
    traffic.run(acknowledgements=100)       # load, until so many further ones have come
    traffic.drain()                         # nothing new; everything is answered and arrives
    assert not any(traffic.found().values())
"""
import collections
import time

from . import surroundings

PATIENCE = 60 * surroundings.SLOW
QUIET = 15 * surroundings.SLOW  # everybody online, and no further message for so long: none will come


def take_events(client):
    """What has come since the last time; the client keeps nothing of it."""
    events, client.seen = client.seen, []
    client.events.clear()
    client.lines.clear()
    return events


class Presence:
    """Whether a client is online, from what it says."""

    def __init__(self, client):
        self.client = client
        self.online = client is not None

    def notice(self, event):
        if event["event"] in ("online", "disconnected"):
            self.online = event["event"] == "online"


class Sender(Presence):
    def __init__(self, client, receivers, window):
        super().__init__(client)
        self.receivers = receivers
        self.window = window
        self.next = collections.Counter()
        self.under_way = {}
        self.acknowledged = {name: [] for name in receivers}
        self.refused = collections.Counter()
        self.not_taken = {name: [] for name in receivers}
        self.highest_id = 0
        self.sent = 0

    def say(self, length):
        while len(self.under_way) < self.window:
            receiver = self.receivers[self.sent % len(self.receivers)]
            place = self.next[receiver]
            self.next[receiver] += 1
            self.sent += 1
            text = f"{place} {length} ".ljust(length, "x")
            self.under_way[self.client.send(f"message {receiver} {text}")] = (receiver, place)

    def listen(self):
        """How many acknowledgements have come since the last time."""
        count = 0
        for event in take_events(self.client):
            self.notice(event)
            if event["event"] == "ok" and event["n"] in self.under_way:
                receiver, place = self.under_way.pop(event["n"])
                self.acknowledged[receiver].append(place)
                self.highest_id = max(self.highest_id, int(event["id"]))
                count += 1
            elif event["event"] == "error" and event["code"] != "not_accepted":
                self.refused[event["code"]] += 1
                if event.get("n") in self.under_way:
                    receiver, place = self.under_way.pop(event["n"])
                    self.not_taken[receiver].append(place)
        return count


class Receiver(Presence):
    """Without a client it is away, and what is sent to it has to wait."""

    def __init__(self, client=None):
        super().__init__(client)
        self.places = collections.defaultdict(list)
        self.count = 0
        self.changed = 0

    def listen(self):
        for event in take_events(self.client) if self.client else ():
            self.notice(event)
            if event["event"] == "message":
                place, length, *_ = event["body"].split(" ")
                self.places[event["from"]].append(int(place))
                self.changed += event["body"] != f"{place} {length} ".ljust(int(length), "x")
                self.count += 1


class Traffic:
    def __init__(self, world, senders, receivers, window=8, away=()):
        self.world = world
        self.receivers = {name: Receiver(None if name in away else world.client(name)) for name in receivers}
        self.senders = [Sender(world.client(name), list(receivers), window) for name in senders]

    @property
    def everybody(self):
        return [*self.senders, *self.receivers.values()]

    def come(self):
        """Those who are away log in."""
        for name, receiver in self.receivers.items():
            if receiver.client is None:
                receiver.client = self.world.start_client(name)

    @property
    def online(self):
        return sum(one.online for one in self.everybody)

    @property
    def acknowledged(self):
        return sum(len(places) for sender in self.senders for places in sender.acknowledged.values())

    @property
    def highest_id(self):
        return max(sender.highest_id for sender in self.senders)

    @property
    def refused(self):
        return sum((sender.refused for sender in self.senders), collections.Counter())

    def listen(self):
        """Reads what has come. How many acknowledgements were among it."""
        for receiver in self.receivers.values():
            receiver.listen()
        return sum(sender.listen() for sender in self.senders)

    def turn(self, length=0, seconds=0.05):
        for sender in self.senders:
            sender.say(length)
        self.world.hub.turn(seconds)
        return self.listen()

    def run_until(self, condition, what, length=0, pause=0.0):
        """Load, until condition() is true. How many acknowledgements came. `pause`: seconds between two rounds of sending."""
        count = 0
        deadline = time.monotonic() + PATIENCE
        again = 0.0
        while not condition():
            if time.monotonic() >= again:
                count += self.turn(length, 0.01)
                again = time.monotonic() + pause
            else:
                self.world.hub.turn(0.01)
                count += self.listen()
            assert time.monotonic() < deadline, f"waited in vain for {what}: {count} acknowledgements, {self.online} online"
        return count

    def run(self, acknowledgements, length=0):
        left = [acknowledgements]

        def enough():
            return left[0] <= 0

        deadline = time.monotonic() + PATIENCE
        while not enough():
            left[0] -= self.turn(length)
            assert time.monotonic() < deadline, f"{left[0]} of {acknowledgements} acknowledgements have not come"

    def drain(self):
        def answered():
            self.listen()
            return not any(sender.under_way for sender in self.senders)

        self.world.hub.wait(answered, "the answers to every line", PATIENCE)
        total = self.acknowledged
        last = [time.monotonic(), -1]

        def arrived():
            self.listen()
            count = sum(receiver.count for receiver in self.receivers.values())
            if count != last[1] or self.online < len(self.everybody):
                last[:] = [time.monotonic(), count]
            return count >= total or time.monotonic() - last[0] > QUIET

        self.world.hub.wait(arrived, f"{total} messages", 10 * PATIENCE)
        for receiver in self.receivers.values():
            receiver.client.fence()
        self.listen()

    def found(self):
        """What must not be, counted."""
        lost = doubled = disordered = refused = 0
        for name, receiver in self.receivers.items():
            for sender in self.senders:
                places = receiver.places[sender.client.name]
                acknowledged = sender.acknowledged[name]
                lost += len(set(acknowledged) - set(places))
                refused += len(set(sender.not_taken[name]) & set(places))
                doubled += len(places) - len(set(places))
                disordered += places != sorted(places) or acknowledged != sorted(acknowledged)
        changed = sum(receiver.changed for receiver in self.receivers.values())
        return {"acknowledged and lost": lost, "doubled": doubled, "conversations out of order": disordered, "changed": changed,
                "refused and delivered": refused}
