"""earshot against a server that lies, stutters or breaks off. It must neither crash nor show what must not be shown."""
import contextlib
import os
import random

import pytest

from harness import surroundings
from harness.wire import FRAME_MAX, framed, pb, varint

EVIL = "\x1b[2J\x1b]0;owned\x07\x1b[31mred\x9b31m \x08\x08\r\x00 \u202eevil"
FORBIDDEN = ("\x1b", "\x07", "\x08", "\x9b", "\x00", "\r", "\u202e")


def connect(world, user="alice"):
    fake = world.fake_server()
    client = world.start_client(user, server=fake)
    link = fake.accept_login(user)
    client.expect("online", user=user)
    return fake, client, link


def message(link, number, body, sender="mallory", **fields):
    link.send("event_message", conversation=7, id=number, to="alice", body=body, time_ms=1700000000000, **{"from": sender, **fields})


def test_control_characters_in_json(world):
    """JSON can say anything, escaped; the line itself holds no control characters."""
    _, client, link = connect(world)
    message(link, 1, EVIL.encode())
    message(link, 2, b"\xff\xfe not UTF-8")
    message(link, 3, "fine")
    assert client.expect("message", body="fine")
    for line in client.lines:
        assert not any(ord(letter) < 32 or ord(letter) == 127 for letter in line)
    client.kill()


def test_control_characters_in_plain(world):
    fake = world.fake_server()
    argv = [str(arg) for arg in world.client_args("alice", "alice", server=fake)]
    process = world.program(surroundings.EARSHOT, "--plain", *argv, name="plain")
    link = fake.accept_login("alice")
    message(link, 1, EVIL.encode())
    message(link, 2, "x", sender=EVIL)
    link.send("event_broadcast", body=EVIL.encode(), time_ms=1, **{"from": "mallory"})
    link.send("event_presence", user=EVIL, online=True)
    link.send("error", code=99, text=EVIL)
    link.send("private_request", **{"from": EVIL})
    message(link, 3, "the end")
    world.hub.wait(lambda: any("the end" in line for line in process.lines), "the last message")
    for line in process.lines:
        assert not any(letter in line for letter in FORBIDDEN), repr(line)
    process.kill()


def test_unknown_frames_are_tolerated(world):
    _, client, link = connect(world)
    link.send_bytes(framed(b"\xa2\x06\x03abc"))
    link.send_bytes(framed(b""))
    frame = link.frame("event_presence", user="bob", online=True)
    link.send_bytes(framed(frame.SerializeToString() + b"\xa2\x06\x03abc"))
    assert client.expect("presence")["user"] == "bob"
    client.nothing("disconnected")
    client.kill()


def test_answers_that_nobody_asked_for(world):
    _, client, link = connect(world)
    for kind, fields in (("done", {}), ("accepted", {"id": 5}), ("announced", {"delivered": 3}), ("users", {"users": [b"x"]}),
                         ("pong", {}), ("error", {"code": 5, "text": "no"}), ("welcome", {"user": "root", "token": b"x" * 32}),
                         ("challenge", {}), ("caught_up", {"horizon": 2**63})):
        for number in (0, 1, 10**9):
            with contextlib.suppress(OSError):
                link.send(kind, number, **fields)
    with contextlib.suppress(OSError):
        message(link, 1, "still here?")
    world.hub.wait(lambda: client.waiting("message") or client.waiting("disconnected"), "either")
    assert client.alive
    client.kill()


BREAKS = {
    "garbage": b"\xff" * 100,
    "frame too long": varint(FRAME_MAX + 1) + b"x" * 10,
    "cut frame": b"\x40abc",
    "http": b"HTTP/1.1 400 Bad Request\r\n\r\n",
    "nothing": b"",
}


@pytest.mark.parametrize("what", BREAKS)
def test_a_broken_stream(world, what):
    """Told as a lost connection; it comes back and goes on."""
    fake, client, link = connect(world)
    if BREAKS[what]:
        link.send_bytes(BREAKS[what])
    link.close()
    assert client.expect("disconnected")["reason"] == "network"
    link = fake.accept_login("alice")
    client.expect("online")
    message(link, 1, "hello again")
    assert client.expect("message")["body"] == "hello again"
    client.kill()


@pytest.mark.parametrize("seed", range(3))
def test_random_frames(world, seed):
    chance = random.Random(seed)
    fake, client, link = connect(world)
    for _ in range(2):
        with contextlib.suppress(OSError):
            for _ in range(50):
                link.send_bytes(framed(chance.randbytes(chance.randrange(200))))
        link.close()
        link = fake.accept_login("alice")
    message(link, 10**6 + seed, "hello again")
    client.expect("message", body="hello again")
    client.kill()


