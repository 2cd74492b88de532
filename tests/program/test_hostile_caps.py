"""earshot against a server that wants its memory, its time, or its attention for ever: each has a cap, and what happens there is told.

Memory is judged, times only in the long form: there a server that keeps a client waiting, in every way it can think of, is given up
when earshot(1) says so.
"""
import random
import signal
import socket
import ssl
import threading
import time

import pytest

from harness import memory, surroundings
from harness.wire import FRAME_MAX, Closed, framed, pb, varint

TEXT = "x" * 16000
TIME = 1700000000000
LAST = 2**64 - 1


def connect(world, user="alice", label=None):
    fake = world.fake_server()
    client = world.start_client(user, server=fake, label=label)
    link = fake.accept_login(user)
    client.expect("online", user=user)
    return fake, client, link


def message(number, body, conversation=7, sender="mallory", **fields):
    event = pb.Message(conversation=conversation, id=number, to=b"alice", body=body.encode(), **{"time_ms": TIME, **fields})
    setattr(event, "from", sender.encode())
    return framed(pb.ServerFrame(event_message=event))


def flood(link, pieces, most):
    """Sends until the client takes no more for a while, or enough. The bytes that were taken, and the piece that is begun."""
    link.sock.settimeout(1.0 * surroundings.SLOW)
    taken = 0
    for piece in pieces:
        try:
            while piece:
                sent = link.sock.send(piece[:16384])
                taken += sent
                piece = piece[sent:]
        except (TimeoutError, ssl.SSLWantWriteError):
            return taken, piece
        if taken >= most:
            break
    return taken, b""


def at_hand(link):
    """The frames that have come already."""
    link.sock.settimeout(0.2 * surroundings.SLOW)
    try:
        while True:
            link.buffer += link.sock.recv(1 << 16)
    except TimeoutError:
        pass
    frames = []
    while (data := link.cut()) is not None:
        frames.append(link.reads.FromString(data))
    return frames


def grown(client, since, most):
    growth = memory.peak(client) - since
    assert growth <= most or surroundings.sanitized(), f"{client.name} grew by {memory.megabytes(growth)}"
    return growth


def at_rest(client):
    memory.forget_peak(client)
    return memory.resident(client)


# ---- memory ----


def test_lines_that_are_never_acknowledged(world, report):
    """A server that reads all and answers nothing: the client stops reading lines, and goes on as soon as answers come."""
    _, client, link = connect(world)
    before = at_rest(client)
    lines = 1200
    writer = threading.Thread(target=lambda: [client.write(f"message bob {TEXT}\n".encode()) for _ in range(lines)], daemon=True)
    writer.start()
    numbers = []
    while len(numbers) < 512:
        frame = link.read()
        numbers += [frame.number] if frame.HasField("message") else []
    link.send("error", 0, code=14, text="a sign of life")  # when that is told, the client has done what it can
    client.expect("error", code="too_long")
    assert not [frame for frame in at_hand(link) if frame.HasField("message")], "more requests under way than there may be"
    growth = grown(client, before, 40 << 20)
    assert writer.is_alive(), "it reads lines without end"
    answered = 0
    link.sock.settimeout(surroundings.PATIENCE)
    while answered < lines:
        for number in numbers[answered:]:
            link.send("accepted", number, id=number, time_ms=TIME)
            answered += 1
            world.hub.turn(0)
        while len(numbers) == answered < lines:
            frame = link.read()
            numbers += [frame.number] if frame.HasField("message") else []
    writer.join(surroundings.PATIENCE)
    world.hub.wait(lambda: len(client.waiting("ok")) == lines, "every line's answer")
    report(f"{lines} lines of 16,000 bytes, 512 unanswered: it grew by {memory.megabytes(growth)}")
    client.kill()


def test_messages_to_a_reader_who_does_not_read(world, report):
    """Then nothing is taken from the server either; and when it reads on, everything is there, once and in order."""
    _, client, link = connect(world)
    before = at_rest(client)
    taken, rest = flood(link, (message(number, f"{number} {TEXT}") for number in range(1, 6000)), 64 << 20)
    assert taken < 32 << 20, "it takes everything"
    growth = grown(client, before, 4 << 20)
    count = taken // len(message(1, f"1 {TEXT}")) + 1
    finisher = threading.Thread(target=lambda: link.sock.sendall(rest), daemon=True)
    link.sock.settimeout(surroundings.PATIENCE)
    finisher.start()
    world.hub.wait(lambda: len(client.waiting("message")) >= count - 1 and not finisher.is_alive(), "what was sent")
    numbers = [int(event["body"].split()[0]) for event in client.waiting("message")]
    assert numbers == list(range(1, len(numbers) + 1))
    report(f"{memory.megabytes(taken)} were taken before it stopped; it grew by {memory.megabytes(growth)}")
    client.kill()


