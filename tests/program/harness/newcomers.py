"""Many clients that log in with passwords at once, and who are told to wait do so.

    newcomers = Newcomers(world, server, {"load1": "password", ...})     connected, and greeted
    newcomers.storm()                                                    every login is sent before any answer is looked at
    newcomers.until_all_are_in(240)

`told` counts answers by their codes ("ok" among them), `waits` the seconds in them, `took` how long each client was at it.
"""
import collections
import heapq
import selectors
import time

from . import surroundings
from .wire import Peer, code_name


class Newcomer:
    def __init__(self, peer, user, password):
        self.peer, self.user, self.password = peer, user, password
        self.attempts = 0

    def send(self):
        self.attempts += 1
        self.peer.send("login", user=self.user, password=self.password)

    def answers(self):
        """What has come. The socket is readable."""
        self.peer.fill(time.monotonic() + surroundings.PATIENCE)
        while True:
            data = self.peer.cut()
            if data is None:
                return
            frame = self.peer.reads()
            frame.ParseFromString(data)
            if frame.HasField("welcome") or frame.HasField("error"):
                yield frame


class Newcomers:
    def __init__(self, world, server, passwords):
        self.told, self.waits, self.took = collections.Counter(), collections.Counter(), []
        self.selector = selectors.DefaultSelector()
        self.waiting = []  # (when, place in the list, newcomer)
        self.all = []
        for user, password in passwords.items():
            newcomer = Newcomer(Peer(world.hub, user, server), user, password)
            world.peers.append(newcomer.peer)
            newcomer.peer.hello()
            self.selector.register(newcomer.peer.sock, selectors.EVENT_READ, newcomer)
            self.all.append(newcomer)

    def storm(self):
        self.began = time.monotonic()
        for newcomer in self.all:
            newcomer.send()

    def heard(self, newcomer, frame):
        if frame.HasField("welcome"):
            self.told["ok"] += 1
            self.took.append(time.monotonic() - self.began)
            self.selector.unregister(newcomer.peer.sock)
            return
        code = code_name(frame.error.code)
        self.told[code] += 1
        self.waits[frame.error.retry_after] += 1
        assert code == "unavailable" and frame.error.retry_after >= 1, f"{newcomer.user}: {frame}"
        heapq.heappush(self.waiting, (time.monotonic() + frame.error.retry_after, id(newcomer), newcomer))

    def turn(self, seconds):
        """Reads what there is; whose time has come tries again."""
        now = time.monotonic()
        while self.waiting and self.waiting[0][0] <= now:
            heapq.heappop(self.waiting)[2].send()
        left = min(seconds, max(0.0, self.waiting[0][0] - now)) if self.waiting else seconds
        for key, _ in self.selector.select(left):
            for frame in key.data.answers():
                self.heard(key.data, frame)

    @property
    def all_are_in(self):
        return self.told["ok"] == len(self.all)

    def until_all_are_in(self, seconds, meanwhile=lambda: None):
        deadline = time.monotonic() + seconds * surroundings.SLOW
        while not self.all_are_in:
            assert time.monotonic() < deadline, f"{self.told['ok']} of {len(self.all)} are in: {self.told}"
            self.turn(0.05)
            meanwhile()

    def close(self):
        self.selector.close()
        for newcomer in self.all:
            newcomer.peer.close()
