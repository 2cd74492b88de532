"""Another password: on disk when it is answered, and good for nothing to whoever only has a session."""
import pytest

from harness.attempts import attempt, attempt_token, revoked
from harness.control import Control
from harness.server import password_of
from harness.wire import pb

OLD, NEW, THIRD = password_of("alice"), "a new password", "a third password"


def change(peer, current, another):
    return peer.request("password", current=current, another=another)


# ---- what is promised ----


def test_done_is_on_disk(world):
    """kill -9 as soon as the answer is there."""
    server = world.server()
    current = OLD
    for round_number in range(5):
        here, there = world.peer(), world.peer()
        for peer in (here, there):
            peer.login("alice", current)
        another = f"password number {round_number}"
        here.done("password", current=current, another=another)
        server.kill9()
        server.start()
        assert attempt(world, "alice", another) == "ok"
        assert attempt(world, "alice", current) == "wrong_password"
        assert attempt_token(world, there.token) == "bad_token"
        assert attempt_token(world, here.token) == "ok"
        current = another


def test_the_client_is_still_logged_in_after_a_crash(world):
    server = world.server()
    alice, other = world.client("alice"), world.client("alice", label="other")
    path = world.directory / "passwords"
    path.write_text(f"{OLD}\n{NEW}\n")
    alice.ok(f"password {path}")
    server.kill9()
    server.start()
    assert other.exit_code() in (4, 5)  # refused when it came back, unless it was told before the crash
    alice.expect("disconnected")
    alice.expect("online")
    alice.logout()
    assert attempt(world, "alice", NEW) == "ok"
    everything = "".join([server.log, *alice.lines])
    assert OLD not in everything and NEW not in everything


def test_wrong_ones_are_counted_on_disk(world):
    server = world.server("--block-duration", 600)
    alice = world.peer("alice")
    for _ in range(2):
        error = alice.refused("password", "wrong_password", current="not-the-password", another=NEW)
        assert error.retry_after == 0
    error = alice.refused("password", "wrong_password", current="not-the-password", another=NEW)
    assert 590 < error.retry_after <= 600 and b"600" in error.text
    error = alice.refused("password", "account_blocked", current=OLD, another=NEW)
    assert error.retry_after > 590
    server.kill9()
    server.start()
    assert attempt(world, "alice", OLD) == "account_blocked"
    back = world.peer()
    back.resume(alice.token)
    back.refused("password", "account_blocked", current=OLD, another=NEW)
    Control(server).rows("unblock", "alice")
    back.done("password", current=OLD, another=NEW)
    assert attempt(world, "alice", NEW) == "ok"


def test_devices_everywhere(world):
    """On every event loop, however the devices are spread."""
    world.server("--threads", 4)
    peers = [world.peer("alice") for _ in range(8)]
    bob = world.peer("bob")
    change(peers[3], OLD, NEW)
    for peer in peers[:3] + peers[4:]:
        revoked(peer)
        assert attempt_token(world, peer.token) == "bad_token"
    peers[3].fence()
    bob.fence()
    assert attempt_token(world, bob.token) == "ok"
    assert not [event for event in bob.waiting("event_presence", user="alice") if not event.event_presence.online]


def test_a_logout_waits_for_the_answer(world):
    world.server()
    alice = world.peer("alice")
    number = alice.send("password", current=OLD, another=NEW)
    last = alice.send("logout")
    assert alice.answer(number).HasField("done")
    assert alice.answer(last).HasField("done")
    assert attempt(world, "alice", NEW) == "ok"


def test_a_stop_waits_for_the_answer(world):
    server = world.server()
    alice = world.peer("alice")
    number = alice.send("password", current=OLD, another=NEW)
    bob = world.peer("bob")  # what alice sent before has been read
    assert bob.token
    server.stop()
    assert alice.answer(number).HasField("done")
    server.start()
    assert attempt(world, "alice", NEW) == "ok"


# ---- at the same time ----