@pytest.mark.parametrize("number", (signal.SIGTERM, signal.SIGINT, signal.SIGHUP))
def test_a_signal_ends_it_though_nobody_reads(world, number):
    _, client, link = connect(world)
    flood(link, (message(number, TEXT) for number in range(1, 6000)), 64 << 20)
    client.signal(number)
    assert client.popen.wait(surroundings.PATIENCE) in (0, 128 + number, -number)


FLOODS = {
    "names": lambda at: framed(pb.ServerFrame(event_presence=pb.Presence(user=f"u{at}".encode(), online=True))),
    "conversations": lambda at: message(at + 1, "", conversation=at + 1),
    "conversations at the end": lambda at: message(LAST, "", conversation=LAST - at),
    "requests for private channels": lambda at: framed(pb.ServerFrame(private_request=pb.PrivateRequest(
        **{"from": f"u{at}".encode()}, channel=at.to_bytes(16, "big"), device=at))),
    "horizons": lambda at: framed(pb.ServerFrame(caught_up=pb.CaughtUp(horizon=LAST - at))),
    "greetings": lambda at: framed(pb.ServerFrame(greeting=pb.Greeting(version=at, server=b"x" * 60, heartbeat_seconds=at + 1))),
    "welcomes": lambda at: framed(pb.ServerFrame(answers=2, welcome=pb.Welcome(user=b"alice", token=at.to_bytes(32, "big")))),
    "signals": lambda at: framed(pb.ServerFrame(signal=pb.Signal(**{"from": b"bob"}, device=at, channel=b"c" * 16, payload=b"x" * 500))),
    "answers": lambda at: framed(pb.ServerFrame(answers=at, accepted=pb.Accepted(id=at))),
}


@pytest.mark.parametrize("what", FLOODS)
def test_a_flood_of(world, report, what):
    _, client, link = connect(world)
    link.sock.settimeout(surroundings.PATIENCE)
    before = at_rest(client)
    pieces = [FLOODS[what](at) for at in range(25000)]
    sender = threading.Thread(target=lambda: [link.sock.sendall(b"".join(pieces[at:at + 500])) for at in range(0, len(pieces), 500)],
                              daemon=True)
    sender.start()
    world.hub.wait(lambda: not sender.is_alive(), "all of it to be taken", 30)
    link.send_bytes(framed(pb.ServerFrame(error=pb.Error(code=14, text=b"the end"))))
    client.expect("error", code="too_long", seconds=30)
    growth = grown(client, before, 12 << 20)
    report(f"{len(pieces)} {what}: it grew by {memory.megabytes(growth)}")
    number = client.send("whoelse")
    while not (frame := link.read()).HasField("whoelse"):
        pass
    link.send("users", frame.number, users=[b"bob"])
    assert client.answer(number)["users"] == ["bob"]
    client.kill()