def test_a_message_comes_twice(world):
    """After a reconnect the server may repeat what it is not sure of; the client knows better."""
    fake, client, link = connect(world)
    message(link, 1, "one")
    message(link, 2, "two")
    client.expect("message", body="two")
    link.close()
    link = fake.accept_login("alice")
    message(link, 1, "one", stored=True)
    message(link, 2, "two", stored=True)
    message(link, 3, "three", stored=True)
    client.expect("message", body="three")
    assert [event["body"] for event in client.seen if event["event"] == "message"] == ["one", "two", "three"]
    client.kill()


def test_it_acknowledges_what_it_got(world):
    _, client, link = connect(world)
    message(link, 1, "one")
    client.expect("message", body="one")
    received = link.expect("received")
    assert (received.positions[0].conversation, received.positions[0].id) == (7, 1)
    client.kill()


def test_it_resumes_with_its_token(world):
    fake, client, link = connect(world)
    link.send("caught_up", horizon=5)
    message(link, 9, "one")
    client.expect("message", body="one")
    link.close()
    link = fake.accept()
    hello = link.expect("hello")
    assert hello.version == 1
    link.send("greeting", 1, version=1, server="fake 1", heartbeat_seconds=20)
    resume = link.expect("resume")
    assert resume.token == b"t" * 32 and resume.continues and resume.horizon == 5
    assert [(position.conversation, position.id) for position in resume.positions] == [(7, 9)]
    client.kill()


def test_unanswered_messages_are_sent_again(world):
    fake, client, link = connect(world)
    number = client.send("message bob hello")
    first = link.read()
    while not first.HasField("message"):
        first = link.read()
    link.close()
    link = fake.accept_login("alice")
    again = link.read()
    while not again.HasField("message"):
        again = link.read()
    assert (again.number, again.message) == (first.number, first.message)
    link.send("accepted", again.number, id=9, time_ms=1700000000000)
    answer = client.answer(number)
    assert answer["event"] == "ok" and answer["id"] in (9, "9")
    client.kill()


def test_goodbyes(world):
    """Logged out by the server is exit 5."""
    for reason, word in ((pb.Goodbye.REASON_TIMEOUT, "timeout"), (pb.Goodbye.REASON_SHUTDOWN, "shutdown")):
        _, client, link = connect(world)
        link.send("goodbye", reason=reason, text="bye")
        link.close()
        assert client.expect("disconnected")["reason"] == word
        assert client.exit_code() == 5


def test_a_replaced_device_does_not_fight(world):
    """The same device was taken up elsewhere; both reconnecting for ever would help nobody."""
    _, client, link = connect(world)
    link.send("goodbye", reason=pb.Goodbye.REASON_REPLACED, text="elsewhere")
    link.close()
    assert client.expect("disconnected")["reason"] == "replaced"
    assert client.exit_code() == 5


def test_a_server_that_does_not_shake_hands(world):
    """Connection refused is not the only way not to get in."""
    fake = world.fake_server()
    client = world.start_client("alice", server=fake)
    plain = fake.accept_plain()
    plain.sendall(b"SSH-2.0-OpenSSH_9.2\r\n")
    plain.close()
    assert client.exit_code() == 2


def test_a_login_that_is_never_answered_but_closed(world):
    fake = world.fake_server()
    client = world.start_client("alice", server=fake)
    link = fake.accept()
    link.read()
    link.close()
    assert client.exit_code() == 2


def test_many_users_in_several_frames(world):
    _, client, link = connect(world)
    number = client.send("whoelse")
    frame = link.read()
    while not frame.HasField("whoelse"):
        frame = link.read()
    for start in range(0, 3000, 1000):
        link.send("users", frame.number, users=[b"u%05d" % at for at in range(start, start + 1000)], more=start < 2000)
    assert client.answer(number)["users"] == [f"u{at:05d}" for at in range(3000)]
    client.kill()


def test_a_flood(world):
    """A megabyte of messages comes out whole and in order."""
    _, client, link = connect(world)
    for at in range(500):
        message(link, at + 1, f"{at} " + "x" * 2000)
    world.hub.wait(lambda: len(client.waiting("message")) == 500, "five hundred messages")
    assert [int(event["body"].split()[0]) for event in client.waiting("message")] == list(range(500))
    client.kill()


def test_random_bytes_instead_of_tls(world):
    fake = world.fake_server()
    client = world.start_client("alice", server=fake)
    plain = fake.accept_plain()
    with contextlib.suppress(OSError):
        plain.sendall(os.urandom(5000))
    plain.close()
    assert client.exit_code() in (2, 3)