def test_two_devices(world):
    """One of them is first; the other one's password was the right one a moment ago, and is not any more."""
    world.server("--threads", 4)
    current = OLD
    for round_number in range(5):
        peers = [world.peer(), world.peer()]
        for peer in peers:
            peer.login("alice", current)
        wished = [f"{name} in round {round_number}" for name in ("first", "second")]
        for peer, wish in zip(peers, wished):
            peer.send("password", current=current, another=wish)
        results = [attempt(world, "alice", wish) for wish in wished]
        while "ok" not in results:
            results = [attempt(world, "alice", wish) for wish in wished]
        assert sorted(results) == ["ok", "wrong_password"]
        first = results.index("ok")
        peers[first].expect("done")
        revoked(peers[1 - first])
        assert not peers[1 - first].waiting("done")
        Control(world.servers[0]).run("unblock", "alice")
        current = wished[first]


def test_logins_under_way(world):
    """Of logins that race with the change, none is left with the old password."""
    server = world.server("--threads", 4, "--hash-queue", 1000, "--max-logins-per-minute", 0)
    alice = world.peer("alice")
    racers = [world.peer() for _ in range(12)]
    for peer in racers[:6]:
        peer.hello()
        peer.send("login", user="alice", password=OLD)
    number = alice.send("password", current=OLD, another=NEW)
    for peer in racers[6:]:
        peer.hello()
        peer.send("login", user="alice", password=OLD)
    assert alice.answer(number).HasField("done")
    for peer in racers:
        while not peer.waiting("welcome") and not peer.waiting("error"):
            peer.inbox.append(peer.read())
        if peer.waiting("welcome"):
            revoked(peer)
    assert len(Control(server).rows("sessions", "alice")) == 1
    alice.fence()


@pytest.mark.parametrize("command", ("password", "disable"))
def test_an_administrator(world, command):
    """Whichever is first, the administrator's word holds in the end: what was given away is taken back."""
    server = world.server("--threads", 4, "--max-logins-per-minute", 0)
    control = Control(server)
    for round_number in range(5):
        alice = world.peer()
        alice.login("alice", OLD)
        alice.send("password", current=OLD, another=NEW)
        control.rows(command, "alice", password=THIRD if command == "password" else None)
        revoked(alice)
        assert attempt_token(world, alice.token) == "bad_token"
        if command == "password":
            assert attempt(world, "alice", THIRD) == "ok"
        else:
            assert attempt(world, "alice", NEW) == attempt(world, "alice", OLD) == "wrong_password"
            control.rows("enable", "alice")
            control.run("unblock", "alice")
            assert attempt_token(world, alice.token) == "bad_token"
        control.rows("password", "alice", password=OLD)


# ---- servers that do not answer ----


def asked(link, kind):
    """The next request of this kind, and its number."""
    while True:
        frame = link.inbox.pop(0) if link.inbox else link.read()
        if frame.WhichOneof("body") == kind:
            return frame.number, getattr(frame, kind)


def test_nobody_knows(world):
    """The connection goes before the answer: the client says so, does not ask again, and comes back."""
    fake = world.fake_server()
    alice = world.start_client("alice", server=fake)
    link = fake.accept_login("alice")
    path = world.directory / "passwords"
    path.write_text(f"{OLD}\n{NEW}\n")
    number = alice.send(f"password {path}")
    _, passwords = asked(link, "password")
    assert (passwords.current.decode(), passwords.another.decode()) == (OLD, NEW)
    link.close()
    answer = alice.answer(number)
    assert answer["code"] == "unavailable" and "may or may not" in answer["text"] and "retry_after" not in answer
    link = fake.accept_login("alice")
    whoelse = alice.send("whoelse")
    link.send("users", asked(link, "whoelse")[0], users=[b"bob"])
    assert alice.answer(whoelse)["users"] == ["bob"]
    link.nothing("password")
    alice.kill()


def test_an_old_server(world):
    fake = world.fake_server()
    alice = world.start_client("alice", server=fake)
    link = fake.accept_login("alice")
    path = world.directory / "passwords"
    path.write_text(f"{OLD}\n{NEW}\n")
    number = alice.send(f"password {path}")
    link.send("error", asked(link, "password")[0], code=pb.ERROR_UNKNOWN_COMMAND, text="There is no such command.")
    answer = alice.answer(number)
    assert answer["code"] == "unknown_command" and "older" in answer["text"]
    alice.kill()