UNKNOWN = {
    "one long field": (b"\xa2\x06" + varint(FRAME_MAX - 5) + b"x" * (FRAME_MAX - 5), True),
    "many small ones": (b"\xa0\x06\x01" * (FRAME_MAX // 3), False),
    "many empty ones": (b"\xa2\x06\x00" * (FRAME_MAX // 3), False),
}


@pytest.mark.parametrize("what", UNKNOWN)
def test_64_kib_of_unknown_fields(world, report, what):
    """What takes more memory than any frame of the protocol does is refused, like what is not the protocol; the rest is tolerated."""
    fake, client, link = connect(world)
    before = at_rest(client)
    content, tolerated = UNKNOWN[what]
    frame = framed(content)
    if tolerated:
        for _ in range(50):
            link.send_bytes(frame)
    else:
        link.send_bytes(frame)
        client.expect("disconnected", reason="network")
        link = fake.accept_login("alice")
        client.expect("online")
    link.send_bytes(message(1, "and?"))
    client.expect("message", body="and?")
    report(f"{what}: it grew by {memory.megabytes(grown(client, before, 4 << 20))}")
    client.kill()


def test_a_list_without_end(world, report):
    _, client, link = connect(world)
    before = at_rest(client)
    number = client.send("whoelse")
    while not (frame := link.read()).HasField("whoelse"):
        pass
    names = [f"{at:032d}".encode() for at in range(1800)]
    piece = framed(pb.ServerFrame(answers=frame.number, users=pb.Users(users=names, more=True)))
    link.sock.settimeout(surroundings.PATIENCE)
    sent = 0
    while not client.waiting("error") and sent < 200 << 20:
        link.sock.sendall(piece)
        sent += len(piece)
        world.hub.turn(0)
    answer = client.answer(number)
    assert answer["event"] == "error" and answer["code"] == "unavailable", answer
    growth = grown(client, before, 40 << 20)
    report(f"given up after {memory.megabytes(sent)}; it grew by {memory.megabytes(growth)}")
    client.kill()


# ---- what is odd ----


def test_numbers_at_their_ends(world):
    """Every number as large or as small as it goes: a line of JSON all the same, and nothing is taken back."""
    _, client, link = connect(world)
    for at, stamp in enumerate((2**63 - 1, -2**63, -1, 0)):
        link.send_bytes(message(LAST - 3 + at, f"{at}", conversation=LAST, time_ms=stamp))
        event = client.expect("message", body=f"{at}")
        assert event["id"] == LAST - 3 + at and event["time"].endswith("Z")
    link.send_bytes(message(0, "too late", conversation=LAST))
    link.send("event_broadcast", body=b"all", time_ms=-2**63, **{"from": "bob"})
    client.expect("broadcast", body="all")
    for line, kind, fields in (("message bob x", "accepted", {"id": LAST, "time_ms": 2**63 - 1}),
                               ("broadcast x", "announced", {"delivered": 2**32 - 1}),
                               ("block bob", "error", {"code": 2**32 - 1, "retry_after": 2**32 - 1, "text": b"\xff\x1b"})):
        number = client.send(line)
        while not (frame := link.read()).HasField(line.split()[0]):
            pass
        link.send(kind, frame.number, **fields)
        answer = client.answer(number)
        assert answer["event"] == "error" if kind == "error" else answer["event"] == "ok"
    client.nothing("message", body="too late")
    client.kill()


def test_positions_do_not_go_back(world):
    _, client, link = connect(world)
    for number in (5, 3, 4, 6, 6, 1, 7):
        link.send_bytes(message(number, f"{number}"))
    link.send("caught_up", horizon=100)
    link.send("caught_up", horizon=2)
    client.expect("message", body="7")
    assert [event["body"] for event in client.seen if event["event"] == "message"] == ["5", "6", "7"]
    last = 0
    while last < 7:
        for position in link.expect("received").positions:
            assert position.id >= last
            last = position.id
    client.kill()


def test_a_login_byte_by_byte(world):
    """As slow as it gets, and complete: it is let in."""
    fake = world.fake_server()
    client = world.start_client("alice", server=fake)
    link = fake.accept()
    link.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    hello, login = link.read(), link.read()
    assert hello.HasField("hello")
    data = framed(pb.ServerFrame(answers=hello.number, greeting=pb.Greeting(version=1, server=b"slow", heartbeat_seconds=20)))
    data += framed(pb.ServerFrame(answers=login.number, welcome=pb.Welcome(user=b"alice", token=b"t" * 32, time_ms=TIME)))
    for byte in data + message(1, "slowly"):
        link.send_bytes(bytes([byte]))
    client.expect("online")
    client.expect("message", body="slowly")
    client.kill()


# ---- a session with mistakes in it ----


def session():
    """What a server may say, once to a client that has asked nothing."""
    frames = [
        pb.ServerFrame(event_presence=pb.Presence(user=b"bob", online=True)),
        pb.ServerFrame(caught_up=pb.CaughtUp(horizon=9)),
        pb.ServerFrame(event_broadcast=pb.Broadcast(**{"from": b"bob"}, body=b"to all", time_ms=TIME)),
        pb.ServerFrame(private_request=pb.PrivateRequest(**{"from": b"carol"}, channel=b"c" * 16, device=3)),
        pb.ServerFrame(private_settled=pb.PrivateSettled(**{"with": b"carol"}, channel=b"c" * 16, outcome=4)),
        pb.ServerFrame(error=pb.Error(code=14, text=b"too long", retry_after=3)),
        pb.ServerFrame(pong=pb.Pong()),
    ]
    return message(10, "hello", stored=True) + b"".join(map(framed, frames)) + message(11, "bye")


def mutations(chance, count):
    """Of each kind in turn: a bit flipped, cut short, a byte twice, a byte missing."""
    data = session()
    for which in range(count):
        at = chance.randrange(len(data))
        kinds = (data[:at] + bytes([data[at] ^ 1 << chance.randrange(8)]) + data[at + 1:], data[:at], data[:at + 1] + data[at:],
                 data[:at] + data[at + 1:])
        yield which % 4, at, kinds[which % 4]


def with_mistakes(world, report, count, together=8):
    """The real program; each gets one mutation, and then the connection ends."""
    chance = random.Random(7)
    codes = {}
    todo = list(mutations(chance, count))
    while todo:
        batch, todo = todo[:together], todo[together:]
        running = []
        for kind, at, data in batch:
            _, client, link = connect(world, label=f"m{len(world.clients)}")
            link.send_bytes(data)
            running.append((kind, at, client, link))
        for kind, at, client, link in running:
            link.close()
            client.end_input()
            code = client.exit_code()
            codes[code] = codes.get(code, 0) + 1
            assert code in (0, 2, 5), f"kind {kind} at {at}: exit {code}"
    report(f"{count} sessions with a mistake: exit codes {codes}")


def test_a_sample_of_mistakes(world, report):
    with_mistakes(world, report, 16)


@pytest.mark.slow
def test_many_mistakes(world, report):
    with_mistakes(world, report, 400)


# ---- time ----


class Waster(threading.Thread):
    """Does `waste(world's fake server)` while a client waits."""

    def __init__(self, waste, fake):
        super().__init__(daemon=True)
        self.waste, self.fake, self.over = waste, fake, threading.Event()

    def run(self):
        try:
            self.waste(self)
        except (OSError, Closed, AssertionError):
            pass  # it was left

    def accept_login(self):
        return self.fake.accept_login("alice")

    def again(self):
        return not self.over.wait(0.5)


def mute(waster):
    plain = waster.fake.accept_plain()
    while waster.again():
        pass
    plain.close()


def handshake_in_crumbs(waster):
    plain = waster.fake.accept_plain()
    hello = b"\x16\x03\x03\x10\x00"  # a record of 4,096 bytes is begun
    for at in range(10**6):
        if not waster.again():
            break
        plain.sendall(hello[at:at + 1] or b"\x02")


def silent_after_tls(waster):
    link = waster.fake.accept()
    while waster.again():
        link.sock.setblocking(True)


def greets_for_ever(waster):
    link = waster.fake.accept()
    while waster.again():
        link.send("greeting", 1, version=1, server="fake", heartbeat_seconds=20)
        link.send("event_presence", user="bob", online=True)


def frame_without_end(waster):
    link = waster.accept_login()
    link.send_bytes(varint(60000))
    while waster.again():
        link.send_bytes(b"\xa2")


def never_answers(waster):
    while waster.again():
        link = waster.accept_login()
        try:
            while waster.again():
                link.send("pong", 5)
                link.send("event_presence", user="bob", online=True)
        except OSError:
            pass


# what it does, the lines that the client is given, what is told first, its exit code, and the seconds that it may take
WASTERS = {
    "mute before TLS": (mute, "", None, 2, 20),
    "a handshake in crumbs": (handshake_in_crumbs, "", None, 2, 20),
    "silent after TLS": (silent_after_tls, "", None, 2, 30),
    "greets for ever": (greets_for_ever, "", None, 2, 30),
    "a frame without end": (frame_without_end, None, "disconnected", None, 30),
    "never answers": (never_answers, "whoelse\nmessage bob x\n", None, 2, 180),
}


@pytest.mark.slow
def test_wasted_time(world, report):
    """All at once, each with a client of its own: every one is given up, and in the time that earshot(1) states."""
    running, began = {}, time.monotonic()
    for what, (waste, lines, _, _, _) in WASTERS.items():
        fake = world.fake_server()
        waster = Waster(waste, fake)
        waster.start()
        client = world.start_client("alice", server=fake, label=what.replace(" ", "-"))
        if lines is not None:
            client.write(lines.encode())
            client.end_input()
        running[what] = (client, waster)
    for what in sorted(running, key=lambda name: WASTERS[name][4]):
        client, waster = running[what]
        _, _, told, code, seconds = WASTERS[what]
        if told:
            client.expect(told, seconds=2 * seconds)
        else:
            assert client.exit_code(2 * seconds) == code, what
        took = time.monotonic() - began
        report(f"{what}: given up after {took:.1f} s")
        assert took < 1.25 * seconds + 5, what
        waster.over.set()
        client.kill()
    assert running["never answers"][0].waiting("error", code="unavailable")
