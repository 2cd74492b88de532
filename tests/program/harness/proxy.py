"""A TCP proxy before a server, in a thread of its own, that treats connections badly.

    proxy = Proxy(server.port)             clients connect to proxy.address
    proxy.mischief = Mischief(seed)        from now on something happens to each connection every 1 to 5 s
    proxy.mischief = None                  bytes pass as they come (what was stalled goes on, what was cut stays cut)
    proxy.done["cut"]                      how often

What happens (MISHAPS) is a table: cut (both sides are reset), stall (nothing passes for a while, in one direction or both; as often as not
it ends with a cut, and what had come through unanswered stays unanswered), split (bytes go
one at a time), half_close (one side gets an end of file and may go on talking, for a while), pass. A link also writes down its flights: which
side spoke in turn, and how many bytes: what takes one round trip has two.
"""
import collections
import random
import selectors
import socket
import struct
import threading
import time

CHUNK = 65536
SPLIT_BYTES = 400
HELD_MOST = 1 << 20


class Side:
    """One socket of a link, and what waits to be sent to it."""

    def __init__(self, link, sock, name):
        self.link, self.sock, self.name = link, sock, name
        self.other = None
        self.out = bytearray()
        self.ended = False  # it has sent its end of file
        self.shut = False   # we have passed an end of file on to it
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


class Link:
    def __init__(self, proxy, client, server):
        self.proxy = proxy
        self.client, self.server = Side(self, client, "client"), Side(self, server, "server")
        self.client.other, self.server.other = self.server, self.client
        self.sides = (self.client, self.server)
        self.flights = []
        self.split = 0
        self.stalled_until = self.cut_at = 0.0
        self.stalled = ()  # sides to which nothing passes until then
        self.next_mishap = None
        self.alive = True

    def count(self, side, size):
        if self.flights and self.flights[-1][0] == side.name:
            self.flights[-1][1] += size
        else:
            self.flights.append([side.name, size])


def cut(link, chance):
    for side in link.sides:
        side.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    link.proxy.drop(link)


def stall(link, chance):
    link.stalled = chance.choice((link.sides, (link.client,), (link.server,)))
    link.stalled_until = time.monotonic() + chance.uniform(0.2, 3.0)
    if chance.random() < 0.5:
        link.cut_at = link.stalled_until


def split(link, chance):
    link.split = SPLIT_BYTES


def half_close(link, chance):
    side = chance.choice(link.sides)
    side.ended = True  # what it says from now on is not read, and the other side is told that it has ended
    link.cut_at = time.monotonic() + chance.uniform(0.1, 2.0)


def nothing(link, chance):
    pass


MISHAPS = {"cut": cut, "stall": stall, "split": split, "half_close": half_close, "pass": nothing}


class Mischief:
    def __init__(self, seed, least=1.0, most=5.0, kinds=tuple(MISHAPS)):
        self.chance = random.Random(seed)
        self.least, self.most, self.kinds = least, most, kinds
        self.deck = []

    def kind(self):
        """By chance, but each as often as the others."""
        if not self.deck:
            self.deck = self.chance.sample(self.kinds, len(self.kinds))
        return self.deck.pop()

    def pause(self):
        return self.chance.uniform(self.least, self.most)


class Proxy:
    def __init__(self, port):
        self.target = port
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=512)
        self.listener.setblocking(False)
        self.port = self.listener.getsockname()[1]
        self.address = f"127.0.0.1:{self.port}"
        self.selector = selectors.DefaultSelector()
        self.selector.register(self.listener, selectors.EVENT_READ, None)
        self.mischief = None
        self.links = []
        self.accepted = 0
        self.done = collections.Counter()
        self.running = True
        self.trouble = None
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def close(self):
        self.running = False
        self.thread.join(10)
        if self.trouble:
            raise self.trouble

    def mute(self, name):
        """From now on nothing passes to this side ("client", "server") of any link."""
        for link in list(self.links):
            link.stalled = tuple(side for side in link.sides if side.name == name)
            link.stalled_until = float("inf")

    # ---- in the thread ----

    def serve(self):
        try:
            while self.running:
                self.turn()
        except Exception as problem:  # shown by close()
            self.trouble = problem
        for link in list(self.links):
            self.drop(link)
        self.listener.close()
        self.selector.close()

    def turn(self):
        for key, events in self.selector.select(0.005 if any(link.split for link in self.links) else 0.02):
            if key.data is None:
                self.accept()
            elif key.data.link.alive and events & selectors.EVENT_READ:
                self.read(key.data)
        now = time.monotonic()
        for link in list(self.links):
            self.misbehave(link, now)
            if link.alive:
                self.pass_on(link, now)
            if link.alive:
                self.watch(link)

    def accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except BlockingIOError:
                return
            self.accepted += 1
            try:
                server = socket.create_connection(("127.0.0.1", self.target), 5)
            except OSError:
                client.close()
                continue
            link = Link(self, client, server)
            for side in link.sides:
                side.sock.setblocking(False)
                self.selector.register(side.sock, selectors.EVENT_READ, side)
            self.links.append(link)

    def read(self, side):
        try:
            data = side.sock.recv(CHUNK)
        except BlockingIOError:
            return
        except OSError:
            self.drop(side.link)
            return
        if side.ended:
            return
        if not data:
            side.ended = True
            return
        side.link.count(side, len(data))
        side.other.out += data

    def pass_on(self, link, now):
        for side in link.sides:
            if now < link.stalled_until and side in link.stalled:
                continue
            while side.out:
                size = 1 if link.split else len(side.out)
                try:
                    sent = side.sock.send(side.out[:size])
                except BlockingIOError:
                    break
                except OSError:
                    self.drop(link)
                    return
                del side.out[:sent]
                link.split = max(0, link.split - 1)
            if side.other.ended and not side.out and not side.shut:
                side.shut = True
                try:
                    side.sock.shutdown(socket.SHUT_WR)
                except OSError:
                    pass
        if all(side.ended and not side.other.out for side in link.sides):
            self.drop(link)

    def watch(self, link):
        for side in link.sides:
            wanted = 0 if side.ended and side.shut else selectors.EVENT_READ if len(side.other.out) < HELD_MOST else 0
            known = side.sock in self.selector.get_map()
            if wanted and not known:
                self.selector.register(side.sock, wanted, side)
            elif known and not wanted:
                self.selector.unregister(side.sock)

    def misbehave(self, link, now):
        mischief = self.mischief
        if link.cut_at and now >= link.cut_at:
            self.drop(link)
            return
        if mischief is None:
            link.next_mishap = None
            return
        if link.next_mishap is None:
            link.next_mishap = now + mischief.pause()
        if now < link.next_mishap:
            return
        link.next_mishap = now + mischief.pause()
        kind = mischief.kind()
        self.done[kind] += 1
        MISHAPS[kind](link, mischief.chance)

    def drop(self, link):
        if not link.alive:
            return
        link.alive = False
        self.links.remove(link)
        for side in link.sides:
            if side.sock in self.selector.get_map():
                self.selector.unregister(side.sock)
            side.sock.close()
